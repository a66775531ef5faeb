//! Two visible teams, one with access and one with tokens, and what can be sent to them.

use crate::Client;
use domain::row::Workspace;
use serde_json::{Value, json};

use super::{Names, Sent, related, resource};

pub async fn in_world(
    owner: &Client<'_>,
    ws: &Workspace,
    member: &str,
) -> [(&'static str, String); 5] {
    let team = async |name: &str| {
        let new = resource("teams", &json!({ "name": name, "visibility": "organization" }));
        owner.post("/organizations/acme/teams", new).await.is_created().id()
    };
    let (free, busy) = (team("cables").await, team("disks").await);
    let token = owner.post(format!("/teams/{free}/authentication-token"), ()).await.is_created();
    owner.post("/organizations/acme/authentication-token", ()).await.is_created();
    let list = format!("/organizations/acme/organization-memberships?q={member}");
    let membership = owner.get(list).await.is_ok().data()[0]["id"].clone();

    let access = |kind: &str, on: &str, id: &str| {
        let on = (on, json!({ "data": { "type": format!("{on}s"), "id": id } }));
        let team = json!({ "data": { "type": "teams", "id": busy } });
        let body = resource(kind, &json!({ "access": "read" }));
        related(body, &json!({ "team": team, on.0: on.1 }))
    };
    let to_ws = access("team-workspaces", "workspace", ws.id.as_str());
    let to_ws = owner.post("/team-workspaces", to_ws).await.is_created();
    let to_project = access("team-projects", "project", ws.project_id.as_str());
    let to_project = owner.post("/team-projects", to_project).await.is_created();
    [
        ("team_id", free),
        ("team_workspace_id", to_ws.id()),
        ("team_project_id", to_project.id()),
        ("organization_membership_id", membership.as_str().unwrap().to_owned()),
        ("team token", token.id()),
    ]
}

/// What the operations on teams, memberships, access and tokens take.
pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
    let one = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": names[id] } });
    let many =
        |kind: &str, id: &str| Sent::Json(json!({ "data": [{ "type": kind, "id": names[id] }] }));
    Some(match (method, path) {
        (
            "DELETE",
            "/teams/{team_id}"
            | "/teams/{team_id}/authentication-token"
            | "/organizations/{organization_name}/authentication-token"
            | "/organization-memberships/{organization_membership_id}"
            | "/team-workspaces/{team_workspace_id}"
            | "/team-projects/{team_project_id}",
        )
        | ("POST", "/organization-memberships/{organization_membership_id}/actions/invite-again") => {
            Sent::Nothing
        }
        ("POST", "/organizations/{organization_name}/teams") => attributes(
            "teams",
            json!({
                "name": "storage", "visibility": "organization", "sso-team-id": "disks",
                "organization-access": { "manage-workspaces": true },
            }),
        ),
        ("PATCH", "/teams/{team_id}") => attributes(
            "teams",
            json!({ "allow-member-token-management": false, "sso-team-id": "cables" }),
        ),
        ("POST" | "DELETE", "/teams/{team_id}/relationships/users") => {
            Sent::Json(json!({ "data": [{ "type": "users", "id": "member" }] }))
        }
        ("POST" | "DELETE", "/teams/{team_id}/relationships/organization-memberships") => {
            many("organization-memberships", "organization_membership_id")
        }
        ("POST", "/organizations/{organization_name}/organization-memberships") => {
            let new = resource("organization-memberships", &json!({ "email": "new@example.com" }));
            let Sent::Json(teams) = many("teams", "team_id") else { return None };
            Sent::Json(related(new, &json!({ "teams": teams })))
        }
        ("POST", "/team-workspaces") => Sent::Json(related(
            resource("team-workspaces", &json!({ "access": "custom", "runs": "plan" })),
            &json!({
                "workspace": one("workspaces", "workspace_id"), "team": one("teams", "team_id"),
            }),
        )),
        ("PATCH", "/team-workspaces/{team_workspace_id}") => {
            attributes("team-workspaces", json!({ "access": "write" }))
        }
        ("POST", "/team-projects") => Sent::Json(related(
            resource(
                "team-projects",
                &json!({
                    "access": "custom", "project-access": { "settings": "update" },
                    "workspace-access": { "runs": "plan", "create": true },
                }),
            ),
            &json!({ "project": one("projects", "project_id"), "team": one("teams", "team_id") }),
        )),
        ("PATCH", "/team-projects/{team_project_id}") => {
            attributes("team-projects", json!({ "access": "write" }))
        }
        (
            "POST",
            "/teams/{team_id}/authentication-token"
            | "/organizations/{organization_name}/authentication-token",
        ) => {
            attributes("authentication-tokens", json!({ "expired-at": "2099-01-01T00:00:00.000Z" }))
        }
        ("POST", "/teams/{team_id}/authentication-tokens") => {
            attributes("authentication-tokens", json!({ "description": "of the pipeline" }))
        }
        ("DELETE", "/organizations/{organization_name}/team-tokens") => {
            many("authentication-tokens", "team token")
        }
        ("PATCH", "/organizations/{organization_name}/token-ttl-policies") => attributes(
            "organization-token-ttl-policies",
            json!({ "token-ttl-policies": [{ "token-type": "team", "max-ttl-ms": 3_600_000 }] }),
        ),
        _ => return None,
    })
}
