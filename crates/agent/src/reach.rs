//! What runs reach of this machine beside the system's own files: what its operator named for them.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use sandbox::Reach;

use crate::Config;
use crate::workplace::Workplace;

/// Variables that engines inherit and that name files; several are separated by colons.
const NAMING: [&str; 5] =
    ["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE"];

/// A path in a CLI configuration: that of a mirror, of a provider that is being developed.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""(/[^"\\]*)""#).expect("the pattern is a constant"));

/// What all runs of an agent have in common.
pub(crate) fn common(config: &Config) -> Reach {
    let mut shared = config.shared_paths.clone();
    for name in NAMING {
        let value = env::var(name).unwrap_or_default();
        shared.extend(value.split(':').filter(|path| path.starts_with('/')).map(PathBuf::from));
    }
    let cli_config = config.cli_config_file.as_ref().map(std::fs::read_to_string);
    if let Some(Ok(text)) = cli_config {
        shared.extend(named(&text));
    }
    let mut closed = config.hidden_paths.clone();
    closed.extend([config.work_dir.clone(), config.engine_cache_dir.clone()]);
    let reach = Reach { shared, closed, ..Reach::default() };
    for path in reach.withheld() {
        tracing::warn!(
            "{} is not shown to runs: it lies in what they may not see, or holds what they have of \
             their own, such as /tmp",
            path.display()
        );
    }
    reach
}

fn named(cli_config: &str) -> Vec<PathBuf> {
    NAMED.captures_iter(cli_config).map(|found| PathBuf::from(&found[1])).collect()
}

/// What an engine needs beside itself if it is a script: the folder that it lies in, and the one
/// that its interpreter is installed in. Never a whole home or a folder of the root.
fn beside(binary: &Path) -> Vec<PathBuf> {
    let mut start = [0; 256];
    let read = File::open(binary).and_then(|mut file| file.read(&mut start)).unwrap_or_default();
    let start = String::from_utf8_lossy(&start[..read]);
    let Some(first) = start.lines().next().and_then(|line| line.strip_prefix("#!")) else {
        return Vec::new();
    };
    let interpreter = first.split_whitespace().next().map(Path::new);
    let interpreter = interpreter.and_then(|path| path.canonicalize().ok());
    let installed = interpreter.as_deref().and_then(Path::parent).and_then(Path::parent);
    let home = env::var_os("HOME").map(PathBuf::from);
    let folders = binary.parent().into_iter().chain(installed).filter(|folder| {
        let whole = folder.components().count() <= 2 || folder.parent() == Some(Path::new("/home"));
        !whole && home.as_deref() != Some(folder)
    });
    folders.map(Path::to_owned).collect()
}

/// The operator's engines are for every run: one that was downloaded may hand over to them.
pub(crate) fn show_engines<'a>(common: &mut Reach, engines: impl Iterator<Item = &'a Path>) {
    for path in engines {
        common.shared.push(path.to_owned());
        common.shared.extend(beside(path));
    }
}

/// What an engine reaches that works for nobody, in an empty folder of its own.
pub(crate) fn of_an_engine(common: &Reach, binary: &Path, folder: &Path) -> Reach {
    let mut reach = common.clone();
    reach.shared.extend(beside(binary));
    Reach {
        readable: vec![binary.to_owned()],
        writable: vec![folder.to_owned()],
        tmp: folder.to_owned(),
        ..reach
    }
}

/// What one run's engine reaches. The cache of providers can be written as long as `init` runs:
/// whatever runs later is somebody's code, and other runs trust what lies in the cache.
pub(crate) fn of_a_run(common: &Reach, place: &Workplace, binary: &Path, plugins: &Path) -> Reach {
    let mut reach = of_an_engine(common, binary, &place.tmp());
    reach.readable.extend([place.root().to_owned(), plugins.to_owned()]);
    reach.writable = vec![place.site(), plugins.to_owned()];
    reach
}

/// From the end of `init` on.
pub(crate) fn without_cache(reach: &mut Reach, plugins: &Path) {
    reach.writable.retain(|path| path != plugins);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_shown_with_what_it_stands_on() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["engine", "python/bin"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::write(root.join("python/bin/python"), "").unwrap();
        let (script, program) = (root.join("engine/script"), root.join("engine/program"));
        let first = format!("#!{}/python/bin/python -IS\nimport os\n", root.display());
        std::fs::write(&script, first).unwrap();
        std::fs::write(&program, b"\x7fELF").unwrap();
        assert_eq!(beside(&script), [root.join("engine"), root.join("python")]);
        assert!(beside(&program).is_empty());
        // The system's shell is there already, and `/` is never shown.
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        assert_eq!(beside(&script), [root.join("engine")]);
    }

    #[test]
    fn mirrors_are_found_in_both_spellings_of_a_cli_configuration() {
        let hcl = "provider_installation {\n filesystem_mirror {\n path = \"/srv/mirror\"\n }\n}\n\
                   host \"example.com\" {\n services = { \"x.v1\" = \"https://example.com/v1\" }\n}";
        assert_eq!(named(hcl), [Path::new("/srv/mirror")]);
        let json = r#"{"provider_installation":[{"filesystem_mirror":[{"path":"/srv/m"}]}]}"#;
        assert_eq!(named(json), [Path::new("/srv/m")]);
    }
}
