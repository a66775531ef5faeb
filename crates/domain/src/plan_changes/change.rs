//! One change of a plan.

use serde::{Deserialize, Serialize};

use crate::differences::Difference;

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create,
    Update,
    Replace,
    Delete,
    /// It gets another address, and stays what it is.
    Move,
    Import,
    Read,
    /// It stays, and nobody manages it any more.
    Forget,
    /// An action of a provider is invoked.
    Invoke,
    /// Nothing, for outputs and checks.
    Same,
    /// A word that came after this server.
    Other,
}

/// In which order an object is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    DestroyFirst,
    CreateFirst,
    /// The old one is forgotten.
    LeaveOld,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    Fail,
    Error,
    /// Known after the apply.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Import {
    /// As its provider calls it.
    Id(String),
    /// Known after the apply.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Of a resource; the name of an output or of a check.
    pub address: String,
    /// The parts of the address; all empty for what has no such parts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub module: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// As it is written between brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_data: bool,
    pub action: Action,
    /// What follows an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Action>,
    /// Of a replacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// The engine's own words for [`Action::Other`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Import>,
    /// As the engine calls it: `replace_because_tainted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The object that a failed replacement has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<String>,
    /// Attributes that force a replacement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced_by: Vec<String>,
    /// The configuration that was generated for an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// Of a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What the check says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    pub difference: Difference,
}

impl Change {
    /// Of something without the parts of an address.
    pub(super) fn named(address: String, action: Action) -> Self {
        Self {
            address,
            module: String::new(),
            kind: String::new(),
            name: String::new(),
            key: None,
            is_data: false,
            action,
            then: None,
            how: None,
            words: None,
            moved_from: None,
            imported: None,
            reason: None,
            deposed: None,
            forced_by: Vec::new(),
            generated: None,
            verdict: None,
            said: Vec::new(),
            difference: Difference::default(),
        }
    }

    /// Without any value: for those who may know what changes, and not from what to what.
    #[must_use]
    pub fn without_values(mut self) -> Self {
        self.difference = Difference::default();
        self.generated = None;
        self.said = Vec::new();
        if matches!(self.imported, Some(Import::Id(_))) {
            self.imported = None;
        }
        self
    }
}
