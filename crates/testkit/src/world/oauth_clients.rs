//! A connection with its token, and what is sent to the routes about them.

use crate::{Client, Server};
use domain::{
    entity::{github_app_installation, github_app_link},
    id::GithubAppInstallationId,
};
use serde_json::json;

use super::{Names, Sent, resource};

/// Somebody has installed the GitHub App, and the organization may use it.
pub async fn installation_in_world(server: &Server) -> [(&'static str, String); 1] {
    let tx = server.db.write().await.unwrap();
    let now = server.app.now();
    let row = github_app_installation::Model {
        id: GithubAppInstallationId::fresh(),
        number: 5,
        account: "acme-at-github".into(),
        kind: None,
        icon_url: None,
        url: None,
        status: github_app_installation::Status::Active,
        trouble: None,
        troubled_at: None,
        created_at: now,
        updated_at: now,
    };
    let row = tx.insert(row).await.unwrap();
    let link = github_app_link::Model {
        github_app_installation_id: row.id.clone(),
        organization_name: "acme".into(),
    };
    tx.insert(link).await.unwrap();
    tx.commit().await.unwrap();
    [("github_app_installation_id", row.id.to_string())]
}

pub async fn in_world(owner: &Client<'_>) -> [(&'static str, String); 2] {
    // Of a server that has nobody to be asked.
    let new = json!({
        "service-provider": "git", "http-url": "https://git.example/acme/infra",
        "oauth-token-string": "me:of the token", "key": "app", "secret": "of the app",
    });
    let new = resource("oauth-clients", &new);
    let made = owner.post("/organizations/acme/oauth-clients", new).await.is_created();
    let token = made.data()["relationships"]["oauth-tokens"]["data"][0]["id"].clone();
    let token = token.as_str().expect("a token is made with the connection").to_owned();
    [("oauth_client_id", made.id()), ("oauth_token_id", token)]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        (
            "POST" | "DELETE",
            "/organizations/{organization_name}/github-app-installations/{github_app_installation_id}/link-account",
        ) => Sent::Nothing,
        ("DELETE", "/oauth-clients/{oauth_client_id}" | "/oauth-tokens/{oauth_token_id}") => {
            Sent::Nothing
        }
        ("POST", "/oauth-clients") => Sent::Json(resource(
            "oauth-clients",
            &json!({
                "organization-id": "acme", "service-provider": "gitlab_hosted",
                "oauth-token-string": "glpat-1",
            }),
        )),
        ("POST", "/organizations/{organization_name}/oauth-clients") => Sent::Json(resource(
            "oauth-clients",
            &json!({ "service-provider": "gitlab_hosted", "oauth-token-string": "glpat-1" }),
        )),
        ("PATCH", "/oauth-clients/{oauth_client_id}") => {
            Sent::Json(resource("oauth-clients", &json!({ "name": "other" })))
        }
        ("PATCH", "/oauth-tokens/{oauth_token_id}") => Sent::Json(resource(
            "oauth-tokens",
            &json!({ "ssh-known-hosts": "h ssh-ed25519 AAAA" }),
        )),
        ("POST" | "DELETE", "/oauth-clients/{oauth_client_id}/relationships/projects") => {
            let project = json!({ "type": "projects", "id": names["project_id"] });
            Sent::Json(json!({ "data": [project] }))
        }
        _ => return None,
    })
}
