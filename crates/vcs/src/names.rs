//! Names that come from outside and go to `git` and into addresses: whoever holds one of these types holds a name that
//! is neither an option, a path that climbs, nor a second line.

use std::fmt;

/// Bytes. Git itself stops at what a file system takes.
const NAME_LIMIT: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("“{0}” is no name of a commit")]
    Commit(String),
    #[error("“{0}” is no name of a branch or tag")]
    Reference(String),
    #[error("“{0}” is no name of a repository")]
    Repository(String),
}

/// What is wrong, short enough to be shown, on one line.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The name of a commit in lower case: 40 or 64 hexadecimal digits, or the beginning of it (12 and more) where a
/// provider tells no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    /// # Errors
    /// [`NameError::Commit`], also for the zeros by which events say "none": see [`CommitId::or_none`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_long = (12..=40).contains(&text.len()) || text.len() == 64;
        if is_hex && is_long && text.bytes().any(|byte| byte != b'0') {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::Commit(shown(text)))
        }
    }

    /// `None` for zeros: the branch was not there before, or is not there any more.
    ///
    /// # Errors
    /// [`NameError::Commit`] for what is neither.
    pub fn or_none(text: &str) -> Result<Option<Self>, NameError> {
        if !text.is_empty() && text.bytes().all(|byte| byte == b'0') {
            return Ok(None);
        }
        Self::parse(text).map(Some)
    }

    /// Not only its beginning.
    pub fn is_whole(&self) -> bool {
        matches!(self.0.len(), 40 | 64)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a branch or tag, without `refs/heads/` or `refs/tags/`. Quotes and dollars may be in it; line ends, blanks
/// and a dash in front may not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(String);

impl RefName {
    /// By the rules of `git check-ref-format --branch`.
    ///
    /// # Errors
    /// [`NameError::Reference`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let part_is_right = |part: &str| {
            let is_lock = part.len() >= 5 && part.as_bytes()[part.len() - 5..] == *b".lock";
            !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !is_lock
        };
        let is_forbidden =
            |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
        let is_right = text.len() <= NAME_LIMIT
            && !text.starts_with('-')
            && text != "@"
            && text != "HEAD"
            && !text.contains("..")
            && !text.contains("@{")
            && !text.contains(is_forbidden)
            && text.split('/').all(part_is_right);
        if is_right { Ok(Self(text.to_owned())) } else { Err(NameError::Reference(shown(text))) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a provider names a repository: `ORG/REPO`, with subgroups at GitLab, `PROJECT/repo` at Bitbucket Data Center,
/// `ORG/PROJECT/_git/REPO` at Azure DevOps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// # Errors
    /// [`NameError::Repository`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let part_is_right = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.trim() == part
                && !part.starts_with('-')
                && !part.contains(|c: char| c.is_control() || matches!(c, '\\' | '?' | '#'))
        };
        let is_right =
            text.len() <= NAME_LIMIT && text.contains('/') && text.split('/').all(part_is_right);
        if is_right { Ok(Self(text.to_owned())) } else { Err(NameError::Repository(shown(text))) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_hexadecimal_and_zeros_are_none() {
        let whole = "0123456789ABCDEF0123456789abcdef01234567";
        assert_eq!(CommitId::parse(whole).unwrap().as_str(), whole.to_lowercase());
        assert!(CommitId::parse(whole).unwrap().is_whole());
        assert!(!CommitId::parse("0123456789ab").unwrap().is_whole());
        assert_eq!(CommitId::or_none(&"0".repeat(40)), Ok(None));
        for wrong in ["", "main", "--all", "0123", &"a".repeat(41), &"0".repeat(40)] {
            assert!(CommitId::parse(wrong).is_err(), "{wrong}");
        }
        assert!(CommitId::or_none("").is_err());
    }

    #[test]
    fn a_branch_is_no_option_and_no_second_line() {
        for right in
            ["main", "feature/x", "it's", "a\"b", "$(id)", "ünïcode", "release-1.0", "v1.0.0"]
        {
            assert!(RefName::parse(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "-x",
            "--upload-pack=touch",
            "a\nb",
            "a b",
            "a..b",
            "a/../b",
            "a:b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.",
            "@",
            "HEAD",
            "a@{1}",
            "a\\b",
            "a*",
            "a\u{7f}b",
        ] {
            assert!(RefName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(
            RefName::parse("a\nb").unwrap_err().to_string(),
            "“a\u{fffd}b” is no name of a branch or tag"
        );
    }

    #[test]
    fn a_repository_does_not_climb() {
        for right in
            ["acme/infra", "acme/sub/group/infra", "acme/my project/_git/infra", "~ann/infra"]
        {
            assert!(RepositoryName::parse(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "infra",
            "acme/",
            "/infra",
            "acme/../x",
            "./x",
            "acme/x\n",
            "acme/x?y",
            "acme/x#y",
            "-a/b",
        ] {
            assert!(RepositoryName::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
