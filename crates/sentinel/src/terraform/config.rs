//! `tfconfig/v2`.

use super::address::{strip_index, within};
use super::{or_empty, or_empty_list, or_empty_map, or_null, str_of};
use crate::eval::Interp;
use crate::frozen::{Frozen, Text};
use crate::source::Eval;
use crate::std::{Args, Native};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Native] = &[Native::new("tfconfig.strip_index", 1, 1, strip)];

fn strip<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let stripped = strip_index(args.str(0)?);
    interp.text(stripped.into_bytes())
}

/// Everything that the modules declare, with the address of the module before a colon.
#[derive(Default)]
struct Found {
    resources: Vec<(Text, Frozen)>,
    provisioners: Vec<(Text, Frozen)>,
    variables: Vec<(Text, Frozen)>,
    outputs: Vec<(Text, Frozen)>,
    calls: Vec<(Text, Frozen)>,
}

pub(super) fn derive(plan: &Frozen) -> Frozen {
    let configuration = plan.get("configuration");
    let mut found = Found::default();
    found.module("", configuration.get("root_module"));
    Frozen::object([
        ("providers", providers(configuration.get("provider_config"))),
        ("resources", Frozen::map(found.resources)),
        ("provisioners", Frozen::map(found.provisioners)),
        ("variables", Frozen::map(found.variables)),
        ("outputs", Frozen::map(found.outputs)),
        ("module_calls", Frozen::map(found.calls)),
    ])
}

fn key(text: String) -> Text {
    text.into_bytes().into()
}

fn providers(providers: &Frozen) -> Frozen {
    Frozen::map(providers.entries().iter().map(|(config_key, provider)| {
        let entry = Frozen::object([
            ("provider_config_key", Frozen::Text(config_key.clone())),
            ("name", provider.get("name").clone()),
            ("full_name", provider.get("full_name").clone()),
            ("alias", or_empty(provider, "alias")),
            ("module_address", or_empty(provider, "module_address")),
            ("config", block(provider.get("expressions"))),
            ("version_constraint", or_empty(provider, "version_constraint")),
        ]);
        (config_key.clone(), entry)
    }))
}

impl Found {
    fn module(&mut self, address: &str, module: &Frozen) {
        for resource in module.get("resources").items() {
            self.resource(address, resource);
        }
        for (name, variable) in module.get("variables").entries() {
            let entry = Frozen::object([
                ("module_address", Frozen::text(address)),
                ("name", Frozen::Text(name.clone())),
                ("default", or_null(variable, "default")),
                ("description", or_empty(variable, "description")),
            ]);
            self.variables.push((in_module(address, name), entry));
        }
        for (name, output) in module.get("outputs").entries() {
            let entry = Frozen::object([
                ("module_address", Frozen::text(address)),
                ("name", Frozen::Text(name.clone())),
                ("sensitive", output.get("sensitive").or(Frozen::Bool(false))),
                ("value", expression(output.get("expression"))),
                ("description", or_empty(output, "description")),
                ("depends_on", or_empty_list(output, "depends_on")),
            ]);
            self.outputs.push((in_module(address, name), entry));
        }
        for (name, call) in module.get("module_calls").entries() {
            let entry = Frozen::object([
                ("module_address", Frozen::text(address)),
                ("name", Frozen::Text(name.clone())),
                ("source", call.get("source").clone()),
                ("config", block(call.get("expressions"))),
                ("count", or_empty_map(call, "count_expression")),
                ("for_each", or_empty_map(call, "for_each_expression")),
                ("depends_on", or_empty_list(call, "depends_on")),
                ("version_constraint", or_empty(call, "version_constraint")),
            ]);
            self.calls.push((in_module(address, name), entry));
            let name = String::from_utf8_lossy(name);
            let inner = within(address, ".", &format!("module.{name}"));
            self.module(&inner, call.get("module"));
        }
    }

    fn resource(&mut self, module: &str, resource: &Frozen) {
        let own = str_of(resource, "address");
        let address = within(module, ".", own);
        let numbered = resource.get("provisioners").items().iter().enumerate();
        let provisioners: Vec<Frozen> = numbered
            .map(|(index, provisioner)| {
                Frozen::object([
                    ("resource_address", Frozen::text(&address)),
                    ("type", provisioner.get("type").clone()),
                    ("index", Frozen::Int(i64::try_from(index).unwrap_or(i64::MAX))),
                    ("config", block(provisioner.get("expressions"))),
                ])
            })
            .collect();
        for (index, provisioner) in provisioners.iter().enumerate() {
            self.provisioners.push((key(format!("{address}:{index}")), provisioner.clone()));
        }
        let entry = Frozen::object([
            ("address", Frozen::text(&address)),
            ("module_address", Frozen::text(module)),
            ("mode", resource.get("mode").clone()),
            ("type", resource.get("type").clone()),
            ("name", resource.get("name").clone()),
            ("provider_config_key", Frozen::text(&provider_key(module, resource))),
            ("provisioners", Frozen::list(provisioners)),
            ("config", block(resource.get("expressions"))),
            ("count", or_empty_map(resource, "count_expression")),
            ("for_each", or_empty_map(resource, "for_each_expression")),
            ("depends_on", or_empty_list(resource, "depends_on")),
        ]);
        self.resources.push((key(address), entry));
    }
}

/// The import gives the provider of a module's resource the module's address, whoever configures it.
fn provider_key(module: &str, resource: &Frozen) -> String {
    let given = str_of(resource, "provider_config_key");
    let bare = given.rsplit_once(':').map_or(given, |(_, bare)| bare);
    within(module, ":", bare)
}

fn in_module(address: &str, name: &Text) -> Text {
    key(within(address, ":", &String::from_utf8_lossy(name)))
}

/// The expressions of a block; without any it is empty.
fn block(expressions: &Frozen) -> Frozen {
    match expressions {
        Frozen::Undefined | Frozen::Null => Frozen::object([]),
        _ => Frozen::map(
            expressions.entries().iter().map(|(name, value)| (name.clone(), expression(value))),
        ),
    }
}

/// An expression, or the expressions of nested blocks. An empty one is the constant null.
fn expression(value: &Frozen) -> Frozen {
    match value {
        Frozen::Map(entries) if entries.is_empty() => {
            Frozen::object([("constant_value", Frozen::Null)])
        }
        Frozen::Map(_) if is_expression(value) => value.clone(),
        Frozen::Map(_) => block(value),
        Frozen::List(items) => Frozen::list(items.iter().map(|item| match item {
            Frozen::Map(entries) if !entries.is_empty() && !is_expression(item) => block(item),
            other => other.clone(),
        })),
        other => other.clone(),
    }
}

/// Constants and references are values: what is inside of them stays as it is.
fn is_expression(value: &Frozen) -> bool {
    !value.get("constant_value").is_undefined() || !value.get("references").is_undefined()
}
