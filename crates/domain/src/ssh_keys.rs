//! Private keys by which an engine fetches modules from Git: written once, never shown again.

use db::{
    entity::{ssh_key, workspace},
    id::SshKeyId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, can, names,
    organizations,
    row::{Organization, SshKey, Workspace},
    workspaces,
};

/// Where values are sealed; part of what authenticates them.
const SEALED: &str = "ssh_keys.value";
/// Characters.
const NAME_LIMIT: usize = 255;
/// Bytes; the largest keys in use have about a fifth.
const VALUE_LIMIT: usize = 64 << 10;

/// What can be given on create; only the name can be changed later, as in the API documents.
#[derive(Default)]
pub struct Change {
    pub name: Option<String>,
    pub value: Option<SecretString>,
}

/// The key, with its organization.
pub async fn find(cx: &Ctx, id: &SshKeyId) -> Result<Found<In<SshKey, Organization>>> {
    organizations::find_in::<ssh_key::Entity>(cx, id, |row| &row.organization_name).await
}

async fn by_id(cx: &Ctx, id: &SshKeyId) -> Result<Option<SshKey>> {
    Ok(ssh_key::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// The key itself, for an agent.
pub(crate) async fn value(cx: &Ctx, id: &SshKeyId) -> Result<Option<SecretString>> {
    let Some(row) = by_id(cx, id).await? else { return Ok(None) };
    Ok(Some(cx.keyring().open_text(SEALED, row.id.as_str(), &row.value)?))
}

/// Those of an organization, by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadSshKeys>,
    paging: Paging,
) -> Result<Page<SshKey>> {
    let query =
        ssh_key::Entity::find().filter(ssh_key::Column::OrganizationName.eq(&organization.name));
    let query = query.order_by_asc(ssh_key::Column::Name);
    let query = query.order_by_asc(ssh_key::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these whose organization lets the caller see them.
pub async fn load(cx: &Ctx, ids: &[SshKeyId]) -> Result<Vec<SshKey>> {
    let rows =
        ssh_key::Entity::find().filter(ssh_key::Column::Id.is_in(ids)).all(cx.read()).await?;
    let mut visible = Vec::new();
    for row in rows {
        // All rows of one answer are of one organization, or very few.
        let organization = organizations::by_name(cx, &row.organization_name).await?;
        if organization.is_some_and(|organization| cx.may::<can::ReadSshKeys>(&organization)) {
            visible.push(row);
        }
    }
    Ok(visible)
}

pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManageSshKeys>,
    change: Change,
) -> Result<SshKey> {
    let name = check_name(change.name.unwrap_or_default())?;
    let value = change.value.unwrap_or_default();
    if value.expose_secret().trim().is_empty() {
        return Err(Error::invalid("value", "can't be blank"));
    }
    if value.expose_secret().len() > VALUE_LIMIT {
        return Err(Error::invalid("value", format!("has at most {VALUE_LIMIT} bytes")));
    }
    let tx = cx.write().await?;
    let id = SshKeyId::fresh();
    let row = tx
        .insert(SshKey {
            value: cx.keyring().seal(SEALED, id.as_str(), value.expose_secret().as_bytes()),
            id,
            organization_name: organization.name.clone(),
            name,
            created_at: tx.now(),
        })
        .await?;
    tx.emit(Happened::SshKeyCreated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update(
    cx: &Ctx,
    key: &Granted<can::ManageSshKeys, In<SshKey, Organization>>,
    change: Change,
) -> Result<SshKey> {
    if change.value.is_some_and(|value| !value.expose_secret().is_empty()) {
        let why = "can't be changed: make another key, and give workspaces that one";
        return Err(Error::invalid("value", why));
    }
    let tx = cx.write().await?;
    let mut row = tx.lock::<ssh_key::Entity>(key.id.clone()).await?.ok_or(Error::NotFound)?;
    if let Some(name) = change.name {
        row.name = check_name(name)?;
    }
    let row = tx.update(row).await?;
    tx.emit(Happened::SshKeyUpdated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Workspaces that had it have none afterwards.
pub async fn delete(
    cx: &Ctx,
    key: &Granted<can::ManageSshKeys, In<SshKey, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<ssh_key::Entity>(key.id.clone()).await?.ok_or(Error::NotFound)?;
    workspace::Entity::update_many()
        .col_expr(workspace::Column::SshKeyId, Expr::value(Option::<String>::None))
        .filter(workspace::Column::SshKeyId.eq(&row.id))
        .exec(tx.db())
        .await?;
    tx.emit(Happened::SshKeyDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// Gives a workspace a key of its organization, or takes it away.
///
/// # Errors
/// NotFound for a key that the organization does not have.
pub async fn assign(
    cx: &Ctx,
    workspace: &Granted<can::UpdateWorkspace>,
    id: Option<SshKeyId>,
) -> Result<Workspace> {
    if let Some(id) = &id {
        let known = by_id(cx, id).await?;
        if known.is_none_or(|key| key.organization_name != workspace.organization_name) {
            return Err(Error::NotFound);
        }
    }
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    row.ssh_key_id = id;
    row.updated_at = tx.now();
    let workspace = tx.update(row).await?;
    let detail = json!({ "ssh_key": workspace.ssh_key_id });
    tx.emit(Happened::WorkspaceSshKeyChanged, workspaces::subject(&workspace), detail).await?;
    tx.commit().await?;
    Ok(workspace)
}

fn check_name(name: String) -> Result<String> {
    names::check("name", &name, NAME_LIMIT)?;
    Ok(name)
}

fn subject(row: &SshKey) -> Subject<'_> {
    Subject {
        kind: "ssh-keys",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
