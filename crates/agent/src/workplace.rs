//! The directory of one job: what lies where, and how a configuration is made ready in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use protocol::{EngineKind, Job, Outcome, Phase};
use serde::{Deserialize, Serialize};

use crate::backend;
use crate::quotes::{SENSITIVE_FILE, Sensitive};
use crate::state_file::{StateFile, Version};
use crate::untrusted;
use crate::variables;

/// What may lie in an archive of somebody's working copy and would get in the way.
const LEFTOVERS: [&str; 7] = [
    ".terraform",
    ".statehouse",
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "terraform.tfstate.d",
    ".terraform.tfstate.lock.info",
    "errored.tfstate",
];

/// `<work_dir>/jobs/<random>/`, mode 0700. Engines can write to `site/` only.
///
/// What the agent itself keeps in it is reached through the open folder: whoever moves the folder away, or takes the
/// file system from above it, does not take a state from us.
#[derive(Clone, Debug)]
pub(crate) struct Workplace {
    root: PathBuf,
    held: Arc<Held>,
}

/// What stays ours whatever becomes of its name.
#[derive(Debug)]
struct Held {
    folder: Arc<File>,
    /// The file into which an apply writes its state.
    state: OnceLock<Arc<File>>,
    log: OnceLock<File>,
}

/// Says what a leftover directory was about, for the agent that finds it after a crash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub job_id: String,
    pub run_id: String,
    pub phase: Phase,
    /// Where the log begins in the server's.
    #[serde(default)]
    pub log_offset: u64,
    /// Where the state lies, relative to the directory; absent until an apply begins.
    pub state: Option<PathBuf>,
    /// The state that lay there before the engine started.
    #[serde(default)]
    pub begins: Option<Version>,
    /// The plan that is applied changes something.
    #[serde(default)]
    pub has_changes: bool,
    /// Its engine encrypts no states.
    #[serde(default)]
    pub is_plain: bool,
    /// How the phase ended, once its state is in safety.
    #[serde(default)]
    pub ended: Option<Outcome>,
    /// What the log must not quote.
    #[serde(default)]
    pub sensitive: Sensitive,
}

impl Manifest {
    /// Of a job whose engine has not been started.
    pub fn of(job: &Job) -> Self {
        Self {
            job_id: job.id.clone(),
            run_id: job.run_id.clone(),
            phase: job.phase,
            log_offset: job.log_offset,
            state: None,
            begins: None,
            has_changes: job.has_changes,
            is_plain: job.engine.kind == EngineKind::Terraform,
            ended: None,
            sensitive: variables::tfvars(&job.variables).lines,
        }
    }

    /// Whether an apply may still be at work whose state nobody has taken.
    pub fn has_something_to_save(&self) -> bool {
        self.phase == Phase::Apply && self.ended.is_none()
    }
}

/// What is added to a work directory for the longest path that must be short: provider plugins
/// listen on a socket in `tmp`, and the address of a socket has [`SOCKET_PATH`] bytes.
const LONGEST: &str = "/jobs/abcdef/site/tmp/plugin1234567890";
/// `sun_path` of Linux without the final zero, see unix(7).
const SOCKET_PATH: usize = 107;

/// Refuses a work directory beneath which no provider plugin could listen.
pub(crate) fn check_length(work_dir: &Path) -> anyhow::Result<()> {
    let longest = SOCKET_PATH - LONGEST.len();
    let length = work_dir.as_os_str().len();
    anyhow::ensure!(
        length <= longest,
        "the path {} has {length} bytes: providers need sockets beneath it, \
         which is possible for at most {longest}",
        work_dir.display()
    );
    Ok(())
}

impl Workplace {
    /// A new directory that says what it is for.
    pub fn create(work_dir: &Path, job: &Job) -> io::Result<Self> {
        // Removed by hand: a state that nobody accepted must outlive us.
        let root = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(6)
            .tempdir_in(Self::all(work_dir))?
            .keep()
            .canonicalize()?;
        let place = Self::found(root)?;
        place.write_manifest(&Manifest::of(job))?;
        for folder in [place.site(), place.config(), place.home(), place.tmp()] {
            private_folder(&folder)?;
        }
        Ok(place)
    }

