//! A person with a token, and what is sent to the routes about one's own account.

use crate::{
    Server,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use domain::entity::token;
use serde_json::{Value, json};

use super::{Sent, ready::PASSWORD, resource};

pub async fn in_world(server: &Server) -> [(&'static str, String); 3] {
    let member = server.member().user().await;
    let token = token::Entity::find()
        .filter(token::Column::UserId.eq(&member.id))
        .one(server.db.read())
        .await
        .unwrap()
        .unwrap();
    [
        ("user_id", member.id.to_string()),
        ("username", member.username),
        ("token_id", token.id.to_string()),
    ]
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
    Some(match (method, path) {
        ("DELETE", "/admin/users/{user_id}" | "/authentication-tokens/{token_id}")
        | (
            "POST",
            "/admin/users/{user_id}/actions/confirm-email"
            | "/admin/users/{user_id}/actions/disable_two_factor"
            | "/admin/users/{user_id}/actions/grant_admin"
            | "/admin/users/{user_id}/actions/revoke_admin"
            | "/admin/users/{user_id}/actions/suspend"
            | "/admin/users/{user_id}/actions/unsuspend",
        ) => Sent::Nothing,
        ("PATCH", "/account/update") => {
            attributes("users", json!({ "email": "renamed@example.com" }))
        }
        ("PATCH", "/account/password") => attributes(
            "users",
            json!({
                "current_password": PASSWORD, "password": "battery staple",
                "password_confirmation": "battery staple",
            }),
        ),
        ("POST", "/users/{user_id}/authentication-tokens") => {
            attributes("authentication-tokens", json!({ "description": "of the pipeline" }))
        }
        ("POST", "/admin/initial-admin-user") => Sent::Json(json!({
            "username": "first", "email": "first@example.com", "password": "battery staple",
        })),
        _ => return None,
    })
}
