//! A tag and a reserved key, and what is sent to the routes about them.

use crate::Client;
use serde_json::{Value, json};

use super::{Names, Sent, resource, text};

pub async fn in_world(owner: &Client<'_>, workspace: &str) -> [(&'static str, String); 2] {
    let new = resource("reserved-tag-keys", &json!({ "key": "stage" }));
    let reserved = owner.post("/organizations/acme/reserved-tag-keys", new).await.is_created();
    let bindings = format!("/workspaces/{workspace}/tag-bindings");
    owner.patch(bindings, tag_bindings()).await.is_ok();
    let tags = owner.get("/organizations/acme/tags").await.is_ok();
    [("reserved_tag_key_id", reserved.id()), ("tag_id", text(&tags.data()[0]["id"]))]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let reserved = |attributes: Value| Sent::Json(resource("reserved-tag-keys", &attributes));
    Some(match (method, path) {
        (
            "DELETE",
            "/reserved-tag-keys/{reserved_tag_key_id}" | "/reserved-tags/{reserved_tag_key_id}",
        ) => Sent::Nothing,
        ("POST" | "DELETE", "/workspaces/{workspace_id}/relationships/tags") => {
            Sent::Json(json!({ "data": [{ "type": "tags", "attributes": { "name": "blue" } }] }))
        }
        (
            "PATCH" | "POST",
            "/workspaces/{workspace_id}/tag-bindings"
            | "/workspaces/{workspace_id}/relationships/tag-bindings"
            | "/projects/{project_id}/tag-bindings"
            | "/projects/{project_id}/relationships/tag-bindings",
        ) => Sent::Json(tag_bindings()),
        ("DELETE", "/organizations/{organization_name}/tags") => {
            Sent::Json(json!({ "data": [{ "type": "tags", "id": names["tag_id"] }] }))
        }
        ("POST", "/tags/{tag_id}/relationships/workspaces") => {
            let workspace = &names["workspace_id"];
            Sent::Json(json!({ "data": [{ "type": "workspaces", "id": workspace }] }))
        }
        ("POST", "/organizations/{organization_name}/reserved-tag-keys") => {
            reserved(json!({ "key": "env", "disable-overrides": true }))
        }
        (
            "PATCH",
            "/reserved-tag-keys/{reserved_tag_key_id}" | "/reserved-tags/{reserved_tag_key_id}",
        ) => reserved(json!({ "disable-overrides": true })),
        _ => return None,
    })
}

fn tag_bindings() -> Value {
    json!({ "data": [
        { "type": "tag-bindings", "attributes": { "key": "colour", "value": "blue" } },
    ] })
}