    /// One that an earlier agent left behind.
    pub fn found(root: PathBuf) -> io::Result<Self> {
        let folder = Arc::new(File::open(&root)?);
        let held = Held { folder, state: OnceLock::new(), log: OnceLock::new() };
        Ok(Self { root, held: Arc::new(held) })
    }

    /// Where all of them lie.
    pub fn all(work_dir: &Path) -> PathBuf {
        work_dir.join("jobs")
    }

    /// Where it was made, and where the engine looks for it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// It itself, wherever it is by now.
    pub fn folder(&self) -> Arc<File> {
        self.held.folder.clone()
    }

    /// Whether it is still found where it was made.
    pub fn is_in_place(&self) -> bool {
        let same = || {
            let (there, own) = (fs::metadata(&self.root)?, self.held.folder.metadata()?);
            io::Result::Ok((there.dev(), there.ino()) == (own.dev(), own.ino()))
        };
        same().unwrap_or_default()
    }

    /// A file that no engine needs.
    fn own(&self, name: &str) -> PathBuf {
        untrusted::through(&self.held.folder).join(name)
    }

    /// The file into which an apply writes its state, if it was laid out by us.
    pub fn held_state(&self) -> Option<Arc<File>> {
        self.held.state.get().cloned()
    }

    pub fn hold_state(&self, file: File) {
        let _ = self.held.state.set(Arc::new(file));
    }

    /// Keeps the log within reach, should its name go.
    pub fn hold_log(&self) -> io::Result<()> {
        let file = File::open(self.log())?;
        let _ = self.held.log.set(file);
        Ok(())
    }
    pub fn site(&self) -> PathBuf {
        self.root.join("site")
    }
    pub fn config(&self) -> PathBuf {
        self.root.join("site/config")
    }
    pub fn home(&self) -> PathBuf {
        self.root.join("site/home")
    }
    pub fn tmp(&self) -> PathBuf {
        self.root.join("site/tmp")
    }
    pub fn cli_config(&self) -> PathBuf {
        self.root.join("cli.tfrc")
    }
    pub fn ssh_key(&self) -> PathBuf {
        self.root.join("ssh-key")
    }
    pub fn roots(&self) -> PathBuf {
        self.root.join("roots.pem")
    }
    pub fn known_hosts(&self) -> PathBuf {
        self.root.join("site/home/known_hosts")
    }
    pub fn archive(&self) -> PathBuf {
        self.root.join("configuration.tar.gz")
    }
    pub fn tfvars(&self) -> PathBuf {
        self.root.join("workspace.tfvars")
    }
    pub fn sensitive_tfvars(&self) -> PathBuf {
        self.root.join(SENSITIVE_FILE)
    }
    /// What the log must not show.
    pub fn secrets(&self) -> PathBuf {
        self.own("secrets.json")
    }
    pub fn log(&self) -> PathBuf {
        match self.held.log.get() {
            Some(log) => untrusted::through(log),
            None => self.own("log"),
        }
    }
    /// The prior state, the saved plan and its lock file as they were fetched.
    pub fn fetched_state(&self) -> PathBuf {
        self.root.join("fetched.tfstate")
    }
    /// A second name of the state, out of an engine's reach.
    pub fn own_state(&self) -> PathBuf {
        self.own("own.tfstate")
    }
    /// The last whole state that the server has not taken, while the engine goes on.
    pub fn pending_state(&self) -> PathBuf {
        self.own("pending.tfstate")
    }
    /// Writes down for a successor what the server has of the state.
    pub fn note_accepted(&self, version: &Version) -> io::Result<()> {
        write_at_once(&self.own("accepted.json"), &serde_json::to_vec(version)?)
    }
    /// What an earlier agent has brought.
    pub fn accepted(&self) -> Option<Version> {
        serde_json::from_slice(&fs::read(self.own("accepted.json")).ok()?).ok()
    }
    /// Whether something lies there that an apply may have written.
    pub fn has_states(&self) -> bool {
        [self.own_state(), self.pending_state()].iter().any(|path| path.exists())
    }
    /// Takes up room that an apply may need.
    pub fn ballast(&self) -> PathBuf {
        self.own("ballast")
    }
    pub fn fetched_plan(&self) -> PathBuf {
        self.root.join("fetched.tfplan")
    }
    pub fn fetched_lock(&self) -> PathBuf {
        self.root.join("fetched.lock.hcl")
    }

