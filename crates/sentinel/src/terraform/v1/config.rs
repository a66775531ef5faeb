//! `tfconfig` of the first generation: constants in `config`, what is computed in `references`.

use super::{Namespaces, path};
use crate::frozen::Frozen;
use crate::terraform::{or_empty, or_empty_list, or_null, str_of};

const BRANCHES: &[&str] = &["resources", "data", "providers", "modules", "outputs", "variables"];

pub(super) fn derive(plan: &Frozen) -> Frozen {
    let configuration = plan.get("configuration");
    let mut spaces = Namespaces::default();
    module(&[], configuration.get("root_module"), &mut spaces);
    for (_, provider) in configuration.get("provider_config").entries() {
        let alias = str_of(provider, "alias");
        let (config, references) = split(provider.get("expressions"));
        let entry = Frozen::object([
            ("config", config),
            ("references", references),
            ("version", or_empty(provider, "version_constraint")),
        ]);
        let steps = [str_of(provider, "name"), "alias", alias];
        spaces.put(&path(str_of(provider, "module_address")), "providers", &steps, entry);
    }
    spaces.freeze(Vec::new(), BRANCHES)
}

fn module(path: &[String], module: &Frozen, spaces: &mut Namespaces) {
    spaces.leaf(path, "path", super::names(path));
    for resource in module.get("resources").items() {
        let (config, references) = split(resource.get("expressions"));
        let provisioners = resource.get("provisioners").items().iter().map(|provisioner| {
            let (config, references) = split(provisioner.get("expressions"));
            Frozen::object([
                ("type", provisioner.get("type").clone()),
                ("config", config),
                ("references", references),
            ])
        });
        let entry = Frozen::object([
            ("config", config),
            ("references", references),
            ("provisioners", Frozen::list(provisioners)),
        ]);
        let key = if str_of(resource, "mode") == "data" { "data" } else { "resources" };
        spaces.put(path, key, &[str_of(resource, "type"), str_of(resource, "name")], entry);
    }
    for (name, variable) in module.get("variables").entries() {
        let entry = Frozen::object([
            ("default", or_null(variable, "default")),
            ("description", or_empty(variable, "description")),
        ]);
        spaces.put(path, "variables", &[&String::from_utf8_lossy(name)], entry);
    }
    for (name, output) in module.get("outputs").entries() {
        let expression = output.get("expression");
        let entry = Frozen::object([
            ("value", expression.get("constant_value").clone()),
            ("references", or_empty_list(expression, "references")),
            ("sensitive", output.get("sensitive").or(Frozen::Bool(false))),
            ("description", or_empty(output, "description")),
            ("depends_on", or_empty_list(output, "depends_on")),
        ]);
        spaces.put(path, "outputs", &[&String::from_utf8_lossy(name)], entry);
    }
    for (name, call) in module.get("module_calls").entries() {
        let name = String::from_utf8_lossy(name).into_owned();
        let (config, references) = split(call.get("expressions"));
        let entry = Frozen::object([
            ("source", call.get("source").clone()),
            ("config", config),
            ("references", references),
            ("version", or_empty(call, "version_constraint")),
        ]);
        spaces.put(path, "modules", &[&name], entry);
        let inner: Vec<String> = path.iter().cloned().chain([name]).collect();
        self::module(&inner, call.get("module"), spaces);
    }
}

/// The constants and the references of a block, each in its structure.
fn split(expressions: &Frozen) -> (Frozen, Frozen) {
    let (mut config, mut references) = (Vec::new(), Vec::new());
    for (name, value) in expressions.entries() {
        if let Frozen::List(blocks) = value {
            let (inner, refs): (Vec<_>, Vec<_>) = blocks.iter().map(split).unzip();
            config.push((name.clone(), Frozen::list(inner)));
            references.push((name.clone(), Frozen::list(refs)));
            continue;
        }
        for (key, kept) in [("constant_value", &mut config), ("references", &mut references)] {
            if !value.get(key).is_undefined() {
                kept.push((name.clone(), value.get(key).clone()));
            }
        }
    }
    (Frozen::map(config), Frozen::map(references))
}
