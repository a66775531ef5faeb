//! `/freezes`, those of an organization, and `/runs/:id/actions/break-freeze`: windows in which nothing is applied. Ours:
//! HCP Terraform has no such thing.

use domain::{
    In, Timestamp, can,
    freezes::{self, Change, Scope},
    id::{ProjectId, WorkspaceId},
    row::{Freeze, Organization, Run},
};
use jsonapi::{
    Accepted, Body, Document, Empty, Error, Field, Plain, Query, Relationships, Resource, ToOne,
    Typed,
};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, runs::comments::Said};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/freezes", list)
        .post("/api/v2/organizations/{organization_name}/freezes", create)
        .get("/api/v2/freezes/{freeze_id}", show)
        .patch("/api/v2/freezes/{freeze_id}", update)
        .delete("/api/v2/freezes/{freeze_id}", delete)
        .post("/api/v2/runs/{run_id}/actions/break-freeze", let_through)
}

struct View {
    row: Freeze,
    until: Option<Timestamp>,
}

impl View {
    fn new(row: Freeze, now: Timestamp) -> Self {
        Self { until: freezes::until(&row, now), row }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    cron: Option<&'a str>,
    time_zone: &'a str,
    duration_minutes: Option<i64>,
    /// The end of the window that is open now.
    frozen_until: Option<Timestamp>,
    created_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "freezes";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            name: &row.name,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            cron: row.cron.as_deref(),
            time_zone: &row.time_zone,
            duration_minutes: row.minutes,
            frozen_until: self.until,
            created_at: row.created_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let row = &self.row;
        to.one("organization", "organizations", Some(&row.organization_name));
        to.one("project", "projects", row.project_id.as_ref().map(|id| id as _));
        to.one("workspace", "workspaces", row.workspace_id.as_ref().map(|id| id as _));
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/freezes/{}", self.row.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    starts_at: Field<Timestamp>,
    ends_at: Field<Timestamp>,
    cron: Field<String>,
    time_zone: Option<String>,
    duration_minutes: Field<i64>,
}

impl Typed for Input {
    const TYPE: &'static str = "freezes";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            name: input.name,
            starts_at: input.starts_at.into_change(),
            ends_at: input.ends_at.into_change(),
            cron: input.cron.into_change(),
            time_zone: input.time_zone,
            minutes: input.duration_minutes.into_change(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    project: Option<ToOne<ProjectId>>,
    workspace: Option<ToOne<WorkspaceId>>,
}

impl Relations {
    fn scope(self) -> Result<Scope> {
        let project = self.project.map(|one| one.of_kind("projects", "project"));
        let workspace = self.workspace.map(|one| one.of_kind("workspaces", "workspace"));
        match (project.transpose()?.flatten(), workspace.transpose()?.flatten()) {
            (None, None) => Ok(Scope::Organization),
            (Some(id), None) => Ok(Scope::Project(id)),
            (None, Some(id)) => Ok(Scope::Workspace(id)),
            (Some(_), Some(_)) => Err(Error::unprocessable(
                "/data/relationships/workspace",
                "cannot be combined with project",
            )
            .into()),
        }
    }
}

impl Relations {
    /// Another scope than a freeze has; relations that are not named stay.
    fn another_scope(self, than: &Freeze) -> Result<Option<Scope>> {
        let is_emptied = (self.project.is_some() && than.project_id.is_some())
            || (self.workspace.is_some() && than.workspace_id.is_some());
        Ok(match self.scope()? {
            Scope::Organization if !is_emptied => None,
            scope => Some(scope),
        })
    }
}

async fn list(organization: May<can::ReadOrganization>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let page = freezes::list(cx, &organization, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(|row| View::new(row, cx.now())).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn create(
    organization: May<can::UpdateOrganization>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &organization.cx;
    let scope = body.relationships.scope()?;
    let row = freezes::create(cx, &organization, scope, body.attributes.into()).await?;
    Ok(Document::one(&View::new(row, cx.now())).created())
}

type Held = In<Freeze, Organization>;

async fn show(freeze: May<can::ReadOrganization, Held>, query: Query) -> Result<Document> {
    let cx = freeze.cx;
    let view = View::new(freeze.granted.into_inner().row, cx.now());
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn update(
    freeze: May<can::UpdateOrganization, Held>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let scope = body.relationships.another_scope(&freeze.row)?;
    let row = freezes::update(&freeze.cx, &freeze, scope, body.attributes.into()).await?;
    Ok(Document::one(&View::new(row, freeze.cx.now())))
}

async fn delete(freeze: May<can::UpdateOrganization, Held>) -> Result<Empty> {
    freezes::delete(&freeze.cx, &freeze).await?;
    Ok(Empty)
}

/// For owners, who say why.
async fn let_through(run: May<can::BreakFreeze, In<Run>>, body: Plain<Said>) -> Result<Accepted> {
    let reason = body.0.comment.unwrap_or_default();
    freezes::let_through(&run.cx, &run, &reason).await?;
    Ok(Accepted)
}
