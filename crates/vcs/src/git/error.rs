//! What went wrong with a repository, so that somebody can mend it: said in our words where we know it, else in those of
//! `git`, without escapes and without paths of this machine.

use std::io;
use std::time::Duration;

use crate::CommitId;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Nothing that we would give to `git`.
    #[error("“{0}” is no address of a repository: it is fetched by https or ssh")]
    Address(String),
    /// Not allowed, not there, or not answering. Worth trying again, but for the first.
    #[error("the repository cannot be reached: {0}")]
    Unreachable(String),
    #[error("the repository does not accept the credentials of this connection")]
    Denied,
    #[error(
        "the ssh server is not known: the connection needs its key among its known hosts, as ssh-keyscan writes it"
    )]
    UnknownHost,
    #[error(
        "the key of the ssh server is not the one that is known: either it has a new one, or somebody stands in between"
    )]
    HostKey,
    #[error("the repository is not there, or not for who holds these credentials")]
    NoRepository,
    #[error("the commit {0} is not in the repository (any more)")]
    NoCommit(CommitId),
    #[error("there is no {0} in the repository (any more)")]
    NoReference(String),
    #[error("{what} takes more than {limit} bytes")]
    TooLarge { what: &'static str, limit: u64 },
    #[error("the repository has more than {0} files")]
    TooMany(usize),
    #[error("git did not end within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    #[error("the repository holds what git itself would not check out: {0}")]
    Hostile(String),
    #[error("submodule {path}: {reason}")]
    Submodule { path: String, reason: Box<GitError> },
    #[error("git failed: {0}")]
    Failed(String),
    #[error("git cannot be used here: {0}")]
    Io(#[from] io::Error),
}

/// Words in lower case, any of which means this.
type Meaning = (&'static [&'static str], fn(&str) -> GitError);

/// What it says in what case. Texts of `git` 2.39 and later in the language `C`; what stands first is looked for first.
const MEANINGS: &[Meaning] = &[
    (&["host key is known for"], |_| GitError::UnknownHost),
    (&["host key verification failed"], |_| GitError::HostKey),
    (
        &[
            "authentication failed",
            "could not read username",
            "could not read password",
            "permission denied (",
            "returned error: 401",
            "returned error: 403",
        ],
        |_| GitError::Denied,
    ),
    (&["returned error: 30", "unable to update url base from redirection"], |_| {
        GitError::Unreachable(
            "the server leads to another address, which is not followed: connect the repository \
                 by its new name"
                .into(),
        )
    }),
    (
        &[
            "returned error: 404",
            "returned error: 410",
            "repository not found",
            "does not appear to be a git repository",
            "' not found",
        ],
        |_| GitError::NoRepository,
    ),
    (
        &[
            "could not resolve host",
            "failed to connect",
            "connection refused",
            "connection timed out",
            "connection reset",
            "couldn't connect to server",
            "operation too slow",
            "early eof",
            "unexpected disconnect",
            "remote end hung up",
            "ssl certificate",
            "ssl connect",
            "server certificate",
            "gnutls_handshake",
            "returned error: 429",
            "returned error: 5",
        ],
        |said| GitError::Unreachable(said.to_owned()),
    ),
    (&["fsck error", "error in object", "error in tree"], |said| {
        GitError::Hostile(said.to_owned())
    }),
];

impl GitError {
    /// From what a program said before it failed.
    pub(super) fn from_words(said: &str) -> Self {
        let lower = said.to_lowercase();
        let meaning =
            MEANINGS.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)));
        meaning.map_or_else(|| Self::Failed(said.to_owned()), |(_, make)| make(said))
    }

    /// The same may succeed later, with nobody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TooSlow(_) | Self::Io(_) => true,
            Self::Submodule { reason, .. } => reason.is_passing(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_understood() {
        let said = |text: &str| GitError::from_words(text);
        let http = "fatal: unable to access 'https://h/': The requested URL returned error: ";
        assert!(matches!(said(&format!("{http}403")), GitError::Denied));
        assert!(matches!(said(&format!("{http}301")), GitError::Unreachable(_)));
        assert!(matches!(said(&format!("{http}503")), GitError::Unreachable(_)));
        assert!(matches!(
            said("fatal: could not read Username for 'https://h': terminal prompts disabled"),
            GitError::Denied
        ));
        assert!(matches!(
            said("fatal: repository 'https://h/acme/x.git/' not found"),
            GitError::NoRepository
        ));
        assert!(matches!(said("Host key verification failed."), GitError::HostKey));
        assert!(matches!(said("fatal: something else"), GitError::Failed(_)));
    }
}
