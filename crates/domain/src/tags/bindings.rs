//! Bindings of workspaces and projects, and those that are in force: a workspace's own before its project's.

use std::collections::{HashMap, HashSet};

use db::{
    entity::{project, tag_binding, workspace},
    id::{ProjectId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::ExprTrait},
};
use serde_json::json;

use super::{Bearer, Binding, Kind, bind, replace, reserved};
use crate::{
    Ctx, Error, Granted, Result, Tx,
    access::Permission,
    can,
    row::{Project, TagBinding, Workspace},
};

/// A binding that is in force.
#[derive(Clone, Debug)]
pub struct Effective {
    pub row: TagBinding,
    /// The project that it comes from; absent for one's own.
    pub inherited_from: Option<ProjectId>,
}

impl Effective {
    fn is_keyed(&self) -> bool {
        !self.row.is_flat
    }
}

/// A workspace's own bindings, by key.
pub async fn bindings<P: Permission<On = Workspace>>(
    cx: &Ctx,
    workspace: &Granted<P>,
) -> Result<Vec<TagBinding>> {
    of(cx, Bearer::Workspace(workspace)).await
}

/// A project's bindings, by key.
pub async fn project_bindings<P: Permission<On = Project>>(
    cx: &Ctx,
    project: &Granted<P>,
) -> Result<Vec<TagBinding>> {
    of(cx, Bearer::Project(project)).await
}

async fn of(cx: &Ctx, bearer: Bearer<'_>) -> Result<Vec<TagBinding>> {
    let query = tag_binding::Entity::find().filter(bearer.own());
    let query = query.order_by_asc(tag_binding::Column::TagKey);
    Ok(query.all(cx.read()).await?)
}

/// Adds bindings or changes their values; those not named stay.
pub async fn add(
    cx: &Ctx,
    workspace: &Granted<can::ManageWorkspaceTags>,
    bindings: Vec<Binding>,
) -> Result<()> {
    change(cx, Bearer::Workspace(workspace), Change::Add(bindings)).await
}

/// Makes these all of a workspace's own keys; its flat tags stay.
pub async fn replace_in_workspace(
    cx: &Ctx,
    workspace: &Granted<can::ManageWorkspaceTags>,
    bindings: Vec<Binding>,
) -> Result<()> {
    change(cx, Bearer::Workspace(workspace), Change::Replace(bindings)).await
}

/// Adds bindings or changes their values; those not named stay.
pub async fn add_to_project(
    cx: &Ctx,
    project: &Granted<can::UpdateProject>,
    bindings: Vec<Binding>,
) -> Result<()> {
    change(cx, Bearer::Project(project), Change::Add(bindings)).await
}

/// Makes these all of a project's bindings.
pub async fn replace_in_project(
    cx: &Ctx,
    project: &Granted<can::UpdateProject>,
    bindings: Vec<Binding>,
) -> Result<()> {
    change(cx, Bearer::Project(project), Change::Replace(bindings)).await
}

enum Change {
    Add(Vec<Binding>),
    Replace(Vec<Binding>),
}

async fn change(cx: &Ctx, bearer: Bearer<'_>, change: Change) -> Result<()> {
    let tx = cx.write().await?;
    match change {
        Change::Add(bindings) => {
            fit(&tx, bearer, &bindings).await?;
            bind(&tx, bearer, bindings).await?;
        }
        Change::Replace(bindings) => replace(&tx, bearer, Kind::Keyed, bindings).await?,
    }
    tx.emit(bearer.changed(), bearer.subject(), json!({})).await?;
    tx.commit().await
}

/// Bindings with values are few; flat tags do not count (go-tfe's acceptance suite).
async fn fit(tx: &Tx, bearer: Bearer<'_>, new: &[Binding]) -> Result<()> {
    const MOST: usize = 10;
    let present = tag_binding::Entity::find().filter(bearer.own()).all(tx.db()).await?;
    let valued = present.into_iter().filter(|row| !row.tag_value.is_empty());
    let mut keys: HashSet<_> = valued.map(|row| row.tag_key).collect();
    keys.extend(new.iter().map(|binding| binding.key.clone()));
    if keys.len() > MOST {
        return Err(Error::Invalid {
            pointer: "/data".into(),
            message: format!("cannot exceed {MOST} bindings per resource"),
        });
    }
    Ok(())
}

