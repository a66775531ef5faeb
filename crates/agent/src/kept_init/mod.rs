//! What `init` made for a workspace, kept for its next run of the same configuration, so that it need not run again.
//!
//! It is kept only where nothing is left to be decided: the lock file, which `init` did not change, names every
//! provider, and all modules are local. It is taken right after `init`, before any code of the configuration runs, into
//! a folder that no engine sees. No package is copied: it stays in the cache that only `init` can write, is read whole
//! and compared with the lock file before it is linked again, and is compared once more by the engine itself.
//!
//! A record that is wrong must heal by itself. It is taken only if it is what was written and fits what we know; one
//! that is not, or with which a phase has failed, is removed, and `init` runs.

mod key;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use protocol::Job;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::backend;
use crate::packages::{self, Lock};
use crate::phase::Prepared;
use crate::workplace::{LOCK_FILE, Workplace, private_folder, write_private};
use key::key;

const BACKEND: &str = ".terraform/terraform.tfstate";
const MODULES: &str = ".terraform/modules/modules.json";
/// Of what `init` notes, in bytes.
const LARGEST_NOTE: u64 = 1 << 20;
/// Of a record, which quotes such notes, in bytes.
const LARGEST_RECORD: u64 = 8 << 20;

/// What is kept of one workspace: the last that was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Of all that `init` goes by.
    key: String,
    /// Links into the cache.
    packages: Vec<PathBuf>,
    modules: Option<String>,
    backend: String,
}

impl Record {
    /// Behind a line with the digest of the rest.
    fn text(&self) -> serde_json::Result<String> {
        let text = serde_json::to_string(self)?;
        Ok(format!("{}\n{text}", hex::encode(Sha256::digest(&text))))
    }

