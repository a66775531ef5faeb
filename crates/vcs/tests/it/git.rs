//! Fetching, comparing and packing real repositories.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use statehouse_vcs::git::{Access, Changes, GitError, Remote, Wanted, Wishes};
use statehouse_vcs::{CommitId, RefName, Reference};

use crate::kit::{Origin, Place, Server, remote, unpacked};

fn the(commit: &CommitId) -> Wanted {
    Wanted { commit: Some(commit.clone()), reference: None }
}

fn branch(name: &str) -> Reference {
    Reference::Branch(RefName::parse(name).unwrap())
}

fn paths(paths: &[&str]) -> Changes {
    Changes::Paths(paths.iter().map(|&path| path.to_owned()).collect())
}

#[tokio::test]
async fn a_commit_is_fetched_once_without_what_is_in_its_files() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    let first = origin.push("one");
    origin.write("app/x.tf", "b");
    let second = origin.push("two\n\nwith more");
    let repository = place.repository(&server.of("infra"));
    assert_eq!(repository.fetch(&the(&second)).await.unwrap(), second);
    let (requests, programs) = (server.requests(), place.started.with_network());

    assert_eq!(repository.fetch(&the(&first)).await.unwrap(), first);
    assert_eq!(
        repository.changed_by_push(Some(&first), &second).await.unwrap(),
        paths(&["app/x.tf"])
    );
    assert_eq!(repository.merge_base(&first, &second).await.unwrap(), Some(first.clone()));
    let commit = repository.commit(&second).await.unwrap();
    assert_eq!((commit.message.as_str(), commit.author_name.as_str()), ("two\n\nwith more", "Ann"));
    assert_eq!(commit.committed_at, 1_700_000_000);
    assert_eq!(repository.log(&second, 10).await.unwrap().len(), 2);
    assert_eq!(repository.folders(&second, "").await.unwrap(), ["app"]);
    assert!(repository.folders(&second, "../x").await.unwrap().is_empty());
    assert_eq!(server.requests(), requests, "nobody has to be asked again");
    assert_eq!(place.started.with_network(), programs);

    let before = server.fetches();
    let packed =
        repository.archive(&second, &Wishes::default(), &place.path("a.tar.gz")).await.unwrap();
    assert_eq!(packed.files, 2);
    assert_eq!(server.fetches() - before, 1, "all contents come at once");
    let again = repository.archive(&second, &Wishes::default(), &place.path("b.tar.gz")).await;
    assert_eq!(again.unwrap(), packed);
    assert_eq!(server.fetches() - before, 1);
    let [one, two] = ["a.tar.gz", "b.tar.gz"].map(|name| std::fs::read(place.path(name)).unwrap());
    assert!(one == two, "the same commit makes the same archive");
}

#[tokio::test]
async fn many_who_ask_at_once_are_served_by_one_fetch() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    let commit = origin.push("one");
    let repository = place.repository(&server.of("infra"));
    let asking = (0..10).map(|_| {
        let (repository, wanted) = (repository.clone(), the(&commit));
        tokio::spawn(async move { repository.fetch(&wanted).await.unwrap() })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), commit);
    }
    let fetches = place.started.orders.lock().unwrap();
    let fetches =
        fetches.iter().filter(|order| order.args.first().is_some_and(|arg| arg == "fetch"));
    assert_eq!(fetches.count(), 1);
}

#[tokio::test]
async fn what_a_push_has_changed_is_what_the_branch_lost_and_gained() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("old/name.tf", "the same content, long enough to be called a rename\n");
    origin.write("stays.tf", "a");
    origin.write("mein modul/größe.tf", "a");
    let start = origin.push("start");
    origin.write("new/name.tf", "the same content, long enough to be called a rename\n");
    origin.remove("old/name.tf");
    origin.write("mein modul/größe.tf", "b");
    let renamed = origin.push("renamed");
    origin.git(&["reset", "-q", "--hard", start.as_str()]);
    origin.write("forced.tf", "a");
    let forced = origin.push("forced");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&renamed)).await.unwrap();
    repository.fetch(&the(&forced)).await.unwrap();
    assert_eq!(
        repository.changed_by_push(Some(&start), &renamed).await.unwrap(),
        paths(&["mein modul/größe.tf", "new/name.tf", "old/name.tf"])
    );
    assert_eq!(
        repository.changed_by_push(Some(&renamed), &forced).await.unwrap(),
        paths(&["forced.tf", "mein modul/größe.tf", "new/name.tf", "old/name.tf"])
    );
    let pull = repository.changed_by_pull_request(&renamed, &forced).await.unwrap();
    assert_eq!(pull, paths(&["forced.tf"]), "only what the pull request brings");
    assert_eq!(repository.changed_by_push(None, &forced).await.unwrap(), Changes::Unknown);
    let never = CommitId::parse(&"ab".repeat(20)).unwrap();
    let unknown = repository.changed_by_push(Some(&never), &forced).await.unwrap();
    assert_eq!(unknown, Changes::Unknown);
}

