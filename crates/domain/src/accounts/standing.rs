//! What administrators of the site decide about an account: whether it is let in at all, and whether it is one of them.

use db::{
    entity::user,
    id::UserId,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use super::{awaited::has_come, users::subject};
use crate::{Ctx, Error, Granted, Happened, Result, can, row::User};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is let in by it any more, by none of its sessions and tokens either.
    Suspended,
    Unsuspended,
    Administrator,
    NoAdministrator,
}

impl Standing {
    fn happened(self) -> Happened {
        match self {
            Self::Suspended => Happened::UserSuspended,
            Self::Unsuspended => Happened::UserUnsuspended,
            Self::Administrator => Happened::AdminGranted,
            Self::NoAdministrator => Happened::AdminRevoked,
        }
    }

    fn apply(self, to: &mut User) {
        match self {
            Self::Suspended => to.is_suspended = true,
            Self::Unsuspended => to.is_suspended = false,
            Self::Administrator => to.is_site_admin = true,
            Self::NoAdministrator => to.is_site_admin = false,
        }
    }
}

/// Nothing happens to whom it is so already.
///
/// # Errors
/// Conflict where nobody would be left who looks after the site, and for an account that waits for its invitation to be
/// accepted.
pub async fn set_standing(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    id: &UserId,
    standing: Standing,
) -> Result<User> {
    let tx = cx.write().await?;
    // With all administrators, in one order: two who end each other wait for one another.
    let concerned =
        Condition::any().add(user::Column::Id.eq(id)).add(user::Column::IsSiteAdmin.eq(true));
    let query = user::Entity::find().filter(concerned).order_by_asc(user::Column::Id);
    let (mut found, others): (Vec<_>, Vec<_>) =
        tx.lock_all(query).await?.into_iter().partition(|row| row.id == *id);
    let mut row = found.pop().ok_or(Error::NotFound)?;
    has_come(&row)?;
    let before = User::clone(&row);
    standing.apply(&mut row);
    if *row == before {
        return Ok(before);
    }
    let looks_after = |user: &User| user.is_site_admin && !user.is_suspended;
    if looks_after(&before) && !others.iter().any(|other| looks_after(other)) {
        return Err(Error::conflict("Nobody else looks after the site."));
    }
    let user = tx.update(row).await?;
    tx.emit(standing.happened(), subject(&user), json!({ "username": user.username })).await?;
    tx.commit().await?;
    Ok(user)
}
