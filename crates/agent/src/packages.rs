//! The provider packages that `init` has installed, and whether they are those that the lock file names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

/// Host, namespace, type, version and platform of each package, as folders.
const DEPTH: usize = 5;
/// More folders than a configuration has providers.
const MOST: usize = 1000;

/// A dependency lock file as engines write it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock(BTreeMap<String, Pinned>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Pinned {
    version: String,
    hashes: BTreeSet<String>,
}

impl Lock {
    /// `None` for what no engine has written so: whoever relies on it must understand all of it.
    pub fn read(text: &str) -> Option<Self> {
        let mut lock = Self::default();
        let mut lines = text.lines().map(str::trim).filter(|line| !is_comment(line));
        while let Some(line) = lines.next() {
            let address = quoted(line.strip_prefix("provider ")?.strip_suffix(" {")?)?;
            let mut pinned = Pinned::default();
            loop {
                match lines.next()? {
                    "}" => break,
                    "hashes = [" => loop {
                        match lines.next()? {
                            "]" => break,
                            hash => {
                                let hash = quoted(hash.strip_suffix(',').unwrap_or(hash))?;
                                pinned.hashes.insert(hash.to_owned());
                            }
                        }
                    },
                    line => match line.split_once('=')? {
                        (name, version) if name.trim() == "version" => {
                            quoted(version.trim())?.clone_into(&mut pinned.version);
                        }
                        (name, _) if name.trim() == "constraints" => {}
                        _ => return None,
                    },
                }
            }
            lock.0.insert(address.to_owned(), pinned);
        }
        Some(lock)
    }

    /// Whether there is one package of each provider that it names, and none else.
    pub fn is_covered_by(&self, packages: &[PathBuf]) -> bool {
        let provider = |package: &PathBuf| {
            let parts: Vec<_> = package.iter().take(3).map(|part| part.to_string_lossy()).collect();
            parts.join("/")
        };
        let of: BTreeSet<String> = packages.iter().map(provider).collect();
        of.len() == packages.len() && self.0.keys().eq(&of)
    }

    /// Whether what lies there as this package is what the lock file names; all of it is read.
    pub fn names(&self, package: &Path, content: &Path) -> io::Result<bool> {
        let parts: Vec<_> = package.iter().map(|part| part.to_string_lossy()).collect();
        let [host, namespace, kind, version, _platform] = parts.as_slice() else {
            return Ok(false);
        };
        let Some(pinned) = self.0.get(&format!("{host}/{namespace}/{kind}")) else {
            return Ok(false);
        };
        Ok(pinned.version == *version && pinned.hashes.contains(&hash(content)?))
    }
}

fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

fn quoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\', '$', '%'])).then_some(inner)
}

/// The packages that `init` has linked out of its cache, each by its path below both; `None` if anything else lies
/// there. To be asked before any code of a configuration runs.
pub(crate) fn linked(cwd: &Path, cache: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    let root = cwd.join(".terraform/providers");
    let mut packages = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && folder.as_os_str().is_empty() =>
            {
                return Ok(Some(packages));
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, folder.join(entry.file_name()));
            match path.iter().count() {
                DEPTH if kind.is_symlink() && is_link_to(&root.join(&path), &cache.join(&path)) => {
                    packages.push(path);
                }
                deep if deep < DEPTH && kind.is_dir() => folders.push(path),
                _ => return Ok(None),
            }
            if packages.len() + folders.len() > MOST {
                return Ok(None);
            }
        }
    }
    packages.sort();
    Ok(Some(packages))
}

/// Whether a package is still what it was linked to.
pub(crate) fn is_linked(cwd: &Path, cache: &Path, package: &Path) -> bool {
    is_link_to(&cwd.join(".terraform/providers").join(package), &cache.join(package))
}

fn is_link_to(link: &Path, target: &Path) -> bool {
    fs::read_link(link).is_ok_and(|to| to == target)
}

/// Links packages as `init` does. They must be plain paths.
pub(crate) fn link(cwd: &Path, cache: &Path, packages: &[PathBuf]) -> io::Result<()> {
    for package in packages {
        let plain = package.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || package.iter().count() != DEPTH {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not the path of a package"));
        }
        let link = cwd.join(".terraform/providers").join(package);
        if let Some(folder) = link.parent() {
            fs::create_dir_all(folder)?;
        }
        std::os::unix::fs::symlink(cache.join(package), link)?;
    }
    Ok(())
}

