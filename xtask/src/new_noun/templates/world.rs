//! One of the gad gets, and what is sent to the routes about them.

use serde_json::json;

use super::{Sent, resource};
use crate::Client;

pub async fn in_world(owner: &Client<'_>) -> [(&'static str, String); 1] {
    let new = resource("gad-gets", &json!({ "name": "first" }));
    let made = owner.post("/organizations/acme/gad-gets", new).await.is_created();
    [("gad_get_id", made.id())]
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        ("DELETE", "/gad-gets/{gad_get_id}") => Sent::Nothing,
        ("POST", "/organizations/{organization_name}/gad-gets") => {
            Sent::Json(resource("gad-gets", &json!({ "name": "second" })))
        }
        ("PATCH", "/gad-gets/{gad_get_id}") => {
            Sent::Json(resource("gad-gets", &json!({ "name": "other" })))
        }
        _ => return None,
    })
}
