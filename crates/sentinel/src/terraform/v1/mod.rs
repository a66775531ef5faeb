//! The first generation of imports, `tfplan`, `tfconfig` and `tfstate`, which old policies use. Best effort:
//! they were made of data that plans in JSON no longer have.

mod config;
mod diff;
mod plan;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::str_of;
use crate::eval::Interp;
use crate::frozen::{Frozen, Text};
use crate::source::{Eval, Fault};
use crate::std::{Args, Native};
use crate::value::Value;
use crate::world::Import;

/// The imports by name; the short names are the old ones.
pub(super) fn imports(plan: &Arc<Frozen>) -> Vec<(&'static str, Import)> {
    let derived = |derive: fn(&Frozen) -> Frozen| {
        let plan = plan.clone();
        Import::lazy(move || derive(&plan))
    };
    let (plan, config, state) =
        (derived(plan::derive), derived(config::derive), derived(state::derive));
    vec![
        ("tfplan", plan.clone()),
        ("tfplan/v1", plan),
        ("tfconfig", config.clone()),
        ("tfconfig/v1", config),
        ("tfstate", state.clone()),
        ("tfstate/v1", state),
    ]
}

/// `module(path)` of an import, which gives the namespace of a module.
pub(super) fn functions(path: &str) -> &'static [Native] {
    const PLAN: &[Native] = &[Native::new("tfplan.module", 1, 1, module)];
    const CONFIG: &[Native] = &[Native::new("tfconfig.module", 1, 1, module)];
    const STATE: &[Native] = &[Native::new("tfstate.module", 1, 1, module)];
    match path {
        "tfplan" | "tfplan/v1" => PLAN,
        "tfconfig" | "tfconfig/v1" => CONFIG,
        "tfstate" | "tfstate/v1" => STATE,
        _ => &[],
    }
}

/// Where an import keeps the namespaces of its modules, for `module`.
pub(super) const MODULES: &str = "";

fn module<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut names = Vec::new();
    for name in args.list(0)?.items(interp.heap) {
        match interp.force(name)? {
            Value::Text(name) => names.push(name),
            _ => return Err(args.unfit(0, "lists of strings")),
        }
    }
    // As one text below, these would be others.
    if names.iter().any(|name| name.is_empty() || name.contains(&b'.')) {
        return Ok(Value::UNDEFINED);
    }
    let world = interp.world;
    let import = args.native.name.trim_end_matches(".module");
    let Some(Import::Data(data)) = world.imports.get(import) else {
        return Err(Fault::new(format!("{import} is not there")));
    };
    let path = names.join(&b'.');
    let path = std::str::from_utf8(&path).unwrap_or_default();
    let data: &'a Frozen = data;
    Ok(interp.heap.view(data.get(MODULES).get(path)))
}

/// Namespaces by the names on the way to their module; the root's is empty.
#[derive(Default)]
struct Namespaces(BTreeMap<Vec<String>, BTreeMap<&'static str, Tree>>);

/// What is put together piece by piece before it is frozen.
enum Tree {
    Leaf(Frozen),
    Branch(BTreeMap<String, Tree>),
    /// Instances by their key.
    Instances(Vec<(Frozen, Frozen)>),
}

impl Namespaces {
    fn leaf(&mut self, module: &[String], key: &'static str, value: Frozen) {
        self.0.entry(module.to_vec()).or_default().insert(key, Tree::Leaf(value));
    }

    /// Puts a value at `key.STEP.STEP…`.
    fn put(&mut self, module: &[String], key: &'static str, steps: &[&str], value: Frozen) {
        let namespace = self.0.entry(module.to_vec()).or_default();
        let mut tree = namespace.entry(key).or_insert_with(|| Tree::Branch(BTreeMap::new()));
        for step in steps {
            let Tree::Branch(below) = tree else { return };
            let empty = || Tree::Branch(BTreeMap::new());
            tree = below.entry((*step).to_owned()).or_insert_with(empty);
        }
        *tree = Tree::Leaf(value);
    }

    /// Adds an instance of a resource.
    fn instance(&mut self, module: &[String], resource: &Frozen, value: Frozen) {
        let key = if str_of(resource, "mode") == "data" { "data" } else { "resources" };
        let namespace = self.0.entry(module.to_vec()).or_default();
        let mut tree = namespace.entry(key).or_insert_with(|| Tree::Branch(BTreeMap::new()));
        for step in [str_of(resource, "type"), str_of(resource, "name")] {
            let Tree::Branch(below) = tree else { return };
            let empty = || Tree::Branch(BTreeMap::new());
            tree = below.entry(step.to_owned()).or_insert_with(empty);
        }
        if !matches!(tree, Tree::Instances(_)) {
            *tree = Tree::Instances(Vec::new());
        }
        if let Tree::Instances(instances) = tree {
            instances.push((resource.get("index").or(Frozen::Int(0)), value));
        }
    }

    /// The root's namespace, with what else it has, and the others for `module`.
    fn freeze(mut self, root: Vec<(&'static str, Frozen)>, branches: &[&'static str]) -> Frozen {
        let paths = Frozen::list(self.0.keys().map(|path| names(path)));
        self.0.entry(Vec::new()).or_default();
        let mut modules: Vec<(Text, Frozen)> = Vec::new();
        let mut whole = Vec::new();
        for (path, namespace) in self.0 {
            let mut entries: Vec<(Text, Frozen)> = vec![(text("path"), names(&path))];
            // What is empty is there too.
            entries.extend(branches.iter().map(|key| (text(key), Frozen::object([]))));
            entries.extend(namespace.into_iter().map(|(key, tree)| (text(key), tree.freeze())));
            if path.is_empty() {
                whole.clone_from(&entries);
            }
            modules.push((text(&path.join(".")), Frozen::map(entries)));
        }
        whole.extend(root.into_iter().map(|(key, value)| (text(key), value)));
        whole.push((text("module_paths"), paths));
        whole.push((text(MODULES), Frozen::map(modules)));
        Frozen::map(whole)
    }
}

impl Tree {
    fn freeze(self) -> Frozen {
        match self {
            Self::Leaf(value) => value,
            Self::Branch(below) => {
                Frozen::map(below.into_iter().map(|(key, tree)| (key.into_bytes(), tree.freeze())))
            }
            Self::Instances(instances) => self::instances(instances),
        }
    }
}

/// Numbered instances without a gap are a list, so that `[0]` finds the first; others go by text.
fn instances(mut instances: Vec<(Frozen, Frozen)>) -> Frozen {
    let number = |key: &Frozen| if let Frozen::Int(number) = key { Some(*number) } else { None };
    instances.sort_by_key(|(key, _)| number(key));
    let gapless = (0_i64..).zip(&instances).all(|(n, (key, _))| number(key) == Some(n));
    if gapless {
        return Frozen::list(instances.into_iter().map(|(_, value)| value));
    }
    Frozen::map(instances.into_iter().map(|(key, value)| {
        let key = match key {
            Frozen::Text(key) => key,
            other => text(&other.to_json().to_string()),
        };
        (key, value)
    }))
}

fn text(text: &str) -> Text {
    text.as_bytes().into()
}

fn names(path: &[String]) -> Frozen {
    Frozen::list(path.iter().map(|name| Frozen::text(name)))
}

/// The names of the modules in an address such as `module.a["x"].module.b`.
fn path(address: &str) -> Vec<String> {
    let plain = super::address::strip_index(address);
    plain.split('.').skip(1).step_by(2).map(str::to_owned).collect()
}
