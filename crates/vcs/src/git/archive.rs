//! Makes an archive of a commit as it would be checked out, submodules included: what is in the files is fetched at once
//! and no file is read in whole.

use std::fs::File;
use std::path::Path;

use tempfile::NamedTempFile;

use super::cache::words;
use super::command::Call;
use super::links::{Links, stays_inside};
use super::pack::{Packer, Source};
use super::{GitError, Repository, SshKey};
use crate::CommitId;

/// Bytes of a line of a list, path included, for the limit of all of them.
const LINE_BYTES: u64 = 512;
/// Bytes of all targets of links.
const LINKS_BYTES: u64 = 8 << 20;

#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Whether to fetch the repositories inside of this one. Without it their folders stay empty.
    pub submodules: bool,
    /// For submodules by ssh on other servers.
    pub ssh_key: Option<SshKey>,
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Of the archive.
    pub bytes: u64,
    pub files: usize,
    /// Links that would have led out of it, and are not in it.
    pub left_out: Vec<String>,
}

/// One repository of an archive.
#[derive(Debug)]
pub(super) struct Part {
    pub repository: Repository,
    commit: CommitId,
    /// Where in the archive it is, without slashes at its ends.
    pub prefix: String,
    depth: usize,
    files: Vec<Entry>,
    links: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// In the archive.
    pub path: String,
    pub object: CommitId,
    pub is_executable: bool,
}

/// What a tree names.
#[derive(Default)]
struct Tree {
    files: Vec<Entry>,
    links: Vec<Entry>,
    /// By their path in their own repository.
    submodules: Vec<(String, CommitId)>,
    /// The file that says where they are.
    modules: Option<CommitId>,
}

impl Repository {
    /// Writes the files of a commit that is here into a new file, as tar compressed with gzip, without folders for
    /// themselves and without `.git`. The file is whole, or not there.
    pub async fn archive(
        &self,
        commit: &CommitId,
        wishes: &Wishes,
        into: &Path,
    ) -> Result<Packed, GitError> {
        let parts = self.parts(commit, wishes).await?;
        let mut links = Links::new();
        for part in &parts {
            part.read_links(&mut links).await?;
        }
        let committed_at = self.commit(commit).await?.committed_at;
        let limits = self.git.settings().limits;
        let unfinished = NamedTempFile::new_in(into.parent().unwrap_or(Path::new(".")))?;
        let mut packer = Packer::new(unfinished.reopen()?, limits.archive_bytes, committed_at);
        let mut left_out = Vec::new();
        for part in &parts {
            packer = part.pack(packer).await?;
        }
        for (path, target) in &links {
            if stays_inside(&links, path) {
                packer.link(path, target)?;
            } else {
                left_out.push(path.clone());
            }
        }
        let (files, bytes) = (packer.files(), packer.finish()?);
        unfinished.persist_noclobber(into).map_err(|error| error.error)?;
        Ok(Packed { bytes, files, left_out })
    }

    /// This repository and those inside of it, with all that is in their files.
    async fn parts(&self, commit: &CommitId, wishes: &Wishes) -> Result<Vec<Part>, GitError> {
        let limits = self.git.settings().limits;
        let first = Part {
            repository: self.clone(),
            commit: commit.clone(),
            prefix: String::new(),
            depth: 0,
            files: Vec::new(),
            links: Vec::new(),
        };
        let (mut waiting, mut parts, mut count) = (vec![first], Vec::new(), 0);
        while let Some(mut part) = waiting.pop() {
            let tree = part.tree(limits.files).await?;
            count += tree.files.len() + tree.links.len();
            if count > limits.files {
                return Err(GitError::TooMany(limits.files));
            }
            (part.files, part.links) = (tree.files, tree.links);
            part.repository.fill(&part.commit).await?;
            if wishes.submodules && !tree.submodules.is_empty() {
                let modules = match &tree.modules {
                    Some(blob) => part.repository.modules(blob).await?,
                    None => super::submodules::Modules::new(),
                };
                for (path, commit) in tree.submodules {
                    let prefix = part.path_of(&path);
                    if part.depth == limits.submodule_depth
                        || parts.len() + waiting.len() >= limits.submodules
                    {
                        let reason = "there are too many repositories inside of this one";
                        let reason = Box::new(GitError::Failed(reason.into()));
                        return Err(GitError::Submodule { path: prefix, reason });
                    }
                    let url = modules.get(&path);
                    let repository =
                        part.repository.submodule(&prefix, url, &commit, wishes).await?;
                    waiting.push(Part {
                        repository,
                        commit,
                        prefix,
                        depth: part.depth + 1,
                        files: Vec::new(),
                        links: Vec::new(),
                    });
                }
            }
            parts.push(part);
        }
        Ok(parts)
    }

