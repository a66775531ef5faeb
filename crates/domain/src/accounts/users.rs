//! People: made by the site's administrators, or by the first start.

use db::{
    entity::user,
    id::UserId,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use serde_json::json;

use crate::{Ctx, Error, Granted, Result, Subject, can, error::taken, row::User};

pub struct NewUser {
    pub username: String,
    pub email: String,
    /// Absent for people who only use tokens.
    pub password: Option<String>,
    pub is_site_admin: bool,
}

pub async fn create_user(cx: &Ctx, _site: &Granted<can::ManageSite>, new: NewUser) -> Result<User> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if new.username.is_empty() || new.username.len() > 64 || !new.username.chars().all(allowed) {
        return Err(Error::invalid(
            "username",
            "can only include letters, numbers, -, _ and ., and has 1 to 64 of them",
        ));
    }
    if !new.email.contains('@') {
        return Err(Error::invalid("email", "is not an e-mail address"));
    }
    let password_hash = match new.password {
        Some(password) => Some(hash_password(password).await?),
        None => None,
    };
    let tx = cx.write().await?;
    let user = tx
        .insert(User {
            id: UserId::fresh(),
            username: new.username,
            email: new.email,
            password_hash,
            is_site_admin: new.is_site_admin,
            is_suspended: false,
            created_at: tx.now(),
        })
        .await
        .map_err(taken("username"))?;
    let subject = Subject { kind: "users", id: user.id.as_str(), ..Subject::default() };
    tx.emit("user_created", subject, json!({ "username": user.username })).await?;
    tx.commit().await?;
    Ok(user)
}

/// Argon2 takes its time on purpose, so it does not stand in the way of other requests.
pub(crate) async fn hash_password(password: String) -> Result<String> {
    if password.chars().count() < 10 {
        return Err(Error::invalid("password", "is too short (minimum is 10 characters)"));
    }
    Ok(tokio::task::spawn_blocking(move || crypto::hash_password(&password))
        .await
        .map_err(|error| Error::Internal(error.into()))??)
}

/// By username, whatever its case.
pub async fn find_by_name(cx: &Ctx, username: &str) -> Result<Option<User>> {
    let name = Expr::expr(Func::lower(Expr::col(user::Column::Username)));
    Ok(user::Entity::find().filter(name.eq(username.to_lowercase())).one(cx.read()).await?)
}

/// People by their ids, for includes; everybody may see the names of those they work with.
pub async fn load(cx: &Ctx, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(user::Entity::find().filter(user::Column::Id.is_in(ids)).all(cx.read()).await?)
}
