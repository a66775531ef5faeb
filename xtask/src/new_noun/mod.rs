//! A noun of an organization, from its table to its tests: `cargo xtask new-noun` writes it and registers it everywhere,
//! so that what remains is what it is for.

mod name;
mod places;
pub mod trial;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;
use name::Name;

#[derive(clap::Args)]
pub struct Args {
    /// The noun as the API spells it in its URL, in `snake_case`, and in the plural.
    name: String,
    /// What its ids begin with; the noun in the singular, without this.
    #[arg(long)]
    prefix: Option<String>,
    /// A copy of the project to write it into, instead of this one.
    #[arg(long)]
    into: Option<PathBuf>,
}

/// Files that come with a noun, as those of a noun named `gad_gets`.
const FILES: [(&str, &str); 10] = [
    ("crates/db/src/entity/gad_get.rs", include_str!("templates/entity.rs")),
    ("crates/db/migrations/NEXT_gad_gets.sql", include_str!("templates/migration.sql")),
    ("crates/domain/src/gad_gets/mod.rs", include_str!("templates/domain_mod.rs")),
    ("crates/domain/src/gad_gets/list.rs", include_str!("templates/domain_list.rs")),
    ("crates/domain/src/gad_gets/create.rs", include_str!("templates/domain_create.rs")),
    ("crates/domain/src/gad_gets/update.rs", include_str!("templates/domain_update.rs")),
    ("crates/domain/src/gad_gets/delete.rs", include_str!("templates/domain_delete.rs")),
    ("crates/api/src/gad_gets.rs", include_str!("templates/api.rs")),
    ("crates/api/tests/it/gad_gets.rs", include_str!("templates/test.rs")),
    ("crates/testkit/src/world/gad_gets.rs", include_str!("templates/world.rs")),
];

const NEXT: &str = "\
Now:
  1. Its columns: the migration, the entity, `Change`, the attributes of the API.
  2. Who may read and who may manage it: its lines in crates/domain/src/access/can.rs.
  3. What it is for: `gad_gets_do_what_they_are_for` in crates/api/tests/it/gad_gets.rs fails until you say it.
  4. INSTA_UPDATE=always cargo test -p statehouse-api --test it
     writes the table of all routes and says which others want to know the noun; read the diff. What
     docs/compatibility.md says comes from it: UPDATE_COMPATIBILITY=1 cargo test -p statehouse-api --test it compatibility
  5. CONTRIBUTING.md, \"Adding an endpoint\", for what it needs beyond that.";

/// Writes the noun; changes nothing where it cannot be written whole.
pub fn run(args: &Args) -> Result<()> {
    let name = Name::new(&args.name, args.prefix.as_deref())?;
    write(args.into.as_deref().unwrap_or_else(|| workspace::root()), &name)?;
    println!("{}", name.applied_to(NEXT));
    Ok(())
}

fn write(root: &Path, name: &Name) -> Result<()> {
    for (path, text) in written(root, name)? {
        let full = root.join(&path);
        let folder = full.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&full, text).with_context(|| format!("cannot write {}", full.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// All files that are new or change, as they are to be.
fn written(root: &Path, name: &Name) -> Result<Vec<(PathBuf, String)>> {
    let number = next_migration(&root.join("crates/db/migrations"))?;
    let mut all = Vec::new();
    for (path, template) in FILES {
        let path = PathBuf::from(name.applied_to(path).replace("NEXT", &number));
        let full = root.join(&path);
        let folder = full.parent().filter(|_| full.ends_with("mod.rs"));
        let room = folder.is_some_and(|folder| folder.with_extension("rs").exists());
        if full.exists() || full.with_extension("").is_dir() || room {
            bail!("{} is there already", path.display());
        }
        all.push((path, name.applied_to(template)));
    }
    all.extend(places::registered(root, name)?);
    for (path, text) in &mut all {
        if path.extension().is_some_and(|extension| extension == "rs") {
            *text = formatted(text).with_context(|| path.display().to_string())?;
        }
    }
    Ok(all)
}

/// The number after the highest there is.
fn next_migration(folder: &Path) -> Result<String> {
    let mut highest = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.split('_').next());
        highest = highest.max(digits.and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0));
    }
    Ok(format!("{:04}", highest + 1))
}

