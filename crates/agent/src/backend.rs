//! Where the engine keeps its state: in a file of the job, whatever the configuration says.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::EngineKind;
use serde_json::Value;

use crate::untrusted;
use crate::workplace::{Workplace, write_private};

const PATH: &str = ".statehouse/default.tfstate";
const WORKSPACES: &str = ".statehouse/state";

/// How our override is called, unless others would stand behind it or have that name.
const OURS: &str = "zz_statehouse_override.tf";

/// How the engine's versions call a file whose blocks replace those of others.
const ENDINGS: [&str; 4] = [".tf", ".tf.json", ".tofu", ".tofu.json"];
/// Of a file name, in bytes.
const LONGEST: usize = 255;

/// The workspace named `default` is the one that the local backend keeps at `path`.
pub(crate) fn state_of(cwd: &Path, workspace: &str) -> PathBuf {
    match workspace {
        "default" => cwd.join(PATH),
        name => cwd.join(WORKSPACES).join(name).join("terraform.tfstate"),
    }
}

/// The folder in which an engine works whose state lies there: the one that holds `.statehouse`.
pub(crate) fn cwd_of(state: &Path) -> Option<&Path> {
    state.ancestors().find(|path| path.ends_with(".statehouse"))?.parent()
}

/// Whether the engine has anything to read there but what we write ourselves, which an archive may carry along. It looks
/// for this as well, and refuses to plan where there is nothing, because that would destroy everything; with our override
/// beside it, it cannot see it.
pub(crate) fn has_configuration(cwd: &Path, engine: EngineKind) -> io::Result<bool> {
    let endings = match engine {
        EngineKind::Terraform => &ENDINGS[..2],
        EngineKind::Tofu => &ENDINGS[..],
    };
    for entry in fs::read_dir(cwd)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // As the engines pass over what editors leave.
        let is_ignored = name.starts_with('.') || name.ends_with('~');
        let is_read = !is_ignored && endings.iter().any(|ending| name.ends_with(ending));
        let path = entry.path();
        if is_read && fs::metadata(&path).is_ok_and(|found| !found.is_dir()) && !is_ours(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Overrides `cloud` and every `backend` in all versions. Of several override files the last one by its name wins,
/// so that ours is named for standing behind all others.
pub(crate) fn write_override(cwd: &Path) -> io::Result<()> {
    let mut name = OsString::from(OURS);
    let mut last = None;
    for entry in fs::read_dir(cwd)? {
        let entry = entry?.file_name();
        if is_override(&entry.to_string_lossy()) {
            last = last.max(Some(entry));
        }
    }
    if let Some(last) = last.filter(|last| *last >= name) {
        name = last;
        name.push("_statehouse_override.tf");
    }
    if name.len() > LONGEST {
        let why = format!("the name of an override file is too long: {}", name.to_string_lossy());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    write_private(&cwd.join(name), text().as_bytes())
}

/// What our override says.
fn text() -> String {
    format!(
        "# Written by Statehouse: while it runs here, the state is a file.\nterraform {{\n  \
         backend \"local\" {{\n    path          = \"{PATH}\"\n    workspace_dir = \
         \"{WORKSPACES}\"\n  }}\n}}\n"
    )
}

/// Not by the name, which is anybody's.
fn is_ours(path: &Path) -> io::Result<bool> {
    let (text, found) = (text(), fs::metadata(path)?);
    Ok(found.is_file() && found.len() == text.len() as u64 && fs::read(path)? == text.as_bytes())
}

fn is_override(name: &str) -> bool {
    ENDINGS
        .iter()
        .filter_map(|ending| name.strip_suffix(ending))
        .any(|stem| stem == "override" || stem.ends_with("_override"))
}

/// Makes sure of it by what the engine noted when it was initialized.
///
/// Fails with a sentence for whoever wrote the configuration.
pub(crate) async fn check(place: &Workplace, cwd: &Path) -> Result<(), String> {
    let path = place.relative(&cwd.join(".terraform/terraform.tfstate"));
    let noted = untrusted::read_if_there(place.folder(), path, untrusted::SMALL).await.map_err(
        |error| format!("What the engine noted of its backend cannot be read: {error}."),
    )?;
    let noted: Value =
        noted.and_then(|noted| serde_json::from_slice(&noted).ok()).unwrap_or_default();
    fits(&noted)
}

/// Whether what an engine noted is the backend of our override file.
pub(crate) fn fits(noted: &Value) -> Result<(), String> {
    let backend = &noted["backend"];
    let (kind, config) = (&backend["type"], &backend["config"]);
    if kind == "local" && config["path"] == PATH && config["workspace_dir"] == WORKSPACES {
        return Ok(());
    }
    let kind = kind.as_str().unwrap_or("none");
    Err(format!(
        "The configuration keeps its state elsewhere than in this workspace (backend “{kind}”): \
         remove the block from it."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(others: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in others {
            fs::write(folder.path().join(name), "").unwrap();
        }
        write_override(folder.path()).unwrap();
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| is_override(name));
        names.sort();
        names
    }

    #[test]
    fn our_override_stands_behind_all_others() {
        for other in [
            "override.tf",
            "zzz_override.tf",
            "zz_statehouse_override.tf.json",
            "zz_statehouse_override.tofu",
            "zz_statehouse_override.tf",
            "~_override.tofu.json",
            "ü_override.tf",
            "\u{10ffff}_override.tf",
        ] {
            let names = ours(&[other, "main.tf", "zzzz.tf"]);
            assert_eq!(names.len(), 2, "{names:?}");
            assert!(names[1].ends_with("_statehouse_override.tf"), "{names:?}");
            // OpenTofu passes over `x.tf` beside `x.tofu`.
            assert!(!names.contains(&names[1].replace(".tf", ".tofu")), "{names:?}");
        }
    }

    #[test]
    fn what_no_engine_reads_is_no_configuration() {
        for (name, terraform, tofu) in [
            ("main.tf", true, true),
            ("main.tf.json", true, true),
            ("override.tf", true, true),
            ("main.tofu", false, true),
            ("main.tofu.json", false, true),
            ("README.md", false, false),
            ("x.auto.tfvars", false, false),
            ("x.tftest.hcl", false, false),
            (".main.tf", false, false),
            ("main.tf~", false, false),
            ("#main.tf#", false, false),
            ("#main.tf", true, true),
            (OURS, true, true),
            ("main.tf.bak", false, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            // Neither what lies below nor a folder of such a name is read.
            fs::create_dir_all(folder.path().join("modules/a.tf")).unwrap();
            fs::create_dir_all(folder.path().join("b.tf")).unwrap();
            fs::write(folder.path().join("modules/main.tf"), "").unwrap();
            fs::write(folder.path().join(name), "").unwrap();
            let has = |engine| has_configuration(folder.path(), engine).unwrap();
            assert_eq!(has(EngineKind::Terraform), terraform, "{name}");
            assert_eq!(has(EngineKind::Tofu), tofu, "{name}");
        }
    }

    #[test]
    fn our_own_override_is_no_configuration_whatever_its_name() {
        for name in [OURS, "zzz_override.tf_statehouse_override.tf"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), text()).unwrap();
            assert!(!has_configuration(folder.path(), EngineKind::Terraform).unwrap(), "{name}");
            fs::write(folder.path().join(name), text() + "\n").unwrap();
            assert!(has_configuration(folder.path(), EngineKind::Terraform).unwrap(), "{name}");
        }
    }

    #[test]
    fn an_override_of_our_name_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OURS);
        fs::write(&path, "# mine\n").unwrap();
        write_override(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# mine\n");
    }

    #[test]
    fn a_name_behind_which_nothing_fits_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}_override.tf", "z".repeat(LONGEST - "_override.tf".len()));
        fs::write(folder.path().join(name), "").unwrap();
        assert!(write_override(folder.path()).unwrap_err().to_string().contains("too long"));
    }
}
