//! `vcs-repo`: what requests say of the repository of a workspace or of a policy set.

use domain::repositories::Change;
use jsonapi::Field;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    identifier: Option<String>,
    branch: Field<String>,
    ingress_submodules: Option<bool>,
    #[serde(deserialize_with = "jsonapi::id")]
    oauth_token_id: Field<String>,
    #[serde(deserialize_with = "jsonapi::id")]
    github_app_installation_id: Field<String>,
    tags_regex: Field<String>,
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        let text = |field: Field<String>| field.into_change().map(Option::unwrap_or_default);
        Self {
            identifier: input.identifier,
            branch: text(input.branch),
            ingress_submodules: input.ingress_submodules,
            oauth_token_id: input.oauth_token_id.into_change(),
            github_app_installation_id: input.github_app_installation_id.into_change(),
            tags_regex: text(input.tags_regex),
        }
    }
}
