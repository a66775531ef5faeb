//! Tags of workspaces and projects: flat ones, which are just names, and keys with perhaps a value. `tag-names` shows the
//! former and effective bindings the latter. Command lines of 1.10 and later look for theirs in `tag-names` and in
//! `tag-bindings` and add what is missing by the latter (CLI protocol 3.5): all bindings are shown there, and a key
//! without a value counts as a name as well.

mod bindings;
mod filter;
mod organization;
mod reserved;

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::{tag, tag_binding},
    id::{TagBindingId, TagId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::SimpleExpr},
};
use serde_json::json;

pub(crate) use bindings::in_force;
pub use bindings::{
    Effective, add, add_to_project, bindings, effective, load_effective, load_of_projects,
    project_bindings, replace_in_project, replace_in_workspace,
};
pub use filter::TagFilter;
pub(crate) use filter::in_force_on;
pub use organization::{Known, add_workspaces, delete, find, list_of_organization};
pub use reserved::{
    Change as ReservedChange, create_reserved, delete_reserved, find_reserved, list_reserved,
    update_reserved,
};

use crate::{
    Ctx, Error, Granted, Happened, Page, Paging, Result, Subject, Tx, can, names,
    row::{Project, Tag, TagBinding, Workspace},
    workspaces::subject,
};

/// What can have tags.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bearer<'a> {
    Workspace(&'a Workspace),
    Project(&'a Project),
}

impl<'a> From<&'a Workspace> for Bearer<'a> {
    fn from(workspace: &'a Workspace) -> Self {
        Self::Workspace(workspace)
    }
}

impl<'a> From<&'a Project> for Bearer<'a> {
    fn from(project: &'a Project) -> Self {
        Self::Project(project)
    }
}

impl<'a> Bearer<'a> {
    fn organization(self) -> &'a str {
        match self {
            Self::Workspace(row) => &row.organization_name,
            Self::Project(row) => &row.organization_name,
        }
    }

    /// Holds for its own bindings.
    fn own(self) -> SimpleExpr {
        match self {
            Self::Workspace(row) => tag_binding::Column::WorkspaceId.eq(&row.id),
            Self::Project(row) => tag_binding::Column::ProjectId.eq(&row.id),
        }
    }

    fn subject(self) -> Subject<'a> {
        match self {
            Self::Workspace(row) => subject(row),
            Self::Project(row) => crate::projects::subject(row),
        }
    }

    /// The event that tells of other bindings.
    fn changed(self) -> Happened {
        match self {
            Self::Workspace(_) => Happened::WorkspaceTagsChanged,
            Self::Project(_) => Happened::ProjectTagsChanged,
        }
    }

    fn binding(self, tx: &Tx, binding: Binding) -> TagBinding {
        let (workspace_id, project_id) = match self {
            Self::Workspace(row) => (Some(row.id.clone()), None),
            Self::Project(row) => (None, Some(row.id.clone())),
        };
        TagBinding {
            id: TagBindingId::fresh(),
            workspace_id,
            project_id,
            tag_key: binding.key,
            tag_value: binding.value,
            created_at: tx.now(),
            is_flat: binding.kind == Kind::Flat,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Flat,
    Keyed,
}

/// A name, or a key and perhaps a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub kind: Kind,
    pub key: String,
    /// Empty for a flat tag.
    pub value: String,
}

impl Binding {
    pub fn flat(name: impl Into<String>) -> Self {
        Self { kind: Kind::Flat, key: name.into(), value: String::new() }
    }

    pub fn keyed(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: Kind::Keyed, key: key.into(), value: value.into() }
    }
}

/// Whether a binding is shown among the names: a flat tag, or a key without a value that could be one. Clients refuse
/// names that no flat tag can have on HCP Terraform, whoever made them.
fn is_name(row: &TagBinding) -> bool {
    row.is_flat || (row.tag_value.is_empty() && !row.tag_key.contains(|c: char| c.is_uppercase()))
}

/// Which tag a request means: by id or by name.
#[derive(Clone, Debug)]
pub enum TagRef {
    Id(TagId),
    Name(String),
}

