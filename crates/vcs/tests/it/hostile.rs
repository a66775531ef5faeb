//! Repositories and servers that mean harm: nothing leaves its bounds, and each gets a clear error.

use std::time::Duration;

use secrecy::SecretString;
use statehouse_vcs::CommitId;
use statehouse_vcs::git::{Access, GitError, Limits, Remote, Wanted, Wishes};

use crate::kit::{Origin, Place, Server, remote, unpacked};

fn the(commit: &CommitId) -> Wanted {
    Wanted { commit: Some(commit.clone()), reference: None }
}

fn with_submodules() -> Wishes {
    Wishes { submodules: true, ssh_key: None }
}

/// Bytes that no compression makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some(state.to_le_bytes()[7])
    };
    std::iter::successors(Some(7_u64), |_| Some(0))
        .take(1)
        .flat_map(|seed| (0..length).scan(seed, move |state, _| next(state)))
        .collect()
}

#[tokio::test]
async fn links_that_lead_out_are_left_away_and_named() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    origin.link("passwd", "/etc/passwd");
    origin.link("up", "../outside");
    origin.link("a/b/root", "../..");
    origin.link("over", "a/b/root/..");
    origin.link("inside", "main.tf");
    let commit = origin.push("links");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let into = place.path("a.tar.gz");
    let packed = repository.archive(&commit, &Wishes::default(), &into).await.unwrap();
    assert_eq!(packed.left_out, ["over", "passwd", "up"]);
    assert_eq!(unpacked(&into).into_keys().collect::<Vec<_>>(), ["a/b/root", "inside", "main.tf"]);
}

#[tokio::test]
async fn files_named_like_options_are_files() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    let start = origin.push("start");
    let mark = place.path("mark");
    let names = [
        format!("--upload-pack=touch {}", mark.display()).replace('/', "_"),
        "-oProxyCommand=id".to_owned(),
        "$(id)\n`id`".to_owned(),
        "--output=x".to_owned(),
    ];
    for name in &names {
        origin.write(&format!("./{name}"), "x");
    }
    let commit = origin.push("options");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let statehouse_vcs::git::Changes::Paths(changed) =
        repository.changed_by_push(Some(&start), &commit).await.unwrap()
    else {
        panic!("they are known")
    };
    let mut names = names.to_vec();
    names.sort();
    let mut changed = changed;
    changed.sort();
    assert_eq!(changed, names);
    let into = place.path("a.tar.gz");
    repository.archive(&commit, &Wishes::default(), &into).await.unwrap();
    assert_eq!(unpacked(&into).into_keys().collect::<Vec<_>>(), names);
    assert!(!mark.exists());
}

#[tokio::test]
async fn submodules_lead_to_no_file_no_program_and_no_private_network() {
    let (server, place) = (Server::new().await, Place::new());
    let mark = place.path("mark");
    let secret = Origin::new(place.folder.path(), "secret");
    secret.write("secret.tf", "hidden");
    let there = secret.push("secret");
    let touch = format!("ext::touch% {}", mark.display());
    let file = format!("file://{}", secret.bare.display());
    let path = secret.bare.display().to_string();
    let option = format!("--upload-pack=touch {}", mark.display());
    let ssh = format!("ssh://-oProxyCommand=touch%20{}/x", mark.display());
    let hostile = [
        touch.as_str(),
        file.as_str(),
        path.as_str(),
        option.as_str(),
        ssh.as_str(),
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://localhost/x",
        "https://user:hunter2@git.example/x",
        "git://git.example/x",
    ];
    for (number, url) in hostile.into_iter().enumerate() {
        let origin = Origin::new(server.root(), &format!("infra{number}"));
        origin.write("main.tf", "a");
        origin.commit("main");
        origin.submodule("sub", url, &there);
        let commit = origin.push_index("hostile");
        let repository = place.repository(&server.of(&format!("infra{number}")));
        let into = place.path(&format!("{number}.tar.gz"));
        let refused = match repository.fetch(&the(&commit)).await {
            Ok(_) => repository.archive(&commit, &with_submodules(), &into).await.map(|_| ()),
            // Git's own look at .gitmodules is quicker.
            Err(error) => Err(error),
        };
        match refused {
            Err(GitError::Submodule { path, reason }) => {
                assert_eq!(path, "sub");
                let is_right = matches!(*reason, GitError::Address(_) | GitError::Unreachable(_));
                assert!(is_right, "{url}: {reason}");
                assert!(!reason.to_string().contains("hunter2"), "{reason}");
            }
            Err(GitError::Hostile(_)) => {}
            other => panic!("{url}: {other:?}"),
        }
    }
    assert!(!mark.exists());
    let said = place.started.said();
    assert!(!said.contains("169.254") && !said.contains("hidden"), "{said}");
}

