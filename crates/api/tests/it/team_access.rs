//! `/team-workspaces` and `/team-projects`: what teams may do where, and that they really may.

use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

struct Acme {
    server: Server,
    team: String,
    token: String,
}

impl Acme {
    /// A visible team with a token, and no access to anything.
    async fn with_team() -> Self {
        let server = Server::start().await;
        let (team, token) = team(&server.owner(), "network").await;
        Self { server, team, token }
    }

    /// Somebody with the token of the team.
    fn bearer(&self) -> Client<'_> {
        self.server.bearer(&self.token)
    }

    async fn to_workspace(&self, id: impl AsRef<str>, attributes: Value) -> Answer {
        let body = related("team-workspaces", attributes, &self.team, "workspace", id.as_ref());
        self.server.owner().post("/team-workspaces", body).await
    }

    async fn to_project(&self, id: impl AsRef<str>, attributes: Value) -> Answer {
        let body = related("team-projects", attributes, &self.team, "project", id.as_ref());
        self.server.owner().post("/team-projects", body).await
    }
}

async fn ids(client: &Client<'_>, path: &str) -> Vec<Value> {
    let list = client.get(path).await.is_ok();
    list.data().as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

#[tokio::test]
async fn the_projects_of_a_team_are_those_whose_teams_one_may_see() {
    let acme = Acme::with_team().await;
    let (seen, hidden) = (acme.server.project("Seen").await, acme.server.project("Hidden").await);
    let own = acme.to_project(&seen.id, json!({ "access": "read" })).await.is_created().id();
    let other = acme.to_project(&hidden.id, json!({ "access": "read" })).await.is_created().id();
    let path = format!("/team-projects?filter[team][id]={}", acme.team);
    assert_eq!(ids(&acme.server.owner(), &path).await, [json!(own), json!(other)]);
    // Another team that reads one of both.
    let (reader, token) = team(&acme.server.owner(), "reader").await;
    let custom =
        json!({ "access": "custom", "project-access": { "settings": "read", "teams": "read" } });
    let body = related("team-projects", custom, &reader, "project", seen.id.as_ref());
    acme.server.owner().post("/team-projects", body).await.is_created();
    assert_eq!(ids(&acme.server.bearer(&token), &path).await, [json!(own)]);
    let nobody = acme.server.owner().get("/team-projects?filter[team][id]=team-x").await;
    nobody.is_not_found();
}

async fn team(owner: &Client<'_>, name: &str) -> (String, String) {
    let attributes = json!({ "name": name, "visibility": "organization" });
    let body = json!({ "data": { "type": "teams", "attributes": attributes } });
    let id = owner.post("/organizations/acme/teams", body).await.is_created().id();
    let token = owner.post(format!("/teams/{id}/authentication-token"), ()).await.is_created();
    (id, token.attribute("token").as_str().unwrap().to_owned())
}

fn related(kind: &str, attributes: Value, team: &str, on: &str, id: &str) -> Value {
    json!({ "data": {
        "type": kind,
        "attributes": attributes,
        "relationships": {
            "team": { "data": { "type": "teams", "id": team } },
            on: { "data": { "type": format!("{on}s"), "id": id } },
        },
    } })
}

fn body(kind: &str, attributes: Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

#[tokio::test]
async fn empty_objects_beside_a_level_say_nothing() {
    let acme = Acme::with_team().await;
    let project = acme.server.project("Storage").await.id.to_string();
    for (number, level) in ["read", "write", "maintain", "admin"].into_iter().enumerate() {
        let (team, _) = team(&acme.server.owner(), &format!("team-{number}")).await;
        let empty = json!({ "access": level, "project-access": {}, "workspace-access": {} });
        let new = related("team-projects", empty.clone(), &team, "project", &project);
        let made = acme.server.owner().post("/team-projects", new).await.is_created();
        assert_eq!(made.attribute("access"), level);
        let path = format!("/team-projects/{}", made.id());
        acme.server.owner().patch(&path, body("team-projects", empty)).await.is_ok();
        let told = json!({ "project-access": { "teams": "read" } });
        let refused = acme.server.owner().patch(&path, body("team-projects", told)).await;
        refused.is_unprocessable("/data/attributes/project-access");
    }
}

#[tokio::test]
async fn custom_access_goes_on_from_the_level_before() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let ws = acme.server.workspace("networking").await;
    let project = acme.server.project("Storage").await.id.to_string();
    let on_workspace = acme.to_workspace(&ws.id, json!({ "access": "write" })).await.is_created();
    let on_project = acme.to_project(&project, json!({ "access": "maintain" })).await.is_created();

    let path = format!("/team-workspaces/{}", on_workspace.id());
    let custom = json!({ "access": "custom", "variables": "read" });
    let custom = owner.patch(&path, body("team-workspaces", custom)).await.is_ok();
    for (right, kept) in [
        ("runs", json!("apply")),
        ("variables", json!("read")),
        ("state-versions", json!("write")),
        ("sentinel-mocks", json!("read")),
        ("workspace-locking", json!(true)),
    ] {
        assert_eq!(custom.attribute(right), kept, "{right}");
    }
    let less = json!({ "access": "custom", "runs": "plan" });
    let less = owner.patch(&path, body("team-workspaces", less)).await.is_ok();
    assert_eq!(
        (less.attribute("runs"), less.attribute("state-versions")),
        (json!("plan"), json!("write"))
    );

    let path = format!("/team-projects/{}", on_project.id());
    let custom = json!({ "access": "custom", "workspace-access": { "delete": false } });
    let custom = owner.patch(&path, body("team-projects", custom)).await.is_ok();
    let rights = custom.attribute("workspace-access");
    for (right, kept) in [
        ("runs", json!("apply")),
        ("create", json!(true)),
        ("move", json!(true)),
        ("delete", json!(false)),
        ("locking", json!(true)),
        ("run-tasks", json!(true)),
    ] {
        assert_eq!(rights[right], kept, "{right}");
    }
    assert_eq!(custom.attribute("project-access")["variable-sets"], "write");
}

#[tokio::test]
async fn what_only_administrators_have_is_not_kept_by_custom_access_to_a_workspace() {
    let acme = Acme::with_team().await;
    let ws = acme.server.workspace("networking").await;
    let access = acme.to_workspace(&ws.id, json!({ "access": "admin" })).await.is_created();
    let path = format!("/team-workspaces/{}", access.id());
    let custom = body("team-workspaces", json!({ "access": "custom" }));
    acme.server.owner().patch(path, custom).await.is_ok();
    let ws = format!("/workspaces/{}", ws.id);
    let rights = acme.bearer().get(&ws).await.is_ok().attribute("permissions");
    assert_eq!(rights["can-queue-apply"], true);
    for right in ["can-destroy", "can-update", "can-force-unlock"] {
        assert_eq!(rights[right], false, "{right}");
    }
    acme.bearer().delete(ws).await.is_not_found();
}

#[tokio::test]
async fn fixed_levels_show_what_they_allow() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let ws = acme.server.workspace("networking").await;
    for (level, runs, variables, states, mocks, locking, tasks) in [
        ("read", "read", "read", "read", "none", false, false),
        ("plan", "plan", "read", "read", "none", false, false),
        ("write", "apply", "write", "write", "read", true, false),
        ("admin", "apply", "write", "write", "read", true, true),
    ] {
        let made = acme.to_workspace(&ws.id, json!({ "access": level })).await.is_created();
        assert_eq!(made.attribute("access"), level);
        assert_eq!(made.attribute("runs"), runs);
        assert_eq!(made.attribute("variables"), variables);
        assert_eq!(made.attribute("state-versions"), states);
        assert_eq!(made.attribute("sentinel-mocks"), mocks);
        assert_eq!(made.attribute("workspace-locking"), locking);
        assert_eq!(made.attribute("run-tasks"), tasks);
        let path = format!("/team-workspaces/{}", made.id());
        assert_eq!(owner.get(&path).await.is_ok().data(), made.data());
        owner.delete(&path).await.is_no_content();
        owner.get(&path).await.is_not_found();
    }
}

