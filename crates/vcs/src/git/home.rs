//! The home of one program: a folder of its own, in which all that it has to know stands in files that nobody else may
//! read, and which is gone afterwards.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

use super::{Access, GitError, Remote, Settings};

/// Where programs of ours look for others.
const SAFE_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Bytes in a second, and for how many seconds, before a server is called dead.
const SLOWEST: (u32, u32) = (1000, 60);

/// A remote whose host was looked up and may be reached.
#[derive(Debug)]
pub(super) struct Route<'a> {
    pub remote: &'a Remote,
    pub addresses: Vec<IpAddr>,
}

#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
    pub env: BTreeMap<String, String>,
}

impl Home {
    pub fn new(settings: &Settings, route: Option<&Route<'_>>) -> Result<Self, GitError> {
        let homes = settings.root.join("homes");
        fs::create_dir_all(&homes)?;
        let home = Self {
            folder: tempfile::Builder::new().prefix("git-").tempdir_in(homes)?,
            env: BTreeMap::new(),
        };
        home.sweep(settings.limits.patience * 2);
        home.write("gitconfig", config(settings, route)?)?;
        home.surrounded(route)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Away with homes whose program has ended without us: older than any program gets.
    fn sweep(&self, age: Duration) {
        let made = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        let Some(now) = made(self.path()) else { return };
        let homes = self.path().parent().map(fs::read_dir);
        let homes = homes.into_iter().flatten().flatten().flatten().map(|entry| entry.path());
        let is_old = |home: &PathBuf| {
            made(home).and_then(|made| now.duration_since(made).ok()).is_some_and(|old| old > age)
        };
        for home in homes.filter(is_old) {
            // Somebody else may have been quicker.
            let _ = fs::remove_dir_all(home);
        }
    }

    /// For us alone.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(content.as_ref())?;
        Ok(path)
    }

    fn surrounded(mut self, route: Option<&Route<'_>>) -> Result<Self, GitError> {
        let home = self.path().to_string_lossy().into_owned();
        let fixed = [
            ("PATH", SAFE_PATH),
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
        ];
        let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.env.extend(fixed);
        self.env.insert("GIT_CONFIG_GLOBAL".into(), format!("{home}/gitconfig"));
        self.env.insert("HOME".into(), home);
        if let Some(route) = route
            && route.remote.address.scheme() == "ssh"
        {
            let command = self.ssh(route)?;
            self.env.insert("GIT_SSH_COMMAND".into(), command);
            self.env.insert("GIT_SSH_VARIANT".into(), "ssh".into());
        }
        Ok(self)
    }

    /// A command that uses this key, this address and these known hosts, whatever else it finds.
    fn ssh(&self, route: &Route<'_>) -> Result<String, GitError> {
        let Access::Ssh(key) = &route.remote.access else { return Err(GitError::Denied) };
        // Without a final newline OpenSSH does not read a key; with the line ends of Windows neither.
        let text = key.private_key.expose_secret().replace("\r\n", "\n");
        let private_key = self.write("key", format!("{}\n", text.trim_end()))?;
        let known_hosts = self.write("known_hosts", &key.known_hosts)?;
        let address = &route.remote.address;
        let host = address.host().trim_matches(['[', ']']);
        let alias = if address.port() == 22 {
            host.to_owned()
        } else {
            format!("[{host}]:{}", address.port())
        };
        let to =
            route.addresses.first().ok_or_else(|| GitError::Unreachable("no address".into()))?;
        Ok(format!(
            "ssh -F none -o IdentityFile={} -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
             -o StrictHostKeyChecking=yes -o UserKnownHostsFile={} -o GlobalKnownHostsFile=/dev/null \
             -o UpdateHostKeys=no -o HostName={to} -o HostKeyAlias='{alias}' -o ConnectTimeout=30 \
             -o ServerAliveInterval=30 -o ServerAliveCountMax=2 -o ForwardAgent=no",
            in_shell(&expanded(&private_key)),
            in_shell(&expanded(&known_hosts)),
        ))
    }
}