/// The hash of a folder that lock files call `h1`: <https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1>
pub(crate) fn hash(folder: &Path) -> io::Result<String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, inner.join(entry.file_name()));
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let mut sum = Digest::default();
                io::copy(&mut File::open(entry.path())?, &mut sum)?;
                let name = path.to_str().ok_or(io::ErrorKind::InvalidData)?.to_owned();
                files.insert(name, hex::encode(sum.0.finalize()));
            } else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a package has a link"));
            }
        }
    }
    let mut list = Sha256::new();
    for (name, sum) in files {
        list.update(format!("{sum}  {name}\n"));
    }
    Ok(format!("h1:{}", BASE64_STANDARD.encode(list.finalize())))
}

/// What is written to it is only counted in.
#[derive(Default)]
pub(crate) struct Digest(pub Sha256);

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "registry.terraform.io/hashicorp/null/3.2.1/linux_amd64";

    fn lock(hash: &str) -> String {
        format!(
            "# This file is maintained automatically by \"terraform init\".\n\n\
             provider \"registry.terraform.io/hashicorp/null\" {{\n  version     = \"3.2.1\"\n  \
             constraints = \"~> 3.0\"\n  hashes = [\n    \"{hash}\",\n    \"zh:12\",\n  ]\n}}\n"
        )
    }

    #[test]
    fn a_package_is_known_by_the_hash_of_all_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("terraform-provider-null");
        fs::write(&binary, "x").unwrap();
        // As `dirhash.Hash1` says of a folder with this file.
        let line = format!("{}  terraform-provider-null\n", hex::encode(Sha256::digest("x")));
        let expected = format!("h1:{}", BASE64_STANDARD.encode(Sha256::digest(line)));
        let lock = Lock::read(&lock(&expected)).unwrap();
        let named = || lock.names(Path::new(PACKAGE), folder.path()).unwrap();
        assert!(named());
        for other in [PACKAGE.replace("3.2.1", "3.2.2"), PACKAGE.replace("null", "aws")] {
            assert!(!lock.names(Path::new(&other), folder.path()).unwrap());
        }
        fs::write(folder.path().join("more"), "").unwrap();
        assert!(!named());
        fs::remove_file(folder.path().join("more")).unwrap();
        fs::write(&binary, "y").unwrap();
        assert!(!named());
        fs::remove_file(&binary).unwrap();
        std::os::unix::fs::symlink("/bin/sh", &binary).unwrap();
        assert!(lock.names(Path::new(PACKAGE), folder.path()).is_err());
    }

    #[test]
    fn a_lock_file_that_is_not_understood_pins_nothing() {
        assert_eq!(Lock::read("# nothing\n\n"), Some(Lock::default()));
        assert!(Lock::read(&lock("h1:x")).is_some());
        for broken in [
            lock("h1:x").replace("version ", "vendor "),
            lock("h1:x").replace("provider ", "module "),
            lock("h1:x").replace("  ]\n}\n", ""),
            lock("h1:${x}"),
            lock("h1:x").replace("hashes = [", "hashes = concat(["),
        ] {
            assert_eq!(Lock::read(&broken), None, "{broken}");
        }
    }

    #[test]
    fn what_init_has_not_linked_out_of_its_cache_is_not_relied_upon() {
        let folder = tempfile::tempdir().unwrap();
        let (cwd, cache) = (folder.path().join("cwd"), folder.path().join("cache"));
        let packages = vec![PathBuf::from(PACKAGE)];
        assert_eq!(linked(&cwd, &cache).unwrap(), Some(Vec::new()));
        link(&cwd, &cache, &packages).unwrap();
        assert_eq!(linked(&cwd, &cache).unwrap(), Some(packages));
        assert!(is_linked(&cwd, &cache, Path::new(PACKAGE)));
        assert_eq!(linked(&cwd, &folder.path().join("other")).unwrap(), None);
        assert!(link(&cwd, &cache, &[PathBuf::from("a/../../../b")]).is_err());
        let place = cwd.join(".terraform/providers").join(PACKAGE);
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        assert_eq!(linked(&cwd, &cache).unwrap(), None);
    }
}