fn check(binding: &Binding) -> Result<()> {
    let refused = |message: String| Error::Invalid { pointer: "/data".into(), message };
    if binding.key.trim().is_empty()
        || binding.key.contains(',')
        || binding.key.chars().count() > 128
    {
        return Err(refused("A tag's name has 1 to 128 characters and no comma.".into()));
    }
    if let Some(why) = names::wrong(&binding.key, 128) {
        return Err(refused(format!("A tag's name {why}.")));
    }
    if let Some(why) = names::unclear(&binding.value, 256) {
        return Err(refused(format!("A tag's value {why}.")));
    }
    Ok(())
}

/// Adds bindings, or changes the values of those that are there. A key is bound once: a flat tag becomes a keyed one with
/// its value, and a keyed one stays so whoever adds the same flat tag.
pub(crate) async fn bind<'a>(
    tx: &Tx,
    to: impl Into<Bearer<'a>>,
    bindings: Vec<Binding>,
) -> Result<()> {
    let to = to.into();
    for binding in &bindings {
        check(binding)?;
    }
    if let Bearer::Workspace(workspace) = to {
        reserved::check_overrides(tx, workspace, &bindings).await?;
    }
    for binding in bindings {
        know(tx, to.organization(), &binding.key).await?;
        let present = tag_binding::Entity::find()
            .filter(to.own())
            .filter(tag_binding::Column::TagKey.eq(&binding.key))
            .one(tx.db())
            .await?;
        match present {
            Some(row) if binding.kind == Kind::Flat && !row.is_flat => {}
            Some(row) => {
                if let Some(mut row) = tx.lock::<tag_binding::Entity>(row.id).await? {
                    row.is_flat = row.is_flat && binding.value.is_empty();
                    row.tag_value = binding.value;
                    tx.update(row).await?;
                }
            }
            None => {
                tx.insert(to.binding(tx, binding)).await?;
            }
        }
    }
    Ok(())
}

/// Makes these all of its bindings of one kind; those of the other kind stay.
pub(crate) async fn replace<'a>(
    tx: &Tx,
    of: impl Into<Bearer<'a>>,
    kind: Kind,
    bindings: Vec<Binding>,
) -> Result<()> {
    let of = of.into();
    let keys: Vec<_> = bindings.iter().map(|binding| binding.key.as_str()).collect();
    tag_binding::Entity::delete_many()
        .filter(of.own())
        .filter(tag_binding::Column::IsFlat.eq(kind == Kind::Flat))
        .filter(tag_binding::Column::TagKey.is_not_in(keys))
        .exec(tx.db())
        .await?;
    bind(tx, of, bindings).await?;
    forget_unused(tx, of.organization()).await
}

async fn know(tx: &Tx, organization: &str, name: &str) -> Result<()> {
    let known = tag::Entity::find()
        .filter(tag::Column::OrganizationName.eq(organization))
        .filter(tag::Column::Name.eq(name))
        .one(tx.db())
        .await?;
    if known.is_none() {
        tx.insert(Tag {
            id: TagId::fresh(),
            organization_name: organization.to_owned(),
            name: name.to_owned(),
            created_at: tx.now(),
        })
        .await?;
    }
    Ok(())
}