    /// Fetches what is in the files of a commit, as far as it is not here, all at once.
    async fn fill(&self, commit: &CommitId) -> Result<(), GitError> {
        if self.missing(commit).await?.is_empty() {
            return Ok(());
        }
        let _lock = self.lock().await?;
        // Somebody else may have fetched it meanwhile.
        let missing = self.missing(commit).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let route = self.git.route(&self.remote).await?;
        // As git itself fetches what it misses, but in one request.
        let args = words(&["--filter=blob:none", "--stdin", "origin"]);
        self.fetch_by(&route, args, Some(missing.into_bytes())).await
    }

    /// The names of the contents that are not here, one a line.
    async fn missing(&self, commit: &CommitId) -> Result<String, GitError> {
        let tree = format!("{commit}^{{tree}}");
        let args = words(&["rev-list", "--objects", "--no-object-names", "--missing=print", &tree]);
        let limit = self.git.settings().limits.files as u64 * LINE_BYTES;
        let listed = self.ask(args, limit).await?;
        let listed = String::from_utf8_lossy(&listed);
        let missing = listed.lines().filter_map(|line| line.strip_prefix('?'));
        Ok(missing.flat_map(|object| [object, "\n"]).collect())
    }
}

impl Part {
    async fn tree(&self, limit: usize) -> Result<Tree, GitError> {
        let args = words(&[
            "ls-tree",
            "-r",
            "-z",
            "--full-tree",
            "--end-of-options",
            self.commit.as_str(),
        ]);
        let answer = match self.repository.ask(args, limit as u64 * LINE_BYTES).await {
            Err(GitError::TooLarge { .. }) => return Err(GitError::TooMany(limit)),
            answer => answer?,
        };
        let mut tree = Tree::default();
        for line in answer.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let unreadable = || GitError::Failed("a tree cannot be read".into());
            let (what, name) = line.split_once('\t').ok_or_else(unreadable)?;
            let mut what = what.split(' ');
            let (Some(mode), Some(_), Some(object)) = (what.next(), what.next(), what.next())
            else {
                return Err(unreadable());
            };
            let object = CommitId::parse(object).map_err(|_| unreadable())?;
            check(name)?;
            let entry = Entry {
                path: self.path_of(name),
                object: object.clone(),
                is_executable: mode == "100755",
            };
            match mode {
                "160000" => tree.submodules.push((name.to_owned(), object)),
                "120000" => tree.links.push(entry),
                _ => {
                    if name == ".gitmodules" {
                        tree.modules = Some(object);
                    }
                    tree.files.push(entry);
                }
            }
        }
        Ok(tree)
    }

    async fn read_links(&self, links: &mut Links) -> Result<(), GitError> {
        if self.links.is_empty() {
            return Ok(());
        }
        let call = Call { answer_limit: LINKS_BYTES, ..self.contents(&self.links) };
        let answer = self.repository.git.ask(call).await?;
        let mut source = Source::new(answer.as_slice());
        for link in &self.links {
            let size = source.next(&link.object)?;
            let mut target = Vec::new();
            source.copy(size, &mut target)?;
            links.insert(link.path.clone(), target);
        }
        Ok(())
    }

    async fn pack(&self, packer: Packer) -> Result<Packer, GitError> {
        if self.files.is_empty() {
            return Ok(packer);
        }
        let patience = self.repository.git.settings().limits.patience;
        let mut running = self.repository.git.begin(self.contents(&self.files)).await?;
        let stdout = running.child.stdout.take().expect("it was piped").into_owned_fd()?;
        let files = self.files.clone();
        let packing = tokio::task::spawn_blocking(move || {
            let mut packer = packer;
            let mut source = Source::new(File::from(stdout));
            for file in &files {
                let size = source.next(&file.object)?;
                packer.file(file, size, &mut source)?;
            }
            Ok::<_, GitError>(packer)
        });
        let packed = tokio::time::timeout(patience, packing).await;
        let packer =
            packed.map_err(|_| GitError::TooSlow(patience))?.map_err(std::io::Error::other)??;
        running.end().await?;
        Ok(packer)
    }

    /// What is in these files, one after the other.
    fn contents(&self, entries: &[Entry]) -> Call<'_> {
        let names: String =
            entries.iter().flat_map(|entry| [entry.object.as_str(), "\n"]).collect();
        Call {
            args: words(&["cat-file", "--batch", "--buffer"]),
            cache: Some(&self.repository.folder),
            stdin: Some(names.into_bytes()),
            ..Call::default()
        }
    }
}

/// What git would refuse to check out is in no archive of ours.
fn check(path: &str) -> Result<(), GitError> {
    let is_right =
        |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    if path.split('/').all(is_right) {
        return Ok(());
    }
    let shown: String = path.chars().filter(|c| !c.is_control()).take(100).collect();
    Err(GitError::Hostile(format!("a file named {shown}")))
}
