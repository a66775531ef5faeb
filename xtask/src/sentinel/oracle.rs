//! Mocks that carry a raw plan say what the real imports make of it: the derivation against them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::DateTime;
use sentinel::{Frozen, Import, Limits, Source, World, evaluate};

use super::files;

/// The collections to compare, by the file that holds them and the import they are of.
const MOCKS: [(&str, &str, &[&str]); 3] = [
    (
        "mock-tfplan",
        "tfplan/v2",
        &["resource_changes", "output_changes", "variables", "resource_drift", "planned_values"],
    ),
    (
        "mock-tfconfig",
        "tfconfig/v2",
        &["providers", "resources", "provisioners", "variables", "outputs", "module_calls"],
    ),
    ("mock-tfstate", "tfstate/v2", &["resources", "outputs"]),
];

/// Per collection: how many are equal, how many differ.
type Counts = BTreeMap<String, (usize, usize)>;

pub fn run(sets: &[PathBuf], verbose: bool) -> Result<()> {
    let (mut counts, mut plans) = (Counts::new(), 0);
    for set in sets {
        for file in files(set)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with("mock-tfplan") || !name.ends_with("v2.sentinel") {
                continue;
            }
            let plan = collections(&file, &["raw"]).remove("raw");
            let Some(plan) = plan.filter(|plan| !plan.entries().is_empty()) else { continue };
            plans += 1;
            beside(&file, &Arc::new(plan), &mut counts, verbose);
        }
    }
    println!("{plans} mocks with a raw plan");
    for (collection, (equal, different)) in &counts {
        println!("{collection:32} {equal:>5} equal {different:>4} different");
    }
    if plans == 0 {
        bail!("no mock carries a plan");
    }
    Ok(())
}

fn beside(file: &Path, plan: &Arc<Frozen>, counts: &mut Counts, verbose: bool) {
    let imports = sentinel::terraform::imports(plan);
    for (stem, import, names) in MOCKS {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let file = file.with_file_name(name.replace("mock-tfplan", stem));
        if !file.is_file() {
            continue;
        }
        let Some(Import::Data(derived)) = imports.get(import) else { continue };
        for (name, mocked) in collections(&file, names) {
            // Mocks that were made before Terraform had this say nothing of it.
            if mocked.entries().is_empty() && !derived.get(&name).entries().is_empty() {
                continue;
            }
            let (equal, different) = counts.entry(format!("{import} {name}")).or_default();
            match difference(derived.get(&name), &mocked, &name) {
                None => *equal += 1,
                Some(path) => {
                    *different += 1;
                    if verbose {
                        println!("  {}: {path}", file.display());
                    }
                }
            }
        }
    }
}

/// The values of a mock's variables.
fn collections(file: &Path, names: &[&str]) -> BTreeMap<String, Frozen> {
    let Ok(text) = std::fs::read_to_string(file) else { return BTreeMap::new() };
    let source = Source::new(file.display().to_string(), format!("{text}\nmain = true\n"));
    let limits = Limits::for_authors(Duration::from_mins(1));
    evaluate(&source, &World::new(DateTime::UNIX_EPOCH), &limits, names).names
}

/// Where two trees differ first.
fn difference(derived: &Frozen, mocked: &Frozen, path: &str) -> Option<String> {
    match (derived, mocked) {
        (Frozen::Map(_), Frozen::Map(_)) => {
            let (derived, mocked) = (derived.entries(), mocked.entries());
            for (key, _) in derived.iter().chain(mocked) {
                let find = |entries: &[(sentinel::Text, Frozen)]| {
                    entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
                };
                let path = format!("{path}[{:?}]", String::from_utf8_lossy(key));
                match (find(derived), find(mocked)) {
                    (Some(left), Some(right)) => {
                        if let Some(path) = difference(&left, &right, &path) {
                            return Some(path);
                        }
                    }
                    (Some(_), None) => return Some(format!("{path} is only derived")),
                    _ => return Some(format!("{path} is only in the mock")),
                }
            }
            None
        }
        (Frozen::List(left), Frozen::List(right)) if left.len() == right.len() => {
            let mut pairs = left.iter().zip(right.iter()).enumerate();
            pairs.find_map(|(n, (left, right))| difference(left, right, &format!("{path}[{n}]")))
        }
        (left, right) if left.to_json() == right.to_json() => None,
        (left, right) => {
            let short =
                |value: &Frozen| value.to_json().to_string().chars().take(60).collect::<String>();
            Some(format!("{path}: derived {}, mocked {}", short(left), short(right)))
        }
    }
}
