//! `/projects`

use domain::{
    Ctx, Timestamp, can,
    entity::workspace::ExecutionMode,
    id::{AgentPoolId, WorkspaceId},
    projects::{self, Change, Counts, Filter},
    row::Project,
    workspaces::{self, Execution},
};
use jsonapi::{
    Body, Document, Empty, Error, Field, Identifiers, Query, Relationships, Resource, ToMany,
    ToOne, Typed, Unsupported,
};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Searched, sorted},
    tags,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/projects", list)
        .post("/api/v2/organizations/{organization_name}/projects", create)
        .get("/api/v2/projects/{project_id}", show)
        .patch("/api/v2/projects/{project_id}", update)
        .delete("/api/v2/projects/{project_id}", delete)
        .post("/api/v2/projects/{project_id}/relationships/workspaces", move_workspaces)
}

/// A project on the wire.
pub struct View {
    row: Project,
    execution: Execution,
    counts: Option<Counts>,
    permissions: Permissions,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_read: bool,
    can_update: bool,
    can_destroy: bool,
    can_create_workspace: bool,
    can_move_workspace: bool,
    can_manage_tags: bool,
    can_read_teams: bool,
    can_manage_teams: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    description: &'a str,
    created_at: Timestamp,
    auto_destroy_activity_duration: Option<&'a str>,
    default_execution_mode: ExecutionMode,
    setting_overwrites: SettingOverwrites,
    is_unified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_count: Option<u64>,
    permissions: Permissions,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SettingOverwrites {
    default_execution_mode: bool,
    default_agent_pool: bool,
}

/// With what they inherit, read at once.
pub async fn views(cx: &Ctx, rows: Vec<Project>) -> Result<Vec<View>> {
    let all = projects::executions(cx, &rows).await?;
    Ok(rows.into_iter().zip(all).map(|(row, execution)| View::new(cx, row, execution)).collect())
}

impl View {
    fn new(cx: &Ctx, row: Project, execution: Execution) -> Self {
        let permissions = Permissions {
            can_read: cx.may::<can::ReadProject>(&row),
            can_update: cx.may::<can::UpdateProject>(&row),
            can_destroy: cx.may::<can::DestroyProject>(&row),
            can_create_workspace: cx.may::<can::CreateWorkspaceIn>(&row),
            can_move_workspace: cx.may::<can::MoveWorkspaceInto>(&row),
            can_manage_tags: cx.may::<can::UpdateProject>(&row),
            can_read_teams: cx.may::<can::ReadProjectTeams>(&row),
            can_manage_teams: cx.may::<can::ManageProjectTeams>(&row),
        };
        Self { row, execution, counts: None, permissions }
    }

    async fn counted(cx: &Ctx, row: Project) -> Result<Self> {
        let counts = projects::counts(cx, &row).await?;
        let mut views = views(cx, vec![row]).await?;
        Ok(Self { counts: Some(counts), ..views.swap_remove(0) })
    }
}

impl Resource for View {
    const TYPE: &'static str = "projects";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            name: &row.name,
            description: row.description.as_deref().unwrap_or_default(),
            created_at: row.created_at,
            auto_destroy_activity_duration: row.auto_destroy_activity_duration.as_deref(),
            default_execution_mode: self.execution.mode,
            setting_overwrites: SettingOverwrites {
                default_execution_mode: row.default_execution_mode.is_some(),
                default_agent_pool: row.default_execution_mode.is_some(),
            },
            is_unified: false,
            workspace_count: self.counts.map(|counts| counts.workspaces),
            team_count: self.counts.map(|counts| counts.teams),
            permissions: self.permissions,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let organization = &self.row.organization_name;
        to.one_with_link(
            "organization",
            "organizations",
            Some(organization),
            format!("/api/v2/organizations/{organization}"),
        );
        let here = format!("/api/v2/projects/{}", self.row.id);
        to.link("tag-bindings", format!("{here}/tag-bindings"));
        to.link("effective-tag-bindings", format!("{here}/effective-tag-bindings"));
        to.one(
            "default-agent-pool",
            "agent-pools",
            self.execution.agent_pool_id.as_ref().map(|id| id as _),
        );
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    names: Option<Vec<String>>,
    /// The seed's spelling of `names`.
    name: Option<Vec<String>>,
    tagged: Vec<tags::Tagged>,
    permissions: PermissionFilters,
}

/// Of another permission the list would say that one has it everywhere.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct PermissionFilters {
    create_workspace: bool,
    update: bool,
}

