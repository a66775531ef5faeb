//! `/admin/workspaces`: those of all organizations, for administrators of the site.

use domain::{
    In, Order, Site, can, deletions,
    entity::run::Status,
    row::Workspace,
    workspaces::{self, Sort, SoughtOnSite},
};
use jsonapi::{Document, Empty, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    paging::paging,
    parameters::{Searched, every, sorted, text},
    site_includes::SITE_INCLUDES,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/admin/workspaces", list)
        .get("/api/v2/admin/workspaces/{workspace_id}", show)
        .delete("/api/v2/admin/workspaces/{workspace_id}", delete)
}

/// A workspace as administrators see it: nothing of what is in it.
pub struct View(pub Workspace);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    locked: bool,
    vcs_repo: Option<Repository<'a>>,
}

#[derive(Serialize)]
struct Repository<'a> {
    identifier: &'a str,
}

impl Resource for View {
    const TYPE: &'static str = "workspaces";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let repository = self.0.vcs_repo.as_ref();
        Attributes {
            name: &self.0.name,
            locked: self.0.lock_kind.is_some(),
            vcs_repo: repository.map(|repo| Repository { identifier: &repo.identifier }),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("organization", "organizations", Some(&self.0.organization_name));
        to.one("current-run", "runs", self.0.current_run_id.as_ref().map(|id| id as _));
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/admin/workspaces/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    current_run: CurrentRun,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CurrentRun {
    status: Vec<String>,
}

async fn list(site: May<can::ManageSite>, query: Query<Searched<Filters>>) -> Result<Document> {
    let cx = &site.cx;
    let keys = [
        ("name", Sort::Name),
        ("current-run.created-at", Sort::CurrentRunCreatedAt),
        ("latest-change-at", Sort::LatestChangeAt),
    ];
    let order = sorted(&query, &keys)?.unwrap_or((Sort::Name, Order::Ascending));
    let statuses = &query.own.filter.current_run.status;
    let sought = SoughtOnSite {
        text: text(query.own.q.as_deref()),
        statuses: every::<Status>(statuses, "filter[current_run][status]")?,
    };
    let page = workspaces::list_of_site(cx, &site, sought, order, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &SITE_INCLUDES, cx).await
}

type OnSite = May<can::ManageSite, In<Workspace, Site>>;

async fn show(workspace: OnSite, query: Query) -> Result<Document> {
    let view = View(workspace.granted.into_inner().row);
    Document::one_with(&view, &query, &SITE_INCLUDES, &workspace.cx).await
}

async fn delete(workspace: OnSite) -> Result<Empty> {
    deletions::workspace_of_site(&workspace.cx, &workspace).await?;
    Ok(Empty)
}