    /// A path inside as [`crate::untrusted`] wants it.
    pub fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// Replaces the manifest at once; a crash leaves the old or the new one.
    pub fn write_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        let content = serde_json::to_vec(manifest)?;
        let path = self.own("job.json");
        match manifest.phase {
            Phase::Plan | Phase::Assessment => {
                let next = path.with_extension("next");
                write_private(&next, &content)?;
                fs::rename(next, path)
            }
            Phase::Apply => write_durably(&path, &content),
        }
    }

    pub fn manifest(&self) -> io::Result<Manifest> {
        Ok(serde_json::from_slice(&fs::read(self.own("job.json"))?)?)
    }

    /// Removes what the engine needed to get at things, for a directory that must stay for another reason.
    pub fn forget_secrets(&self) {
        for path in [
            self.ssh_key(),
            self.cli_config(),
            self.tfvars(),
            self.sensitive_tfvars(),
            self.secrets(),
        ] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "cannot remove a file with secrets");
            }
        }
    }

    pub fn remove(&self) {
        if !self.is_in_place() {
            tracing::warn!(path = %self.root.display(), "a job directory is not where it was made, and left to whoever moved it");
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::warn!(path = %self.root.display(), %error, "cannot remove a job directory");
        }
    }

    /// Removes all that the engine has written but its state, to make room for that.
    pub fn prune(&self, state: &Path) {
        let state = self.relative(state);
        let backup = state.with_added_extension("backup");
        let errored = backend::cwd_of(&state).map(|cwd| cwd.join("errored.tfstate"));
        let kept: Vec<_> = [state, backup].into_iter().chain(errored).collect();
        if let Err(error) = prune(&untrusted::through(&self.held.folder), Path::new("site"), &kept)
        {
            tracing::warn!(%error, "not all of a job directory could be removed to make room");
        }
    }

    /// Prepares the unpacked configuration for the engine; answers where the engine starts.
    pub fn settle(&self, job: &Job) -> Result<Site, String> {
        let relative = Path::new(&job.working_directory);
        let plain = relative.components().all(|part| {
            matches!(part, Component::Normal(_) | Component::CurDir | Component::RootDir)
        });
        let outside =
            || format!("The working directory “{}” leaves the configuration.", relative.display());
        if !plain {
            return Err(outside());
        }
        let cwd = self.config().join(relative.strip_prefix("/").unwrap_or(relative));
        if job.configuration_url.is_none() {
            fs::create_dir_all(&cwd).map_err(|error| error.to_string())?;
        }
        let cwd = cwd.canonicalize().ok().filter(|path| path.is_dir()).ok_or_else(|| {
            format!(
                "The working directory “{}” does not exist in the configuration.",
                relative.display()
            )
        })?;
        if !cwd.starts_with(self.config()) {
            return Err(outside());
        }
        if job.phase != Phase::Apply && !job.options.destroy {
            let found = backend::has_configuration(&cwd, job.engine.kind)
                .map_err(|error| format!("The configuration cannot be read: {error}."))?;
            if !found {
                return Err(nothing_to_plan(&job.working_directory));
            }
        }
        let state = backend::state_of(&cwd, &job.workspace);
        self.furnish(&cwd, &state)
            .and_then(|()| match job.phase {
                Phase::Plan | Phase::Assessment => Ok(None),
                Phase::Apply => StateFile::new(self, state.clone()).lay_out(),
            })
            .map(|begins| Site { cwd, state, begins })
            .map_err(|error| format!("The configuration cannot be made ready: {error}."))
    }

    fn furnish(&self, cwd: &Path, state: &Path) -> io::Result<()> {
        for name in LEFTOVERS {
            let path = cwd.join(name);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&path)?,
                Ok(_) => fs::remove_file(&path)?,
                Err(_) => {}
            }
        }
        backend::write_override(cwd)?;
        let folder = state.parent().expect("the state lies in a folder of its own");
        private_folder(folder)?;
        if self.fetched_state().exists() {
            fs::rename(self.fetched_state(), state)?;
        }
        if self.fetched_lock().exists() {
            let lock = cwd.join(LOCK_FILE);
            // Not through a link that the archive may hold under this name.
            match fs::remove_file(&lock) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::rename(self.fetched_lock(), lock)?,
            }
        }
        Ok(())
    }
}

