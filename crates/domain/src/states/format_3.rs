//! States of format 3, which Terraform wrote before 0.12: a list of modules, with resources and instances in one key.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::content::Output;

#[derive(Debug, Deserialize)]
pub(super) struct Module {
    /// `root`, and the names of modules below it.
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    pub outputs: Option<BTreeMap<String, Output>>,
    /// By `TYPE.NAME`, `data.TYPE.NAME` or either with `.INDEX` behind it.
    #[serde(default)]
    resources: Option<BTreeMap<String, Entry>>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    provider: String,
}

/// A resource as later formats have it.
#[derive(Debug, PartialEq)]
pub(super) struct Resource {
    pub module: Option<String>,
    pub mode: &'static str,
    pub kind: String,
    pub name: String,
    pub provider: String,
    /// Of its instances; absent for the only one of a resource without `count`.
    pub indexes: Vec<Option<Value>>,
}

impl Module {
    pub fn is_root(&self) -> bool {
        self.path.len() <= 1
    }

    fn address(&self) -> Option<String> {
        let names: Vec<_> = self.path.iter().skip(1).map(|name| format!("module.{name}")).collect();
        Some(names.join(".")).filter(|address| !address.is_empty())
    }

    pub fn resources(&self) -> impl Iterator<Item = Resource> {
        let mut found: BTreeMap<_, Resource> = BTreeMap::new();
        for (key, entry) in self.resources.iter().flatten() {
            let (mode, rest) = match key.strip_prefix("data.") {
                Some(rest) => ("data", rest),
                None => ("managed", key.as_str()),
            };
            let mut parts = rest.splitn(3, '.');
            let (Some(kind), Some(name)) = (parts.next(), parts.next()) else { continue };
            let index = parts
                .next()
                .map(|text| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from));
            let resource = found.entry((mode, kind, name)).or_insert_with(|| Resource {
                module: self.address(),
                mode,
                kind: kind.to_owned(),
                name: name.to_owned(),
                provider: entry.provider.clone(),
                indexes: Vec::new(),
            });
            resource.indexes.push(index);
        }
        found.into_values()
    }
}
