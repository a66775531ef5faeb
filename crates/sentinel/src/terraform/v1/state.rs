//! `tfstate` of the first generation.

use super::{Namespaces, path};
use crate::frozen::Frozen;
use crate::terraform::{or_empty_list, or_empty_map, str_of};

pub(super) fn derive(plan: &Frozen) -> Frozen {
    let state = plan.get("prior_state");
    let values = state.get("values");
    let mut spaces = Namespaces::default();
    collect(values.get("root_module"), &mut spaces);
    let outputs = values.get("outputs").entries().iter().map(|(name, output)| {
        let value = output.get("value");
        let kind = match value {
            Frozen::List(_) => "list",
            Frozen::Map(_) => "map",
            _ => "string",
        };
        let entry = Frozen::object([
            ("sensitive", output.get("sensitive").or(Frozen::Bool(false))),
            ("type", Frozen::text(kind)),
            ("value", value.clone()),
        ]);
        (name.clone(), entry)
    });
    let root = vec![
        ("terraform_version", state.get("terraform_version").clone()),
        ("outputs", Frozen::map(outputs)),
    ];
    spaces.freeze(root, &["resources", "data"])
}

fn collect(module: &Frozen, spaces: &mut Namespaces) {
    let path = path(str_of(module, "address"));
    for resource in module.get("resources").items() {
        let values = or_empty_map(resource, "values");
        let entry = Frozen::object([
            ("id", values.get("id").clone()),
            ("attr", values),
            ("depends_on", or_empty_list(resource, "depends_on")),
            ("tainted", resource.get("tainted").or(Frozen::Bool(false))),
        ]);
        spaces.instance(&path, resource, entry);
    }
    for child in module.get("child_modules").items() {
        collect(child, spaces);
    }
}