/// As `cargo fmt` will want it; refuses what is no Rust.
fn formatted(text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(workspace::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt")?;
    let mut stdin = rustfmt.stdin.take().context("rustfmt listens to nobody")?;
    let sent = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(sent.as_bytes()));
    let done = rustfmt.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("rustfmt was not told"))??;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8(done.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the noun has to do with of the project, in a folder of its own.
    fn copy() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for path in places::files() {
            let to = copy.path().join(path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(workspace::root().join(path), to).unwrap();
        }
        let migrations = copy.path().join("crates/db/migrations");
        std::fs::create_dir_all(&migrations).unwrap();
        std::fs::write(migrations.join("0041_start.sql"), "").unwrap();
        copy
    }

    fn noun(name: &str, into: &Path) -> Result<()> {
        run(&Args { name: name.into(), prefix: None, into: Some(into.into()) })
    }

    fn of(copy: &Path, path: &str) -> String {
        std::fs::read_to_string(copy.join(path)).unwrap()
    }

    #[test]
    fn a_noun_is_written_whole_and_registered_everywhere() {
        let copy = copy();
        noun("paper_policies", copy.path()).unwrap();
        let migration = of(copy.path(), "crates/db/migrations/0042_paper_policies.sql");
        assert!(migration.contains("CREATE TABLE paper_policies ("));
        for path in [
            "crates/db/src/entity/paper_policy.rs",
            "crates/domain/src/paper_policies/mod.rs",
            "crates/domain/src/paper_policies/create.rs",
            "crates/api/src/paper_policies.rs",
            "crates/api/tests/it/paper_policies.rs",
            "crates/testkit/src/world/paper_policies.rs",
        ] {
            let text = of(copy.path(), path);
            assert!(text.starts_with("//! "), "{path}");
            assert!(!text.to_lowercase().contains("gad"), "{path}: {text}");
        }
        for (path, line) in [
            ("crates/db/src/id.rs", "    PaperPolicyId = \"paperpolicy\",\n    PlanExportId"),
            ("crates/db/src/entity/mod.rs", "\npub mod paper_policy;\npub mod phase;"),
            (
                "crates/db/src/entity/event/happened.rs",
                "PaperPolicyCreated = \"paper_policy_created\",",
            ),
            ("crates/domain/src/lib.rs", "\npub mod paper_policies;\nmod parts;"),
            ("crates/domain/src/lib.rs", "paper_policy::Model as PaperPolicy,"),
            ("crates/domain/src/access/can.rs", "ReadPaperPolicies on Organization"),
            ("crates/domain/src/access/can.rs", "ManagePaperPolicies on Organization"),
            ("xtask/src/lint/rooms.rs", "\"organizations\",\n            \"paper_policies\",\n"),
            (
                "crates/entrance/src/locate.rs",
                "In<row::PaperPolicy, row::Organization> = paper_policies::find, by \"paper_policy_id\";",
            ),
            ("crates/api/src/lib.rs", "mod paper_policies;\n"),
            ("crates/api/src/lib.rs", ".merge(paper_policies::routes())\n"),
            ("crates/api/src/includes.rs", "\"paper-policies\" = paper_policies::load, |cx, rows|"),
            (
                "crates/api/tests/it/list_scopes.rs",
                "\"/organizations/{organization_name}/paper-policies\", \"/paper-policies/*\"",
            ),
            ("crates/api/tests/it/main.rs", "mod paper_policies;\n"),
            ("crates/testkit/src/world.rs", "mod paper_policies;\n"),
            ("crates/testkit/src/world.rs", "paper_policies::in_world(&owner)"),
            ("crates/testkit/src/world.rs", "paper_policies::body(method, path)"),
            (
                "docs/compatibility.md",
                "| `POST /api/v2/organizations/{organization_name}/paper-policies` |",
            ),
            ("docs/compatibility.md", "| `DELETE /api/v2/paper-policies/{paper_policy_id}` |"),
        ] {
            assert!(of(copy.path(), path).contains(line), "{path} says nowhere {line:?}");
        }
    }

    #[test]
    fn what_is_registered_once_is_registered_in_order_and_nothing_else_changes() {
        let copy = copy();
        noun("paper_policies", copy.path()).unwrap();
        for path in places::files() {
            let (before, after) = (of(workspace::root(), path), of(copy.path(), path));
            let words = |text: &str| {
                let mut words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
                words.sort();
                words
            };
            let (before, after) = (words(&before), words(&after));
            let lost = before.iter().filter(|word| after.binary_search(word).is_err());
            assert_eq!(lost.count(), 0, "{path}");
            assert!(after.len() > before.len(), "{path}");
        }
    }

    #[test]
    fn a_noun_that_is_there_is_left_alone() {
        let copy = copy();
        noun("paper_policies", copy.path()).unwrap();
        let before = of(copy.path(), "crates/db/src/id.rs");
        let refused = noun("paper_policies", copy.path()).unwrap_err();
        assert!(refused.to_string().contains("is there already"), "{refused}");
        assert_eq!(of(copy.path(), "crates/db/src/id.rs"), before);
        assert!(noun("Paper", copy.path()).is_err());
        // One that is a room of the domain and nothing else so far.
        std::fs::write(copy.path().join("crates/domain/src/locks.rs"), "//! Locks.\n").unwrap();
        assert!(noun("locks", copy.path()).is_err());
        assert!(noun("paper", copy.path()).is_err(), "no plural");
    }

    #[test]
    fn a_place_that_has_gone_is_named_and_nothing_is_written() {
        let copy = copy();
        let path = copy.path().join("crates/api/src/lib.rs");
        std::fs::write(&path, "//! Empty.\n").unwrap();
        let refused = noun("paper_policies", copy.path()).unwrap_err();
        assert!(format!("{refused:#}").contains("crates/api/src/lib.rs"), "{refused:#}");
        assert!(!copy.path().join("crates/api/src/paper_policies.rs").exists());
    }
}
