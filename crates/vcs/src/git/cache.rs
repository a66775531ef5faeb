//! The cache of one repository: made when it is first asked for, filled by one at a time.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::command::{Call, packs, size_of, too_large};
use super::home::Route;
use super::{Git, GitError, Remote};
use crate::{CommitId, NameError, Reference, Refs};

/// Bytes of a list of all branches and tags.
const REFS_LIMIT: u64 = 64 << 20;
/// Bytes of an answer that is one name.
const WORD_LIMIT: u64 = 4 << 10;

/// Between two tries to be the one who fetches.
const PAUSE: Duration = Duration::from_millis(50);

/// A repository, as far as it was fetched. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) git: Git,
    pub(super) remote: Remote,
    pub(super) folder: PathBuf,
}

/// What is to be there afterwards.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub commit: Option<CommitId>,
    /// Where the commit was last seen: asked if the server does not give it out by its name alone, or instead of it.
    pub reference: Option<Reference>,
}

impl Git {
    /// The cache that `key` stands for: one for each connected repository, whatever it is called today.
    pub fn repository(&self, key: &str, remote: Remote) -> Repository {
        Repository { git: self.clone(), remote, folder: folder_of(self, key) }
    }

    /// Removes the caches of all but these keys that nothing was brought to for so long. Gives how many there were.
    ///
    /// # Errors
    /// Whatever the folder of caches refuses.
    pub fn forget_others(&self, keys: &[&str], unused: Duration) -> Result<usize, GitError> {
        let known: HashSet<PathBuf> = keys.iter().map(|key| folder_of(self, key)).collect();
        let caches = self.settings().root.join("caches");
        let entries = match fs::read_dir(caches) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let mut gone = 0;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let is_cache = path.extension().is_some_and(|extension| extension == "git");
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if !is_cache || known.contains(&path) || age < unused {
                continue;
            }
            let lock = path.with_extension("lock");
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock)?;
            // Somebody is at it.
            if file.try_lock().is_err() {
                continue;
            }
            fs::remove_dir_all(&path)?;
            fs::remove_file(&lock)?;
            gone += 1;
        }
        Ok(gone)
    }

    /// All branches and tags as they are now, without keeping anything.
    pub async fn references(&self, remote: &Remote) -> Result<Refs, GitError> {
        let route = self.route(remote).await?;
        let heard = self.ls_remote(&route, &["HEAD", "refs/heads/*", "refs/tags/*"]).await?;
        Ok(Refs::read(&heard))
    }

    async fn ls_remote(&self, route: &Route<'_>, patterns: &[&str]) -> Result<String, GitError> {
        let mut args = words(&["ls-remote", "--symref", "--", route.remote.address.as_str()]);
        args.extend(patterns.iter().map(|&pattern| pattern.to_owned()));
        let call = Call { args, route: Some(route), answer_limit: REFS_LIMIT, ..Call::default() };
        Ok(String::from_utf8_lossy(&self.ask(call).await?).into_owned())
    }
}

