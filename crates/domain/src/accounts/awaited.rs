//! Accounts that wait for somebody: made by an invitation, without a password, until it is accepted.

use db::{
    entity::{organization_membership as membership, user},
    id::UserId,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::ExprTrait,
    },
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    addresses::{check_email, confirm_read_address},
    authentication::person,
    passwords::hash_password,
    sessions,
    users::{self, Prepared, check_username, free, lower},
};
use crate::{
    App, Ctx, Error, Granted, Happened, Result, Tx, can,
    error::taken,
    memberships::invitations::{self, To},
    row::User,
};

/// What somebody new decides about themselves.
pub struct NewPerson {
    pub username: String,
    pub password: SecretString,
}

pub(crate) struct PreparedPerson {
    username: String,
    password_hash: String,
}

impl NewPerson {
    /// Before the transaction, because hashing takes its time.
    pub(crate) async fn prepared(self, email: &str) -> Result<PreparedPerson> {
        check_username(&self.username)?;
        let about = [self.username.as_str(), email];
        let password_hash = hash_password(self.password, &about).await?;
        Ok(PreparedPerson { username: self.username, password_hash })
    }
}

/// Refuses to give anything to an account before somebody has it: no proof, no secret, no right. Whoever opens the link
/// of its invitation would find it there, and need not be who was meant. What is to be given waits in the membership.
///
/// # Errors
/// Conflict while the account waits.
pub(crate) fn has_come(user: &User) -> Result<()> {
    if !user.is_awaited {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "Nobody has accepted the invitation for which the account {} was made, and whoever opens its link would have \
         this: let the person accept first (inviting again gives a new link).",
        user.username
    )))
}

/// Whoever has confirmed this address; otherwise a new account that waits for whoever accepts.
pub(crate) async fn invited(tx: &Tx, email: &str) -> Result<User> {
    check_email(email)?;
    let same = lower(user::Column::Email).eq(email.to_lowercase());
    if let Some(user) = user::Entity::find().filter(same).one(tx.db()).await? {
        return Ok(user);
    }
    insert(tx, email).await
}

async fn insert(tx: &Tx, email: &str) -> Result<User> {
    let name: String = email
        .split('@')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .take(40)
        .collect();
    let username = match free(tx, Some(&name), None, None).await {
        Ok(()) => name,
        // As unlikely to be taken as an id.
        Err(Error::Taken { .. }) => format!("{name}-{}", UserId::fresh()),
        Err(other) => return Err(other),
    };
    let new = Prepared {
        username,
        email: None,
        unconfirmed_email: Some(email.to_owned()),
        password_hash: None,
        is_site_admin: false,
        is_awaited: true,
    };
    users::insert(tx, new).await
}

/// Invites somebody to the site alone: an account waits, and is theirs who accept. Gives the secret where no mail is set
/// up, this once; inviting the same address again ends it. For an organization there is [`crate::memberships::invite`].
///
/// # Errors
/// Taken if somebody has this address.
pub async fn invite_to_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    email: &str,
) -> Result<(User, Option<SecretString>)> {
    check_email(email)?;
    let tx = cx.write().await?;
    free(&tx, None, Some(email), None).await?;
    let user = match awaited_by_site(&tx, email).await? {
        None => insert(&tx, email).await?,
        Some(id) => {
            let mut row = tx.lock::<user::Entity>(id).await?.ok_or(Error::NotFound)?;
            row.invitations += 1;
            tx.update(row).await?
        }
    };
    let link =
        invitations::deliver(&tx, &To::Site(user.id.clone()), user.invitations, email).await?;
    tx.commit().await?;
    Ok((user, link))
}

/// The account that an invitation of this address to the site alone has made.
async fn awaited_by_site(tx: &Tx, email: &str) -> Result<Option<UserId>> {
    let members =
        membership::Entity::find().select_only().column(membership::Column::UserId).into_query();
    Ok(user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(lower(user::Column::UnconfirmedEmail).eq(email.to_lowercase()))
        .filter(user::Column::IsAwaited.eq(true))
        .filter(user::Column::Id.not_in_subquery(members))
        .into_tuple()
        .one(tx.db())
        .await?)
}

/// The account becomes that of whoever accepts. `email` is what they have shown to read the mail of.
pub(crate) async fn take(
    tx: &Tx,
    mut row: db::Locked<user::Entity>,
    person: PreparedPerson,
    email: Option<&str>,
) -> Result<User> {
    free(tx, Some(&person.username), None, Some(&row.id)).await?;
    row.username = person.username;
    row.password_hash = Some(person.password_hash);
    row.is_awaited = false;
    let user = tx.update(row).await.map_err(taken("username"))?;
    tx.emit(Happened::UserJoined, users::subject(&user), json!({ "username": user.username }))
        .await?;
    if let Some(email) = email {
        confirm_read_address(tx, &user.id, email).await?;
    }
    Ok(user)
}

/// An account that nobody will have any more.
pub(crate) async fn forget_awaited(tx: &Tx, id: &UserId) -> Result<()> {
    let Some(row) = tx.lock::<user::Entity>(id.clone()).await? else { return Ok(()) };
    if row.is_awaited {
        tx.emit(Happened::UserDeleted, users::subject(&row), json!({})).await?;
        tx.delete(row).await?;
    }
    Ok(())
}

/// The first session of somebody who has just joined.
pub(crate) async fn start_session(app: &App, user: User) -> Result<SecretString> {
    let id = user.id.clone();
    let cx = Ctx::new(app.clone(), person(app, user).await?);
    sessions::start(&cx, &id, None).await
}