/// Tags that no workspace or project has any more disappear from the organization.
async fn forget_unused(tx: &Tx, organization: &str) -> Result<()> {
    use db::sea_orm::{
        QuerySelect, QueryTrait,
        sea_query::{Expr, ExprTrait},
    };
    let used_by_workspaces = tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::TagKey)
        .filter(
            tag_binding::Column::WorkspaceId.in_subquery(
                db::entity::workspace::Entity::find()
                    .select_only()
                    .column(db::entity::workspace::Column::Id)
                    .filter(db::entity::workspace::Column::OrganizationName.eq(organization))
                    .into_query(),
            ),
        )
        .into_query();
    let used_by_projects = tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::TagKey)
        .filter(
            tag_binding::Column::ProjectId.in_subquery(
                db::entity::project::Entity::find()
                    .select_only()
                    .column(db::entity::project::Column::Id)
                    .filter(db::entity::project::Column::OrganizationName.eq(organization))
                    .into_query(),
            ),
        )
        .into_query();
    tag::Entity::delete_many()
        .filter(tag::Column::OrganizationName.eq(organization))
        .filter(Expr::col(tag::Column::Name).not_in_subquery(used_by_workspaces))
        .filter(Expr::col(tag::Column::Name).not_in_subquery(used_by_projects))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// The names among a workspace's tags, as the organization knows them.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
    search: Option<&str>,
    paging: Paging,
) -> Result<Page<Tag>> {
    let names = bindings(cx, workspace).await?.into_iter().filter(is_name);
    let keys: Vec<String> = names.map(|row| row.tag_key).collect();
    let mut query = tag::Entity::find()
        .filter(tag::Column::OrganizationName.eq(&workspace.organization_name))
        .filter(tag::Column::Name.is_in(keys));
    if let Some(text) = search {
        query = query.filter(db::contains(tag::Column::Name, text));
    }
    let query = query.order_by_asc(tag::Column::Name);
    Ok(page(cx.read(), query, paging).await?)
}

/// Adds flat tags, by name or by the id of a tag that the organization knows.
pub async fn add_flat(
    cx: &Ctx,
    workspace: &Granted<can::ManageWorkspaceTags>,
    tags: Vec<TagRef>,
) -> Result<()> {
    let names = names(cx, workspace, tags).await?;
    add(cx, workspace, names.into_iter().map(Binding::flat).collect()).await
}

/// Removes names; those that the workspace has not are passed over, and so are keys with a value.
pub async fn remove(
    cx: &Ctx,
    workspace: &Granted<can::ManageWorkspaceTags>,
    tags: Vec<TagRef>,
) -> Result<()> {
    let names = names(cx, workspace, tags).await?;
    let tx = cx.write().await?;
    tag_binding::Entity::delete_many()
        .filter(tag_binding::Column::WorkspaceId.eq(&workspace.id))
        .filter(tag_binding::Column::TagKey.is_in(names))
        .filter(tag_binding::Column::TagValue.eq(""))
        .exec(tx.db())
        .await?;
    forget_unused(&tx, &workspace.organization_name).await?;
    tx.emit(Happened::WorkspaceTagsChanged, subject(workspace), json!({})).await?;
    tx.commit().await
}

async fn names(cx: &Ctx, workspace: &Workspace, tags: Vec<TagRef>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (index, tag) in tags.into_iter().enumerate() {
        match tag {
            TagRef::Name(name) => names.push(name),
            TagRef::Id(id) => {
                let row = tag::Entity::find_by_id(id.clone())
                    .filter(tag::Column::OrganizationName.eq(&workspace.organization_name))
                    .one(cx.read())
                    .await?;
                match row {
                    Some(row) => names.push(row.name),
                    None => {
                        return Err(Error::Invalid {
                            pointer: format!("/data/{index}/id"),
                            message: format!("There is no tag {id} in this organization."),
                        });
                    }
                }
            }
        }
    }
    Ok(names)
}

/// The names of many workspaces at once, in order.
pub(crate) async fn names_of<'a>(
    cx: &Ctx,
    workspaces: impl Iterator<Item = &'a WorkspaceId>,
) -> Result<HashMap<WorkspaceId, Vec<String>>> {
    let rows = tag_binding::Entity::find()
        .filter(tag_binding::Column::WorkspaceId.is_in(workspaces))
        .all(cx.read())
        .await?;
    let mut sorted: BTreeSet<(WorkspaceId, String)> = BTreeSet::new();
    for row in rows.into_iter().filter(is_name) {
        if let Some(workspace) = row.workspace_id {
            sorted.insert((workspace, row.tag_key));
        }
    }
    let mut names: HashMap<WorkspaceId, Vec<String>> = HashMap::new();
    for (workspace, key) in sorted {
        names.entry(workspace).or_default().push(key);
    }
    Ok(names)
}
