//! `policies.hcl`: which OPA policies a set has, and how they are enforced (API documents, "Policy Set VCS Repositories").

use hcl::{Block, Body, Expression};

use crate::Files;

/// What declares the policies of a set.
const MANIFEST: &str = "policies.hcl";

/// One `policy` block, of OPA or of Sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub name: String,
    /// Of an OPA policy: the rule that is asked.
    pub query: Option<String>,
    /// `advisory` unless said otherwise.
    pub enforcement_level: String,
    pub description: Option<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum ManifestError {
    #[error("{0}")]
    Syntax(String),
    #[error("A policy block has no name.")]
    Nameless,
    #[error("The policy {0} is declared twice.")]
    Twice(String),
    #[error("The policy {policy}: {attribute} must be a string.")]
    NotText { policy: String, attribute: String },
}

/// The OPA policies that an archive declares, in the order of its file.
///
/// # Errors
/// If it declares none, or wrongly; the text is for people.
pub fn declared(files: &Files) -> Result<Vec<Declared>, String> {
    let manifest = files.get(MANIFEST).ok_or_else(|| format!("The archive has no {MANIFEST}."))?;
    let text = std::str::from_utf8(manifest).map_err(|_| format!("{MANIFEST} is not UTF-8."))?;
    read(text).map_err(|error| format!("{MANIFEST}: {error}"))
}

/// Blocks and attributes that nobody knows are passed over. It is an error if this is no HCL, or a policy has no name,
/// has another's, or has an attribute that is no string.
fn read(text: &str) -> Result<Vec<Declared>, ManifestError> {
    let body: Body = hcl::parse(text).map_err(|error| ManifestError::Syntax(error.to_string()))?;
    let mut policies: Vec<Declared> = Vec::new();
    for block in body.blocks().filter(|block| block.identifier() == "policy") {
        let policy = policy(block)?;
        if policies.iter().any(|other| other.name == policy.name) {
            return Err(ManifestError::Twice(policy.name));
        }
        policies.push(policy);
    }
    Ok(policies)
}

fn policy(block: &Block) -> Result<Declared, ManifestError> {
    let label = block.labels().first().ok_or(ManifestError::Nameless)?;
    let name = label.as_str().to_owned();
    let text = |attribute: &str| {
        let found = block.body().attributes().find(|found| found.key() == attribute);
        match found.map(hcl::Attribute::expr) {
            None | Some(Expression::Null) => Ok(None),
            Some(Expression::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(ManifestError::NotText {
                policy: name.clone(),
                attribute: attribute.to_owned(),
            }),
        }
    };
    Ok(Declared {
        query: text("query")?,
        enforcement_level: text("enforcement_level")?.unwrap_or_else(|| "advisory".into()),
        description: text("description")?,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_with_what_they_say() {
        let policies = read(
            r#"
            # On Fridays we rest.
            policy "friday_deploys" {
              description       = "No deploys on Fridays"
              query             = "data.terraform.policies.friday_deploys.deny"
              enforcement_level = "mandatory"
              params            = { days = ["friday"] }
            }
            policy "public_ingress" {
              query = "data.terraform.policies.public_ingress.deny"
            }
            library "functions" { source = "./functions.rego" }
            "#,
        )
        .unwrap();
        assert_eq!(policies.len(), 2);
        assert_eq!(policies[0].name, "friday_deploys");
        assert_eq!(policies[0].enforcement_level, "mandatory");
        assert_eq!(policies[0].description.as_deref(), Some("No deploys on Fridays"));
        assert_eq!(policies[1].enforcement_level, "advisory");
        assert_eq!(
            policies[1].query.as_deref(),
            Some("data.terraform.policies.public_ingress.deny")
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |text: &str| read(text).unwrap_err();
        assert!(matches!(refused("policy {"), ManifestError::Syntax(_)));
        assert_eq!(refused("policy {}"), ManifestError::Nameless);
        assert_eq!(refused("policy \"a\" {}\npolicy \"a\" {}"), ManifestError::Twice("a".into()));
        assert_eq!(
            refused("policy \"a\" { query = 1 }").to_string(),
            "The policy a: query must be a string."
        );
    }
}
