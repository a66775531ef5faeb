//! Connections as requests name them.

use domain::{
    id::ProjectId,
    oauth_clients::{Change, New},
    variables::SecretString,
};
use jsonapi::{Body, Field, ToMany, ToOne, Typed, Unsupported};
use serde::Deserialize;

use crate::Result;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    #[serde(deserialize_with = "jsonapi::id")]
    organization_id: Field<String>,
    name: Field<String>,
    service_provider: Option<String>,
    http_url: Option<String>,
    api_url: Option<String>,
    key: Field<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    secret: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    rsa_public_key: Field<String>,
    ado_entra_tenant_id: Field<String>,
    organization_scoped: Option<bool>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    oauth_token_string: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    private_key: Option<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "oauth-clients";
    const UNSUPPORTED: &'static [Unsupported] = &[(
        "relationships/agent-pool",
        "cannot be chosen: the organization does not have private VCS enabled, as this server asks \
         providers itself and not through agents",
    )];
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Related {
    projects: ToMany<ProjectId>,
    organization: Option<ToOne<String>>,
}

/// The organization that a document names, by either of the two ways.
pub fn organization(body: &Body<Input, Related>) -> Result<Option<String>> {
    let related = body.relationships.organization.clone();
    let related = related.map(|one| one.of_kind("organizations", "organization")).transpose()?;
    let named = body.attributes.organization_id.clone().into_option();
    Ok(named.or(related.flatten()))
}

/// What is said once, and what can be said again.
pub fn read(body: Body<Input, Related>) -> Result<(New, Change)> {
    let (input, related) = (body.attributes, body.relationships);
    let new = New {
        service_provider: input.service_provider,
        http_url: input.http_url,
        api_url: input.api_url,
        private_key: input.private_key.map(SecretString::from),
    };
    let name = |name: Option<String>| name.filter(|name| !name.is_empty());
    let change = Change {
        name: input.name.into_change().map(name),
        key: input.key.into_change(),
        secret: input.secret.map(SecretString::from),
        rsa_public_key: input.rsa_public_key.into_change(),
        ado_entra_tenant_id: input.ado_entra_tenant_id.into_change(),
        organization_scoped: input.organization_scoped,
        token: input.oauth_token_string.map(SecretString::from),
        projects: related.projects.of_kind("projects", "projects")?,
    };
    Ok((new, change))
}
