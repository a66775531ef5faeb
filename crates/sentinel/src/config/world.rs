//! From a configuration to the world of its policies.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::{Config, Location, Policy, Provided};
use crate::frozen::Frozen;
use crate::source::Source;
use crate::world::{Import, World};

/// How files are read: by their path, which is relative or not as the configuration's own is.
pub type Read<'r> = &'r dyn Fn(&Path) -> Result<Vec<u8>, String>;

/// What the policies are asked for. Mocks and globals exist in tests only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Test,
    Run,
}

/// A file that the configuration names cannot be had or used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub path: String,
    pub why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

impl std::error::Error for Missing {}

impl Policy {
    /// Its code. `file` is the configuration's own path.
    pub fn code(&self, file: &Path, read: Read<'_>) -> Result<Source, Missing> {
        let (path, bytes) = fetch(&self.source, file, read)?;
        Ok(Source::new(path.display().to_string(), bytes))
    }
}

impl Config {
    /// Adds to the world what the configuration provides. `file` is the configuration's own path.
    pub fn provide(
        &self,
        file: &Path,
        purpose: Purpose,
        read: Read<'_>,
        world: &mut World,
    ) -> Result<(), Missing> {
        for (name, import) in &self.imports {
            world.imports.insert(name.clone(), provided(import, file, read)?);
        }
        if purpose == Purpose::Test {
            for (name, mock) in &self.mocks {
                world.imports.insert(name.clone(), provided(mock, file, read)?);
            }
            world.globals.extend(self.globals.clone());
        }
        world.params.extend(self.params.clone());
        if let Some(zone) = self.timezone.as_ref().and_then(|zone| zone.parse().ok()) {
            world.zone = zone;
        }
        Ok(())
    }
}

/// The path of a local file, as the configuration at `file` means it.
pub(crate) fn resolve(file: &Path, source: &str) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut path = PathBuf::new();
    for part in folder.join(source).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if path
                    .components()
                    .next_back()
                    .is_some_and(|last| matches!(last, Component::Normal(_))) =>
            {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

pub(crate) fn fetch(
    location: &Location,
    file: &Path,
    read: Read<'_>,
) -> Result<(PathBuf, Vec<u8>), Missing> {
    match location {
        Location::Local(source) => {
            let path = resolve(file, source);
            match read(&path) {
                Ok(bytes) => Ok((path, bytes)),
                Err(why) => Err(Missing { path: path.display().to_string(), why }),
            }
        }
        Location::Remote { url, .. } => {
            let why = "remote sources are not fetched here; keep a copy beside the set".to_owned();
            Err(Missing { path: url.clone(), why })
        }
    }
}

fn provided(provided: &Provided, file: &Path, read: Read<'_>) -> Result<Import, Missing> {
    match provided {
        Provided::Data(data) => Ok(Import::data(data.clone())),
        Provided::Module(location) => {
            let (path, bytes) = fetch(location, file, read)?;
            Ok(Import::Module(Source::new(path.display().to_string(), bytes)))
        }
        Provided::Static(location) => {
            let (path, bytes) = fetch(location, file, read)?;
            match Frozen::from_json(&bytes) {
                Ok(data) => Ok(Import::data(data)),
                Err(why) => Err(Missing { path: path.display().to_string(), why }),
            }
        }
    }
}