#[tokio::test]
async fn histories_without_a_common_commit_have_changed_everything() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("a.tf", "a");
    let main = origin.push("main");
    origin.git(&["checkout", "-q", "--orphan", "other"]);
    origin.write("b.tf", "b");
    let other = origin.push("other");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&main)).await.unwrap();
    repository.fetch(&the(&other)).await.unwrap();
    assert_eq!(repository.merge_base(&main, &other).await.unwrap(), None);
    let changes = repository.changed_by_pull_request(&main, &other).await.unwrap();
    assert_eq!(changes, Changes::Unknown);
}

#[tokio::test]
async fn three_hundred_files_are_told_and_more_than_allowed_are_unknown() {
    let server = Server::new().await;
    let place = Place::with(statehouse_vcs::git::Limits { files: 301, ..Default::default() });
    let origin = Origin::new(server.root(), "infra");
    let start = origin.push("start");
    for number in 0..301 {
        origin.write(&format!("many/{number}.tf"), "x");
    }
    let full = origin.push("many");
    origin.write("one more.tf", "x");
    let over = origin.push("more");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&over)).await.unwrap();
    let Changes::Paths(paths) = repository.changed_by_push(Some(&start), &full).await.unwrap()
    else {
        panic!("they are known")
    };
    assert_eq!(paths.len(), 301);
    let over = repository.changed_by_push(Some(&start), &over).await.unwrap();
    assert_eq!(over, Changes::Unknown);
}

#[tokio::test]
async fn an_archive_holds_what_a_checkout_would() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    origin.write("modules/deep/er/x.tf", "b");
    origin.write("run.sh", "#!");
    origin.make_executable("run.sh");
    origin.link("modules/link.tf", "../main.tf");
    origin.link("dangling", "nowhere");
    // Tools would leave this away: it decides what is in tarballs for people.
    origin.write(".gitattributes", "*.tf export-ignore\n");
    let commit = origin.push("files");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let into = place.path("a.tar.gz");
    let packed = repository.archive(&commit, &Wishes::default(), &into).await.unwrap();
    assert!(packed.left_out.is_empty());
    assert_eq!(packed.bytes, std::fs::metadata(&into).unwrap().len());
    let expected = BTreeMap::from(
        [
            (".gitattributes", "*.tf export-ignore\n"),
            ("dangling", "→ nowhere"),
            ("main.tf", "a"),
            ("modules/deep/er/x.tf", "b"),
            ("modules/link.tf", "→ ../main.tf"),
            ("run.sh", "#!*"),
        ]
        .map(|(path, content)| (path.to_owned(), content.to_owned())),
    );
    assert_eq!(unpacked(&into), expected);
    let twice = repository.archive(&commit, &Wishes::default(), &into).await;
    assert!(matches!(twice, Err(GitError::Io(_))), "nothing is written over: {twice:?}");
}