async fn list(
    organization: May<can::ReadOrganization>,
    query: Query<Searched<Filters>>,
) -> Result<Document> {
    let cx = &organization.cx;
    let filter = Filter {
        names: query.own.filter.names.clone().or_else(|| query.own.filter.name.clone()),
        search: query.own.q.clone(),
        can_create_workspace: query.own.filter.permissions.create_workspace,
        can_update: query.own.filter.permissions.update,
        tagged: tags::filters(&query.own.filter.tagged, false)?,
    };
    let by_name = sorted(&query, &[("name", ())])?.map(|((), order)| order);
    let paging = paging(&query);
    let page = projects::list(cx, &organization, filter, by_name, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn show(project: May<can::ReadProject>, query: Query) -> Result<Document> {
    let cx = project.cx;
    let view = View::counted(&cx, project.granted.into_inner()).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// The attributes of a request to create or to change a project.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    auto_destroy_activity_duration: Field<String>,
    default_execution_mode: Field<ExecutionMode>,
    #[serde(deserialize_with = "jsonapi::id")]
    default_agent_pool_id: Field<AgentPoolId>,
    setting_overwrites: Option<Overwrites>,
}

impl Typed for Input {
    const TYPE: &'static str = "projects";
    const UNSUPPORTED: &'static [Unsupported] = &[
        ("attributes/stacks-default-execution-mode", "cannot be set: this server has no stacks"),
        (
            "attributes/setting-overwrites/stacks-default-execution-mode",
            "cannot be set: this server has no stacks",
        ),
        (
            "attributes/setting-overwrites/stacks-default-agent-pool",
            "cannot be set: this server has no stacks",
        ),
        ("relationships/stacks-default-agent-pool", "cannot be set: this server has no stacks"),
    ];
}

/// False gives a setting back to the default of the organization.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Overwrites {
    default_execution_mode: Option<bool>,
    default_agent_pool: Option<bool>,
}

impl Overwrites {
    /// Whether both are given back; they belong together.
    fn give_back(self) -> Result<bool> {
        match (self.default_execution_mode, self.default_agent_pool) {
            (Some(mode), Some(pool)) if mode != pool => Err(Error::unprocessable(
                "/data/attributes/setting-overwrites",
                "If agent-pool and execution-mode are both included in setting-overwrites, their \
                 values must be the same.",
            )
            .into()),
            (mode, pool) => Ok(mode == Some(false) || pool == Some(false)),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Relations {
    tag_bindings: ToMany<String>,
    /// An attribute in clients, a relationship in the published contract.
    default_agent_pool: Option<ToOne<AgentPoolId>>,
}

fn change(input: Input, relations: Relations) -> Result<Change> {
    let given_back = input.setting_overwrites.unwrap_or_default().give_back()?;
    let default_agent_pool_id = match relations.default_agent_pool {
        Some(one) => Some(one.of_kind("agent-pools", "default-agent-pool")?),
        None => input.default_agent_pool_id.into_change(),
    };
    Ok(Change {
        name: input.name,
        description: input.description.into_change(),
        auto_destroy_activity_duration: input.auto_destroy_activity_duration.into_change(),
        default_execution_mode: if given_back {
            Some(None)
        } else {
            input.default_execution_mode.into_change()
        },
        default_agent_pool_id: if given_back { Some(None) } else { default_agent_pool_id },
        tags: relations.tag_bindings.0.as_deref().map(tags::keyed).transpose()?,
    })
}

async fn create(
    organization: May<can::CreateProject>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let change = change(body.attributes, body.relationships)?;
    let row = projects::create(&organization.cx, &organization, change).await?;
    Ok(Document::one(&View::counted(&organization.cx, row).await?).created())
}

async fn update(
    project: May<can::UpdateProject>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let change = change(body.attributes, body.relationships)?;
    let row = projects::update(&project.cx, &project, change).await?;
    Ok(Document::one(&View::counted(&project.cx, row).await?))
}

async fn move_workspaces(project: May<can::MoveWorkspaceInto>, body: Identifiers) -> Result<Empty> {
    let ids = body.parsed::<WorkspaceId>("workspaces")?;
    workspaces::move_into(&project.cx, &project, &ids).await?;
    Ok(Empty)
}

async fn delete(project: May<can::DestroyProject>) -> Result<Empty> {
    projects::delete(&project.cx, &project).await?;
    Ok(Empty)
}