    /// `None` if it is not what was written.
    fn read(text: &str) -> Option<Self> {
        let (digest, text) = text.split_once('\n')?;
        if hex::encode(Sha256::digest(text)) != digest {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    /// Whether an engine may go by it, as far as that can be told without reading the packages.
    fn check(&self, lock: Option<&str>) -> Result<(), String> {
        let lock = Lock::read(lock.unwrap_or_default()).ok_or("the lock file is not understood")?;
        if !lock.is_covered_by(&self.packages) {
            return Err("the lock file did not name every provider, or others".into());
        }
        if !self.modules.as_deref().is_none_or(are_local) {
            return Err("a module comes from elsewhere".into());
        }
        let noted = serde_json::from_str(&self.backend).map_err(|error| error.to_string())?;
        backend::fits(&noted)
    }
}

/// One job's way to and from what is kept.
#[derive(Clone, Debug)]
pub(crate) struct KeptInit {
    file: PathBuf,
    cwd: PathBuf,
    cache: PathBuf,
    key: String,
    lock: Option<String>,
}

impl KeptInit {
    /// Fails with why nothing can be kept or taken.
    pub fn of(
        folder: &Path,
        cache: &Path,
        job: &Job,
        place: &Workplace,
        prepared: &Prepared,
    ) -> Result<Self, String> {
        let cwd = prepared.site.cwd.clone();
        let text = |error: io::Error| format!("the configuration cannot be read: {error}");
        let key = key(job, place, prepared, cache).map_err(text)?;
        let lock = match fs::read_to_string(cwd.join(LOCK_FILE)) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(text(error)),
        };
        let whose = format!("{}/{}", job.organization, job.workspace_id);
        let file = folder.join(hex::encode(Sha256::digest(whose)));
        Ok(Self { file, cwd, cache: cache.to_owned(), key, lock })
    }

    /// Lays it into the job's directory. Fails with why `init` must run; nothing is left behind then, and no record
    /// that is wrong.
    pub fn lay_in(&self) -> Result<(), String> {
        let record = match note(&self.file, LARGEST_RECORD) {
            Ok(Some(text)) => Record::read(&text).ok_or("what is kept is damaged"),
            Ok(None) => return Err("nothing is kept of this workspace".into()),
            Err(_) => Err("what is kept cannot be read"),
        };
        let record = record.map_err(|why| self.forget(why))?;
        if record.key != self.key {
            return Err("what init goes by has changed".into());
        }
        let fits = record.check(self.lock.as_deref());
        fits.and_then(|()| self.check(&record.packages)).map_err(|why| self.forget(&why))?;
        self.put(&record).map_err(|error| {
            // Half of it would be in the way of `init`.
            let left = fs::remove_dir_all(self.cwd.join(".terraform"));
            self.forget(&format!("what is kept cannot be laid in: {error} ({left:?})"))
        })
    }

    /// Removes the record, so that it cannot be wrong twice; answers why.
    pub fn forget(&self, why: &str) -> String {
        let removed = match fs::symlink_metadata(&self.file) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&self.file),
            _ => fs::remove_file(&self.file),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                format!("{why}, and it cannot be removed: {error}")
            }
            _ => why.to_owned(),
        }
    }

    /// Each package against the lock file.
    fn check(&self, packages: &[PathBuf]) -> Result<(), String> {
        let lock = self.lock.as_deref().unwrap_or_default();
        let lock = Lock::read(lock).ok_or("the lock file is not understood")?;
        for package in packages {
            let named = lock.names(package, &self.cache.join(package));
            if !named.map_err(|error| format!("{}: {error}", package.display()))? {
                return Err(format!("{} is not what the lock file names", package.display()));
            }
        }
        Ok(())
    }

    fn put(&self, record: &Record) -> io::Result<()> {
        private_folder(&self.cwd.join(".terraform"))?;
        packages::link(&self.cwd, &self.cache, &record.packages)?;
        if let Some(modules) = &record.modules {
            private_folder(&self.cwd.join(".terraform/modules"))?;
            write_fixed(&self.cwd.join(MODULES), modules)?;
        }
        write_fixed(&self.cwd.join(BACKEND), &record.backend)
    }

    /// Keeps what `init` has just made. Fails with why it is not kept.
    pub fn keep(&self) -> Result<(), String> {
        let after = fs::read_to_string(self.cwd.join(LOCK_FILE)).ok();
        if after != self.lock {
            return Err("the lock file did not name every provider".into());
        }
        let say = |error: io::Error| format!("what init made cannot be read: {error}");
        let packages = packages::linked(&self.cwd, &self.cache).map_err(say)?;
        let packages = packages.ok_or("a provider does not come from the cache")?;
        let modules = note(&self.cwd.join(MODULES), LARGEST_NOTE).map_err(say)?;
        let backend = note(&self.cwd.join(BACKEND), LARGEST_NOTE).map_err(say)?;
        let backend = backend.ok_or("no backend is noted")?;
        let record = Record { key: self.key.clone(), packages, modules, backend };
        record.check(self.lock.as_deref())?;
        self.only_what_is_known(record.modules.is_some()).map_err(say)?;
        let say = |error: io::Error| format!("it cannot be written: {error}");
        let folder = self.file.parent().ok_or("there is no folder for it")?;
        private_folder(folder).map_err(say)?;
        // Two slots may do so at once.
        let next = self.file.with_extension(hex::encode(rand::random::<[u8; 8]>()));
        let text = record.text().map_err(|error| error.to_string())?;
        let written = write_private(&next, text.as_bytes());
        let written = written.and_then(|()| fs::rename(&next, &self.file));
        written.map_err(|error| {
            let _ = fs::remove_file(&next);
            say(error)
        })
    }

    /// What lies there beside it would be missing next time.
    fn only_what_is_known(&self, modules: bool) -> io::Result<()> {
        let unknown = |path: PathBuf| {
            let why = format!("{} is not known", path.display());
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        };
        for entry in fs::read_dir(self.cwd.join(".terraform"))? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Some("providers" | "terraform.tfstate") => {}
                Some("modules") if modules || fs::read_dir(entry.path())?.next().is_none() => {}
                _ => return unknown(entry.path()),
            }
        }
        if modules {
            for entry in fs::read_dir(self.cwd.join(".terraform/modules"))? {
                let entry = entry?;
                if entry.file_name() != "modules.json" {
                    return unknown(entry.path());
                }
            }
        }
        Ok(())
    }
}

/// A small regular file, if it is there.
fn note(path: &Path, largest: u64) -> io::Result<Option<String>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.is_file() && found.len() <= largest => {
            fs::read_to_string(path).map(Some)
        }
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it is no small file")),
    }
}

/// Whether a manifest of modules names local ones only.
fn are_local(manifest: &str) -> bool {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(rename = "Modules")]
        modules: Vec<Module>,
    }
    #[derive(Deserialize)]
    struct Module {
        #[serde(rename = "Source")]
        source: String,
        #[serde(rename = "Dir")]
        dir: String,
    }
    serde_json::from_str::<Manifest>(manifest).is_ok_and(|manifest| {
        manifest.modules.iter().all(|module| {
            let local = ["./", "../"].iter().any(|start| module.source.starts_with(start));
            (module.source.is_empty() || local) && !module.dir.contains(".terraform")
        })
    })
}