impl Repository {
    /// Brings a commit with its history, and tells its whole name. Asks nobody if it is here.
    ///
    /// # Errors
    /// [`GitError::NoCommit`] and [`GitError::NoReference`] if it is not there any more.
    pub async fn fetch(&self, wanted: &Wanted) -> Result<CommitId, GitError> {
        if let Some(found) = self.found(wanted).await? {
            return Ok(found);
        }
        let _lock = self.lock().await?;
        // Somebody else may have fetched it meanwhile.
        if let Some(found) = self.found(wanted).await? {
            return Ok(found);
        }
        self.make(wanted.commit.as_ref()).await?;
        let route = self.git.route(&self.remote).await?;
        if let Some(commit) = wanted.commit.as_ref().filter(|commit| commit.is_whole()) {
            match self.fetch_object(&route, commit).await {
                Ok(()) => {
                    if let Some(found) = self.resolve(commit).await? {
                        return Ok(found);
                    }
                }
                // Gone, or a server that gives out only what a branch or tag points to.
                Err(GitError::Failed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let no_commit = || match (&wanted.commit, &wanted.reference) {
            (Some(commit), _) => GitError::NoCommit(commit.clone()),
            (None, reference) => GitError::NoReference(
                reference.as_ref().map_or("commit".into(), Reference::to_string),
            ),
        };
        let reference = wanted.reference.as_ref().ok_or_else(no_commit)?;
        let heard = self.git.ls_remote(&route, &[&reference.full()]).await?;
        let tip = tip_of(&heard, &reference.full()).ok_or_else(no_commit)?;
        self.fetch_object(&route, &tip).await?;
        let found = self.resolve(wanted.commit.as_ref().unwrap_or(&tip)).await?;
        found.ok_or_else(no_commit)
    }

    async fn found(&self, wanted: &Wanted) -> Result<Option<CommitId>, GitError> {
        match &wanted.commit {
            Some(commit) => self.resolve(commit).await,
            None => Ok(None),
        }
    }

    /// The whole name of a commit that is here, also by that of a tag.
    pub async fn resolve(&self, commit: &CommitId) -> Result<Option<CommitId>, GitError> {
        if !self.folder.exists() {
            return Ok(None);
        }
        let args = words(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("{commit}^{{commit}}"),
        ]);
        match self.ask(args, WORD_LIMIT).await {
            Ok(answer) => Ok(Some(read_commit(&answer)?)),
            // It says nothing at all, or that it would have to fetch what it may not.
            Err(GitError::Failed(_) | GitError::NoRepository) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes what is kept of it. The next who asks begins anew.
    pub async fn forget(&self) -> Result<(), GitError> {
        let _lock = self.lock().await?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// A question to the cache alone.
    pub(super) async fn ask(&self, args: Vec<String>, limit: u64) -> Result<Vec<u8>, GitError> {
        let call = Call { args, cache: Some(&self.folder), answer_limit: limit, ..Call::default() };
        self.git.ask(call).await
    }

    /// Kept under a name of its own, so that the next fetch tells the server that it is here.
    async fn fetch_object(&self, route: &Route<'_>, object: &CommitId) -> Result<(), GitError> {
        let refspec = format!("+{object}:refs/kept/{object}");
        let args = words(&["--filter=blob:none", "origin", &refspec]);
        self.fetch_by(route, args, None).await
    }

    /// Must be called under the lock.
    pub(super) async fn fetch_by(
        &self,
        route: &Route<'_>,
        more: Vec<String>,
        stdin: Option<Vec<u8>>,
    ) -> Result<(), GitError> {
        self.sweep()?;
        let limit = self.git.settings().limits.fetched_bytes;
        let before = size_of(&self.folder);
        let mut args = words(&[
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
        ]);
        args.extend(more);
        let call = Call {
            args,
            cache: Some(&self.folder),
            route: Some(route),
            stdin,
            answer_limit: WORD_LIMIT,
        };
        let fetched = self.git.ask(call).await;
        // It may have been quicker than who watches.
        if fetched.is_ok() && size_of(&self.folder).saturating_sub(before) > limit {
            return Err(too_large(limit));
        }
        if fetched.is_err() {
            self.sweep()?;
        }
        fetched.map(|_| ())
    }

    /// Away with what a fetch has left that did not end.
    fn sweep(&self) -> Result<(), GitError> {
        for (path, _) in packs(&self.folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("tmp_") {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// An empty one, whole or not at all.
    async fn make(&self, commit: Option<&CommitId>) -> Result<(), GitError> {
        if self.folder.exists() {
            return Ok(());
        }
        let making = tempfile::Builder::new().prefix("new-").tempdir_in(self.caches()?)?;
        let is_long = commit.is_some_and(|commit| commit.as_str().len() == 64);
        let format = if is_long { "--object-format=sha256" } else { "--object-format=sha1" };
        let args = words(&["init", "--quiet", "--bare", "--template=", format]);
        let call =
            Call { args, cache: Some(making.path()), answer_limit: WORD_LIMIT, ..Call::default() };
        self.git.ask(call).await?;
        let args = words(&["config", "--local", "extensions.partialClone", "origin"]);
        let call =
            Call { args, cache: Some(making.path()), answer_limit: WORD_LIMIT, ..Call::default() };
        self.git.ask(call).await?;
        fs::rename(making.keep(), &self.folder)?;
        Ok(())
    }

    fn caches(&self) -> Result<&Path, GitError> {
        let caches = self.folder.parent().expect("it is in the folder of caches");
        fs::create_dir_all(caches)?;
        Ok(caches)
    }

    /// Between tasks as between servers on one disk; the system gives it back when its holder dies.
    pub(super) async fn lock(&self) -> Result<File, GitError> {
        self.caches()?;
        let path = self.folder.with_extension("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                // Its holder ends by its own limits.
                Err(TryLockError::WouldBlock) => sleep(PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }
}

fn folder_of(git: &Git, key: &str) -> PathBuf {
    let name = hex::encode(&Sha256::digest(key)[..16]);
    git.settings().root.join("caches").join(format!("{name}.git"))
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

pub(super) fn read_commit(answer: &[u8]) -> Result<CommitId, GitError> {
    let text = String::from_utf8_lossy(answer);
    CommitId::parse(text.trim()).map_err(|error: NameError| GitError::Failed(error.to_string()))
}

fn tip_of(heard: &str, reference: &str) -> Option<CommitId> {
    let line = heard.lines().filter_map(|line| line.split_once('\t'));
    let tip = line.filter(|(_, name)| *name == reference).map(|(id, _)| id).next()?;
    CommitId::parse(tip).ok()
}
