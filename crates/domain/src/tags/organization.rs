//! The tags of an organization: how often each is used, and changes to many workspaces at once.

use std::collections::HashMap;

use db::{
    entity::{project, tag, tag_binding, workspace},
    id::{TagId, WorkspaceId},
    page,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        sea_query::ExprTrait,
    },
};
use serde_json::json;

use super::{Binding, bind};
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, can, organizations,
    row::{Organization, Tag},
    workspaces,
};

/// A tag with the number of workspaces that have it.
#[derive(Clone, Debug)]
pub struct Known {
    pub row: Tag,
    pub workspaces: u64,
}

/// The tag, with its organization.
pub async fn find(cx: &Ctx, id: &TagId) -> Result<Found<In<Tag, Organization>>> {
    organizations::find_in::<tag::Entity>(cx, id, |row| &row.organization_name).await
}

/// By name; without those that workspace `without` has.
pub async fn list_of_organization(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    search: Option<&str>,
    without: Option<&WorkspaceId>,
    paging: Paging,
) -> Result<Page<Known>> {
    let mut query =
        tag::Entity::find().filter(tag::Column::OrganizationName.eq(&organization.name));
    if let Some(text) = search {
        query = query.filter(db::contains(tag::Column::Name, text));
    }
    if let Some(workspace) = without {
        let own = tag_binding::Entity::find()
            .select_only()
            .column(tag_binding::Column::TagKey)
            .filter(tag_binding::Column::WorkspaceId.eq(workspace))
            .into_query();
        query = query.filter(tag::Column::Name.not_in_subquery(own));
    }
    let query = query.order_by_asc(tag::Column::Name);
    let found = page(cx.read(), query, paging).await?;
    let counts: Vec<(String, i64)> = tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::TagKey)
        .column_as(tag_binding::Column::Id.count(), "workspaces")
        .filter(tag_binding::Column::TagKey.is_in(found.items.iter().map(|tag| tag.name.as_str())))
        .filter(tag_binding::Column::WorkspaceId.in_subquery(workspaces_of(&organization.name)))
        .group_by(tag_binding::Column::TagKey)
        .into_tuple()
        .all(cx.read())
        .await?;
    let counts: HashMap<String, i64> = counts.into_iter().collect();
    Ok(found.map(|row| {
        let count = counts.get(&row.name).copied().unwrap_or_default();
        Known { workspaces: u64::try_from(count).unwrap_or_default(), row }
    }))
}

/// Takes tags from the organization, and from all that has them.
///
/// # Errors
/// Invalid for a tag that the organization does not have.
pub async fn delete(
    cx: &Ctx,
    organization: &Granted<can::ManageTags>,
    ids: Vec<TagId>,
) -> Result<()> {
    let rows = tag::Entity::find()
        .filter(tag::Column::OrganizationName.eq(&organization.name))
        .filter(tag::Column::Id.is_in(&ids))
        .all(cx.read())
        .await?;
    if let Some(index) = ids.iter().position(|id| !rows.iter().any(|row| row.id == *id)) {
        let message = format!("There is no tag {} in this organization.", ids[index]);
        return Err(Error::Invalid { pointer: format!("/data/{index}/id"), message });
    }
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let tx = cx.write().await?;
    let projects = project::Entity::find()
        .select_only()
        .column(project::Column::Id)
        .filter(project::Column::OrganizationName.eq(&organization.name))
        .into_query();
    tag_binding::Entity::delete_many()
        .filter(tag_binding::Column::TagKey.is_in(names.iter().copied()))
        .filter(
            tag_binding::Column::WorkspaceId
                .in_subquery(workspaces_of(&organization.name))
                .or(tag_binding::Column::ProjectId.in_subquery(projects)),
        )
        .exec(tx.db())
        .await?;
    tag::Entity::delete_many().filter(tag::Column::Id.is_in(&ids)).exec(tx.db()).await?;
    let subject = Subject {
        kind: "organizations",
        id: &organization.name,
        organization: Some(&organization.name),
        ..Subject::default()
    };
    tx.emit(Happened::TagsDeleted, subject, json!({ "names": names })).await?;
    tx.commit().await
}

/// Gives many workspaces a tag.
///
/// # Errors
/// NotFound if the caller may not tag each of them, or one is of another organization.
pub async fn add_workspaces(
    cx: &Ctx,
    tag: &Granted<can::ReadOrganization, In<Tag, Organization>>,
    ids: &[WorkspaceId],
) -> Result<()> {
    let rows = workspaces::load(cx, ids).await?;
    let allowed = |id: &WorkspaceId| {
        rows.iter().any(|row| {
            row.id == *id
                && row.organization_name == tag.organization_name
                && cx.may::<can::ManageWorkspaceTags>(row)
        })
    };
    if !ids.iter().all(allowed) {
        return Err(Error::NotFound);
    }
    let tagged: Vec<WorkspaceId> = tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::WorkspaceId)
        .filter(tag_binding::Column::WorkspaceId.is_in(ids))
        .filter(tag_binding::Column::TagKey.eq(&tag.name))
        .into_tuple()
        .all(cx.read())
        .await?;
    let tx = cx.write().await?;
    for row in rows.iter().filter(|row| !tagged.contains(&row.id)) {
        bind(&tx, row, vec![Binding::flat(&tag.name)]).await?;
        tx.emit(Happened::WorkspaceTagsChanged, workspaces::subject(row), json!({})).await?;
    }
    tx.commit().await
}

fn workspaces_of(organization: &str) -> db::sea_orm::sea_query::SelectStatement {
    workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(workspace::Column::OrganizationName.eq(organization))
        .into_query()
}