/// As ssh reads it: a blank would begin another file, a percent sign something that it replaces.
fn expanded(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('%', "%%"))
}

/// As one word for the shell by which `git` starts ssh.
fn in_shell(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// All that `git` is told about how to behave. The remote stands here too, so that a cache that lies around knows of no
/// server, and a program without a route cannot go anywhere.
fn config(settings: &Settings, route: Option<&Route<'_>>) -> Result<String, GitError> {
    let mut text = String::from(
        "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\taskPass =\n\tlogAllRefUpdates = false\n\
         [credential]\n\thelper =\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
         [submodule]\n\trecurse = false\n[fetch]\n\trecurseSubmodules = false\n\tunpackLimit = 1\n\
         \twriteCommitGraph = false\n[transfer]\n\tfsckObjects = true\n[fetch \"fsck\"]\n",
    );
    // What old tools have left in honest repositories.
    for harmless in
        ["zeroPaddedFilemode", "badTimezone", "missingSpaceBeforeDate", "missingSpaceBeforeEmail"]
    {
        let _ = writeln!(text, "\t{harmless} = ignore");
    }
    text.push_str("[safe]\n\tdirectory = *\n[protocol]\n\tallow = never\n\tversion = 2\n");
    let Some(route) = route else { return Ok(text) };
    let address = &route.remote.address;
    let (rate, seconds) = SLOWEST;
    let _ = write!(
        text,
        "[protocol \"{}\"]\n\tallow = always\n\
         [remote \"origin\"]\n\turl = {}\n\tpromisor = true\n\tpartialCloneFilter = blob:none\n\
         [http]\n\tfollowRedirects = false\n\tproxy =\n\tsslVerify = true\n\
         \tlowSpeedLimit = {rate}\n\tlowSpeedTime = {seconds}\n\tuserAgent = Statehouse\n",
        address.scheme(),
        quoted(address.as_str())?,
    );
    if let Some(authorities) = &settings.authorities {
        let _ = writeln!(text, "\tsslCAInfo = {}", quoted(&authorities.to_string_lossy())?);
    }
    if address.scheme() != "ssh" && !address.is_literal() {
        let addresses: Vec<String> = route.addresses.iter().map(bracketed).collect();
        let (host, port, to) = (address.host(), address.port(), addresses.join(","));
        let _ = writeln!(text, "\tcurloptResolve = {}", quoted(&format!("{host}:{port}:{to}"))?);
    }
    if let Some(header) = authorization(&route.remote.access)? {
        // For this server alone.
        let header = quoted(&format!("Authorization: {header}"))?;
        let _ = write!(text, "[http {}]\n\textraHeader = {header}\n", quoted(&address.server())?);
    }
    Ok(text)
}

fn bracketed(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn authorization(access: &Access) -> Result<Option<String>, GitError> {
    let is_one_line = |secret: &SecretString| !secret.expose_secret().contains(char::is_control);
    match access {
        Access::None | Access::Ssh(_) => Ok(None),
        Access::Basic { user, password } => {
            let pair = format!("{user}:{}", password.expose_secret());
            Ok(Some(format!("Basic {}", STANDARD.encode(pair))))
        }
        Access::Bearer(token) if is_one_line(token) => {
            Ok(Some(format!("Bearer {}", token.expose_secret())))
        }
        Access::Bearer(_) => Err(GitError::Denied),
    }
}

/// A value of a configuration file.
fn quoted(value: &str) -> Result<String, GitError> {
    if value.contains(char::is_control) {
        return Err(GitError::Address("with a line end in it".into()));
    }
    Ok(format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::process::Command;
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::git::{Address, Limits, Plain, Reach, SshKey};

    #[derive(Debug)]
    struct Nowhere;

    #[async_trait]
    impl Reach for Nowhere {
        async fn addresses(&self, _: &str, _: u16) -> Result<Vec<IpAddr>, String> {
            Err("nowhere".into())
        }
    }

    fn settings(root: &Path) -> Settings {
        Settings {
            root: root.to_owned(),
            git: "/usr/bin/git".into(),
            authorities: None,
            start: Arc::new(Plain),
            reach: Arc::new(Nowhere),
            limits: Limits::default(),
        }
    }

    fn remote(address: &str, access: Access) -> Remote {
        Remote { address: Address::parse(address).unwrap(), access }
    }

    #[test]
    fn ssh_uses_this_key_this_address_and_these_known_hosts() {
        // A blank and a quote, as an operator's folder may have them.
        let root = tempfile::Builder::new().prefix("it's 100% a ").tempdir().unwrap();
        let key = SshKey {
            private_key: SecretString::from("BEGIN\r\nx\r\nEND"),
            known_hosts: "h ssh-ed25519 AAAA\n".into(),
        };
        let remote = remote("ssh://git@h.example:2222/acme/infra", Access::Ssh(key));
        let route = Route { remote: &remote, addresses: vec![Ipv4Addr::LOCALHOST.into()] };
        let home = Home::new(&settings(root.path()), Some(&route)).unwrap();
        // OpenSSH itself says what it makes of the command.
        let command = format!("{} -G -p 2222 git@h.example", home.env["GIT_SSH_COMMAND"]);
        let said = Command::new("sh").args(["-c", &command]).output().unwrap();
        // Names are shown as they were given.
        let said = String::from_utf8(said.stdout).unwrap().replace("%%", "%");
        let here = home.path().display();
        for line in [
            "hostname 127.0.0.1".to_owned(),
            "hostkeyalias [h.example]:2222".to_owned(),
            "stricthostkeychecking true".to_owned(),
            "batchmode yes".to_owned(),
            "identitiesonly yes".to_owned(),
            "forwardagent no".to_owned(),
            "globalknownhostsfile /dev/null".to_owned(),
        ] {
            assert!(said.lines().any(|said| said == line), "{line} in {said}");
        }
        assert!(said.contains(&format!("{here}/key")), "{said}");
        assert!(said.contains(&format!("{here}/known_hosts")), "{said}");
        assert_eq!(fs::read_to_string(home.path().join("key")).unwrap(), "BEGIN\nx\nEND\n");
        assert!(!home.env["GIT_SSH_COMMAND"].contains("BEGIN"));
    }

    #[test]
    fn homes_that_nobody_left_tidy_are_removed_and_those_in_use_are_not() {
        let root = tempfile::tempdir().unwrap();
        let in_use = Home::new(&settings(root.path()), None).unwrap();
        let left = root.path().join("homes/git-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("gitconfig"), "secret").unwrap();
        let now = fs::metadata(in_use.path()).unwrap().modified().unwrap();
        let age = Limits::default().patience * 2 + Duration::from_mins(1);
        fs::File::open(&left).unwrap().set_modified(now - age).unwrap();
        let next = Home::new(&settings(root.path()), None).unwrap();
        assert!(!left.exists());
        assert!(in_use.path().exists() && next.path().exists());
    }

    #[test]
    fn ssh_without_a_key_is_not_tried() {
        let root = tempfile::tempdir().unwrap();
        let remote = remote("ssh://git@h.example/acme/infra", Access::None);
        let route = Route { remote: &remote, addresses: vec![Ipv4Addr::LOCALHOST.into()] };
        let refused = Home::new(&settings(root.path()), Some(&route)).map(|_| ());
        assert!(matches!(refused, Err(GitError::Denied)), "{refused:?}");
    }

    #[test]
    fn no_value_becomes_a_second_line_of_the_configuration() {
        let root = tempfile::tempdir().unwrap();
        let hostile = SecretString::from("x\n[core]\n\tsshCommand = touch mark");
        let remote = remote("https://h.example/acme/infra", Access::Bearer(hostile));
        let route = Route { remote: &remote, addresses: vec![Ipv4Addr::LOCALHOST.into()] };
        let refused = Home::new(&settings(root.path()), Some(&route)).map(|_| ());
        assert!(matches!(refused, Err(GitError::Denied)), "{refused:?}");
        assert_eq!(quoted("a\"b\\c").unwrap(), "\"a\\\"b\\\\c\"");
        assert!(quoted("a\nb").is_err());
    }
}
