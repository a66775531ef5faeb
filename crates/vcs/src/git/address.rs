//! Where a repository is, what opens it, and whether this server may go there.

use std::fmt::{self, Debug};
use std::net::IpAddr;

use async_trait::async_trait;
use secrecy::SecretString;
use url::{Host, Url};

use super::GitError;

/// Bytes.
const ADDRESS_LIMIT: usize = 2048;

/// The networks that may be reached.
#[async_trait]
pub trait Reach: Debug + Send + Sync {
    /// The addresses of a host, without those that must not be reached. `git` connects to what comes out here, and to
    /// nothing else: a name that means something else in the next moment gains nothing.
    ///
    /// # Errors
    /// A sentence for people, if there are none.
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, String>;
}

/// An address by https, ssh, or, where the operator's own servers know nothing better, http. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Url);

/// A repository and what opens it.
#[derive(Clone, Debug)]
pub struct Remote {
    pub address: Address,
    pub access: Access,
}

#[derive(Clone, Debug)]
pub enum Access {
    None,
    /// A user may be empty (Azure DevOps).
    Basic {
        user: String,
        password: SecretString,
    },
    Bearer(SecretString),
    Ssh(SshKey),
}

#[derive(Clone, Debug)]
pub struct SshKey {
    /// PEM or OpenSSH's own form, without a passphrase.
    pub private_key: SecretString,
    /// Lines of `known_hosts`, for the host by its name; nobody is asked about others.
    pub known_hosts: String,
}

impl Address {
    /// Reads `https://…`, `ssh://…`, `http://…` and `user@host:path`, which means `ssh://user@host/path`.
    ///
    /// # Errors
    /// [`GitError::Address`] for everything else, among it paths, `file://`, `ext::` and addresses with a password.
    pub fn parse(text: &str) -> Result<Self, GitError> {
        let wrong = || {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
            // What stands before an @ may be a password.
            let shown =
                shown.rsplit_once('@').map_or(shown.clone(), |(_, rest)| format!("…@{rest}"));
            GitError::Address(shown)
        };
        // The parser would overlook some of them.
        let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.len() > ADDRESS_LIMIT || text.contains(is_odd) {
            return Err(wrong());
        }
        let url = if text.contains("://") {
            Url::parse(text).map_err(|_| wrong())?
        } else {
            let (host, path) = text.split_once(':').ok_or_else(wrong)?;
            if !host.contains('@') || host.contains('/') || path.starts_with(':') {
                return Err(wrong());
            }
            Url::parse(&format!("ssh://{host}/{}", path.trim_start_matches('/')))
                .map_err(|_| wrong())?
        };
        let user_is_right = match url.scheme() {
            "https" | "http" => url.username().is_empty(),
            "ssh" => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                !url.username().starts_with('-') && url.username().chars().all(is_plain)
            }
            _ => false,
        };
        let host_is_right = match url.host() {
            Some(Host::Domain(name)) => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                !name.starts_with('-') && !name.is_empty() && name.chars().all(is_plain)
            }
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            None => false,
        };
        let is_right = user_is_right
            && host_is_right
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.path().len() > 1
            && !url.path().starts_with("/-");
        if is_right { Ok(Self(url)) } else { Err(wrong()) }
    }

    /// What a submodule's `url` means inside of this repository: an address, or a path from here.
    ///
    /// # Errors
    /// [`GitError::Address`], also for http inside of anything but http on the same host.
    pub fn join(&self, text: &str) -> Result<Self, GitError> {
        let address = if text.starts_with("./") || text.starts_with("../") {
            let mut url = self.0.clone();
            url.set_path(&format!("{}/{text}", self.0.path().trim_end_matches('/')));
            Self::parse(url.as_str())?
        } else {
            Self::parse(text)?
        };
        if address.0.scheme() == "http" && !address.is_same_server(self) {
            return Err(GitError::Address(text.to_owned()));
        }
        Ok(address)
    }

    /// Credentials for one are good for the other.
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.0.scheme() == other.0.scheme()
            && self.0.host() == other.0.host()
            && self.port() == other.port()
    }

    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// As it stands in addresses: of IPv6 in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().expect("without one it was not parsed")
    }

    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(22)
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(self.0.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
    }

    /// Scheme, host and port, with a slash at the end.
    pub(super) fn server(&self) -> String {
        format!("{}://{}:{}/", self.scheme(), self.host(), self.port())
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_servers() {
        for (text, expected) in [
            ("https://h.example/acme/infra.git", "https://h.example/acme/infra.git"),
            ("ssh://git@h.example:2222/acme/infra", "ssh://git@h.example:2222/acme/infra"),
            ("git@h.example:acme/infra.git", "ssh://git@h.example/acme/infra.git"),
            ("http://[::1]:8080/x.git", "http://[::1]:8080/x.git"),
        ] {
            assert_eq!(Address::parse(text).unwrap().as_str(), expected);
        }
        for text in [
            "",
            "/etc/passwd",
            "../x",
            "-u",
            "--upload-pack=touch x",
            "file:///etc/passwd",
            "ext::sh -c id",
            "ext::sh%20-c%20id",
            "ext::git@h:x",
            "git://h/x",
            "https://user:secret@h/x",
            "https://user@h/x",
            "https://h",
            "https://h/?x",
            "https://h/a#b",
            "https://h/a\nb",
            "https://h/a b",
            "ssh://-oProxyCommand=id/x",
            "ssh://-oProxyCommand=id@h/x",
            "-oProxyCommand=id@h:x",
            "ssh://git@h/-x",
            "C:\\x",
        ] {
            assert!(matches!(Address::parse(text), Err(GitError::Address(_))), "{text}");
        }
        let secret = Address::parse("https://user:hunter2@h/x").unwrap_err().to_string();
        assert!(!secret.contains("hunter2"), "{secret}");
    }

    #[test]
    fn submodules_are_found_from_where_they_are() {
        let here = Address::parse("https://h/acme/infra.git").unwrap();
        for (text, expected) in [
            ("../mod.git", "https://h/acme/mod.git"),
            ("./sub.git", "https://h/acme/infra.git/sub.git"),
            ("../../other/mod.git", "https://h/other/mod.git"),
            ("git@h:acme/mod.git", "ssh://git@h/acme/mod.git"),
        ] {
            assert_eq!(here.join(text).unwrap().as_str(), expected, "{text}");
        }
        for text in
            ["file:///x", "ext::sh", "/x", "x", "http://h/acme/mod.git", "http://169.254.169.254/x"]
        {
            assert!(here.join(text).is_err(), "{text}");
        }
        let plain = Address::parse("http://h/acme/infra.git").unwrap();
        assert!(plain.join("../mod.git").is_ok());
        assert!(plain.join("http://other/mod.git").is_err());
    }
}