fn nothing_to_plan(working_directory: &str) -> String {
    let place = match working_directory.trim_matches('/') {
        "" => "The configuration".to_owned(),
        folder => format!("The working directory “{folder}” of the configuration"),
    };
    format!(
        "{place} has no configuration files that the engine reads. Planning without a configuration would mark \
         everything for destruction; if that is what you want, queue a destroy run."
    )
}

pub(crate) const LOCK_FILE: &str = ".terraform.lock.hcl";

/// Where the engine works, as absolute paths without links.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub cwd: PathBuf,
    pub state: PathBuf,
    /// The state from which an apply starts.
    pub begins: Option<Version>,
}

/// Removes what lies below a folder, other than what is kept; what cannot be removed keeps nothing else.
fn prune(root: &Path, folder: &Path, kept: &[PathBuf]) -> io::Result<()> {
    let mut outcome = Ok(());
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let (path, below) = (entry.path(), folder.join(entry.file_name()));
        if kept.contains(&below) {
            continue;
        }
        let is_folder = entry.file_type()?.is_dir();
        let removed = if is_folder && kept.iter().any(|kept| kept.starts_with(&below)) {
            prune(root, &below, kept)
        } else if is_folder {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
        outcome = outcome.and(removed);
    }
    outcome
}

/// Creates a folder with its parents that only we can enter.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a new file that only we can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    private_file(path)?.write_all(content)
}

/// As [`write_durably`] for whoever is killed, though not for a failing power: it waits for no disk.
pub(crate) fn write_at_once(path: &Path, content: &[u8]) -> io::Result<()> {
    let next = path.with_added_extension("next");
    write_private(&next, content).and_then(|()| fs::rename(&next, path)).inspect_err(|_| {
        let _ = fs::remove_file(&next);
    })
}

/// As [`write_private`]; whatever happens, a power failure too, the old content or the new is there, and never a part.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let next = path.with_added_extension("next");
    let written = || {
        let mut file = private_file(&next)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().inspect_err(|_| {
        let _ = fs::remove_file(&next);
    })
}

/// Opens an empty file that only we can read.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_neither_a_part_nor_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run-1.tfstate");
        write_durably(&path, b"old").unwrap();
        write_durably(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        // A folder takes no file's place: the last step fails.
        let taken = folder.path().join("run-2.tfstate");
        fs::create_dir(&taken).unwrap();
        assert!(write_durably(&taken, b"new").is_err());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["run-1.tfstate", "run-2.tfstate"]);
    }

    #[test]
    fn only_the_states_are_left_when_room_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let place = Workplace::found(root.clone()).unwrap();
        let cwd = place.config().join("a/b");
        let state = backend::state_of(&cwd, "networking");
        let backup = state.with_added_extension("backup");
        let kept = [state.clone(), backup, cwd.join("errored.tfstate"), root.join("log")];
        let gone = [
            state.with_file_name("fill"),
            cwd.join(".statehouse/fill"),
            cwd.join(".terraform/providers/x"),
            cwd.join("main.tf"),
            place.config().join("a/errored.tfstate"),
            place.tmp().join("fill"),
        ];
        for path in kept.iter().chain(&gone) {
            private_folder(path.parent().unwrap()).unwrap();
            write_private(path, b"x").unwrap();
        }
        std::os::unix::fs::symlink("/", cwd.join("link")).unwrap();
        place.prune(&state);
        assert!(kept.iter().all(|path| path.is_file()), "{kept:?}");
        assert!(!gone.iter().any(|path| path.exists()) && !cwd.join("link").is_symlink());
        assert!(!place.tmp().exists());
    }
}
