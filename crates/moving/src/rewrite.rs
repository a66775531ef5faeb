//! Configurations that name a server and an organization, made to name others. Only the names change: all other bytes
//! of a file stay as they are.

mod edits;
mod files;

pub use edits::{Rewritten, rewritten};
pub use files::{File, Note, find, write};

/// The host that command lines ask where nobody names another.
pub const HCP: &str = "app.terraform.io";

/// An organization on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// With a port, if it is not 443.
    pub host: String,
    pub organization: String,
}

/// From which place to which.
#[derive(Clone, Debug)]
pub struct Change {
    pub from: Place,
    pub to: Place,
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        match text.split_once('/') {
            Some((host, organization))
                if !host.is_empty()
                    && !organization.is_empty()
                    && host.chars().chain(organization.chars()).all(allowed) =>
            {
                Ok(Self { host: host.to_ascii_lowercase(), organization: organization.into() })
            }
            _ => Err("is written HOST/ORGANIZATION".into()),
        }
    }
}