#[tokio::test]
async fn access_to_a_workspace_takes_effect_at_once() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let ws = acme.server.workspace("networking").await;
    let here = format!("/workspaces/{}", ws.id);
    let lock = format!("{here}/actions/lock");
    acme.bearer().get(&here).await.is_not_found();
    let access = acme.to_workspace(&ws.id, json!({ "access": "read" })).await.is_created();
    acme.bearer().get(&here).await.is_ok();
    acme.bearer().post(&lock, ()).await.is_not_found();
    let path = format!("/team-workspaces/{}", access.id());
    let change = json!({ "access": "custom", "workspace-locking": true, "variables": "none" });
    owner.patch(&path, body("team-workspaces", change)).await.is_ok();
    let locked = acme.bearer().post(&lock, json!({})).await.is_ok();
    assert_eq!(locked.attribute("permissions/can-lock"), true);
    assert_eq!(locked.attribute("permissions/can-update"), false);
    acme.bearer().get(format!("{here}/vars")).await.is_not_found();
    owner.delete(&path).await.is_no_content();
    acme.bearer().get(&here).await.is_not_found();
}

#[tokio::test]
async fn single_rights_need_the_custom_level() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let ws = acme.server.workspace("networking").await;
    let refused = acme.to_workspace(&ws.id, json!({ "access": "read", "runs": "plan" })).await;
    let refused = refused.is_unprocessable("/data/attributes/runs");
    assert_eq!(
        refused.error(),
        "Runs is read-only when access level is 'read'; use the 'custom' access level to set this \
         attribute."
    );
    acme.to_workspace(&ws.id, json!({})).await.is_unprocessable("/data/attributes/access");
    acme.to_workspace(&ws.id, json!({ "access": "all" }))
        .await
        .is_unprocessable("/data/attributes/access");
    let custom = acme.to_workspace(&ws.id, json!({ "access": "custom" })).await.is_created();
    assert_eq!(custom.attribute("runs"), "read");
    assert_eq!(custom.attribute("variables"), "none");
    assert_eq!(custom.attribute("state-versions"), "none");
    assert_eq!(custom.attribute("sentinel-mocks"), "none");
    assert_eq!(custom.attribute("workspace-locking"), false);
    assert_eq!(custom.attribute("run-tasks"), false);

    let path = format!("/team-workspaces/{}", custom.id());
    let patch =
        async |attributes: Value| owner.patch(&path, body("team-workspaces", attributes)).await;
    patch(json!({ "runs": "apply", "state-versions": "read-outputs" })).await.is_ok();
    let kept = patch(json!({ "variables": "write", "policy-overrides": true })).await.is_ok();
    assert_eq!(kept.attribute("runs"), "apply");
    assert_eq!(kept.attribute("state-versions"), "read-outputs");
    assert_eq!(kept.attribute("variables"), "write");
    assert_eq!(kept.attribute("policy-overrides"), true);
    patch(json!({ "access": "plan" })).await.is_ok();
    patch(json!({ "run-tasks": true })).await.is_unprocessable("/data/attributes/run-tasks");
    let again = patch(json!({ "access": "custom" })).await.is_ok();
    assert_eq!(again.attribute("runs"), "plan");
}

