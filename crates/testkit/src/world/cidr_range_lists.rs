//! One of the lists of networks, and what is sent to the routes about them.

use serde_json::json;

use super::{Names, Sent, resource};
use crate::Client;

pub async fn in_world(owner: &Client<'_>) -> [(&'static str, String); 2] {
    let new = resource("cidr-range-lists", &json!({ "name": "first" }));
    let list = owner.post("/organizations/acme/cidr-range-lists", new).await.is_created().id();
    let path = format!("/cidr-range-lists/{list}/relationships/cidr-ranges");
    let new = resource("cidr-ranges", &json!({ "range": "203.0.113.0/24", "enabled": true }));
    let range = owner.post(path, new).await.is_created().id();
    [("cidr_range_list_id", list), ("cidr_range_id", range)]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let list = |attributes| Some(Sent::Json(resource("cidr-range-lists", &attributes)));
    let range = |attributes| Some(Sent::Json(resource("cidr-ranges", &attributes)));
    match (method, path) {
        ("DELETE", "/cidr-range-lists/{cidr_range_list_id}" | "/cidr-ranges/{cidr_range_id}") => {
            Some(Sent::Nothing)
        }
        ("POST", "/organizations/{organization_name}/cidr-range-lists") => {
            list(json!({ "name": "second", "enforcement-scope": "all_agent_pools" }))
        }
        ("PATCH", "/cidr-range-lists/{cidr_range_list_id}") => list(json!({ "name": "other" })),
        ("POST", "/cidr-range-lists/{cidr_range_list_id}/relationships/cidr-ranges") => {
            range(json!({ "range": "2001:db8::/32", "enabled": true }))
        }
        ("PATCH", "/cidr-ranges/{cidr_range_id}") => range(json!({ "enabled": false })),
        (_, "/cidr-range-lists/{cidr_range_list_id}/relationships/agent-pools") => {
            let pool = json!({ "id": names["agent_pool_id"], "type": "agent-pools" });
            Some(Sent::Json(json!({ "data": [pool] })))
        }
        _ => None,
    }
}
