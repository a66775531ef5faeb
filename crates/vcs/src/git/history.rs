//! What a cache knows of commits: which files changed, where histories part, who wrote what.

use super::cache::{read_commit, words};
use super::{GitError, Repository, Wanted};
use crate::CommitId;

/// Bytes of a path, for the limit of all of them together, and of what people write into a commit.
const PATH_BYTES: u64 = 512;
const COMMIT_BYTES: u64 = 1 << 20;

/// Paths relative to the repository's root; of what was renamed the old and the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    Paths(Vec<String>),
    /// New, without a common commit, or more than anybody wants to know: all may have changed.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: CommitId,
    pub author_name: String,
    pub author_email: String,
    /// Seconds since 1970.
    pub committed_at: i64,
    pub message: String,
}

impl Repository {
    /// What a branch has lost and gained. Both commits are fetched if they are not here; one that is not to be had is
    /// as good as none.
    pub async fn changed_by_push(
        &self,
        before: Option<&CommitId>,
        after: &CommitId,
    ) -> Result<Changes, GitError> {
        let Some(before) = before else { return Ok(Changes::Unknown) };
        let wanted = Wanted { commit: Some(before.clone()), reference: None };
        match self.fetch(&wanted).await {
            Ok(before) => self.changed(&before, after).await,
            Err(GitError::NoCommit(_)) => Ok(Changes::Unknown),
            Err(error) => Err(error),
        }
    }

    /// What a pull request would change in the branch that it leads to.
    pub async fn changed_by_pull_request(
        &self,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<Changes, GitError> {
        match self.merge_base(base, head).await? {
            Some(fork) => self.changed(&fork, head).await,
            None => Ok(Changes::Unknown),
        }
    }

    async fn changed(&self, from: &CommitId, to: &CommitId) -> Result<Changes, GitError> {
        let args = words(&[
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--end-of-options",
            from.as_str(),
            to.as_str(),
        ]);
        let limit = self.git.settings().limits.files;
        let answer = match self.ask(args, limit as u64 * PATH_BYTES).await {
            Err(GitError::TooLarge { .. }) => return Ok(Changes::Unknown),
            answer => answer?,
        };
        let paths: Vec<String> = names(&answer).collect();
        Ok(if paths.len() > limit { Changes::Unknown } else { Changes::Paths(paths) })
    }

    /// Where two histories part; `None` if they never were one. Both must be here.
    pub async fn merge_base(
        &self,
        one: &CommitId,
        other: &CommitId,
    ) -> Result<Option<CommitId>, GitError> {
        for commit in [one, other] {
            if self.resolve(commit).await?.is_none() {
                return Err(GitError::NoCommit(commit.clone()));
            }
        }
        let args = words(&["merge-base", "--end-of-options", one.as_str(), other.as_str()]);
        match self.ask(args, 4 << 10).await {
            Ok(answer) => Ok(Some(read_commit(&answer)?)),
            // Without a word: there is none.
            Err(GitError::Failed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A commit that is here.
    pub async fn commit(&self, id: &CommitId) -> Result<Commit, GitError> {
        let found = self.log(id, 1).await?;
        found.into_iter().next().ok_or_else(|| GitError::NoCommit(id.clone()))
    }

    /// A commit and those before it on its branch, the newest first.
    pub async fn log(&self, from: &CommitId, count: u16) -> Result<Vec<Commit>, GitError> {
        if self.resolve(from).await?.is_none() {
            return Err(GitError::NoCommit(from.clone()));
        }
        let args = words(&[
            "log",
            "-z",
            "--first-parent",
            "--no-show-signature",
            "--no-mailmap",
            "--no-patch",
            &format!("--max-count={count}"),
            "--format=tformat:%H%x01%an%x01%ae%x01%ct%x01%B",
            "--end-of-options",
            from.as_str(),
        ]);
        let answer = self.ask(args, COMMIT_BYTES * u64::from(count.max(1))).await?;
        names(&answer).map(|text| read(&text)).collect()
    }

    /// The folders right below one, for whoever picks a working directory. An empty path is the root.
    pub async fn folders(&self, commit: &CommitId, path: &str) -> Result<Vec<String>, GitError> {
        let path = path.trim_matches('/');
        if path.split('/').any(|part| matches!(part, "." | "..")) || path.contains('\0') {
            return Ok(Vec::new());
        }
        let tree = format!("{commit}:{path}");
        let args = words(&["ls-tree", "-d", "-z", "--name-only", "--end-of-options", &tree]);
        let limit = self.git.settings().limits.files as u64 * PATH_BYTES;
        match self.ask(args, limit).await {
            Ok(answer) => Ok(names(&answer).collect()),
            // No such folder.
            Err(GitError::Failed(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn names(answer: &[u8]) -> impl Iterator<Item = String> {
    let parts = answer.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned())
}

fn read(text: &str) -> Result<Commit, GitError> {
    let unreadable = || GitError::Failed("a commit cannot be read".into());
    let mut parts = text.splitn(5, '\u{1}');
    let mut next = || parts.next().ok_or_else(unreadable);
    Ok(Commit {
        id: read_commit(next()?.as_bytes())?,
        author_name: next()?.to_owned(),
        author_email: next()?.to_owned(),
        committed_at: next()?.parse().map_err(|_| unreadable())?,
        message: next()?.trim_end().to_owned(),
    })
}
