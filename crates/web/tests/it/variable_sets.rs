//! Sets of variables, and the workspaces that have them.

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, server},
    world::resource,
};

const ALL: &str = "/app/acme/variable-sets";

#[tokio::test]
async fn a_set_is_made_filled_applied_and_deleted() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(ALL).await.is_ok();
    for (fields, field, why) in [
        ([("name", ""), ("workspaces", "")], "name", "can"),
        (
            [("name", "a"), ("workspaces", "net\nnowhere")],
            "workspaces",
            "There is no workspace net ",
        ),
        ([("name", "a"), ("projects", "nowhere")], "projects", "There is no project nowhere"),
    ] {
        let answer = owner.submit(&page, ALL, &fields).await;
        let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains(&format!("set-{field}-wrong")) && text.contains(why), "{text}");
    }
    let fields = [
        ("name", "cloud <x>"),
        ("global", "false"),
        ("workspaces", " networking "),
        ("priority", "true"),
    ];
    let set = owner.submit(&page, ALL, &fields).await.redirects();
    let page = owner.get(&set).await.is_ok();
    assert!(
        page.text().contains("cloud &lt;x&gt;") && page.text().contains("1 workspace"),
        "{page}"
    );
    let variables = format!("{set}/variables");
    let wrong = owner.submit(&page, &variables, &[("key", "a b"), ("category", "env")]).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("new-key-wrong"), "{text}");
    let fields =
        [("key", "token"), ("value", "hunter2"), ("category", "env"), ("sensitive", "true")];
    owner.submit(&page, &variables, &fields).await.redirects();
    let page = owner.get(&set).await.is_ok().text();
    assert!(page.contains("token") && !page.contains("hunter2"), "{page}");
    let one =
        page.split("href=\"").find(|part| part.starts_with(&format!("{variables}/"))).unwrap();
    let one = one.split('"').next().unwrap().to_owned();
    let page = owner.get(&one).await.is_ok();
    assert!(!page.text().contains("hunter2"), "{page}");
    owner
        .submit(&page, &one, &[("key", "TOKEN"), ("value", ""), ("category", "env")])
        .await
        .redirects();
    // It reaches the workspace, and stands above its own values.
    let text = owner.get("/app/acme/workspaces/networking/variables").await.is_ok().text();
    assert!(text.contains("TOKEN") && text.contains("with priority, for this workspace"), "{text}");
    let id = set.rsplit('/').next().unwrap();
    let shown = api.get(format!("/varsets/{id}")).await.is_ok();
    assert_eq!(shown.attribute("priority"), true);
    assert_eq!(shown.data()["relationships"]["workspaces"]["data"][0]["id"], ws.id.as_str());
    owner.submit(&page, &format!("{one}/delete"), &[]).await.redirects();
    let page = owner.get(&set).await.is_ok();
    owner.submit(&page, &set, &[("name", "all"), ("global", "true")]).await.redirects();
    assert_eq!(api.get(format!("/varsets/{id}")).await.is_ok().attribute("global"), true);
    assert_eq!(owner.submit(&page, &format!("{set}/delete"), &[]).await.redirects(), ALL);
    owner.get(&set).await.is_not_found();
}

#[tokio::test]
async fn a_workspace_is_given_a_set_and_loses_it_by_whoever_manages_sets() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let new = resource("varsets", &json!({ "name": "cloud" }));
    let set = api.post("/organizations/acme/varsets", new).await.is_created().id();
    let here = "/app/acme/workspaces/networking/variables";
    let give = "/app/acme/workspaces/networking/variable-sets";
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(here).await.is_ok();
    assert!(page.text().contains("No set reaches it"), "{page}");
    owner.submit(&page, give, &[("set", &set)]).await.redirects();
    let page = owner.get(here).await.is_ok();
    assert!(page.text().contains(&format!("{ALL}/{set}")), "{page}");
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    let seen = writer.get(here).await.is_ok().text();
    assert!(seen.contains("cloud") && !seen.contains("Take away"), "{seen}");
    owner.submit(&page, &format!("{give}/remove"), &[("set", &set)]).await.redirects();
    assert!(owner.get(here).await.is_ok().text().contains("No set reaches it"));
}

#[tokio::test]
async fn who_does_not_see_all_that_a_set_is_applied_to_changes_nothing_of_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let other = server.project("secret").await;
    let hidden = server
        .workspace_with(domain::workspaces::Change {
            name: Some("vault".into()),
            project_id: Some(other.id.clone()),
            ..domain::workspaces::Change::default()
        })
        .await;
    let api = server.owner();
    let project = json!({ "data": { "type": "projects", "id": ws.project_id } });
    let new = json!({ "data": { "type": "varsets", "attributes": { "name": "cloud" },
        "relationships": {
            "parent": project,
            "workspaces": { "data": [{ "type": "workspaces", "id": ws.id }] },
        } } });
    let set = api.post("/organizations/acme/varsets", new).await.is_created().id();
    let mut maintainer = Browser::of(
        &server,
        &server.in_project_of(&ws, domain::entity::team_project::Access::Maintain),
    )
    .await;
    let path = format!("{ALL}/{set}");
    let page = maintainer.get(&path).await.is_ok();
    // Not even the name of what is out of sight can be guessed.
    let fields = [("name", "cloud"), ("workspaces", "networking\nvault")];
    let answer = maintainer.submit(&page, &path, &fields).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("There is no workspace vault that you may see"), "{text}");
    assert_eq!(hidden.name, "vault");
    let fields = [("name", "cloud 2"), ("workspaces", "networking")];
    maintainer.submit(&page, &path, &fields).await.redirects();
}
