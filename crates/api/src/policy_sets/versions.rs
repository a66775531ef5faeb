//! `/policy-sets/:id/versions` and `/policy-set-versions`: policies by upload

use domain::{
    Ctx, In, StatusTimestamps, Timestamp,
    archivist::{self, Content},
    can,
    entity::{
        configuration_version::Source,
        policy_set_version::{Ingress, Status},
    },
    policy_sets,
    row::{Organization, PolicySet, PolicySetVersion},
};
use jsonapi::{Document, Links, Query, Relationships, Resource};
use serde::Serialize;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/policy-sets/{policy_set_id}/versions", list)
        .post("/api/v2/policy-sets/{policy_set_id}/versions", create)
        .get("/api/v2/policy-set-versions/{policy_set_version_id}", show)
}

/// A version on the wire.
pub struct View {
    row: PolicySetVersion,
    /// Told to those who manage policies: whoever has it decides what counts.
    upload: Option<String>,
}

impl View {
    pub fn new(row: PolicySetVersion) -> Self {
        Self { row, upload: None }
    }

    fn open(cx: &Ctx, row: PolicySetVersion, organization: &Organization) -> Self {
        let is_open = row.status == Status::Pending && cx.may::<can::ManagePolicies>(organization);
        let upload = is_open.then(|| archivist::address(cx, Content::PolicySetUpload, &row.id));
        Self { row, upload }
    }
}

#[expect(clippy::struct_field_names, reason = "the names are those of the wire")]
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    source: Source,
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    error: Option<&'a str>,
    error_message: Option<&'a str>,
    ingress_attributes: Option<&'a Ingress>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "policy-set-versions";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            source: row.source.unwrap_or(Source::Api),
            status: row.status,
            status_timestamps: &row.status_timestamps,
            error: row.error.as_deref(),
            error_message: row.error_message.as_deref(),
            ingress_attributes: row.ingress.as_ref().map(|of| &of.0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let set = &self.row.policy_set_id;
        let related = format!("/api/v2/policy-sets/{set}");
        to.one_with_link("policy-set", "policy-sets", Some(set), related);
    }

    fn links(&self, to: &mut Links) {
        if let Some(address) = &self.upload {
            to.add("upload", address.clone());
        }
    }
}

async fn list(
    set: May<can::ReadPolicies, In<PolicySet, Organization>>,
    query: Query,
) -> Result<Document> {
    let cx = &set.cx;
    let page = policy_sets::list_versions(cx, &set, paging(&query)).await?;
    let views: Vec<_> =
        page.items.into_iter().map(|row| View::open(cx, row, &set.granted.of)).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn create(set: May<can::ManagePolicies, In<PolicySet, Organization>>) -> Result<Document> {
    let row = policy_sets::create_version(&set.cx, &set).await?;
    Ok(Document::one(&View::open(&set.cx, row, &set.granted.of)).created())
}

async fn show(
    version: May<can::ReadPolicies, In<PolicySetVersion, Organization>>,
    query: Query,
) -> Result<Document> {
    let cx = version.cx;
    let In { row, of } = version.granted.into_inner();
    Document::one_with(&View::open(&cx, row, &of), &query, &INCLUDES, &cx).await
}
