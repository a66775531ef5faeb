//! Projects: groups of workspaces with common access.

use std::collections::BTreeSet;

use db::{
    Order,
    entity::{project, tag_binding, team_project, workspace, workspace::ExecutionMode},
    id::{AgentPoolId, ProjectId},
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, Page, Paging, Result, Subject, Tx, agent_pools, can,
    error::taken,
    free_text, names,
    row::{Organization, Project},
    tags::TagFilter,
    tags::{self, Binding},
    workspaces::{self, Execution, auto_destroy},
};

#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub auto_destroy_activity_duration: Option<Option<String>>,
    pub default_execution_mode: Option<Option<ExecutionMode>>,
    /// Only together with the execution mode agent.
    pub default_agent_pool_id: Option<Option<AgentPoolId>>,
    /// `Some` are all of its tags.
    pub tags: Option<Vec<Binding>>,
}

impl Change {
    fn apply(self, to: &mut Project) -> Result<()> {
        if let Some(name) = self.name {
            names::check_change("name", &name, &to.name, 40)?;
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
            let length = name.chars().count();
            if !(3..=40).contains(&length) || !name.chars().all(allowed) || name.trim() != name {
                return Err(Error::invalid(
                    "name",
                    "may only contain letters, numbers, spaces, -, and _, has 3 to 40 of them, \
                     and neither begins nor ends with a space",
                ));
            }
            to.name = name;
        }
        if let Some(description) = self.description {
            free_text::prose("description", description.as_deref().unwrap_or_default(), 256)?;
            to.description = description;
        }
        if let Some(duration) = self.auto_destroy_activity_duration {
            if let Some(text) = &duration {
                auto_destroy::seconds("auto-destroy-activity-duration", text)?;
            }
            to.auto_destroy_activity_duration = duration;
        }
        if self.default_execution_mode.is_some() || self.default_agent_pool_id.is_some() {
            to.default_execution_mode =
                self.default_execution_mode.unwrap_or(to.default_execution_mode);
            to.default_agent_pool_id = workspaces::pool_for(
                to.default_execution_mode,
                self.default_agent_pool_id,
                to.default_agent_pool_id.take(),
                "default-agent-pool-id",
            )?;
        }
        Ok(())
    }
}

pub async fn find(cx: &Ctx, id: &ProjectId) -> Result<Found<Project>> {
    let row = project::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    row.map(Found::new).ok_or(Error::NotFound)
}

/// Where the runs of new workspaces of these projects execute: as the project says, or the organization.
pub async fn executions(cx: &Ctx, rows: &[Project]) -> Result<Vec<Execution>> {
    let names: BTreeSet<_> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let names: Vec<_> = names.into_iter().collect();
    let organizations = crate::organizations::load(cx, &names).await?;
    Ok(rows
        .iter()
        .map(|row| {
            let mut all = organizations.iter();
            let of = all.find(|organization| organization.name == row.organization_name);
            Execution::of_project(Some(row), of)
        })
        .collect())
}

#[derive(Debug, Default)]
pub struct Filter {
    /// Exactly one of these, whatever the case.
    pub names: Option<Vec<String>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Has all of these bindings.
    pub tagged: Vec<TagFilter>,
    /// The caller may create workspaces in it.
    pub can_create_workspace: bool,
    /// The caller may change it.
    pub can_update: bool,
}

/// The projects of an organization that the caller may see: the default one and then the newest first, unless by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
    by_name: Option<Order>,
    paging: Paging,
) -> Result<Page<Project>> {
    let mut condition =
        Condition::all().add(project::Column::OrganizationName.eq(&organization.name));
    if let Some(projects) = cx.actor().project_scope(&organization.name) {
        condition = condition.add(project::Column::Id.is_in(projects));
    }
    if let Some(names) = filter.names {
        let lower: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let name = Expr::expr(Func::lower(Expr::col(project::Column::Name)));
        condition = condition.add(name.is_in(lower));
    }
    if let Some(text) = filter.search {
        condition = condition.add(db::contains(project::Column::Name, &text));
    }
    for binding in &filter.tagged {
        let tagged = tag_binding::Entity::find()
            .select_only()
            .column(tag_binding::Column::ProjectId)
            .filter(tag_binding::Column::ProjectId.is_not_null())
            .filter(binding.holds());
        condition = condition.add(project::Column::Id.in_subquery(tagged.into_query()));
    }
    if filter.can_create_workspace || filter.can_update {
        let rows = project::Entity::find().filter(condition.clone()).all(cx.read()).await?;
        let fits = |row: &Project| {
            (!filter.can_create_workspace || cx.may::<can::CreateWorkspaceIn>(row))
                && (!filter.can_update || cx.may::<can::UpdateProject>(row))
        };
        let ids = rows.into_iter().filter(fits).map(|row| row.id);
        condition = condition.add(project::Column::Id.is_in(ids));
    }
    let query = project::Entity::find().filter(condition);
    let query = match by_name {
        Some(order) => query.order_by(project::Column::Name, order.into()),
        None => query
            .order_by_desc(project::Column::Id.eq(organization.default_project_id.clone()))
            .order_by_desc(project::Column::CreatedAt)
            .order_by_desc(project::Column::Id),
    };
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[ProjectId]) -> Result<Vec<Project>> {
    let rows =
        project::Entity::find().filter(project::Column::Id.is_in(ids)).all(cx.read()).await?;
    Ok(rows.into_iter().filter(|row| cx.may::<can::ReadProject>(row)).collect())
}

