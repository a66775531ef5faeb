//! `tfstate/v2`, and the same shape in the planned values of `tfplan/v2`.

use super::address::{index, within};
use super::{or_empty, or_empty_list, or_empty_map, or_null, str_of};
use crate::frozen::{Frozen, Text};

/// The state before the plan; empty if there was none.
pub(super) fn derive(plan: &Frozen) -> Frozen {
    let state = plan.get("prior_state");
    let values = state.get("values");
    Frozen::object([
        ("terraform_version", state.get("terraform_version").clone()),
        ("outputs", outputs(values.get("outputs"))),
        ("resources", resources(values.get("root_module"))),
    ])
}

/// The outputs of the root module.
pub(super) fn outputs(outputs: &Frozen) -> Frozen {
    Frozen::map(outputs.entries().iter().map(|(name, output)| {
        let entry = Frozen::object([
            ("name", Frozen::Text(name.clone())),
            ("sensitive", output.get("sensitive").or(Frozen::Bool(false))),
            ("value", output.get("value").clone()),
        ]);
        (name.clone(), entry)
    }))
}

/// All resources below a module, by address.
pub(super) fn resources(root: &Frozen) -> Frozen {
    let mut found = Vec::new();
    collect(root, &mut found);
    Frozen::map(found)
}

fn collect(module: &Frozen, found: &mut Vec<(Text, Frozen)>) {
    let module_address = str_of(module, "address");
    for resource in module.get("resources").items() {
        // The import makes the address anew: data sources have no `data.` in theirs.
        let (kind, name) = (str_of(resource, "type"), str_of(resource, "name"));
        let key = format!("{kind}.{name}{}", index(resource.get("index")));
        let address = within(module_address, ".", &key);
        let entry = Frozen::object([
            ("address", Frozen::text(&address)),
            ("module_address", Frozen::text(module_address)),
            ("mode", resource.get("mode").clone()),
            ("type", resource.get("type").clone()),
            ("name", resource.get("name").clone()),
            ("provider_name", resource.get("provider_name").clone()),
            ("index", or_null(resource, "index")),
            ("values", or_empty_map(resource, "values")),
            ("depends_on", or_empty_list(resource, "depends_on")),
            ("tainted", resource.get("tainted").or(Frozen::Bool(false))),
            ("deposed_key", or_empty(resource, "deposed_key")),
        ]);
        found.push((address.into_bytes().into(), entry));
    }
    for child in module.get("child_modules").items() {
        collect(child, found);
    }
}
