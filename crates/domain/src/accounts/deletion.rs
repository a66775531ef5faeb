//! Deleting an account for good. What its person has made stays where it is, under the id that they had.

use db::{
    entity::organization_membership as membership,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use super::{standing, users::subject};
use crate::{Ctx, Error, Granted, Happened, In, Result, Site, can, memberships, row::User, teams};

/// With it go its memberships, tokens and sessions.
///
/// # Errors
/// Conflict for one's own account, for the only owner of an organization, and where nobody would be left who looks after
/// the site.
pub async fn delete_user(cx: &Ctx, user: &Granted<can::ManageSite, In<User, Site>>) -> Result<()> {
    let id = &user.id;
    if cx.actor().user_id().as_ref() == Some(id) {
        return Err(Error::conflict("You cannot delete your own account."));
    }
    let tx = cx.write().await?;
    let (row, others) = standing::lock_with_administrators(&tx, id).await?;
    standing::somebody_looks_after_the_site(&row, &others)?;
    let of = membership::Entity::find()
        .filter(membership::Column::UserId.eq(id))
        .order_by_asc(membership::Column::OrganizationName)
        .all(tx.db())
        .await?;
    for of in of {
        let organization = &of.organization_name;
        let was_owner = teams::lock_if_owner(&tx, organization, id).await?;
        teams::leave_all(&tx, organization, id).await?;
        memberships::tell_removed(&tx, &of).await?;
        if was_owner {
            teams::another_owner_stays(&tx, organization).await.map_err(|error| match error {
                Error::Forbidden(_) => Error::conflict(format!(
                    "{} is the only owner of {organization}: make somebody else one, or delete the organization.",
                    row.username
                )),
                other => other,
            })?;
        }
    }
    tx.emit(Happened::UserDeleted, subject(&row), json!({ "username": row.username })).await?;
    tx.delete(row).await?;
    tx.commit().await
}
