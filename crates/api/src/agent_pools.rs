//! `/agent-pools`: agents of an organization's own.

mod agents;
mod tokens;

use domain::{
    Ctx, In, Order, Timestamp,
    agent_pools::{self, Change, Details, Filter, Sort},
    can,
    id::{ProjectId, WorkspaceId},
    row::{AgentPool, Organization},
    site_settings::Span,
};
use jsonapi::{Body, Document, Empty, Field, Query, Relationships, Resource, ToMany, Typed};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{ByName, Searched, sorted, text},
    run_limits,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/agent-pools", list)
        .post("/api/v2/organizations/{organization_name}/agent-pools", create)
        .get("/api/v2/agent-pools/{agent_pool_id}", show)
        .patch("/api/v2/agent-pools/{agent_pool_id}", update)
        .delete("/api/v2/agent-pools/{agent_pool_id}", delete)
        .merge(agents::routes())
        .merge(tokens::routes())
}

/// A pool on the wire.
pub struct View(Details);

pub async fn views(cx: &Ctx, rows: Vec<AgentPool>) -> Result<Vec<View>> {
    Ok(agent_pools::details(cx, rows).await?.into_iter().map(View).collect())
}

async fn view(cx: &Ctx, row: AgentPool) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

impl Resource for View {
    const TYPE: &'static str = "agent-pools";

    fn id(&self) -> String {
        self.0.pool.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: &'a str,
            created_at: Timestamp,
            organization_scoped: bool,
            agent_count: u64,
            #[serde(flatten)]
            limits: run_limits::Attributes,
        }
        let pool = &self.0.pool;
        Attributes {
            name: &pool.name,
            created_at: pool.created_at,
            organization_scoped: pool.organization_scoped,
            agent_count: self.0.agents,
            limits: pool.run_limits.0.into(),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let Details { pool, workspaces, allowed_workspaces, excluded_workspaces, .. } = &self.0;
        let here = format!("/api/v2/agent-pools/{}", pool.id);
        let organization = &pool.organization_name;
        to.link("agents", format!("{here}/agents"));
        to.link("authentication-tokens", format!("{here}/authentication-tokens"));
        to.many("workspaces", "workspaces", workspaces);
        to.many("allowed-workspaces", "workspaces", allowed_workspaces);
        to.many("allowed-projects", "projects", &self.0.allowed_projects);
        to.many("excluded-workspaces", "workspaces", excluded_workspaces);
        to.one_with_link(
            "organization",
            "organizations",
            Some(organization),
            format!("/api/v2/organizations/{organization}"),
        );
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/agent-pools/{}", self.0.pool.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Filters {
    allowed_workspaces: ByName,
    allowed_projects: ByName,
}

async fn list(
    organization: May<can::ReadAgentPools>,
    query: Query<Searched<Filters>>,
) -> Result<Document> {
    let cx = &organization.cx;
    let Searched { q, filter } = &query.own;
    let filter = Filter {
        search: text(q.as_deref()),
        workspace: text(filter.allowed_workspaces.name.as_deref()),
        project: text(filter.allowed_projects.name.as_deref()),
    };
    let keys = [("name", Sort::Name), ("created-at", Sort::CreatedAt)];
    let sort = sorted(&query, &keys)?.unwrap_or((Sort::CreatedAt, Order::Ascending));
    let paging = paging(&query);
    let page = agent_pools::list(cx, &organization, filter, sort, paging).await?;
    Document::page(&views(cx, page.items).await?, page.total, &query, &INCLUDES, cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    organization_scoped: Option<bool>,
    run_memory_bytes: Field<u64>,
    run_processes: Field<u64>,
    run_disk_bytes: Field<u64>,
    plan_timeout: Field<Span>,
    apply_timeout: Field<Span>,
}

impl Typed for Input {
    const TYPE: &'static str = "agent-pools";
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Related {
    allowed_workspaces: ToMany<WorkspaceId>,
    excluded_workspaces: ToMany<WorkspaceId>,
    allowed_projects: ToMany<ProjectId>,
}

fn change(body: Body<Input, Related>) -> Result<Change> {
    let (input, related) = (body.attributes, body.relationships);
    let workspaces = |name: &str, many: ToMany<WorkspaceId>| many.of_kind("workspaces", name);
    Ok(Change {
        name: input.name,
        organization_scoped: input.organization_scoped,
        allowed_workspaces: workspaces("allowed-workspaces", related.allowed_workspaces)?,
        excluded_workspaces: workspaces("excluded-workspaces", related.excluded_workspaces)?,
        run_limits: run_limits::change!(input),
        allowed_projects: related.allowed_projects.of_kind("projects", "allowed-projects")?,
    })
}

async fn create(
    organization: May<can::ManageAgentPools>,
    body: Body<Input, Related>,
) -> Result<Document> {
    let cx = &organization.cx;
    let row = agent_pools::create(cx, &organization, change(body)?).await?;
    Ok(Document::one(&view(cx, row).await?).created())
}

async fn show(
    pool: May<can::ReadAgentPools, In<AgentPool, Organization>>,
    query: Query,
) -> Result<Document> {
    let cx = pool.cx;
    let view = view(&cx, pool.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn update(
    pool: May<can::ManageAgentPools, In<AgentPool, Organization>>,
    body: Body<Input, Related>,
) -> Result<Document> {
    let row = agent_pools::update(&pool.cx, &pool, change(body)?).await?;
    Ok(Document::one(&view(&pool.cx, row).await?))
}

async fn delete(pool: May<can::ManageAgentPools, In<AgentPool, Organization>>) -> Result<Empty> {
    agent_pools::delete(&pool.cx, &pool).await?;
    Ok(Empty)
}
