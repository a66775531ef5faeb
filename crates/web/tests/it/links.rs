//! Where the pages lead.

use std::collections::{BTreeSet, VecDeque};

use http::StatusCode;

use crate::{
    browser::{Browser, server},
    world,
};

/// Follows every link from page to page.
async fn visited(browser: &mut Browser<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::from(["/".to_owned()]);
    let mut left = VecDeque::from(["/".to_owned()]);
    while let Some(path) = left.pop_front() {
        let answer = browser.get(&path).await;
        let fine = [StatusCode::OK, StatusCode::SEE_OTHER].contains(&answer.status);
        assert!(fine, "{path} leads nowhere: {answer}");
        let text = answer.text();
        for link in text.split(" href=\"").skip(1) {
            let link = link.split('"').next().unwrap().replace("&amp;", "&");
            let link = link.split('#').next().unwrap();
            let file = ["/_archivist/", "/assets/"].iter().any(|start| link.starts_with(start));
            let elsewhere = link.is_empty() || file;
            assert!(elsewhere || link.starts_with('/'), "{path} leads out of the house: {link}");
            if !elsewhere && found.insert(link.to_owned()) {
                left.push_back(link.to_owned());
            }
        }
    }
    found
}

#[tokio::test]
async fn no_link_leads_nowhere_for_an_owner() {
    let server = server().await;
    let (_, names) = Box::pin(world::made(&server)).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let found = visited(&mut owner).await;
    let run = format!("/app/acme/workspaces/networking/runs/{}", names["run_id"]);
    let below = |path: &str| format!("/app/acme/{path}");
    let of_workspace = |path: &str| below(&format!("workspaces/networking/{path}"));
    for path in [
        run,
        "/waiting".to_owned(),
        below("runs"),
        below("projects"),
        below(&format!("projects/{}/access/{}", names["project_id"], names["team_project_id"])),
        below("teams"),
        below("members"),
        below("agents"),
        below("version-control"),
        below(&format!("version-control/{}", names["oauth_client_id"])),
        below("settings"),
        below("settings/lifetimes"),
        below("settings/cidr-range-lists"),
        below(&format!("settings/cidr-range-lists/{}", names["cidr_range_list_id"])),
        below("settings/ssh-keys"),
        below("settings/tags"),
        below("settings/retention"),
        below("variable-sets"),
        below(&format!("variable-sets/{}", names["varset_id"])),
        below("policies"),
        below(&format!("policies/{}", names["policy_set_id"])),
        below("audit"),
        "/first-steps".to_owned(),
        "/app/settings/sessions".to_owned(),
        of_workspace("paste-variables"),
        of_workspace("upload-state"),
        of_workspace("settings/tags"),
        of_workspace(&format!("settings/access/{}", names["team_workspace_id"])),
        of_workspace(&format!("settings/notifications/{}", names["notification_configuration_id"])),
        of_workspace("settings/run-triggers"),
        of_workspace("settings/state-sharing"),
        of_workspace("settings/ssh-key"),
        of_workspace("settings/retention"),
        below("new-workspace"),
        below("new-project"),
        of_workspace("start-run"),
        of_workspace("variables"),
        of_workspace(&format!("variables/{}", names["variable_id"])),
        of_workspace(&format!("states/{}", names["state_version_id"])),
        of_workspace("settings"),
        of_workspace("settings/version-control"),
        of_workspace("settings/locking"),
        of_workspace("settings/destruction"),
        below(&format!("teams/{}", names["team_id"])),
        below(&format!("agents/{}", names["agent_pool_id"])),
        below(&format!("projects/{}", names["project_id"])),
    ] {
        assert!(found.contains(&path), "nothing leads to {path}: {found:#?}");
    }
}

#[tokio::test]
async fn no_link_leads_nowhere_for_a_site_administrator() {
    let server = server().await;
    Box::pin(world::made(&server)).await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let found = visited(&mut admin).await;
    for path in [
        "/app/site",
        "/app/site/users",
        "/app/site/versions",
        "/app/site/settings",
        "/app/site/github-app",
        "/app/site/audit",
    ] {
        assert!(found.contains(path), "nothing leads to {path}: {found:#?}");
    }
}

#[tokio::test]
async fn no_link_leads_nowhere_for_a_reader_and_none_to_what_would_be_refused() {
    let server = server().await;
    let (ws, _) = Box::pin(world::made(&server)).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let found = visited(&mut reader).await;
    assert!(found.contains("/app/acme/workspaces/networking"), "{found:#?}");
    for refused in ["new-workspace", "new-project", "agents", "start-run", "acme/settings", "/site"]
    {
        assert!(!found.iter().any(|path| path.ends_with(refused)), "{refused}: {found:#?}");
    }
}