/// How many workspaces and teams these projects have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub workspaces: u64,
    pub teams: u64,
}

pub async fn counts(cx: &Ctx, project: &Project) -> Result<Counts> {
    Ok(Counts {
        workspaces: workspace::Entity::find()
            .filter(workspace::Column::ProjectId.eq(&project.id))
            .count(cx.read())
            .await?,
        teams: team_project::Entity::find()
            .filter(team_project::Column::ProjectId.eq(&project.id))
            .count(cx.read())
            .await?,
    })
}

pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::CreateProject>,
    mut change: Change,
) -> Result<Project> {
    let tags = change.tags.take().unwrap_or_default();
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    let id = ProjectId::fresh();
    if let Some(Some(pool)) = &change.default_agent_pool_id {
        agent_pools::fits_project(cx, pool, &organization.name, &id).await?;
    }
    let tx = cx.write().await?;
    let mut new = Project {
        id,
        organization_name: organization.name.clone(),
        name: String::new(),
        description: None,
        auto_destroy_activity_duration: None,
        default_execution_mode: None,
        default_agent_pool_id: None,
        created_at: tx.now(),
    };
    change.apply(&mut new)?;
    let project = tx.insert(new).await.map_err(taken("name"))?;
    tags::bind(&tx, &project, tags).await?;
    tx.emit(Happened::ProjectCreated, subject(&project), json!({ "name": project.name })).await?;
    tx.commit().await?;
    Ok(project)
}

pub async fn update(
    cx: &Ctx,
    project: &Granted<can::UpdateProject>,
    mut change: Change,
) -> Result<Project> {
    let tags = change.tags.take();
    if let Some(Some(pool)) = &change.default_agent_pool_id {
        agent_pools::fits_project(cx, pool, &project.organization_name, &project.id).await?;
    }
    let tx = cx.write().await?;
    let mut row = tx.lock::<project::Entity>(project.id.clone()).await?.ok_or(Error::NotFound)?;
    let duration = row.auto_destroy_activity_duration.clone();
    change.apply(&mut row)?;
    if row.auto_destroy_activity_duration != duration {
        pass_on(&tx, &row).await?;
    }
    let project = tx.update(row).await.map_err(taken("name"))?;
    if let Some(tags) = tags {
        tags::replace(&tx, &project, tags::Kind::Keyed, tags).await?;
    }
    tx.emit(Happened::ProjectUpdated, subject(&project), json!({})).await?;
    tx.commit().await?;
    Ok(project)
}

/// Workspaces that have no duration of their own begin anew with the project's.
async fn pass_on(tx: &Tx, project: &Project) -> Result<()> {
    let duration = project.auto_destroy_activity_duration.clone();
    let at = auto_destroy::after(duration.as_deref(), tx.now());
    workspace::Entity::update_many()
        .col_expr(workspace::Column::AutoDestroyActivityDuration, Expr::value(duration))
        .col_expr(workspace::Column::AutoDestroyAt, Expr::value(at))
        .filter(workspace::Column::ProjectId.eq(&project.id))
        .filter(workspace::Column::InheritsProjectAutoDestroy.eq(true))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Deletes an empty project.
///
/// # Errors
/// Conflict while it has workspaces, or as the organization's default project.
pub async fn delete(cx: &Ctx, project: &Granted<can::DestroyProject>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<project::Entity>(project.id.clone()).await?.ok_or(Error::NotFound)?;
    let organization =
        crate::organizations::by_name(cx, &row.organization_name).await?.ok_or(Error::NotFound)?;
    if is_default(&organization, &row) {
        return Err(Error::conflict("The default project of an organization cannot be deleted."));
    }
    let workspaces = workspace::Entity::find()
        .filter(workspace::Column::ProjectId.eq(&row.id))
        .count(tx.db())
        .await?;
    if workspaces > 0 {
        return Err(Error::conflict(format!(
            "Project cannot be deleted: {workspaces} workspaces are still in it."
        )));
    }
    tx.emit(Happened::ProjectDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

pub fn is_default(organization: &Organization, project: &Project) -> bool {
    organization.default_project_id.as_ref() == Some(&project.id)
}

pub(crate) fn subject(project: &Project) -> Subject<'_> {
    Subject {
        kind: "projects",
        id: project.id.as_str(),
        organization: Some(&project.organization_name),
        ..Subject::default()
    }
}
