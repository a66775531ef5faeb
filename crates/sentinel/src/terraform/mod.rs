//! The Terraform imports, derived from the JSON of a plan (`terraform show -json PLAN`).

mod address;
mod config;
mod mocks;
mod plan;
mod redact;
mod run;
mod state;
mod v1;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use mocks::mocks;
pub use redact::{Hidden, REDACTED, secrets};
pub use run::{Category, CostEstimate, Run, TagBinding, VariableKind, VcsRepo, Workspace};

use crate::frozen::Frozen;
use crate::std::Native;
use crate::world::Import;

/// The imports that a plan gives, by name. Each is derived when a policy asks for it first, and shared.
pub fn imports(plan: &Arc<Frozen>) -> BTreeMap<String, Import> {
    let derived = |derive: fn(&Frozen) -> Frozen| {
        let plan = plan.clone();
        Import::lazy(move || derive(&plan))
    };
    let mut imports = v1::imports(plan);
    imports.push(("tfplan/v2", derived(plan::derive)));
    imports.push(("tfconfig/v2", derived(config::derive)));
    imports.push(("tfstate/v2", derived(state::derive)));
    imports.into_iter().map(|(name, import)| (name.to_owned(), import)).collect()
}

/// Whether it is an import that every run has.
pub(crate) fn is_of_run(path: &str) -> bool {
    let name = path.trim_end_matches("/v1").trim_end_matches("/v2");
    matches!(name, "tfplan" | "tfconfig" | "tfstate" | "tfrun")
}

/// Functions that an import has beside its data.
pub(crate) fn functions(path: &str) -> &'static [Native] {
    match path {
        "tfconfig/v2" => config::FUNCTIONS,
        _ => v1::functions(path),
    }
}

/// A member, or null where there is none.
fn or_null(of: &Frozen, key: &str) -> Frozen {
    of.get(key).or(Frozen::Null)
}

/// A member, or an empty string where there is none or null.
fn or_empty(of: &Frozen, key: &str) -> Frozen {
    match of.get(key) {
        Frozen::Undefined | Frozen::Null => Frozen::text(""),
        text => text.clone(),
    }
}

fn or_empty_map(of: &Frozen, key: &str) -> Frozen {
    match of.get(key) {
        Frozen::Undefined | Frozen::Null => Frozen::object([]),
        map => map.clone(),
    }
}

fn or_empty_list(of: &Frozen, key: &str) -> Frozen {
    match of.get(key) {
        Frozen::Undefined | Frozen::Null => Frozen::list([]),
        list => list.clone(),
    }
}

fn str_of<'f>(of: &'f Frozen, key: &str) -> &'f str {
    of.get(key).as_str().unwrap_or_default()
}
