//! A bare repository that people push to, and the folder that they push from.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use vcs::CommitId;

pub struct Origin {
    work: PathBuf,
    pub bare: PathBuf,
}

/// `git` of the test's own, which reads no configuration of the machine.
fn git(folder: &Path, args: &[&str], input: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ann")
        .env("GIT_AUTHOR_EMAIL", "ann@example.com")
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_NAME", "Ann")
        .env("GIT_COMMITTER_EMAIL", "ann@example.com")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Origin {
    /// `name.git` below the folder that a server serves, with an empty branch `main`.
    pub fn new(root: &Path, name: &str) -> Self {
        let (bare, work) = (root.join(format!("{name}.git")), root.join(format!("{name}.work")));
        fs::create_dir_all(&work).unwrap();
        let bare_text = bare.to_string_lossy().into_owned();
        git(root, &["init", "-q", "--bare", "-b", "main", &bare_text], "");
        git(&bare, &["config", "uploadpack.allowFilter", "true"], "");
        git(&work, &["init", "-q", "-b", "main"], "");
        git(&work, &["remote", "add", "origin", &bare_text], "");
        Self { work, bare }
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(&self.work, args, "")
    }

    pub fn git_with(&self, args: &[&str], input: &str) -> String {
        git(&self.work, args, input)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn make_executable(&self, path: &str) {
        fs::set_permissions(self.work.join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn link(&self, path: &str, target: &str) {
        let path = self.work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.work.join(path)).unwrap();
    }

    /// All that was written, as one commit on the current branch, without pushing it.
    pub fn commit(&self, message: &str) -> CommitId {
        self.git(&["add", "--all", "."]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    pub fn head(&self) -> CommitId {
        CommitId::parse(&self.git(&["rev-parse", "HEAD"])).unwrap()
    }

    /// The same, pushed to a branch of that name.
    pub fn push(&self, message: &str) -> CommitId {
        let commit = self.commit(message);
        self.publish();
        commit
    }

    pub fn publish(&self) {
        self.git(&["push", "-q", "--force", "origin", "HEAD"]);
    }

    /// A submodule without asking whether it is there.
    pub fn submodule(&self, path: &str, url: &str, commit: &CommitId) {
        let known = fs::read_to_string(self.work.join(".gitmodules")).unwrap_or_default();
        let more = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
        self.write(".gitmodules", known + &more);
        self.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
    }

    /// A commit of what is in the index, with `.gitmodules`: a submodule's folder is not in the folder here.
    pub fn push_index(&self, message: &str) -> CommitId {
        self.git(&["add", ".gitmodules"]);
        self.git(&["commit", "-q", "-m", message]);
        self.publish();
        self.head()
    }
}
