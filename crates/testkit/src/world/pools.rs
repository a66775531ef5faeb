//! An agent pool with a token and an agent, and what is sent to the routes about them.

use std::collections::BTreeMap;

use crate::Server;
use http::Method;
use serde_json::{Value, json};

use super::{Names, Sent, agents::register, related, resource};

pub async fn in_world(server: &Server) -> Names {
    let owner = server.owner();
    let new = resource("agent-pools", &json!({ "name": "basement" }));
    let pool = owner.post("/organizations/acme/agent-pools", new).await.is_created().id();
    let new = resource("authentication-tokens", &json!({ "description": "of the basement" }));
    let path = format!("/agent-pools/{pool}/authentication-tokens");
    let token = owner.post(path, new).await.is_created().attribute("token");
    let agent = server.bearer(token.as_str().unwrap());
    let mut introduction = register();
    introduction["instance"] = "i-2".into();
    let introduced =
        agent.raw(Method::POST, "/agent/v1/register", introduction.to_string()).await.is_ok();
    let agent = introduced.json()["agent_id"].as_str().unwrap().to_owned();
    BTreeMap::from([("agent_pool_id", pool), ("agent_id", agent)])
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let allowed = json!({ "allowed-workspaces": {
        "data": [{ "type": "workspaces", "id": names["workspace_id"] }]
    } });
    Some(match (method, path) {
        ("POST", "/organizations/{organization_name}/agent-pools") => {
            let new = json!({ "name": "attic", "organization-scoped": false });
            Sent::Json(related(resource("agent-pools", &new), &allowed))
        }
        ("PATCH", "/agent-pools/{agent_pool_id}") => {
            Sent::Json(related(resource("agent-pools", &json!({ "name": "cellar" })), &allowed))
        }
        ("POST", "/agent-pools/{agent_pool_id}/authentication-tokens") => {
            let new: Value = json!({ "description": "one more" });
            Sent::Json(resource("authentication-tokens", &new))
        }
        ("DELETE", "/agent-pools/{agent_pool_id}" | "/agents/{agent_id}") => Sent::Nothing,
        _ => return None,
    })
}
