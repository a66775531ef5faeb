//! A place to start a script in the sandbox from, as one value.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;

use statehouse_sandbox::{Layers, Limits, Order, Reach};
use tempfile::TempDir;

const EXEC: &str = env!("CARGO_BIN_EXE_sandbox-exec");
/// `nobody`, to whom namespaces are given by a user namespace only.
const NOBODY: u32 = 65534;

const ALL: Layers = Layers { namespaces: true, processes: true, landlock: true, calls: true };

/// Whether this machine has all layers for us, and for somebody who is not root.
static SHOWN: LazyLock<[bool; 2]> =
    LazyLock::new(|| [None, Some(NOBODY)].map(|user| Cell::with(user).is_possible()));

/// Names the file in which tests say what this machine does not let them show.
const UNSHOWN: &str = "STATEHOUSE_TEST_UNSHOWN";

pub struct Cell {
    folder: TempDir,
    pub layers: Layers,
    pub reach: Reach,
    pub limits: Limits,
    pub user: Option<u32>,
}

/// What a script said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub status: ExitStatus,
    pub text: String,
}

impl Cell {
    /// Of our own user, and, if that is root, of somebody else too; none that this machine has not
    /// all layers for, which is then said in the summary of the tests.
    pub fn of_everybody() -> Vec<Self> {
        let mut all = Self::ours();
        if rustix::process::geteuid().is_root() && SHOWN[1] {
            all.push(Self::with(Some(NOBODY)));
        }
        all
    }

    /// Of our own user alone.
    pub fn ours() -> Vec<Self> {
        if SHOWN[0] { vec![Self::with(None)] } else { Vec::new() }
    }

    fn is_possible(&self) -> bool {
        if self.user.is_some() && !rustix::process::geteuid().is_root() {
            return false;
        }
        let output = self.carry_out(&Order { program: None, ..self.order("") });
        let output = output.wait_with_output().unwrap();
        if output.status.success() {
            return true;
        }
        let who = if self.user.is_some() { "nobody" } else { "us" };
        let why = String::from_utf8_lossy(&output.stderr);
        let why = format!("all of the sandbox, for {who}: {}\n", why.trim());
        let file = std::env::var_os(UNSHOWN).unwrap_or_else(|| panic!("cannot be shown: {why}"));
        let file = fs::OpenOptions::new().append(true).open(file);
        file.unwrap().write_all(why.as_bytes()).unwrap();
        false
    }

    fn with(user: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["run/site/tmp", "other", "shared/closed"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for name in
            ["run/given", "run/site/own", "other/secret", "shared/file", "shared/closed/key"]
        {
            fs::write(root.join(name), format!("content of {name}\n")).unwrap();
        }
        // By another process: one that another test starts at this moment would keep our copy
        // open for writing, and then it could not be executed.
        let copied = Command::new("cp").arg(EXEC).arg(root.join("exec")).status().unwrap();
        assert!(copied.success());
        let reach = Reach {
            shared: vec![root.join("shared")],
            closed: vec![root.join("shared/closed"), root.join("run")],
            readable: vec![root.join("run")],
            writable: vec![root.join("run/site")],
            tmp: root.join("run/site/tmp"),
        };
        let cell = Self { folder, layers: ALL, reach, limits: Limits::default(), user };
        cell.belongs(&root);
        cell
    }

    /// Gives everything there to the user of this cell.
    fn belongs(&self, path: &Path) {
        let Some(user) = self.user else { return };
        chown(path, Some(user), Some(user)).unwrap();
        for entry in fs::read_dir(path).into_iter().flatten() {
            self.belongs(&entry.unwrap().path());
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub fn order(&self, script: &str) -> Order {
        Order {
            program: Some("/bin/sh".into()),
            args: vec!["-c".into(), script.into()],
            stdin: None,
            env: [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            parent: std::process::id().cast_signed(),
            orphan_seconds: 60,
            limits: self.limits,
            layers: self.layers,
            reach: self.reach.clone(),
        }
    }

    /// Starts a script in `run/site`.
    pub fn start(&self, script: &str) -> Child {
        self.carry_out(&self.order(script))
    }

    pub fn carry_out(&self, order: &Order) -> Child {
        self.carry_out_from("exec \"$0\" engine-exec", order)
    }

    /// By a script of the agent's, to which our executable is `$0`.
    pub fn carry_out_from(&self, script: &str, order: &Order) -> Child {
        let mut child = self.agent(script);
        child.stdin.take().unwrap().write_all(&order.message().unwrap()).unwrap();
        child
    }

    /// An agent that does what a script says.
    pub fn agent(&self, script: &str) -> Child {
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(script)
            .arg(self.path("exec"))
            .env("SECRET_OF_THE_AGENT", "x")
            .current_dir(self.path("run/site"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command.spawn().unwrap()
    }

    pub fn say(&self, script: &str) -> Said {
        let output = self.start(&format!("exec 2>&1; {script}")).wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said { status: output.status, text: String::from_utf8_lossy(&text).into_owned() }
    }
}

/// Whether nobody holds the other end of the program's output any more, without waiting for it.
pub fn is_left(output: impl Into<OwnedFd>) -> bool {
    let output: OwnedFd = output.into();
    rustix::io::ioctl_fionbio(&output, true).unwrap();
    let mut rest = Vec::new();
    fs::File::from(output).read_to_end(&mut rest).is_ok()
}

/// The next line that a program says.
pub fn line(child: &mut Child) -> String {
    let output = child.stdout.as_mut().unwrap();
    let mut line = Vec::new();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}
