//! `/configuration-versions/:id/ingress-attributes`: the commit that a configuration is made of.

use domain::{
    In, can, configurations,
    row::{ConfigurationVersion, IngressAttributes},
};
use jsonapi::{Document, Links, Resource};
use serde::Serialize;

use crate::{May, Result};

/// On the wire.
pub struct View(pub IngressAttributes);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    branch: &'a str,
    clone_url: Option<&'a str>,
    commit_message: &'a str,
    commit_sha: &'a str,
    commit_url: Option<&'a str>,
    compare_url: Option<&'a str>,
    identifier: &'a str,
    is_pull_request: bool,
    on_default_branch: bool,
    pull_request_number: Option<i64>,
    pull_request_url: Option<&'a str>,
    pull_request_title: Option<&'a str>,
    pull_request_body: Option<&'a str>,
    tag: Option<&'a str>,
    sender_username: Option<&'a str>,
    sender_avatar_url: Option<&'a str>,
    sender_html_url: Option<&'a str>,
}

impl Resource for View {
    const TYPE: &'static str = "ingress-attributes";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0;
        Attributes {
            branch: &row.branch,
            clone_url: row.clone_url.as_deref(),
            commit_message: &row.commit_message,
            commit_sha: &row.commit_sha,
            commit_url: row.commit_url.as_deref(),
            compare_url: row.compare_url.as_deref(),
            identifier: &row.identifier,
            is_pull_request: row.pull_request_number.is_some(),
            on_default_branch: row.on_default_branch,
            pull_request_number: row.pull_request_number,
            pull_request_url: row.pull_request_url.as_deref(),
            pull_request_title: row.pull_request_title.as_deref(),
            pull_request_body: row.pull_request_body.as_deref(),
            tag: row.tag.as_deref(),
            sender_username: row.sender_username.as_deref(),
            sender_avatar_url: row.sender_avatar_url.as_deref(),
            sender_html_url: row.sender_html_url.as_deref(),
        }
    }

    fn links(&self, to: &mut Links) {
        let of = &self.0.configuration_version_id;
        to.add("self", format!("/api/v2/configuration-versions/{of}/ingress-attributes"));
    }
}

pub async fn show(
    configuration: May<can::ReadConfiguration, In<ConfigurationVersion>>,
) -> Result<Document> {
    let row = configurations::ingress_attributes(&configuration.cx, &configuration).await?;
    Ok(Document::one(&View(row)))
}
