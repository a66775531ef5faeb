//! A state version on the wire.

use domain::{
    Ctx, JsonText, Timestamp,
    archivist::{Content, address},
    entity::state_version::Status,
    row::StateVersion,
    states::{self, Details},
};
use jsonapi::{Relationships, Resource};
use serde::Serialize;
use serde_json::Value;

use crate::Result;

pub struct View {
    details: Details,
    urls: Urls,
}

/// Many at once, with one query for their outputs.
pub async fn views(cx: &Ctx, rows: Vec<StateVersion>) -> Result<Vec<View>> {
    let details = states::details(cx, rows).await?;
    Ok(details.into_iter().map(|details| View::new(cx, details)).collect())
}

pub async fn view(cx: &Ctx, row: StateVersion) -> Result<View> {
    let mut views = views(cx, vec![row]).await?;
    Ok(views.swap_remove(0))
}

impl View {
    fn new(cx: &Ctx, details: Details) -> Self {
        let row = &details.version;
        let to = |content| address(cx, content, &row.id);
        let pending = row.status == Status::Pending;
        let urls = Urls {
            state_upload: to(Content::StateUpload),
            json_state_upload: to(Content::JsonStateUpload),
            hosted_state_download_url: (row.status == Status::Finalized)
                .then(|| to(Content::State)),
            hosted_json_state_download_url: row.has_json_state.then(|| to(Content::JsonState)),
            hosted_state_upload_url: None,
            hosted_json_state_upload_url: None,
        };
        let view = Self { details, urls };
        if pending { view.with_uploads() } else { view }
    }

    /// Shows where to upload to, whether or not something is there already.
    pub fn with_uploads(mut self) -> Self {
        self.urls.hosted_state_upload_url = Some(self.urls.state_upload.clone());
        self.urls.hosted_json_state_upload_url = Some(self.urls.json_state_upload.clone());
        self
    }
}

/// All absolute, as the clients take them as they are.
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Urls {
    #[serde(skip)]
    state_upload: String,
    #[serde(skip)]
    json_state_upload: String,
    hosted_state_download_url: Option<String>,
    hosted_json_state_download_url: Option<String>,
    hosted_state_upload_url: Option<String>,
    hosted_json_state_upload_url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    created_at: Timestamp,
    /// Bytes; null until the state is there.
    size: Option<i64>,
    #[serde(flatten)]
    urls: &'a Urls,
    /// Only customers' own keys and agents make these two kinds.
    encrypted_state_download_url: Option<&'a str>,
    sanitized_state_download_url: Option<&'a str>,
    sanitized_state_upload_url: Option<&'a str>,
    intermediate: bool,
    serial: i64,
    md5: &'a str,
    lineage: &'a str,
    status: Status,
    state_version: Option<i64>,
    terraform_version: Option<&'a str>,
    resources_processed: bool,
    resources: &'a JsonText,
    modules: &'a Value,
    providers: &'a Value,
    billable_rum_count: Option<i64>,
    vcs_commit_sha: Option<&'a str>,
    vcs_commit_url: Option<&'a str>,
    /// Of a state that OpenTofu has encrypted: outputs, resources and their counts cannot be read from it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    encrypted: bool,
    permissions: Permissions,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_restore_backing_data: bool,
}

impl Resource for View {
    const TYPE: &'static str = "state-versions";

    fn id(&self) -> String {
        self.details.version.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.details.version;
        let finalized = row.status == Status::Finalized;
        let encrypted = states::is_encrypted(row);
        Attributes {
            created_at: row.created_at,
            size: finalized.then_some(row.size),
            urls: &self.urls,
            encrypted_state_download_url: None,
            sanitized_state_download_url: None,
            sanitized_state_upload_url: None,
            intermediate: row.intermediate,
            serial: row.serial,
            md5: &row.md5,
            lineage: &row.lineage,
            status: row.status,
            state_version: row.state_format,
            terraform_version: row.terraform_version.as_deref(),
            resources_processed: row.resources_processed,
            resources: &row.resources,
            modules: &row.modules,
            providers: &row.providers,
            billable_rum_count: (finalized && !encrypted).then_some(row.resource_count),
            vcs_commit_sha: self.details.commit.as_ref().map(|of| of.commit_sha.as_str()),
            vcs_commit_url: self.details.commit.as_ref().and_then(|of| of.commit_url.as_deref()),
            encrypted,
            permissions: Permissions { can_restore_backing_data: false },
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let Details { version: row, output_ids, .. } = &self.details;
        to.one("run", "runs", row.run_id.as_ref().map(|id| id as _));
        to.one(
            "rollback-state-version",
            "state-versions",
            row.rollback_of_id.as_ref().map(|id| id as _),
        );
        to.one("created-by", "users", row.created_by_id.as_ref().map(|id| id as _));
        to.one_with_link(
            "workspace",
            "workspaces",
            Some(&row.workspace_id),
            format!("/api/v2/workspaces/{}", row.workspace_id),
        );
        if let Some(ids) = output_ids {
            to.many("outputs", "state-version-outputs", ids);
        }
        to.link("outputs", format!("/api/v2/state-versions/{}/outputs", row.id));
    }
}
