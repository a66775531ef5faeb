//! One of everything that the address of a page can name.

use std::collections::BTreeMap;

use domain::row::Workspace;
use serde_json::json;
use testkit::Server;

/// What stands for each parameter of a path.
pub type Names = BTreeMap<&'static str, String>;

pub async fn made(server: &Server) -> (Workspace, Names) {
    let ws = server.workspace("networking").await;
    let run = crate::runs::run(server, &ws).await;
    let names = BTreeMap::from([
        ("organization_name", Server::ORGANIZATION.to_owned()),
        ("workspace_name", ws.name.clone()),
        ("project_id", ws.project_id.to_string()),
        ("run_id", run),
        // Of nothing: these pages are for whoever has the address.
        ("secret", "nonsense".to_owned()),
        ("token_id", token(server).await),
    ]);
    (ws, names)
}

/// The member's own.
async fn token(server: &Server) -> String {
    let member = server.member();
    let user = member.user().await.id;
    let new = json!({ "data": { "type": "authentication-tokens", "attributes": {} } });
    member.post(format!("/users/{user}/authentication-tokens"), new).await.is_created().id()
}