#[tokio::test]
async fn submodules_come_along_where_they_are_wished() {
    let (server, place) = (Server::new().await, Place::new());
    let inner = Origin::new(server.root(), "inner");
    inner.write("deep.tf", "d");
    let inner_commit = inner.push("inner");
    let module = Origin::new(server.root(), "module");
    module.write("m.tf", "m");
    module.commit("m");
    module.submodule("inner", "../inner.git", &inner_commit);
    let module_commit = module.push_index("module");
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    origin.commit("main");
    origin.submodule("vendor/module", "../module.git", &module_commit);
    let commit = origin.push_index("with a submodule");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let without = place.path("without.tar.gz");
    repository.archive(&commit, &Wishes::default(), &without).await.unwrap();
    assert_eq!(unpacked(&without).into_keys().collect::<Vec<_>>(), [".gitmodules", "main.tf"]);
    let with = place.path("with.tar.gz");
    let wishes = Wishes { submodules: true, ssh_key: None };
    repository.archive(&commit, &wishes, &with).await.unwrap();
    assert_eq!(
        unpacked(&with).into_keys().collect::<Vec<_>>(),
        [
            ".gitmodules",
            "main.tf",
            "vendor/module/.gitmodules",
            "vendor/module/inner/deep.tf",
            "vendor/module/m.tf"
        ]
    );
}

#[tokio::test]
async fn branches_and_tags_lead_to_their_commits_and_tell_when_they_are_gone() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    let commit = origin.push("one");
    origin.git(&["tag", "-a", "v1", "-m", "first"]);
    origin.git(&["tag", "light"]);
    origin.git(&["push", "-q", "origin", "v1", "light"]);
    let strange = "it's-\"$(touch${IFS}x)\"-ü";
    origin.git(&["push", "-q", "origin", &format!("HEAD:refs/heads/{strange}")]);
    origin.git(&["push", "-q", "origin", "HEAD:refs/pull/3/head"]);
    let address = server.of("infra");
    let refs = place.git.references(&remote(&address)).await.unwrap();
    assert_eq!(refs.default_branch, Some(RefName::parse("main").unwrap()));
    assert_eq!(refs.branches.len(), 2);
    assert!(refs.tags.values().all(|at| *at == commit) && refs.tags.len() == 2, "{refs:?}");
    let tag = |name: &str| Reference::Tag(RefName::parse(name).unwrap());
    let pull = Reference::Other(RefName::parse("pull/3/head").unwrap());
    for reference in [branch("main"), branch(strange), tag("v1"), tag("light"), pull] {
        // A cache of its own for each: nothing is there yet.
        let repository = place.git.repository(&reference.full(), remote(&address));
        let wanted = Wanted { commit: None, reference: Some(reference.clone()) };
        assert_eq!(repository.fetch(&wanted).await.unwrap(), commit, "{reference}");
    }
    let repository = place.repository(&address);
    let short = CommitId::parse(&commit.as_str()[..12]).unwrap();
    let wanted = Wanted { commit: Some(short), reference: Some(branch("main")) };
    assert_eq!(repository.fetch(&wanted).await.unwrap(), commit);
    let wanted = Wanted { commit: None, reference: Some(branch("gone")) };
    let gone = repository.fetch(&wanted).await.unwrap_err();
    assert_eq!(gone.to_string(), "there is no branch gone in the repository (any more)");
    let never = CommitId::parse(&"ab".repeat(20)).unwrap();
    let gone = repository.fetch(&the(&never)).await;
    assert!(matches!(gone, Err(GitError::NoCommit(_))), "{gone:?}");
    let nowhere = place.repository(&server.of("nowhere"));
    let gone = nowhere.fetch(&the(&commit)).await;
    assert!(matches!(gone, Err(GitError::NoRepository)), "{gone:?}");
}

#[tokio::test]
async fn a_commit_that_was_pushed_over_is_still_found_by_its_name() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    let start = origin.push("start");
    origin.write("lost.tf", "a");
    let lost = origin.push("lost");
    origin.git(&["reset", "-q", "--hard", start.as_str()]);
    origin.write("kept.tf", "a");
    origin.push("kept");
    let repository = place.repository(&server.of("infra"));
    assert_eq!(repository.fetch(&the(&lost)).await.unwrap(), lost);
}

#[tokio::test]
async fn a_cache_that_was_forgotten_or_left_unfinished_is_made_anew() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    let commit = origin.push("one");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let caches = place.path("vcs/caches");
    let mut cache = std::fs::read_dir(&caches).unwrap().map(|entry| entry.unwrap().path());
    let cache = cache.find(|path| path.extension().is_some_and(|of| of == "git")).unwrap();
    let unfinished = cache.join("objects/pack/tmp_pack_x");
    std::fs::write(&unfinished, "half").unwrap();
    origin.write("x.tf", "x");
    let second = origin.push("two");
    repository.fetch(&the(&second)).await.unwrap();
    assert!(!unfinished.exists());
    repository.forget().await.unwrap();
    assert!(!cache.exists());
    repository.forget().await.unwrap();
    assert_eq!(repository.fetch(&the(&commit)).await.unwrap(), commit);
}

