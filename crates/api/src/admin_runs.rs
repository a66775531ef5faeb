//! `/admin/runs`: those of all organizations, for administrators of the site.

use domain::{
    In, Site, StatusTimestamps, Timestamp, can,
    entity::run::Status,
    row::Run,
    runs::{self, SoughtOnSite},
};
use http::StatusCode;
use jsonapi::{Document, Plain, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    paging::paging,
    parameters::{Searched, text, words},
    runs::comments::Said,
    site_includes::SITE_INCLUDES,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/admin/runs", list)
        .post("/api/v2/admin/runs/{run_id}/actions/force-cancel", force_cancel)
}

/// A run as administrators see it: how it stands, and nothing of what is in it.
pub struct View(pub Run);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    has_changes: bool,
    created_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "runs";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            status: self.0.status,
            status_timestamps: &self.0.status_timestamps,
            has_changes: self.0.has_changes,
            created_at: self.0.created_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("workspace", "workspaces", Some(&self.0.workspace_id));
        // HashiCorp's client looks for it under this name.
        to.one("workspace.organization", "organizations", Some(&self.0.organization_name));
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    status: Option<Vec<String>>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

async fn list(site: May<can::ManageSite>, query: Query<Searched<Filters>>) -> Result<Document> {
    let (cx, filter) = (&site.cx, &query.own.filter);
    let sought = SoughtOnSite {
        text: text(query.own.q.as_deref()),
        statuses: words::<Status>(filter.status.as_deref()),
        from: filter.from,
        to: filter.to,
    };
    let page = runs::list_of_site(cx, &site, sought, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &SITE_INCLUDES, cx).await
}

/// Answered 200 as in Terraform Enterprise, and not 202.
async fn force_cancel(
    run: May<can::ManageSite, In<In<Run>, Site>>,
    body: Plain<Said>,
) -> Result<StatusCode> {
    runs::force_cancel_of_site(&run.cx, &run, body.0.comment).await?;
    Ok(StatusCode::OK)
}
