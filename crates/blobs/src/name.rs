//! Names of blobs: a folder by kind, and an id that cannot leave it.

use crate::{Error, Result};
use object_store::path::Path;
use std::fmt;

/// What a blob holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The archive of a configuration version.
    Configuration,
    /// The raw state of a state version.
    State,
    /// The state in the form of `show -json`.
    JsonState,
    /// Outputs in JSON, as uploaded with a state version.
    JsonStateOutputs,
    /// The engine's own plan file.
    Plan,
    /// The plan in the form of `show -json`, sensitive values included.
    PlanJson,
    /// The plan in JSON without sensitive values.
    PlanJsonRedacted,
    /// What the plan changes, boiled down for people.
    PlanChanges,
    /// The plan in a form for those who write policies.
    PlanExport,
    /// The provider schemas that belong to a plan.
    ProviderSchemas,
    /// The dependency lock file after `init`.
    LockFile,
    /// A state that an apply could not save.
    ErroredState,
    /// The code of a policy.
    PolicyCode,
    /// The archive of a policy set's version.
    PolicySet,
    /// Written and deleted by health checks.
    Check,
}

impl Kind {
    pub const ALL: [Self; 15] = [
        Self::Configuration,
        Self::State,
        Self::JsonState,
        Self::JsonStateOutputs,
        Self::Plan,
        Self::PlanJson,
        Self::PlanJsonRedacted,
        Self::PlanChanges,
        Self::PlanExport,
        Self::ProviderSchemas,
        Self::LockFile,
        Self::ErroredState,
        Self::PolicyCode,
        Self::PolicySet,
        Self::Check,
    ];

    /// All but what is there for a moment only.
    pub(crate) fn lasting() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| *kind != Self::Check)
    }

    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Configuration => "configurations",
            Self::State => "states",
            Self::JsonState => "json-states",
            Self::JsonStateOutputs => "json-state-outputs",
            Self::Plan => "plans",
            Self::PlanJson => "plans-json",
            Self::PlanJsonRedacted => "plans-json-redacted",
            Self::PlanChanges => "plan-changes",
            Self::PlanExport => "plan-exports",
            Self::ProviderSchemas => "provider-schemas",
            Self::LockFile => "lock-files",
            Self::ErroredState => "errored-states",
            Self::PolicyCode => "policies",
            Self::PolicySet => "policy-sets",
            Self::Check => "checks",
        }
    }
}

/// The name of one blob, such as `states/sv-ntv3HbhJqvFzamy7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// The blob of this kind that belongs to `id`: 1 to 128 characters of `[A-Za-z0-9_-]`.
    pub fn new(kind: Kind, id: &str) -> Result<Self> {
        Ok(Self::inside(kind.folder(), valid(id)?))
    }

    /// Both parts must be valid already.
    pub(crate) fn inside(folder: &str, file: &str) -> Self {
        Self(format!("{folder}/{file}"))
    }

    pub fn is_of(&self, kind: Kind) -> bool {
        self.0.split_once('/').is_some_and(|(folder, _)| folder == kind.folder())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn path(&self) -> Path {
        Path::from(self.as_str())
    }
}

/// The reverse of [`Name::as_str`], for names that were kept somewhere.
impl std::str::FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Name(text.to_owned());
        let (folder, id) = text.split_once('/').ok_or_else(unknown)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.folder() == folder);
        Self::new(kind.ok_or_else(unknown)?, id)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn valid(id: &str) -> Result<&str> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=128).contains(&id.len()) && id.bytes().all(safe) {
        Ok(id)
    } else {
        Err(Error::Name(id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_kept_is_read_again() {
        for kind in Kind::ALL {
            let name = Name::new(kind, "sv-1").unwrap();
            assert_eq!(name.as_str().parse::<Name>().unwrap(), name);
        }
        assert!("nowhere/sv-1".parse::<Name>().is_err());
        assert!("states/../x".parse::<Name>().is_err());
    }

    #[test]
    fn an_id_stays_in_the_folder_of_its_kind() {
        let name = Name::new(Kind::State, "sv-1").unwrap();
        assert_eq!((name.as_str(), name.path().as_ref()), ("states/sv-1", "states/sv-1"));
        for id in
            ["", ".", "..", "a/b", "../x", "a\\b", "a\0b", "a#1", "ä", "%2e", &"x".repeat(129)]
        {
            assert!(matches!(Name::new(Kind::State, id), Err(Error::Name(_))), "{id:?}");
        }
    }
}
