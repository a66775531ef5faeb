//! `tfplan/v2`.

use super::{or_empty, or_empty_map, or_null, state, str_of};
use crate::frozen::Frozen;

pub(super) fn derive(plan: &Frozen) -> Frozen {
    Frozen::object([
        ("terraform_version", plan.get("terraform_version").clone()),
        ("variables", variables(plan)),
        ("resource_changes", changes(plan.get("resource_changes"))),
        ("resource_drift", changes(plan.get("resource_drift"))),
        ("output_changes", outputs(plan)),
        ("planned_values", planned(plan)),
        ("raw", plan.clone()),
    ])
}

fn variables(plan: &Frozen) -> Frozen {
    let variables = plan.get("variables").entries().iter().map(|(name, variable)| {
        let value = variable.get("value").clone();
        let entry = Frozen::object([("name", Frozen::Text(name.clone())), ("value", value)]);
        (name.clone(), entry)
    });
    Frozen::map(variables)
}

/// By address, with the key of a deposed object behind a colon.
fn changes(changes: &Frozen) -> Frozen {
    Frozen::map(changes.items().iter().map(|resource| {
        let (address, deposed) = (str_of(resource, "address"), str_of(resource, "deposed"));
        let key = match deposed {
            "" => address.to_owned(),
            deposed => format!("{address}:{deposed}"),
        };
        let entry = Frozen::object([
            ("address", resource.get("address").clone()),
            ("module_address", or_empty(resource, "module_address")),
            ("mode", resource.get("mode").clone()),
            ("type", resource.get("type").clone()),
            ("name", resource.get("name").clone()),
            ("provider_name", resource.get("provider_name").clone()),
            ("index", or_null(resource, "index")),
            ("deposed", or_empty(resource, "deposed")),
            ("change", change(resource.get("change"))),
        ]);
        (key.into_bytes(), entry)
    }))
}

fn change(change: &Frozen) -> Frozen {
    // Of a value that is wholly unknown nothing can be said, not even that it is null.
    let unknown = *change.get("after_unknown") == Frozen::Bool(true);
    let after = match change.get("after") {
        Frozen::Undefined if unknown => Frozen::Undefined,
        after => after.or(Frozen::Null),
    };
    Frozen::object([
        ("actions", change.get("actions").clone()),
        ("before", or_null(change, "before")),
        ("after", after),
        ("after_unknown", change.get("after_unknown").clone()),
    ])
}

fn outputs(plan: &Frozen) -> Frozen {
    Frozen::map(plan.get("output_changes").entries().iter().map(|(name, output)| {
        let entry =
            Frozen::object([("name", Frozen::Text(name.clone())), ("change", change(output))]);
        (name.clone(), entry)
    }))
}

fn planned(plan: &Frozen) -> Frozen {
    let values = plan.get("planned_values");
    Frozen::object([
        ("outputs", state::outputs(&or_empty_map(values, "outputs"))),
        ("resources", state::resources(values.get("root_module"))),
    ])
}