/// What is in force on a workspace, by key; flat tags are no keys.
pub async fn effective(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
) -> Result<Vec<Effective>> {
    let mut all = in_force(cx, workspace).await?;
    all.retain(Effective::is_keyed);
    Ok(all)
}

/// What is in force on a workspace with its flat tags, for rules that look at tags.
pub(crate) async fn in_force(cx: &Ctx, workspace: &Workspace) -> Result<Vec<Effective>> {
    let mut all = effective_of(cx, std::slice::from_ref(workspace)).await?;
    Ok(all.remove(&workspace.id).unwrap_or_default())
}

/// For includes: what is in force on those of these workspaces that the caller may see.
pub async fn load_effective(
    cx: &Ctx,
    ids: &[WorkspaceId],
) -> Result<HashMap<WorkspaceId, Vec<Effective>>> {
    let mut found = effective_of(cx, &crate::workspaces::load(cx, ids).await?).await?;
    for all in found.values_mut() {
        all.retain(Effective::is_keyed);
    }
    Ok(found)
}

/// For includes: the bindings of those of these projects that the caller may see.
pub async fn load_of_projects(
    cx: &Ctx,
    ids: &[ProjectId],
) -> Result<HashMap<ProjectId, Vec<TagBinding>>> {
    let visible: Vec<ProjectId> = project::Entity::find()
        .filter(project::Column::Id.is_in(ids))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|row| cx.may::<can::ReadProject>(row))
        .map(|row| row.id)
        .collect();
    let query = tag_binding::Entity::find().filter(tag_binding::Column::ProjectId.is_in(visible));
    let query = query.order_by_asc(tag_binding::Column::TagKey);
    let mut found: HashMap<ProjectId, Vec<TagBinding>> = HashMap::new();
    for row in query.all(cx.read()).await? {
        if let Some(project) = row.project_id.clone() {
            found.entry(project).or_default().push(row);
        }
    }
    Ok(found)
}

async fn effective_of(
    cx: &Ctx,
    workspaces: &[workspace::Model],
) -> Result<HashMap<WorkspaceId, Vec<Effective>>> {
    let ids = workspaces.iter().map(|row| &row.id);
    let projects: HashSet<_> = workspaces.iter().map(|row| &row.project_id).collect();
    let organizations: HashSet<_> =
        workspaces.iter().map(|row| row.organization_name.as_str()).collect();
    let fixed = reserved::fixed_keys(cx.read(), organizations).await?;
    let rows = tag_binding::Entity::find()
        .filter(
            tag_binding::Column::WorkspaceId
                .is_in(ids)
                .or(tag_binding::Column::ProjectId.is_in(projects)),
        )
        .all(cx.read())
        .await?;
    let mut found = HashMap::new();
    for workspace in workspaces {
        let own = rows.iter().filter(|row| row.workspace_id.as_ref() == Some(&workspace.id));
        let inherited =
            rows.iter().filter(|row| row.project_id.as_ref() == Some(&workspace.project_id));
        let mut in_force: HashMap<&str, &TagBinding> =
            inherited.map(|row| (row.tag_key.as_str(), row)).collect();
        for row in own {
            let key = (workspace.organization_name.clone(), row.tag_key.clone());
            let overrides = !row.is_flat && !fixed.contains(&key);
            if overrides || !in_force.contains_key(row.tag_key.as_str()) {
                in_force.insert(&row.tag_key, row);
            }
        }
        let mut in_force: Vec<Effective> = in_force
            .into_values()
            .map(|row| Effective { inherited_from: row.project_id.clone(), row: row.clone() })
            .collect();
        in_force.sort_by(|a, b| a.row.tag_key.cmp(&b.row.tag_key));
        found.insert(workspace.id.clone(), in_force);
    }
    Ok(found)
}