fn write_fixed(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(0o400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_from_elsewhere_are_not_local() {
        let manifest = |source: &str, dir: &str| {
            format!(
                r#"{{"Modules":[{{"Key":"","Source":"","Dir":"."}},{{"Key":"m","Source":"{source}","Dir":"{dir}"}}]}}"#
            )
        };
        assert!(are_local(&manifest("./m", "m")) && are_local(&manifest("../m", "../m")));
        for (source, dir) in [
            ("registry.terraform.io/a/b/c", ".terraform/modules/m"),
            ("git::https://example.com/m.git?ref=0123456789", ".terraform/modules/m"),
            ("./m", ".terraform/modules/x/m"),
            ("/srv/m", "/srv/m"),
        ] {
            assert!(!are_local(&manifest(source, dir)), "{source}");
        }
        assert!(!are_local("{}") && !are_local("nonsense"));
    }

    const NOTED: &str = r#"{"backend":{"type":"local","config":{"path":".statehouse/default.tfstate","workspace_dir":".statehouse/state"}}}"#;
    const PACKAGE: &str = "registry.terraform.io/hashicorp/null/3.2.1/linux_amd64";

    /// A folder in which `init` has installed a provider, and the way to what is kept of it.
    struct Place {
        folder: tempfile::TempDir,
        kept: KeptInit,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (cwd, cache) = (folder.path().join("cwd"), folder.path().join("cache"));
            fs::create_dir_all(cache.join(PACKAGE)).unwrap();
            fs::write(cache.join(PACKAGE).join("provider"), "x").unwrap();
            let hash = packages::hash(&cache.join(PACKAGE)).unwrap();
            let lock = format!(
                "provider \"registry.terraform.io/hashicorp/null\" {{\n  version = \"3.2.1\"\n  \
                 hashes = [\n    \"{hash}\",\n  ]\n}}\n"
            );
            let kept = KeptInit {
                file: folder.path().join("kept/ws"),
                cwd,
                cache,
                key: "key".into(),
                lock: Some(lock),
            };
            let place = Self { folder, kept };
            place.install();
            place
        }

        /// As `init` does.
        fn install(&self) {
            let kept = &self.kept;
            fs::create_dir_all(kept.cwd.join(".terraform")).unwrap();
            packages::link(&kept.cwd, &kept.cache, &[PACKAGE.into()]).unwrap();
            fs::write(kept.cwd.join(BACKEND), NOTED).unwrap();
            fs::write(kept.cwd.join(LOCK_FILE), kept.lock.as_deref().unwrap()).unwrap();
        }

        /// Another job directory of the same configuration.
        fn next(&mut self, name: &str) {
            self.kept.cwd = self.folder.path().join(name);
            fs::create_dir(&self.kept.cwd).unwrap();
        }

        fn is_empty(&self) -> bool {
            !self.kept.cwd.join(".terraform").exists()
        }
    }

    #[test]
    fn what_is_laid_in_is_what_was_kept_and_cannot_be_written() {
        let mut place = Place::new();
        place.kept.keep().unwrap();
        place.next("second");
        place.kept.lay_in().unwrap();
        let note = place.kept.cwd.join(BACKEND);
        assert_eq!(fs::read_to_string(&note).unwrap(), NOTED);
        assert_eq!(fs::metadata(&note).unwrap().permissions().mode() & 0o777, 0o400);
        assert!(packages::is_linked(&place.kept.cwd, &place.kept.cache, Path::new(PACKAGE)));
    }

    #[test]
    fn a_package_that_was_changed_in_the_cache_is_not_laid_in() {
        let mut place = Place::new();
        place.kept.keep().unwrap();
        place.next("second");
        fs::write(place.kept.cache.join(PACKAGE).join("provider"), "y").unwrap();
        let why = place.kept.lay_in().unwrap_err();
        assert!(why.contains("not what the lock file names") && place.is_empty(), "{why}");
        fs::remove_dir_all(place.kept.cache.join(PACKAGE)).unwrap();
        assert!(place.kept.lay_in().is_err() && place.is_empty());
    }

    #[test]
    fn another_configuration_is_initialized() {
        let mut place = Place::new();
        place.kept.keep().unwrap();
        place.next("second");
        place.kept.key = "another".into();
        assert!(place.kept.lay_in().unwrap_err().contains("has changed") && place.is_empty());
    }

    #[test]
    fn nothing_is_kept_of_what_init_had_to_decide() {
        let place = Place::new;
        let refused = |place: &Place, word: &str| {
            let why = place.kept.keep().unwrap_err();
            assert!(why.contains(word), "{why}");
            assert!(!place.kept.file.exists(), "{word}");
        };
        let of = place();
        fs::write(of.kept.cwd.join(LOCK_FILE), "").unwrap();
        refused(&of, "lock file");
        let mut of = place();
        of.kept.lock = None;
        refused(&of, "lock file");
        let of = place();
        fs::create_dir(of.kept.cwd.join(".terraform/modules")).unwrap();
        let elsewhere =
            r#"{"Modules":[{"Key":"m","Source":"git::https://x/y","Dir":".terraform/modules/m"}]}"#;
        fs::write(of.kept.cwd.join(MODULES), elsewhere).unwrap();
        refused(&of, "module");
        let of = place();
        fs::write(of.kept.cwd.join(".terraform/plugin_path"), "").unwrap();
        refused(&of, "plugin_path");
        let of = place();
        let link = of.kept.cwd.join(".terraform/providers").join(PACKAGE);
        fs::remove_file(&link).unwrap();
        fs::create_dir(&link).unwrap();
        refused(&of, "does not come from the cache");
        let of = place();
        fs::remove_file(of.kept.cwd.join(BACKEND)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", of.kept.cwd.join(BACKEND)).unwrap();
        refused(&of, "cannot be read");
    }

    type Wrong<'a> = &'a dyn Fn(&mut Record);

    /// The fields of a record, each replaced by what no `init` has made; the digest is right.
    #[test]
    fn a_record_with_a_wrong_field_is_not_laid_in_and_removed() {
        let elsewhere = NOTED.replace("default.tfstate", "other.tfstate");
        let remote = r#"{"Modules":[{"Key":"m","Source":"git::https://x/y","Dir":"m"}]}"#;
        let wrongs: [(&str, Wrong<'_>); 9] = [
            ("path", &|record| record.backend = elsewhere.clone()),
            ("kind", &|record| record.backend = NOTED.replace("\"local\"", "\"s3\"")),
            ("folder", &|record| record.backend = NOTED.replace("house/state", "x")),
            ("no backend", &|record| record.backend = "{}".into()),
            ("no JSON", &|record| record.backend = "nonsense".into()),
            ("modules", &|record| record.modules = Some(remote.into())),
            ("no package", &|record| record.packages.clear()),
            ("other package", &|record| {
                record.packages = vec![PACKAGE.replace("null", "x").into()];
            }),
            ("way out", &|record| {
                record.packages = vec!["a/b/c/d/../../../../../outside".into()];
            }),
        ];
        for (what, wrong) in wrongs {
            let mut place = Place::new();
            place.kept.keep().unwrap();
            let mut record = Record::read(&fs::read_to_string(&place.kept.file).unwrap()).unwrap();
            wrong(&mut record);
            fs::write(&place.kept.file, record.text().unwrap()).unwrap();
            place.next("second");
            assert!(place.kept.lay_in().is_err() && place.is_empty(), "{what}");
            assert!(!place.kept.file.exists(), "{what}");
        }
    }

    #[test]
    fn a_record_of_which_one_byte_is_another_is_not_laid_in_and_removed() {
        let mut place = Place::new();
        place.kept.keep().unwrap();
        let text = fs::read(&place.kept.file).unwrap();
        place.next("second");
        for at in 0..text.len() {
            let mut spoiled = text.clone();
            spoiled[at] ^= 1;
            fs::write(&place.kept.file, spoiled).unwrap();
            assert!(place.kept.lay_in().is_err() && place.is_empty(), "{at}");
            assert!(!place.kept.file.exists(), "{at}");
            fs::write(&place.kept.file, &text[..at]).unwrap();
            assert!(place.kept.lay_in().is_err() && place.is_empty(), "{at}");
        }
        // What is no file at all is in nobody's way either.
        fs::create_dir(&place.kept.file).unwrap();
        assert!(place.kept.lay_in().is_err() && !place.kept.file.exists());
        fs::write(&place.kept.file, &text).unwrap();
        place.kept.lay_in().unwrap();
    }
}