#[tokio::test]
async fn caches_that_nobody_has_any_more_are_removed() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    let head = origin.push("One");
    let wanted = Wanted { commit: Some(head), reference: None };
    for key in ["one", "two"] {
        let cache = place.git.repository(key, remote(&server.of("infra")));
        cache.fetch(&wanted).await.unwrap();
    }
    let forget = |unused| place.git.forget_others(&["one"], unused).unwrap();
    assert_eq!(forget(Duration::from_hours(24)), 0, "somebody may be making it");
    // A program that another test just starts holds the locks of this process until it has begun.
    let until = Instant::now() + Duration::from_secs(30);
    while forget(Duration::ZERO) != 1 {
        assert!(Instant::now() < until, "the lock of a cache that nobody uses is never free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(forget(Duration::ZERO), 0);
    let fetches = server.fetches();
    let kept = place.git.repository("one", remote(&server.of("infra")));
    kept.fetch(&wanted).await.unwrap();
    assert_eq!(server.fetches(), fetches, "it is still there");
}

#[tokio::test]
async fn credentials_open_the_repository_and_are_seen_by_nobody() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    let commit = origin.push("one");
    // user "x", password "hunter2"
    let basic = "Basic eDpodW50ZXIy";
    let password = || SecretString::from("hunter2");
    for (wanted, right) in [
        (basic, Access::Basic { user: "x".into(), password: password() }),
        ("Bearer hunter2", Access::Bearer(password())),
    ] {
        *server.shared.authorization.lock().unwrap() = Some(wanted.into());
        let address = remote(&server.of("infra")).address;
        let open = |access| {
            let remote = Remote { address: address.clone(), access };
            place.git.repository(wanted, remote)
        };
        let wrong = open(Access::Bearer("wrong".to_owned().into())).fetch(&the(&commit)).await;
        assert!(matches!(wrong, Err(GitError::Denied)), "{wrong:?}");
        let nothing = open(Access::None).fetch(&the(&commit)).await;
        assert!(matches!(nothing, Err(GitError::Denied)), "{nothing:?}");
        let repository = open(right);
        repository.fetch(&the(&commit)).await.unwrap();
        let into = place.path(&format!("{}.tar.gz", wanted.len()));
        repository.archive(&commit, &Wishes::default(), &into).await.unwrap();
        assert!(!format!("{repository:?}").contains("hunter2"));
    }
    let said = place.started.said();
    for secret in ["hunter2", "eDpodW50ZXIy"] {
        assert!(!said.contains(secret), "{said}");
    }
    let homes = place.started.homes.lock().unwrap();
    assert!(homes.iter().any(|(name, _)| name == "gitconfig"));
    assert!(homes.iter().all(|(_, mode)| *mode == 0o600), "{homes:?}");
    let left = std::fs::read_dir(place.path("vcs/homes")).unwrap().count();
    assert_eq!(left, 0, "homes end with their programs");
    for file in walk(&place.path("vcs")) {
        let content = std::fs::read(&file).unwrap();
        let holds = |secret: &[u8]| content.windows(secret.len()).any(|bytes| bytes == secret);
        assert!(!holds(b"hunter2") && !holds(b"eDpodW50ZXIy"), "{}", file.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn git_goes_to_the_address_that_was_allowed_and_to_no_other() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    let commit = origin.push("one");
    // No name server knows it: the address comes from who decides what may be reached.
    let named = place.repository(&format!("http://git.example:{}/infra.git", server.port));
    assert_eq!(named.fetch(&the(&commit)).await.unwrap(), commit);
    let asked = server.requests();
    let private = place.repository(&format!("http://localhost:{}/infra.git", server.port));
    let refused = private.fetch(&the(&commit)).await.unwrap_err();
    assert!(refused.to_string().contains("localhost is in a private network"), "{refused}");
    assert_eq!(server.requests(), asked);
}
