//! `tfplan` of the first generation.

use super::diff::{as_text, diff};
use super::{Namespaces, config, path, state};
use crate::frozen::Frozen;
use crate::terraform::str_of;

pub(super) fn derive(plan: &Frozen) -> Frozen {
    let mut spaces = Namespaces::default();
    for resource in plan.get("resource_changes").items() {
        let change = resource.get("change");
        let actions = change.get("actions");
        let deposed = !str_of(resource, "deposed").is_empty();
        if deposed || *actions == Frozen::list([Frozen::text("no-op")]) {
            continue;
        }
        let acts = |action: &str| actions.items().contains(&Frozen::text(action));
        let applied = match change.get("after") {
            Frozen::Null => Frozen::Undefined,
            after => after.clone(),
        };
        let entry = Frozen::object([
            ("applied", applied),
            ("destroy", Frozen::Bool(acts("delete"))),
            ("requires_new", Frozen::Bool(acts("delete") && acts("create"))),
            ("diff", diff(change)),
        ]);
        spaces.instance(&path(str_of(resource, "module_address")), resource, entry);
    }
    let variables = plan.get("variables").entries().iter().map(|(name, variable)| {
        // Primitive values are strings here.
        let value = match variable.get("value") {
            value @ (Frozen::Bool(_) | Frozen::Int(_) | Frozen::Float(_)) => {
                Frozen::text(&as_text(value))
            }
            value => value.clone(),
        };
        (name.clone(), value)
    });
    let root = vec![
        ("variables", Frozen::map(variables)),
        ("terraform_version", plan.get("terraform_version").clone()),
        ("config", config::derive(plan)),
        ("state", state::derive(plan)),
    ];
    spaces.freeze(root, &["resources", "data"])
}
