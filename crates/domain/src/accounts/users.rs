//! People: made by the site's administrators or by the first start, and changed by themselves.

use std::collections::HashMap;

use db::{
    entity::{organization_membership as membership, user},
    id::UserId,
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    addresses::{check_email, claim},
    passwords::hash_password,
};
use crate::{
    App, Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Site, Subject, Tx,
    access::Member, can, error::taken, row::User,
};

pub struct NewUser {
    pub username: String,
    /// Confirmed by whoever makes the account: a site administrator.
    pub email: String,
    /// Absent for people who only use tokens.
    pub password: Option<SecretString>,
    pub is_site_admin: bool,
}

/// A new user that satisfies every rule but the uniqueness of names.
pub(super) struct Prepared {
    pub username: String,
    /// Confirmed.
    pub email: Option<String>,
    pub unconfirmed_email: Option<String>,
    pub password_hash: Option<String>,
    pub is_site_admin: bool,
    pub is_awaited: bool,
}

impl NewUser {
    /// Before the transaction, because hashing takes its time.
    pub(super) async fn prepared(self) -> Result<Prepared> {
        check_username(&self.username)?;
        check_email(&self.email)?;
        let about = [self.username.as_str(), self.email.as_str()];
        let password_hash = match self.password {
            Some(password) => Some(hash_password(password, &about).await?),
            None => None,
        };
        Ok(Prepared {
            username: self.username,
            email: Some(self.email),
            unconfirmed_email: None,
            password_hash,
            is_site_admin: self.is_site_admin,
            is_awaited: false,
        })
    }
}

pub(super) fn check_username(username: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if username.is_empty() || username.len() > 64 || !username.chars().all(allowed) {
        return Err(Error::invalid(
            "username",
            "can only include letters, numbers, -, _ and ., and has 1 to 64 of them",
        ));
    }
    Ok(())
}

pub async fn create_user(cx: &Ctx, _site: &Granted<can::ManageSite>, new: NewUser) -> Result<User> {
    let prepared = new.prepared().await?;
    let tx = cx.write().await?;
    let user = insert(&tx, prepared).await?;
    tx.commit().await?;
    Ok(user)
}

pub(super) async fn insert(tx: &Tx, new: Prepared) -> Result<User> {
    free(tx, Some(&new.username), new.email.as_deref(), None).await?;
    let user = tx
        .insert(User {
            id: UserId::fresh(),
            username: new.username,
            email: new.email,
            unconfirmed_email: new.unconfirmed_email,
            is_awaited: new.is_awaited,
            password_hash: new.password_hash,
            is_site_admin: new.is_site_admin,
            is_suspended: false,
            created_at: tx.now(),
            invitations: i64::from(new.is_awaited),
            second_factor_at: None,
        })
        .await
        .map_err(taken("username"))?;
    tx.emit(Happened::UserCreated, subject(&user), json!({ "username": user.username })).await?;
    Ok(user)
}

/// Says which of the two is taken; the unique keys stand behind it for those who race.
pub(super) async fn free(
    tx: &Tx,
    username: Option<&str>,
    email: Option<&str>,
    but: Option<&UserId>,
) -> Result<()> {
    let wanted =
        [("username", user::Column::Username, username), ("email", user::Column::Email, email)];
    for (attribute, column, value) in wanted {
        let Some(value) = value else { continue };
        let mut query = user::Entity::find().filter(lower(column).eq(value.to_lowercase()));
        if let Some(id) = but {
            query = query.filter(user::Column::Id.ne(id));
        }
        if query.one(tx.db()).await?.is_some() {
            return Err(Error::taken(attribute));
        }
    }
    Ok(())
}

pub(super) fn lower(column: user::Column) -> Expr {
    Expr::expr(Func::lower(Expr::col(column)))
}

/// What people change about themselves.
#[derive(Debug, Default)]
pub struct ChangeAccount {
    pub username: Option<String>,
    /// Counts once it is confirmed.
    pub email: Option<String>,
}

pub async fn update_account(
    cx: &Ctx,
    _site: &Granted<can::UseAccount>,
    change: ChangeAccount,
) -> Result<User> {
    let id = cx.actor().user_id().ok_or(Error::NotFound)?;
    if let Some(username) = &change.username {
        check_username(username)?;
    }
    if let Some(email) = &change.email {
        check_email(email)?;
    }
    let tx = cx.write().await?;
    let mut row = tx.lock::<user::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    free(&tx, change.username.as_deref(), change.email.as_deref(), Some(&id)).await?;
    if let Some(username) = change.username {
        row.username = username;
    }
    if let Some(email) = &change.email {
        claim(&tx, &mut row, email).await?;
    }
    let user = tx.update(row).await.map_err(taken("username"))?;
    tx.emit(Happened::UserUpdated, subject(&user), json!({ "username": user.username })).await?;
    tx.commit().await?;
    Ok(user)
}

