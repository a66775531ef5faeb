//! Repositories by ssh, from OpenSSH's own server.

use statehouse_vcs::git::{GitError, SshKey, Wanted, Wishes};

use crate::kit::{Origin, Place, Server, Sshd, unpacked};

#[tokio::test]
async fn the_key_of_a_connection_opens_its_repository_and_no_other_key_does() {
    let (sshd, place) = (Sshd::new(), Place::new());
    let origin = Origin::new(place.folder.path(), "infra");
    origin.write("main.tf", "a");
    let commit = origin.push("one");
    let wanted = Wanted { commit: Some(commit.clone()), reference: None };
    let hosts = sshd.known_hosts();
    let remote = sshd.remote(&origin.bare, sshd.key("client", &hosts));
    let refs = place.git.references(&remote).await.unwrap();
    assert!(refs.branches.values().all(|at| *at == commit) && refs.branches.len() == 1);
    let repository = place.git.repository("right", remote);
    assert_eq!(repository.fetch(&wanted).await.unwrap(), commit);
    let into = place.path("a.tar.gz");
    repository.archive(&commit, &Wishes::default(), &into).await.unwrap();
    assert_eq!(unpacked(&into).into_keys().collect::<Vec<_>>(), ["main.tf"]);

    let wrong = sshd.remote(&origin.bare, sshd.key("stranger", &hosts));
    let refused = place.git.repository("wrong", wrong).fetch(&wanted).await;
    assert!(matches!(refused, Err(GitError::Denied)), "{refused:?}");
    let nowhere = sshd.remote(&place.path("nowhere.git"), sshd.key("client", &hosts));
    let gone = place.git.repository("nowhere", nowhere).fetch(&wanted).await;
    assert!(matches!(gone, Err(GitError::NoRepository)), "{gone:?}");
}

#[tokio::test]
async fn a_server_that_is_not_known_is_not_believed_nor_one_whose_key_has_changed() {
    let (sshd, place) = (Sshd::new(), Place::new());
    let origin = Origin::new(place.folder.path(), "infra");
    origin.push("one");
    let asked = async |known: &str| {
        let remote = sshd.remote(&origin.bare, sshd.key("client", known));
        place.git.references(&remote).await.map(|_| ())
    };
    let unknown = asked("").await.unwrap_err().to_string();
    assert!(unknown.contains("the ssh server is not known"), "{unknown}");
    assert!(unknown.contains("ssh-keyscan"), "{unknown}");
    let known = sshd.known_hosts();
    asked(&known).await.unwrap();
    sshd.renew_host_key();
    let changed = asked(&known).await.unwrap_err();
    assert!(matches!(changed, GitError::HostKey) && !changed.is_passing(), "{changed:?}");
    asked(&sshd.known_hosts()).await.unwrap();
}

#[tokio::test]
async fn a_submodule_by_ssh_is_opened_by_the_key_of_the_connection() {
    let (server, sshd, place) = (Server::new().await, Sshd::new(), Place::new());
    let module = Origin::new(place.folder.path(), "module");
    module.write("m.tf", "m");
    let module_commit = module.push("m");
    let origin = Origin::new(server.root(), "infra");
    origin.write("main.tf", "a");
    origin.commit("main");
    origin.submodule("vendor", &sshd.address(&module.bare), &module_commit);
    let commit = origin.push_index("with a submodule");
    let repository = place.repository(&server.of("infra"));
    repository.fetch(&Wanted { commit: Some(commit.clone()), reference: None }).await.unwrap();
    let packed = async |ssh_key: Option<SshKey>, name: &str| {
        let (wishes, into) = (Wishes { submodules: true, ssh_key }, place.path(name));
        repository.archive(&commit, &wishes, &into).await.map(|_| unpacked(&into))
    };
    let key = sshd.key("client", &sshd.known_hosts());
    let files = packed(Some(key), "with.tar.gz").await.unwrap();
    assert_eq!(files["vendor/m.tf"], "m");
    let refused = packed(None, "without.tar.gz").await.unwrap_err();
    assert!(matches!(refused, GitError::Submodule { .. }), "{refused:?}");
}

/// What the tests here prove of `git` would prove nothing of a shell.
#[test]
fn whoever_has_the_key_runs_git_and_nothing_else() {
    let sshd = Sshd::new();
    let mark = sshd.path("mark");
    let refused = sshd.asked_to(&format!("touch {}", mark.display()));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("unrecognized command"), "{said}");
    assert!(!mark.exists());
}