#[tokio::test]
async fn a_team_has_one_access_to_a_workspace_and_only_within_its_organization() {
    let acme = Acme::with_team().await;
    let ws = acme.server.workspace("networking").await;
    acme.to_workspace(&ws.id, json!({ "access": "read" })).await.is_created();
    let before = acme.server.row_counts().await;
    acme.to_workspace(&ws.id, json!({ "access": "read" }))
        .await
        .is_unprocessable("/data/relationships/team");
    acme.to_workspace("ws-1111111111111111", json!({ "access": "read" })).await.is_not_found();
    let foreigner = acme.server.foreigner();
    let new = body("workspaces", json!({ "name": "theirs" }));
    let theirs = foreigner.post("/organizations/elsewhere/workspaces", new).await.is_created();
    let access = json!({ "access": "read" });
    let stolen = related("team-workspaces", access, &acme.team, "workspace", &theirs.id());
    foreigner.post("/team-workspaces", stolen).await.is_not_found();
    let after = acme.server.row_counts().await;
    assert_eq!(after["team_workspaces"], before["team_workspaces"]);
    let missing = body("team-workspaces", json!({ "access": "read" }));
    let owner = acme.server.owner();
    owner.post("/team-workspaces", missing).await.is_unprocessable("/data/relationships/workspace");
}

