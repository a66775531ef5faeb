//! What an organization consists of, without the ids of a server: things refer to each other by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The shape of what is written down; a later one has another number.
pub const FORMAT: u32 = 1;

/// All that was read of an organization.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inventory {
    pub format: u32,
    /// The server's, or empty.
    pub address: String,
    pub organization: String,
    /// By kind, in the order of the server's lists.
    pub items: BTreeMap<String, Vec<Item>>,
    /// What could not be seen or has no place here, each with what to do about it.
    pub notes: Vec<Note>,
}

/// A project, a workspace, a variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Item {
    /// On the server that it was read from.
    pub id: String,
    pub name: String,
    pub attributes: Map<String, Value>,
    /// Names of others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub relations: BTreeMap<String, Vec<String>>,
    /// What belongs to it alone, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Vec<Item>>,
    /// The text of a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Of a workspace, the current one first, then from the newest to the oldest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
}

/// A state version. What a server does not say is found out when the state is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct State {
    pub id: String,
    pub serial: i64,
    pub lineage: Option<String>,
    pub md5: Option<String>,
    pub size: Option<u64>,
    pub created_at: String,
    pub is_current: bool,
    /// Where it is read from; never written down, as it may carry a secret.
    #[serde(skip)]
    pub address: String,
}

/// Something that does not come over as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    pub of: String,
    pub what: String,
    /// What somebody can do about it.
    pub remedy: String,
}

impl Note {
    pub fn new(of: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { of: of.into(), what: what.into(), remedy: remedy.into() }
    }
}

impl Inventory {
    pub fn of(&self, kind: &str) -> &[Item] {
        self.items.get(kind).map_or(&[], Vec::as_slice)
    }
}

impl Item {
    pub fn part(&self, kind: &str) -> &[Self] {
        self.parts.get(kind).map_or(&[], Vec::as_slice)
    }

    pub fn related(&self, relation: &str) -> &[String] {
        self.relations.get(relation).map_or(&[], Vec::as_slice)
    }

    pub fn text(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn is(&self, attribute: &str) -> bool {
        self.attributes.get(attribute) == Some(&Value::Bool(true))
    }

    /// Whether its value is told to nobody.
    pub fn is_secret(&self) -> bool {
        self.is("sensitive")
    }
}

/// A value that the source does not tell, and that somebody has to give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secret {
    /// What it belongs to: workspaces, varsets, policy-sets, ssh-keys.
    pub kind: String,
    pub name: String,
    pub key: String,
}

impl Secret {
    pub fn all(inventory: &Inventory) -> Vec<Self> {
        let mut all = Vec::new();
        for (kind, items) in &inventory.items {
            for item in items {
                let new = |key: &str| Self {
                    kind: kind.clone(),
                    name: item.name.clone(),
                    key: key.to_owned(),
                };
                if kind == "ssh-keys" {
                    all.push(new("value"));
                }
                let parts = item.parts.values().flatten();
                all.extend(parts.filter(|part| part.is_secret()).map(|part| new(&part.name)));
            }
        }
        all
    }
}
