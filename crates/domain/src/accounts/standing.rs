//! What administrators of the site decide about an account: whether it is let in at all, and whether it is one of them.

use db::{
    Locked,
    entity::user,
    id::UserId,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use super::{awaited::has_come, users::subject};
use crate::{Ctx, Error, Granted, Happened, Result, Tx, can, row::User};

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
    let (mut row, others) = lock_with_administrators(&tx, id).await?;
    has_come(&row)?;
    let before = User::clone(&row);
    standing.apply(&mut row);
    if *row == before {
        return Ok(before);
    }
    somebody_looks_after_the_site(&before, &others)?;
    let user = tx.update(row).await?;
    tx.emit(standing.happened(), subject(&user), json!({ "username": user.username })).await?;
    tx.commit().await?;
    Ok(user)
}

/// An account, and those of all administrators beside it.
type WithAdministrators = (Locked<user::Entity>, Vec<Locked<user::Entity>>);

/// In one order: two who end each other wait for one another.
pub(super) async fn lock_with_administrators(tx: &Tx, id: &UserId) -> Result<WithAdministrators> {
    let concerned =
        Condition::any().add(user::Column::Id.eq(id)).add(user::Column::IsSiteAdmin.eq(true));
    let query = user::Entity::find().filter(concerned).order_by_asc(user::Column::Id);
    let (mut found, others): (Vec<_>, Vec<_>) =
        tx.lock_all(query).await?.into_iter().partition(|row| row.id == *id);
    Ok((found.pop().ok_or(Error::NotFound)?, others))
}

/// # Errors
/// Conflict where nobody would be left who does, without this one.
pub(super) fn somebody_looks_after_the_site(
    without: &User,
    others: &[Locked<user::Entity>],
) -> Result<()> {
    let looks_after = |user: &User| user.is_site_admin && !user.is_suspended;
    if looks_after(without) && !others.iter().any(|other| looks_after(other)) {
        return Err(Error::conflict("Nobody else looks after the site."));
    }
    Ok(())
}
