//! `/projects`

use serde_json::json;
use testkit::Server;

fn body(attributes: serde_json::Value) -> serde_json::Value {
    json!({ "data": { "type": "projects", "attributes": attributes } })
}

#[tokio::test]
async fn an_organization_begins_with_its_default_project() {
    let server = Server::start().await;
    let list = server.owner().get("/organizations/acme/projects").await.is_ok();
    assert_eq!(list.attributes("name"), ["Default Project"]);
    assert_eq!(list.json()["meta"]["pagination"]["total-count"], 1);
}

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner
        .post("/organizations/acme/projects", body(json!({ "name": "Network" })))
        .await
        .is_created();
    let path = format!("/projects/{}", made.id());
    let changed = owner.patch(&path, body(json!({ "description": "Cables" }))).await.is_ok();
    assert_eq!(changed.attribute("name"), "Network");
    assert_eq!(changed.attribute("description"), "Cables");
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
}

#[tokio::test]
async fn names_of_projects_are_unique_whatever_their_case() {
    let server = Server::start().await;
    server.project("Network").await;
    let refused = server
        .owner()
        .post("/organizations/acme/projects", body(json!({ "name": "network" })))
        .await
        .is_unprocessable("/data/attributes/name");
    assert_eq!(refused.error(), "Name has already been taken");
}

#[tokio::test]
async fn a_project_with_workspaces_and_the_default_one_stay() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/projects/{}", ws.project_id);
    server.owner().delete(&path).await.is_conflict();
    server.owner().get(&path).await.is_ok();
}

#[tokio::test]
async fn the_list_is_searched_by_name() {
    let server = Server::start().await;
    for name in ["Network", "Storage", "networks-old"] {
        server.project(name).await;
    }
    let owner = server.owner();
    let some = owner.get("/organizations/acme/projects?q=NETWORK&sort=name").await.is_ok();
    assert_eq!(some.attributes("name"), ["Network", "networks-old"]);
    let exact = owner.get("/organizations/acme/projects?filter[names]=storage").await.is_ok();
    assert_eq!(exact.attributes("name"), ["Storage"]);
}

#[tokio::test]
async fn projects_are_listed_by_name_or_the_default_one_and_then_the_newest_first() {
    let server = Server::start().await;
    server.stop_clock();
    for name in ["Alpha", "Zeta", "Beta"] {
        server.pass(std::time::Duration::from_secs(1));
        server.project(name).await;
    }
    for (sort, names) in [
        ("", ["Default Project", "Beta", "Zeta", "Alpha"]),
        ("?sort=name", ["Alpha", "Beta", "Default Project", "Zeta"]),
        ("?sort=-name", ["Zeta", "Default Project", "Beta", "Alpha"]),
    ] {
        let path = format!("/organizations/acme/projects{sort}");
        assert_eq!(server.owner().get(path).await.is_ok().attributes("name"), names);
    }
    let other = server.owner().get("/organizations/acme/projects?sort=created-at").await;
    assert!(other.is_bad_request().error().starts_with("can be name"));
}

#[tokio::test]
async fn a_list_can_show_only_projects_in_which_one_may_do_something() {
    let server = Server::start().await;
    let [reads, writes] = [server.project("Reads").await, server.project("Writes").await];
    let owner = server.owner();
    let team = json!({ "data": { "type": "teams", "attributes": { "name": "network" } } });
    let team = owner.post("/organizations/acme/teams", team).await.is_created().id();
    for (project, access) in [(&reads, "read"), (&writes, "maintain")] {
        let access = json!({ "data": {
            "type": "team-projects", "attributes": { "access": access },
            "relationships": {
                "team": { "data": { "type": "teams", "id": team } },
                "project": { "data": { "type": "projects", "id": project.id } },
            },
        } });
        owner.post("/team-projects", access).await.is_created();
    }
    let token = owner.post(format!("/teams/{team}/authentication-token"), ()).await.is_created();
    let caller = server.bearer(token.attribute("token").as_str().unwrap().to_owned());
    for (query, names) in [
        ("", &["Reads", "Writes"][..]),
        ("&filter[permissions][create-workspace]=true", &["Writes"]),
        ("&filter[permissions][create-workspace]=false", &["Reads", "Writes"]),
        ("&filter[permissions][update]=true", &[]),
    ] {
        let path = format!("/organizations/acme/projects?sort=name{query}");
        assert_eq!(caller.get(path).await.is_ok().attributes("name"), names, "{query}");
    }
    let path = "/organizations/acme/projects?sort=name&filter[permissions][update]=true";
    let all = owner.get(path).await.is_ok().attributes("name");
    assert_eq!(all, ["Default Project", "Reads", "Writes"]);
    let path = "/organizations/acme/projects?filter[permissions][zz]=true";
    let refused = owner.get(path).await.is_bad_request();
    assert!(refused.error().contains("create-workspace, update"), "{refused}");
}

