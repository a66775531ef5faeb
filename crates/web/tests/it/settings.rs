//! The settings of a workspace, and what has to be typed before anything is lost.

use http::StatusCode;

use crate::{
    browser::{Browser, server},
    world::state,
};

const WORKSPACE: &str = "/app/acme/workspaces/networking";

#[tokio::test]
async fn what_is_not_ticked_is_off_and_what_is_wrong_changes_nothing() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = format!("{WORKSPACE}/settings");
    let page = owner.get(&here).await.is_ok();
    let fields = [
        ("name", "networking"),
        ("execution-mode", "local"),
        ("engine", "terraform"),
        ("terraform-version", "1.12.2"),
        ("auto-apply", "true"),
    ];
    assert_eq!(owner.submit(&page, &here, &fields).await.redirects(), here);
    let shown = api.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.attribute("auto-apply"), true);
    assert_eq!(shown.attribute("execution-mode"), "local");
    assert_eq!(shown.attribute("engine"), "terraform");
    assert_eq!(shown.attribute("allow-destroy-plan"), false);

    let page = owner.get(&here).await.is_ok();
    for (fields, field) in [
        ([("name", "a b"), ("execution-mode", ""), ("terraform-version", "1.12.2")], "name"),
        (
            [("name", "networking"), ("execution-mode", "agent"), ("terraform-version", "1.12.2")],
            "alert",
        ),
        (
            [("name", "networking"), ("execution-mode", "x"), ("terraform-version", "1")],
            "execution-mode",
        ),
    ] {
        let answer = owner.submit(&page, &here, &fields).await;
        let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        let said = [format!("general-{field}-wrong"), format!("role=\"{field}\"")];
        assert!(said.iter().any(|said| text.contains(said)), "{field}: {text}");
    }
    let shown = api.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.attribute("name"), "networking");
    assert_eq!(shown.attribute("execution-mode"), "local");
}

#[tokio::test]
async fn a_lock_tells_its_holder_and_its_reason_and_is_broken_by_the_name_alone() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    let here = format!("{WORKSPACE}/settings/locking");
    let page = writer.get(&here).await.is_ok();
    let reason = [("reason", "bank <window>")];
    assert_eq!(writer.submit(&page, &format!("{WORKSPACE}/lock"), &reason).await.redirects(), here);
    let page = owner.get(&here).await.is_ok();
    let holder = server.writer(&ws).user().await.username;
    let text = page.text();
    assert!(text.contains(&holder) && text.contains("bank &lt;window&gt;"), "{text}");
    // It is not the owner's to give back, and the writer's not to break.
    assert!(!text.contains(&format!("action=\"{WORKSPACE}/unlock\"")), "{text}");
    let own = writer.get(&here).await.is_ok();
    assert!(!own.text().contains("force-unlock"), "{own}");

    let force = format!("{WORKSPACE}/force-unlock");
    let wrong = owner.submit(&page, &force, &[("confirm", "net")]).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("force-confirm-wrong") && text.contains("value=\"net\""), "{text}");
    assert!(owner.get(&here).await.is_ok().text().contains(&holder));
    assert_eq!(owner.submit(&page, &force, &[("confirm", "networking")]).await.redirects(), here);
    assert!(owner.get(&here).await.is_ok().text().contains("Nobody holds the lock"));

    // Somebody else's lock is a conflict, which the page says.
    let page = owner.get(&here).await.is_ok();
    owner.submit(&page, &format!("{WORKSPACE}/lock"), &[]).await.redirects();
    let mut fields = std::collections::BTreeMap::new();
    let token = crate::browser::hidden_fields(&own.text(), &format!("{WORKSPACE}/unlock"));
    fields.extend(token);
    let text = writer.post(&format!("{WORKSPACE}/unlock"), &fields).await.is_conflict().text();
    assert!(text.contains("is locked by User owner"), "{text}");
}

#[tokio::test]
async fn a_workspace_is_deleted_by_its_whole_name_and_by_force_where_it_manages_something() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    state(&server.owner(), &ws).await;
    server.execute("UPDATE workspaces SET resource_count = 3 WHERE name = 'networking'").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let (here, delete) =
        (format!("{WORKSPACE}/settings/destruction"), format!("{WORKSPACE}/delete"));
    let page = owner.get(&here).await.is_ok();
    assert!(page.text().contains("It still manages 3 resources"), "{page}");
    for (confirm, status) in [
        ("networking", StatusCode::UNPROCESSABLE_ENTITY),
        ("", StatusCode::UNPROCESSABLE_ENTITY),
        ("acme/networking", StatusCode::CONFLICT),
    ] {
        owner.submit(&page, &delete, &[("confirm", confirm)]).await.has_status(status);
        owner.get(WORKSPACE).await.is_ok();
    }
    let fields = [("confirm", "acme/networking"), ("force", "true")];
    assert_eq!(owner.submit(&page, &delete, &fields).await.redirects(), "/app/acme/workspaces");
    owner.get(WORKSPACE).await.is_not_found();
}

#[tokio::test]
async fn a_workspace_stays_while_a_run_applies_in_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = crate::runs::run(&server, &ws).await;
    // What an agent leaves behind that has begun an apply.
    let begun = "UPDATE jobs SET kind = 'apply', status = 'started'";
    server.execute(begun).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(&format!("{WORKSPACE}/settings/destruction")).await.is_ok();
    for force in ["true", "false"] {
        let fields = [("confirm", "acme/networking"), ("force", force)];
        let answer = owner.submit(&page, &format!("{WORKSPACE}/delete"), &fields).await;
        let text = answer.has_status(StatusCode::CONFLICT).text();
        assert!(text.contains(&format!("is locked by the run {run}")), "{text}");
        owner.get(WORKSPACE).await.is_ok();
    }
}

#[tokio::test]
async fn force_is_for_those_who_have_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    server.execute("UPDATE workspaces SET resource_count = 3 WHERE name = 'networking'").await;
    let mut admin = Browser::of(&server, &server.admin_of(&ws)).await;
    let page = admin.get(&format!("{WORKSPACE}/settings/destruction")).await.is_ok();
    assert!(!page.text().contains("name=\"force\""), "{page}");
    let fields = [("confirm", "acme/networking"), ("force", "true")];
    let answer = admin.submit(&page, &format!("{WORKSPACE}/delete"), &fields).await;
    answer.has_status(StatusCode::FORBIDDEN);
    admin.get(WORKSPACE).await.is_ok();
}
