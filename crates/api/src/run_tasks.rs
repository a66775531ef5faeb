//! `/tasks`: the run tasks of organizations

use domain::{
    Ctx, In, Timestamp, can,
    entity::{run_task::Enforcement, task_stage::Stage},
    id::WorkspaceTaskId,
    row::{Organization, RunTask},
    run_tasks::{self, CATEGORY, Change, Global},
    variables::SecretString,
    workspace_tasks,
};
use jsonapi::{
    Body, Document, Empty, Field, Query, Relationships, Resource, ToOne, Typed, Unsupported,
};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes, includes::INCLUDES, paging::paging, workspace_tasks::View as Attachment,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/tasks", list)
        .post("/api/v2/organizations/{organization_name}/tasks", create)
        .get("/api/v2/tasks/integrations", integrations)
        .get("/api/v2/tasks/{task_id}", show)
        .patch("/api/v2/tasks/{task_id}", update)
        .delete("/api/v2/tasks/{task_id}", delete)
        .get("/api/v2/tasks/{task_id}/relationships/workspace-tasks", attachments)
}

/// A run task on the wire: never its key.
pub struct View {
    row: RunTask,
    workspace_tasks: Vec<WorkspaceTaskId>,
}

/// With where they are asked, read at once.
pub async fn views(cx: &Ctx, rows: Vec<RunTask>) -> Result<Vec<View>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let attached = workspace_tasks::of_tasks(cx, &ids).await?;
    let of = |row: &RunTask| {
        let own = attached.iter().filter(|one| one.run_task_id == row.id);
        own.map(|one| one.id.clone()).collect()
    };
    Ok(rows.into_iter().map(|row| View { workspace_tasks: of(&row), row }).collect())
}

async fn view(cx: &Ctx, row: RunTask) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    category: &'static str,
    name: &'a str,
    description: Option<&'a str>,
    url: &'a str,
    /// Written once, never shown again.
    hmac_key: Option<&'a str>,
    enabled: bool,
    /// Of integrations that HashiCorp runs.
    params: Option<()>,
    created_at: Timestamp,
    updated_at: Timestamp,
    global_configuration: GlobalAttributes<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct GlobalAttributes<'a> {
    enabled: bool,
    stages: &'a [Stage],
    enforcement_level: Enforcement,
}

impl Resource for View {
    const TYPE: &'static str = "tasks";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            category: CATEGORY,
            name: &row.name,
            description: row.description.as_deref(),
            url: &row.url,
            hmac_key: None,
            enabled: row.enabled,
            params: None,
            created_at: row.created_at,
            updated_at: row.updated_at,
            global_configuration: GlobalAttributes {
                enabled: row.global_enabled,
                stages: &row.global_stages,
                enforcement_level: row.global_enforcement_level,
            },
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let organization = &self.row.organization_name;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
        to.many("workspace-tasks", "workspace-tasks", &self.workspace_tasks);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    category: Option<String>,
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    url: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    hmac_key: Field<String>,
    enabled: Option<bool>,
    global_configuration: Option<GlobalInput>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct GlobalInput {
    enabled: Option<bool>,
    stages: Option<Vec<Stage>>,
    enforcement_level: Option<Enforcement>,
}

impl Typed for Input {
    const TYPE: &'static str = "tasks";
    const UNSUPPORTED: &'static [Unsupported] =
        &[("attributes/params", "is not supported: run tasks are asked without parameters")];
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Relations {
    agent_pool: Option<ToOne<String>>,
}

fn change(body: Body<Input, Relations>) -> Result<Change> {
    let pool = body.relationships.agent_pool.map(|one| one.of_kind("agent-pools", "agent-pool"));
    if pool.transpose()?.flatten().is_some() {
        let why =
            "The provided agent pool does not exist for run tasks: this server asks them itself.";
        return Err(domain::Error::invalid_relation("agent-pool", why).into());
    }
    let input = body.attributes;
    let global = input.global_configuration.unwrap_or_default();
    Ok(Change {
        name: input.name,
        description: input
            .description
            .into_change()
            .map(|text| text.filter(|text| !text.is_empty())),
        url: input.url,
        category: input.category,
        hmac_key: input.hmac_key.into_change().map(|key| key.map(SecretString::from)),
        enabled: input.enabled,
        global: Global {
            enabled: global.enabled,
            stages: global.stages,
            enforcement_level: global.enforcement_level,
        },
    })
}

async fn list(organization: May<can::ReadRunTasks>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let page = run_tasks::list(cx, &organization, paging(&query)).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn create(
    organization: May<can::ManageRunTasks>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &organization.cx;
    let row = run_tasks::create(cx, &organization, change(body)?).await?;
    Ok(Document::one(&view(cx, row).await?).created())
}

async fn show(
    held: May<can::ReadRunTasks, In<RunTask, Organization>>,
    query: Query,
) -> Result<Document> {
    let view = view(&held.cx, held.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &held.cx).await
}

async fn update(
    held: May<can::ManageRunTasks, In<RunTask, Organization>>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let row = run_tasks::update(&held.cx, &held, change(body)?).await?;
    Ok(Document::one(&view(&held.cx, row).await?))
}

async fn delete(held: May<can::ManageRunTasks, In<RunTask, Organization>>) -> Result<Empty> {
    run_tasks::delete(&held.cx, &held).await?;
    Ok(Empty)
}

/// Where it is asked, as far as the caller may see the workspaces.
async fn attachments(
    held: May<can::ReadRunTasks, In<RunTask, Organization>>,
    query: Query,
) -> Result<Document> {
    let rows = workspace_tasks::of_tasks(&held.cx, std::slice::from_ref(&held.id)).await?;
    let views: Vec<_> = rows.into_iter().map(Attachment).collect();
    Document::list_with(&views, &query, &INCLUDES, &held.cx).await
}

/// HCP Terraform's services that are ready to be chosen. This server has none: whoever has one gives its address.
async fn integrations(caller: May<can::UseToken>, query: Query) -> Result<Document> {
    Document::page::<View, _, _, _>(&[], 0, &query, &INCLUDES, &caller.cx).await
}