#[tokio::test]
async fn a_submodule_on_another_server_is_not_shown_the_token_of_this_one() {
    let (server, other, place) = (Server::new().await, Server::new().await, Place::new());
    *server.shared.authorization.lock().unwrap() = Some("Bearer hunter2".into());
    *other.shared.authorization.lock().unwrap() = Some("Bearer hunter2".into());
    let module = Origin::new(server.root(), "module");
    module.write("m.tf", "m");
    let module_commit = module.push("module");
    let elsewhere = Origin::new(other.root(), "elsewhere");
    elsewhere.write("e.tf", "e");
    let elsewhere_commit = elsewhere.push("elsewhere");
    let pack = async |name: &str, url: &str, commit: &CommitId| {
        let origin = Origin::new(server.root(), name);
        origin.write("main.tf", "a");
        origin.commit("main");
        origin.submodule("sub", url, commit);
        let commit = origin.push_index("with a submodule");
        let remote = Remote {
            access: Access::Bearer(SecretString::from("hunter2")),
            ..remote(&server.of(name))
        };
        let repository = place.git.repository(name, remote);
        repository.fetch(&the(&commit)).await.unwrap();
        repository.archive(&commit, &with_submodules(), &place.path(name)).await
    };
    assert_eq!(pack("same", "../module.git", &module_commit).await.unwrap().files, 3);
    let refused = pack("far", &other.of("elsewhere"), &elsewhere_commit).await.unwrap_err();
    assert!(matches!(&refused, GitError::Submodule { .. }), "{refused}");
    assert_eq!(other.requests(), 0, "by http it is not even asked");
}

#[tokio::test]
async fn submodules_without_end_come_to_an_end() {
    let server = Server::new().await;
    let place = Place::with(Limits { submodule_depth: 2, ..Limits::default() });
    let mut below: Option<CommitId> = None;
    for level in (0..5).rev() {
        let origin = Origin::new(server.root(), &format!("level{level}"));
        origin.write("main.tf", "a");
        let mut commit = origin.push("main");
        if let Some(below) = below {
            origin.submodule("next", &format!("../level{}.git", level + 1), &below);
            commit = origin.push_index("with a submodule");
        }
        below = Some(commit);
    }
    let commit = below.unwrap();
    let repository = place.repository(&server.of("level0"));
    repository.fetch(&the(&commit)).await.unwrap();
    let refused = repository.archive(&commit, &with_submodules(), &place.path("a")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.starts_with("submodule next/next/next: "), "{refused}");
    assert!(refused.contains("too many repositories"), "{refused}");
}

