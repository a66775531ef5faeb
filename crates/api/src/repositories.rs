//! `vcs-repo`: the repository of a workspace or of a policy set, as requests say it and as it is shown.

use domain::{connected_repositories::Shown, entity::workspace::VcsRepo, repositories::Change};
use jsonapi::Field;
use serde::{Deserialize, Serialize};

/// With what is known of it since it was connected.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct View<'a> {
    identifier: &'a str,
    display_identifier: &'a str,
    branch: &'a str,
    ingress_submodules: bool,
    oauth_token_id: Option<&'a str>,
    github_app_installation_id: Option<&'a str>,
    repository_http_url: Option<&'a str>,
    service_provider: Option<&'a str>,
    source_directory: Option<&'a str>,
    tag_prefix: Option<&'a str>,
    /// Whether runs come from tags.
    tags: bool,
    tags_regex: Option<&'a str>,
    webhook_url: Option<&'a str>,
}

impl<'a> View<'a> {
    pub fn new(repo: &'a VcsRepo, known: Option<&'a Shown>) -> Self {
        let display = known.and_then(|known| known.display.as_deref());
        Self {
            identifier: &repo.identifier,
            display_identifier: display.unwrap_or(&repo.identifier),
            branch: &repo.branch,
            ingress_submodules: repo.ingress_submodules,
            oauth_token_id: repo.oauth_token_id.as_deref(),
            github_app_installation_id: repo.github_app_installation_id.as_deref(),
            repository_http_url: known.and_then(|known| known.page_url.as_deref()),
            service_provider: known.map(|known| known.service_provider.as_str()),
            source_directory: None,
            tag_prefix: None,
            tags: repo.tags_regex.is_some(),
            tags_regex: repo.tags_regex.as_deref(),
            webhook_url: known.map(|known| known.webhook_url.as_str()),
        }
    }
}

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
