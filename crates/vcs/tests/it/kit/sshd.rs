//! The real OpenSSH server, which lets one key in and runs `git` for it and nothing else.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use secrecy::SecretString;
use statehouse_vcs::git::{Access, Address, Remote, SshKey};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/sshd";

pub struct Sshd {
    folder: TempDir,
    pub port: u16,
    user: String,
}

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Sshd {
    pub fn new() -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "OpenSSH's server is not installed; on Debian: apt-get install -y openssh-server"
        );
        // As root it keeps those whom it does not know yet in this folder.
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sshd = Self { folder, port, user: run("id", &["-un"]) };
        sshd.new_key("client");
        sshd.new_key("stranger");
        sshd.renew_host_key();
        let public = fs::read_to_string(sshd.path("client.pub")).unwrap();
        let only_git = "restrict,command=\"git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"\"";
        fs::write(sshd.path("authorized_keys"), format!("{only_git} {public}")).unwrap();
        let place = sshd.folder.path().display();
        let config = format!(
            "HostKey {place}/host\nAuthorizedKeysFile {place}/authorized_keys\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nAcceptEnv GIT_PROTOCOL\n"
        );
        fs::write(sshd.path("config"), config).unwrap();
        let (config, log) = (sshd.path("config"), sshd.path("log"));
        // One for each who calls, on the line that is open already: no port is free for a moment only.
        thread::spawn(move || {
            // Until the test's process ends.
            for line in listener.incoming().flatten() {
                answer(&line, &config, &log);
            }
        });
        sshd
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn new_key(&self, name: &str) {
        let path = self.path(name);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", path.to_str().unwrap()]);
    }

    /// The next who calls is shown another one.
    pub fn renew_host_key(&self) {
        for name in ["host", "host.pub"] {
            // None of them is there at first.
            let _ = fs::remove_file(self.path(name));
        }
        self.new_key("host");
    }

    /// What `ssh-keyscan` would write of it.
    pub fn known_hosts(&self) -> String {
        let public = fs::read_to_string(self.path("host.pub")).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    /// `client`, who is let in, or `stranger`.
    pub fn key(&self, name: &str, known_hosts: &str) -> SshKey {
        let private_key = SecretString::from(fs::read_to_string(self.path(name)).unwrap());
        SshKey { private_key, known_hosts: known_hosts.to_owned() }
    }

    pub fn address(&self, bare: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, bare.display())
    }

    pub fn remote(&self, bare: &Path, key: SshKey) -> Remote {
        Remote { address: Address::parse(&self.address(bare)).unwrap(), access: Access::Ssh(key) }
    }

    /// A command that whoever holds the right key wants to run there.
    pub fn asked_to(&self, command: &str) -> Output {
        fs::write(self.path("known_hosts"), self.known_hosts()).unwrap();
        let place = self.folder.path().display();
        Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .args(["-i", &format!("{place}/client"), "-p", &self.port.to_string()])
            .args(["-o", &format!("UserKnownHostsFile={place}/known_hosts")])
            .args([&format!("{}@127.0.0.1", self.user), command])
            .output()
            .unwrap()
    }
}

fn answer(line: &TcpStream, config: &Path, log: &Path) {
    let line = || Stdio::from(OwnedFd::from(line.try_clone().unwrap()));
    let mut command = Command::new(PROGRAM);
    command.args(["-i", "-f"]).arg(config).arg("-E").arg(log).stderr(Stdio::null());
    let mut child = command.stdin(line()).stdout(line()).spawn().unwrap();
    thread::spawn(move || child.wait());
}