#[tokio::test]
async fn accesses_are_listed_by_workspace_or_by_team_as_far_as_one_sees_them() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let ws = acme.server.workspace("networking").await;
    let other = acme.server.workspace("storage").await;
    acme.to_workspace(&ws.id, json!({ "access": "read" })).await.is_created();
    acme.to_workspace(&other.id, json!({ "access": "write" })).await.is_created();
    let reader = acme.server.reader(&ws);
    let username = reader.user().await.username;
    let by_ws = format!("/team-workspaces?filter[workspace][id]={}", ws.id);
    let by_team = format!("/team-workspaces?filter[team][id]={}", acme.team);
    let teams = |answer: Answer| {
        let data = answer.data();
        let ids = data.as_array().unwrap().iter();
        ids.map(|item| item["relationships"]["team"]["data"]["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(teams(owner.get(&by_ws).await.is_ok()).len(), 2);
    assert_eq!(teams(owner.get(&by_team).await.is_ok()).len(), 2);
    let both = format!("{by_ws}&filter[team][id]={}&include=team,workspace", acme.team);
    let both = owner.get(both).await.is_ok();
    assert_eq!(both.json()["included"].as_array().unwrap().len(), 2);
    assert_eq!(teams(both), [json!(acme.team)]);
    // One's own, secret team, and the visible one; of that, access to what one sees.
    assert_eq!(teams(reader.get(&by_ws).await.is_ok()).len(), 2);
    assert_eq!(teams(reader.get(&by_team).await.is_ok()).len(), 1);
    acme.bearer().get(&by_ws).await.is_ok();
    let seen = teams(acme.bearer().get(&by_ws).await.is_ok());
    assert_eq!(seen, [json!(acme.team)]);
    acme.server.member().get(&by_ws).await.is_not_found();
    owner.get("/team-workspaces").await.is_bad_request();
    assert!(!username.is_empty());
}

#[tokio::test]
async fn admins_of_a_workspace_give_access_and_others_do_not() {
    let acme = Acme::with_team().await;
    let ws = acme.server.workspace("networking").await;
    let attributes = json!({ "access": "read" });
    let new = related("team-workspaces", attributes, &acme.team, "workspace", ws.id.as_str());
    acme.server.writer(&ws).post("/team-workspaces", &new).await.is_not_found();
    let made = acme.server.admin_of(&ws).post("/team-workspaces", &new).await.is_created();
    let path = format!("/team-workspaces/{}", made.id());
    let more = body("team-workspaces", json!({ "access": "admin" }));
    acme.bearer().get(&path).await.is_ok();
    acme.bearer().patch(&path, &more).await.is_not_found();
    acme.server.writer(&ws).delete(&path).await.is_not_found();
    acme.server.admin_of(&ws).delete(&path).await.is_no_content();
}

#[tokio::test]
async fn fixed_levels_of_projects_show_what_they_allow() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let project = acme.server.project("Network").await;
    for (level, settings, teams, runs, create, delete) in [
        ("read", "read", "none", "read", false, false),
        ("write", "read", "none", "apply", false, false),
        ("maintain", "read", "none", "apply", true, true),
        ("admin", "delete", "manage", "apply", true, true),
    ] {
        let made = acme.to_project(&project.id, json!({ "access": level })).await.is_created();
        assert_eq!(made.attribute("project-access/settings"), settings);
        assert_eq!(made.attribute("project-access/teams"), teams);
        assert_eq!(made.attribute("workspace-access/runs"), runs);
        assert_eq!(made.attribute("workspace-access/create"), create);
        assert_eq!(made.attribute("workspace-access/delete"), delete);
        let path = format!("/team-projects/{}", made.id());
        assert_eq!(owner.get(&path).await.is_ok().data(), made.data());
        owner.delete(&path).await.is_no_content();
        owner.get(&path).await.is_not_found();
    }
}

#[tokio::test]
async fn custom_access_to_a_project_reaches_its_workspaces() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let ws = acme.server.workspace("networking").await;
    let refused = json!({ "access": "read", "project-access": { "settings": "update" } });
    acme.to_project(&ws.project_id, refused)
        .await
        .is_unprocessable("/data/attributes/project-access");
    let refused = json!({ "access": "write", "workspace-access": { "create": true } });
    acme.to_project(&ws.project_id, refused)
        .await
        .is_unprocessable("/data/attributes/workspace-access");
    let custom = json!({
        "access": "custom", "project-access": { "settings": "update", "teams": "read" },
        "workspace-access": { "create": true, "variables": "read" },
    });
    let made = acme.to_project(&ws.project_id, custom).await.is_created();
    assert_eq!(made.attribute("project-access/variable-sets"), "none");
    for unset in ["move", "locking", "delete", "run-tasks"] {
        assert_eq!(made.attribute(&format!("workspace-access/{unset}")), false);
    }
    let path = format!("/team-projects/{}", made.id());
    let change = json!({ "access": "custom", "workspace-access": { "runs": "plan" } });
    let changed = owner.patch(&path, body("team-projects", change)).await.is_ok();
    assert_eq!(changed.attribute("workspace-access/create"), true);
    assert_eq!(changed.attribute("workspace-access/variables"), "read");
    assert_eq!(changed.attribute("project-access/settings"), "update");

    let here = format!("/workspaces/{}", ws.id);
    acme.bearer().get(format!("{here}/vars")).await.is_ok();
    acme.bearer().delete(&here).await.is_not_found();
    let project = format!("/projects/{}", ws.project_id);
    let renamed = body("projects", json!({ "description": "Cables" }));
    acme.bearer().patch(&project, renamed).await.is_ok();
    acme.bearer().delete(&project).await.is_not_found();
    // Reads the access of teams, and manages none.
    acme.bearer().get(&path).await.is_ok();
    let list = format!("/team-projects?filter[project][id]={}", ws.project_id);
    let list = acme.bearer().get(list).await.is_ok();
    assert_eq!(list.attributes("access"), ["custom"]);
    acme.bearer().delete(&path).await.is_not_found();
    let more = body("team-projects", json!({ "access": "admin" }));
    acme.bearer().patch(&path, more).await.is_not_found();
}

#[tokio::test]
async fn a_team_has_one_access_to_a_project_which_admins_of_it_give() {
    let acme = Acme::with_team().await;
    let owner = acme.server.owner();
    let project = acme.server.project("Network").await;
    acme.to_project(&project.id, json!({})).await.is_unprocessable("/data/attributes/access");
    acme.to_project(&project.id, json!({ "access": "admin" })).await.is_created();
    acme.to_project(&project.id, json!({ "access": "read" }))
        .await
        .is_unprocessable("/data/relationships/team");
    let (storage, _) = team(&owner, "storage").await;
    let attributes = json!({ "access": "read" });
    let new = related("team-projects", attributes, &storage, "project", project.id.as_str());
    acme.server.member().post("/team-projects", &new).await.is_not_found();
    acme.bearer().post("/team-projects", &new).await.is_created();
    let list = format!("/team-projects?filter[project][id]={}", project.id);
    assert_eq!(owner.get(&list).await.is_ok().data().as_array().unwrap().len(), 2);
    let one = owner.get(format!("{list}&filter[team][id]={storage}")).await.is_ok();
    assert_eq!(one.attributes("access"), ["read"]);
    acme.server.member().get(&list).await.is_not_found();
    owner.get("/team-projects").await.is_bad_request();
}
