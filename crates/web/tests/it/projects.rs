//! Projects.

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, server},
    world::resource,
};

#[tokio::test]
async fn a_project_is_made_renamed_and_deleted_once_it_is_empty() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let new = "/app/acme/new-project";
    let page = owner.get(new).await.is_ok();
    let wrong = owner.submit(&page, new, &[("name", "x"), ("description", "Kept")]).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("project-name-wrong") && text.contains("Kept"), "{text}");
    let here = owner.submit(&page, new, &[("name", "payments")]).await.redirects();
    let page = owner.get(&here).await.is_ok();
    assert_eq!(owner.submit(&page, &here, &[("name", "billing")]).await.redirects(), here);
    assert!(owner.get("/app/acme/projects?q=BILL").await.is_ok().text().contains(&here));
    let page = owner.get(&here).await.is_ok();
    let to = owner.submit(&page, &format!("{here}/delete"), &[]).await.redirects();
    assert_eq!(to, "/app/acme/projects");
    owner.get(&here).await.is_not_found();

    let default = format!("/app/acme/projects/{}", ws.project_id);
    let page = owner.get(&default).await.is_ok();
    let answer = owner.submit(&page, &format!("{default}/delete"), &[]).await.is_conflict();
    assert!(answer.text().contains("cannot be deleted"), "{answer}");
}

#[tokio::test]
async fn a_project_of_another_organization_is_not_found_below_ones_own() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut foreigner = Browser::of(&server, &server.foreigner()).await;
    foreigner.get(&format!("/app/elsewhere/projects/{}", ws.project_id)).await.is_not_found();
    let mut owner = Browser::of(&server, &server.owner()).await;
    owner.get(&format!("/app/acme/projects/{}", ws.project_id)).await.is_ok();
    owner.get(&format!("/app/elsewhere/projects/{}", ws.project_id)).await.is_not_found();
}

#[tokio::test]
async fn a_team_is_let_into_a_project_gets_other_rights_and_loses_them() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let other = server.project("Storage").await.id;
    let api = server.owner();
    let new = resource("teams", &json!({ "name": "crew-1", "visibility": "organization" }));
    let team = api.post("/organizations/acme/teams", new).await.is_created().id();
    let mut owner = Browser::of(&server, &api).await;
    let project = format!("/app/acme/projects/{}", ws.project_id);
    let here = format!("{project}/access");
    assert!(owner.get(&project).await.is_ok().text().contains(&here), "nothing leads there");
    let page = owner.get(&here).await.is_ok();
    let wrong = owner.submit(&page, &here, &[("team", &team), ("access", "plan")]).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("access-access-wrong"), "{text}");
    let given = owner.submit(&page, &here, &[("team", &team), ("access", "maintain")]).await;
    assert_eq!(given.redirects(), here);
    let text = owner.get(&here).await.is_ok().text();
    assert!(text.contains("crew-1") && text.contains("change and delete its workspaces"), "{text}");
    let one = text.split("href=\"").find(|part| part.starts_with(&format!("{here}/tprj-")));
    let one = one.unwrap().split('"').next().unwrap().to_owned();
    let page = owner.get(&one).await.is_ok();
    let fields = [
        ("access", "custom"),
        ("settings", "update"),
        ("teams", "none"),
        ("variable-sets", "read"),
        ("runs", "plan"),
        ("variables", "write"),
        ("state-versions", "none"),
        ("create", "true"),
    ];
    assert_eq!(owner.submit(&page, &one, &fields).await.redirects(), here);
    let id = one.rsplit('/').next().unwrap();
    let held = api.get(format!("/team-projects/{id}")).await.is_ok();
    assert_eq!(held.attribute("access"), "custom");
    assert_eq!(held.attribute("project-access")["settings"], "update");
    let rights = held.attribute("workspace-access");
    assert_eq!((&rights["runs"], &rights["create"]), (&json!("plan"), &json!(true)));
    assert_eq!((&rights["move"], &rights["variables"]), (&json!(false), &json!("write")));
    // In the address of another project it is not found.
    let elsewhere = one.replace(ws.project_id.as_str(), other.as_str());
    owner.get(&elsewhere).await.is_not_found();
    let page = owner.get(&one).await.is_ok();
    assert_eq!(owner.submit(&page, &format!("{one}/delete"), &[]).await.redirects(), here);
    assert!(!owner.get(&here).await.is_ok().text().contains("/tprj-"));
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    reader.get(&here).await.is_not_found();
}
