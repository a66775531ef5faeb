//! Running the tests of a policy: every case beside it, as the files of policy authors are laid out.

mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

pub use report::{json, text};

use crate::config::{Config, Purpose};
use crate::frozen::Frozen;
use crate::outcome::{Outcome, Verdict, evaluate};
use crate::source::Source;
use crate::world::{Limits, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The policy has no cases.
    Untested,
    Pass,
    Fail,
    Error,
}

/// One case: a file of `test/NAME/`.
#[derive(Debug)]
pub struct Case {
    pub path: PathBuf,
    pub status: Status,
    /// What is wrong, for people.
    pub errors: Vec<String>,
    /// A file that the case names is not there.
    pub missing: bool,
    pub warnings: Vec<String>,
    pub outcome: Option<Outcome>,
}

/// A policy with all its cases.
#[derive(Debug)]
pub struct Tested {
    pub path: PathBuf,
    pub cases: Vec<Case>,
}

impl Tested {
    pub fn status(&self) -> Status {
        self.cases.iter().map(|case| case.status).max().unwrap_or(Status::Untested)
    }
}

/// The policies of a folder, or a policy itself, in order of their names.
pub fn policies(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = files(path)?;
    found.retain(|file| has_extension(file, &["sentinel"]));
    Ok(found)
}

/// The cases of a policy: `test/NAME/*.hcl` and `*.json` beside it, in order of their names.
pub fn cases(policy: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (policy.parent(), policy.file_stem()) else {
        return Vec::new();
    };
    let mut found = files(&folder.join("test").join(name)).unwrap_or_default();
    found.retain(|file| has_extension(file, &["hcl", "json"]));
    found
}

fn has_extension(file: &Path, wanted: &[&str]) -> bool {
    file.extension().and_then(|e| e.to_str()).is_some_and(|e| wanted.contains(&e))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let files = listed
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file());
    // Names in this folder are bare, as they are written.
    let bare = |path: PathBuf| path.strip_prefix(".").map_or(path.clone(), Path::to_owned);
    let mut files: Vec<PathBuf> = files.map(bare).collect();
    files.sort();
    Ok(files)
}

/// Runs the cases of a policy that `chosen` takes.
pub fn test(
    policy: &Path,
    now: DateTime<Utc>,
    limits: &Limits,
    chosen: impl Fn(&Path) -> bool,
) -> Tested {
    let cases = cases(policy).into_iter().filter(|case| chosen(case));
    let cases = cases.map(|case| run(policy, case, now, limits)).collect();
    Tested { path: policy.to_owned(), cases }
}

fn run(policy: &Path, path: PathBuf, now: DateTime<Utc>, limits: &Limits) -> Case {
    let mut case = Case {
        path,
        status: Status::Error,
        errors: Vec::new(),
        missing: false,
        warnings: Vec::new(),
        outcome: None,
    };
    let read = |path: &Path| std::fs::read(path).map_err(|e| e.to_string());
    let config = read(&case.path).and_then(|text| {
        Config::parse(&case.path.display().to_string(), &text).map_err(|e| e.to_string())
    });
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            case.errors.push(format!("{}: {error}", case.path.display()));
            return case;
        }
    };
    case.warnings.clone_from(&config.warnings);
    let mut world = World::new(now);
    if let Err(missing) = config.provide(&case.path, Purpose::Test, &read, &mut world) {
        case.missing = true;
        case.errors.push(missing.to_string());
        return case;
    }
    let text = match read(policy) {
        Ok(text) => text,
        Err(error) => {
            case.errors.push(format!("{}: {error}", policy.display()));
            return case;
        }
    };
    let name = policy.file_name().unwrap_or_default().to_string_lossy();
    let expected = config.expected.clone().unwrap_or_default();
    let watch: Vec<&str> = expected.keys().map(String::as_str).chain(["main"]).collect();
    let outcome = evaluate(&Source::new(name, text), &world, limits, &watch);
    if let Some(error) = &outcome.error {
        case.errors.push(error.to_string());
    } else {
        case.errors = complaints(&expected, &outcome);
        case.status = if case.errors.is_empty() { Status::Pass } else { Status::Fail };
    }
    case.outcome = Some(outcome);
    case
}

/// What differs from what the case expects. Without expectations the policy has to pass.
fn complaints(expected: &BTreeMap<String, Frozen>, outcome: &Outcome) -> Vec<String> {
    if expected.is_empty() {
        if outcome.verdict == Verdict::Passed {
            return Vec::new();
        }
        let got = outcome.main.as_ref().map_or("undefined".into(), show);
        return vec![format!("expected \"main\" to be true, got: {got}")];
    }
    let mut complaints = Vec::new();
    for (name, expected) in expected {
        let got = outcome.names.get(name);
        if got.is_some_and(|got| same(got, expected)) {
            continue;
        }
        let got = got.map_or("nothing, it was not evaluated".into(), show);
        complaints.push(format!("expected {name:?} to be {}, got: {got}", show(expected)));
    }
    complaints
}

/// Equal by value; numbers may be ints or floats.
fn same(left: &Frozen, right: &Frozen) -> bool {
    match (left, right) {
        (Frozen::Undefined, _) | (_, Frozen::Undefined) => false,
        (Frozen::Int(int), Frozen::Float(float)) | (Frozen::Float(float), Frozen::Int(int)) => {
            crate::value::integral(*float) == Some(*int)
        }
        (Frozen::List(left), Frozen::List(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(l, r)| same(l, r))
        }
        (Frozen::Map(left), Frozen::Map(right)) => {
            let mut pairs = left.iter().zip(right.iter());
            left.len() == right.len() && pairs.all(|(l, r)| l.0 == r.0 && same(&l.1, &r.1))
        }
        _ => left == right,
    }
}

/// A value in a message.
fn show(value: &Frozen) -> String {
    match value {
        Frozen::Undefined => "undefined".to_owned(),
        _ => value.to_json().to_string(),
    }
}