#[tokio::test]
async fn a_member_without_access_sees_no_project() {
    let server = Server::start().await;
    server.project("Network").await;
    let list = server.member().get("/organizations/acme/projects").await.is_ok();
    assert_eq!(list.data(), json!([]));
}

#[tokio::test]
async fn nobody_finds_out_by_a_new_workspace_which_projects_there_are() {
    let server = Server::start().await;
    let other = server.project("Storage").await;
    let new = |project: &str| {
        json!({ "data": { "type": "workspaces", "attributes": { "name": "new" }, "relationships": {
            "project": { "data": { "type": "projects", "id": project } },
        } } })
    };
    let path = "/organizations/acme/workspaces";
    let member = server.member();
    let rows = server.row_counts().await;
    let mut said = Vec::new();
    for project in [other.id.as_str(), "prj-9999999999999999"] {
        let refused = member.post(path, new(project)).await.is_not_found();
        said.push(refused.json()["errors"].clone());
    }
    assert_eq!(said[0], said[1]);
    let nowhere = json!({ "data": { "type": "workspaces", "attributes": { "name": "new" } } });
    member.post(path, nowhere).await.is_not_found();
    assert_eq!(server.row_counts().await["workspaces"], rows["workspaces"]);
    // Who sees all projects is told what is wrong.
    let refused = server.owner().post(path, new("prj-9999999999999999")).await;
    refused.is_unprocessable("/data/relationships/project");
    server.owner().post(path, new(other.id.as_str())).await.is_created();
}

#[tokio::test]
async fn the_pool_of_a_project_is_named_by_attribute_or_relationship() {
    let server = Server::start().await;
    let owner = server.owner();
    let pool = json!({ "data": { "attributes": { "name": "builders" } } });
    let pool = owner.post("/organizations/acme/agent-pools", pool).await.is_created().id();
    let project = format!("/projects/{}", server.project("Storage").await.id);
    let by_relation = json!({ "data": {
        "attributes": { "default-execution-mode": "agent" },
        "relationships": { "default-agent-pool": { "data": { "type": "agent-pools", "id": pool } } },
    } });
    let shown = owner.patch(&project, by_relation).await.is_ok();
    assert_eq!(shown.related("default-agent-pool"), json!(pool));
}

#[tokio::test]
async fn workspaces_are_moved_into_a_project_all_or_none() {
    let server = Server::start().await;
    let [a, b] = [server.workspace("a").await, server.workspace("b").await];
    let project = server.project("Storage").await;
    let path = format!("/projects/{}/relationships/workspaces", project.id);
    let named = |ids: &[&str]| {
        let data: Vec<_> = ids.iter().map(|id| json!({ "type": "workspaces", "id": id })).collect();
        json!({ "data": data })
    };
    let owner = server.owner();
    let place = async |id: &domain::id::WorkspaceId| {
        owner.get(format!("/workspaces/{id}")).await.is_ok().related("project")
    };
    let unknown = named(&[a.id.as_str(), "ws-9999999999999999"]);
    owner.post(&path, unknown).await.is_unprocessable("/data/1/id");
    assert_eq!(place(&a.id).await, a.project_id.as_str());
    owner.post(&path, named(&[a.id.as_str(), b.id.as_str()])).await.is_no_content();
    for moved in [&a, &b] {
        assert_eq!(place(&moved.id).await, project.id.as_str());
    }
    owner.post(&path, named(&[a.id.as_str()])).await.is_no_content();
    server.admin_of(&a).post(&path, named(&[a.id.as_str()])).await.is_not_found();
}