#[tokio::test]
async fn what_is_too_large_ends_where_the_limit_is() {
    let server = Server::new().await;
    let origin = Origin::new(server.root(), "infra");
    origin.write("large.bin", noise(3 << 20));
    let commit = origin.push("large");
    let place = Place::with(Limits { fetched_bytes: 1 << 20, ..Limits::default() });
    let repository = place.repository(&server.of("infra"));
    // The history alone is small.
    repository.fetch(&the(&commit)).await.unwrap();
    let refused = repository.archive(&commit, &Wishes::default(), &place.path("a")).await;
    assert!(matches!(refused, Err(GitError::TooLarge { .. })), "{refused:?}");
    let place = Place::with(Limits { archive_bytes: 1 << 20, ..Limits::default() });
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let refused = repository.archive(&commit, &Wishes::default(), &place.path("a")).await;
    assert!(matches!(refused, Err(GitError::TooLarge { limit, .. }) if limit == 1 << 20));
    assert_eq!(place.started.killed.lock().unwrap().len(), 1, "and git with it");
    let left: Vec<_> = std::fs::read_dir(place.folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the caches, and no half of an archive: {left:?}");
}

#[tokio::test]
async fn what_unpacks_to_too_much_is_refused_however_small_it_was() {
    let server = Server::new().await;
    let origin = Origin::new(server.root(), "infra");
    origin.write("zeros.bin", vec![0; 8 << 20]);
    let commit = origin.push("zeros");
    let limits = Limits { fetched_bytes: 1 << 20, archive_bytes: 4 << 20, ..Limits::default() };
    let place = Place::with(limits);
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let refused = repository.archive(&commit, &Wishes::default(), &place.path("a")).await;
    assert!(matches!(refused, Err(GitError::TooLarge { limit, .. }) if limit == 4 << 20));
}

#[tokio::test]
async fn more_files_than_allowed_are_refused_by_their_number() {
    let server = Server::new().await;
    let origin = Origin::new(server.root(), "infra");
    let blob = origin.git_with(&["hash-object", "-w", "--stdin"], "x");
    let lines: Vec<String> =
        (0..1001).map(|number| format!("100644 blob {blob}\tf{number}\n")).collect();
    let tree = origin.git_with(&["mktree"], &lines.concat());
    let commit = origin.git(&["commit-tree", "-m", "many", &tree]);
    origin.git(&["push", "-q", "origin", &format!("{commit}:refs/heads/many")]);
    let commit = CommitId::parse(&commit).unwrap();
    let place = Place::with(Limits { files: 1000, ..Limits::default() });
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&the(&commit)).await.unwrap();
    let refused = repository.archive(&commit, &Wishes::default(), &place.path("a")).await;
    assert!(matches!(refused, Err(GitError::TooMany(1000))), "{refused:?}");
}

#[tokio::test]
async fn trees_that_climb_or_hide_a_repository_are_refused() {
    let (server, place) = (Server::new().await, Place::new());
    let origin = Origin::new(server.root(), "infra");
    let blob = origin.git_with(&["hash-object", "-w", "--stdin"], "x");
    let inner = origin.git_with(&["mktree"], &format!("100644 blob {blob}\tx\n"));
    for (number, name) in ["..", ".git", ".GIT"].into_iter().enumerate() {
        let tree = origin.git_with(&["mktree"], &format!("040000 tree {inner}\t{name}\n"));
        let commit = origin.git(&["commit-tree", "-m", name, &tree]);
        origin.git(&["push", "-q", "origin", &format!("{commit}:refs/heads/h{number}")]);
        let commit = CommitId::parse(&commit).unwrap();
        let repository = place.repository(&server.of("infra"));
        let refused = match repository.fetch(&the(&commit)).await {
            Ok(_) => {
                let into = place.path(&number.to_string());
                repository.archive(&commit, &Wishes::default(), &into).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        assert!(matches!(refused, Err(GitError::Hostile(_))), "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (server, inner, place) = (Server::new().await, Server::new().await, Place::new());
    let origin = Origin::new(inner.root(), "infra");
    let commit = origin.push("one");
    *server.shared.redirect.lock().unwrap() = Some(inner.url.clone());
    let refused = place.repository(&server.of("infra")).fetch(&the(&commit)).await.unwrap_err();
    assert!(
        matches!(&refused, GitError::Unreachable(why) if why.contains("new name")),
        "{refused}"
    );
    assert_eq!(inner.requests(), 0);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_and_its_program_ended() {
    let server = Server::new().await;
    *server.shared.silent.lock().unwrap() = true;
    let place = Place::with(Limits { patience: Duration::from_millis(300), ..Limits::default() });
    let refused = place.git.references(&remote(&server.of("infra"))).await;
    assert!(matches!(refused, Err(GitError::TooSlow(_))), "{refused:?}");
    assert_eq!(place.started.killed.lock().unwrap().len(), 1);
}
