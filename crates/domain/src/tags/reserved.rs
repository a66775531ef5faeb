//! Reserved tag keys: those that mean the same all over an organization, perhaps fixed by the projects.

use std::collections::HashSet;

use db::{
    entity::{reserved_tag_key, tag_binding},
    id::ReservedTagKeyId,
    page,
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use super::{Binding, check};
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Tx, can,
    error::taken,
    organizations,
    row::{Organization, ReservedTagKey, Workspace},
};

#[derive(Debug, Default)]
pub struct Change {
    pub key: Option<String>,
    pub disable_overrides: Option<bool>,
}

impl Change {
    fn apply(self, to: &mut ReservedTagKey) -> Result<()> {
        if let Some(key) = self.key {
            to.tag_key = key;
        }
        if let Some(disable) = self.disable_overrides {
            to.disable_overrides = disable;
        }
        let allowed = |c: char| c.is_alphanumeric() || " _.:=+-@".contains(c);
        if !to.tag_key.chars().all(allowed) {
            return Err(Error::invalid("key", "is invalid"));
        }
        check(&Binding::flat(&to.tag_key))
            .map_err(|_| Error::invalid("key", "must have 1 to 128 characters, and no comma"))
    }
}

/// The key, with its organization.
pub async fn find_reserved(
    cx: &Ctx,
    id: &ReservedTagKeyId,
) -> Result<Found<In<ReservedTagKey, Organization>>> {
    organizations::find_in::<reserved_tag_key::Entity>(cx, id, |row| &row.organization_name).await
}

/// Those of an organization, by key.
pub async fn list_reserved(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    paging: Paging,
) -> Result<Page<ReservedTagKey>> {
    let query = reserved_tag_key::Entity::find()
        .filter(reserved_tag_key::Column::OrganizationName.eq(&organization.name));
    let query = query.order_by_asc(reserved_tag_key::Column::TagKey);
    Ok(page(cx.read(), query, paging).await?)
}

pub async fn create_reserved(
    cx: &Ctx,
    organization: &Granted<can::ManageTags>,
    change: Change,
) -> Result<ReservedTagKey> {
    let tx = cx.write().await?;
    let mut new = ReservedTagKey {
        id: ReservedTagKeyId::fresh(),
        organization_name: organization.name.clone(),
        tag_key: String::new(),
        disable_overrides: false,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    change.apply(&mut new)?;
    let row = tx.insert(new).await.map_err(taken("key"))?;
    tx.emit(Happened::ReservedTagKeyCreated, subject(&row), json!({ "key": row.tag_key })).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update_reserved(
    cx: &Ctx,
    key: &Granted<can::ManageTags, In<ReservedTagKey, Organization>>,
    change: Change,
) -> Result<ReservedTagKey> {
    let tx = cx.write().await?;
    let row = tx.lock::<reserved_tag_key::Entity>(key.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    change.apply(&mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await.map_err(taken("key"))?;
    tx.emit(Happened::ReservedTagKeyUpdated, subject(&row), json!({ "key": row.tag_key })).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete_reserved(
    cx: &Ctx,
    key: &Granted<can::ManageTags, In<ReservedTagKey, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<reserved_tag_key::Entity>(key.id.clone()).await?;
    let row = row.ok_or(Error::NotFound)?;
    tx.emit(Happened::ReservedTagKeyDeleted, subject(&row), json!({ "key": row.tag_key })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// Organization and key of what workspaces may not set otherwise than their projects.
pub(super) async fn fixed_keys(
    db: &impl ConnectionTrait,
    organizations: impl IntoIterator<Item = &str>,
) -> Result<HashSet<(String, String)>> {
    Ok(reserved_tag_key::Entity::find()
        .filter(reserved_tag_key::Column::OrganizationName.is_in(organizations))
        .filter(reserved_tag_key::Column::DisableOverrides.eq(true))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.organization_name, row.tag_key))
        .collect())
}

/// Refuses another value than the project's, where that is fixed.
pub(super) async fn check_overrides(
    tx: &Tx,
    workspace: &Workspace,
    bindings: &[Binding],
) -> Result<()> {
    if bindings.is_empty() {
        return Ok(());
    }
    let organization = workspace.organization_name.as_str();
    let fixed = fixed_keys(tx.db(), [organization]).await?;
    let keys: Vec<&str> = fixed.iter().map(|(_, key)| key.as_str()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let inherited = tag_binding::Entity::find()
        .filter(tag_binding::Column::ProjectId.eq(&workspace.project_id))
        .filter(tag_binding::Column::TagKey.is_in(keys))
        .all(tx.db())
        .await?;
    for row in inherited {
        if bindings.iter().any(|new| new.key == row.tag_key && new.value != row.tag_value) {
            let key = row.tag_key;
            return Err(Error::Invalid {
                pointer: "/data".into(),
                message: format!("The tag key {key} is reserved: its value is the project's."),
            });
        }
    }
    Ok(())
}

fn subject(row: &ReservedTagKey) -> Subject<'_> {
    Subject {
        kind: "reserved-tag-keys",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