/// One's own row.
pub async fn own(cx: &Ctx, _site: &Granted<can::UseAccount>) -> Result<User> {
    let id = cx.actor().user_id().ok_or(Error::NotFound)?;
    by_id(cx, &id).await?.ok_or(Error::NotFound)
}

pub async fn find_member(cx: &Ctx, id: &UserId) -> Result<Found<Member>> {
    let user = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let organizations = membership::Entity::find()
        .filter(membership::Column::UserId.eq(id))
        .filter(membership::Column::Status.eq(membership::Status::Active))
        .all(cx.read())
        .await?;
    let organizations = organizations.into_iter().map(|row| row.organization_name).collect();
    Ok(Found::new(Member { user, organizations }))
}

pub async fn find_user(cx: &Ctx, id: &UserId) -> Result<Found<User>> {
    by_id(cx, id).await?.map(Found::new).ok_or(Error::NotFound)
}

/// For administrators of the site.
pub async fn find_on_site(cx: &Ctx, id: &UserId) -> Result<Found<In<User, Site>>> {
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: Site }))
}

pub(super) async fn by_id(cx: &Ctx, id: &UserId) -> Result<Option<User>> {
    Ok(user::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// By username, whatever its case.
pub async fn find_by_name(cx: &Ctx, username: &str) -> Result<Option<User>> {
    let name = lower(user::Column::Username);
    Ok(user::Entity::find().filter(name.eq(username.to_lowercase())).one(cx.read()).await?)
}

/// No username has an `@`, so a name means one person at most; and an address counts once it is confirmed.
pub(super) async fn by_name_or_email(app: &App, name: &str) -> Result<Option<User>> {
    let name = name.trim().to_lowercase();
    let either = Condition::any()
        .add(lower(user::Column::Username).eq(name.clone()))
        .add(lower(user::Column::Email).eq(name));
    Ok(user::Entity::find().filter(either).one(app.db().read()).await?)
}

/// Everybody, by username.
pub async fn list_users(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<Vec<User>> {
    let query = user::Entity::find();
    let query = query.order_by_asc(user::Column::Username);
    Ok(query.all(cx.read()).await?)
}

/// Whom administrators look for: everybody, where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sought<'a> {
    /// In the name or the address.
    pub text: Option<&'a str>,
    pub is_admin: Option<bool>,
    pub is_suspended: Option<bool>,
}

/// By username.
pub async fn find_users(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    sought: Sought<'_>,
    paging: Paging,
) -> Result<Page<User>> {
    let columns = [user::Column::Username, user::Column::Email, user::Column::UnconfirmedEmail];
    let has = |text: &str| {
        columns.iter().fold(Condition::any(), |any, column| any.add(db::contains(*column, text)))
    };
    let all = Condition::all()
        .add_option(sought.text.map(has))
        .add_option(sought.is_admin.map(|is| user::Column::IsSiteAdmin.eq(is)))
        .add_option(sought.is_suspended.map(|is| user::Column::IsSuspended.eq(is)));
    let query = user::Entity::find().filter(all);
    Ok(page(cx.read(), query.order_by_asc(user::Column::Username), paging).await?)
}

/// The organizations that each of these people belongs to, by name.
pub async fn organizations_of(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    people: &[UserId],
) -> Result<HashMap<UserId, Vec<String>>> {
    let rows = membership::Entity::find()
        .filter(membership::Column::UserId.is_in(people))
        .filter(membership::Column::Status.eq(membership::Status::Active))
        .order_by_asc(membership::Column::OrganizationName)
        .all(cx.read())
        .await?;
    let mut all = HashMap::<UserId, Vec<String>>::new();
    for row in rows {
        all.entry(row.user_id).or_default().push(row.organization_name);
    }
    Ok(all)
}

/// People by their ids, for includes; everybody may see the names of those they work with.
pub async fn load(cx: &Ctx, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(user::Entity::find().filter(user::Column::Id.is_in(ids)).all(cx.read()).await?)
}

pub(super) fn subject(user: &User) -> Subject<'_> {
    Subject { kind: "users", id: user.id.as_str(), ..Subject::default() }
}
