//! A pull request is planned, and only that.

use serde_json::json;
use testkit::{
    vcs_fake::{pull_request, push},
    world::{related, resource},
};

use super::World;
use crate::{agent::Agent, notifications::Recipient, run_tasks};

#[tokio::test]
async fn a_run_task_is_told_which_commit_a_run_is_of() {
    let world = World::new().await;
    let server = &world.server;
    let owner = server.owner();
    let _agent = Agent::register(server).await;
    let workspace = world.workspace("networking", json!({})).await;
    let service = Recipient::new().await;
    let task = owner.post("/organizations/acme/tasks", run_tasks::task("scan", &service.url)).await;
    let new = related(
        resource(
            "workspace-tasks",
            &json!({ "enforcement-level": "advisory", "stages": ["pre_plan"] }),
        ),
        &json!({ "task": { "data": { "type": "tasks", "id": task.is_created().id() } } }),
    );
    owner.post(format!("/workspaces/{workspace}/tasks"), new).await.is_created();
    let origin = &world.fake.origin;
    origin.git(&["checkout", "-q", "-b", "feat"]);
    origin.write("main.tf", "b");
    let head = origin.push("One").to_string();
    world.told(&pull_request("d-1", "opened", &head, 7)).await;
    server.advance().await;
    domain::task_results::deliveries().finish(&server.system()).await.unwrap();
    let asked = service.heard().await.pop().unwrap().json();
    let ingress = world.ingress(&world.runs(&workspace).await[0]).await;
    assert_eq!(asked["vcs_commit_hash"], head.as_str());
    assert_eq!(asked["vcs_branch"], "feat");
    assert_eq!(asked["vcs_pull_request_url"], "https://git.example/acme/infra/pull/3");
    assert_eq!(asked["vcs_commit_url"], ingress.attribute("commit-url"));
    assert_eq!(asked["run_created_by"], ingress.attribute("sender-username"));
    let shown = owner.get(format!("/workspaces/{workspace}")).await.is_ok();
    assert_eq!(asked["vcs_repo_url"], shown.attribute("vcs-repo")["repository-http-url"]);
    assert!(asked["vcs_repo_url"].is_string() && asked["run_created_by"].is_string());
}

#[tokio::test]
async fn a_pull_request_is_planned_and_a_newer_commit_cancels_the_older_plan() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({})).await;
    let silent = world.workspace("silent", json!({ "speculative-enabled": false })).await;
    let origin = &world.fake.origin;
    origin.git(&["checkout", "-q", "-b", "feat"]);
    origin.write("main.tf", "b");
    let first = origin.push("One").to_string();
    world.told(&pull_request("d-1", "opened", &first, 7)).await;
    let runs = world.runs(&workspace).await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["attributes"]["plan-only"], true);
    assert_eq!(runs[0]["attributes"]["message"], "Three more");
    let ingress = world.ingress(&runs[0]).await;
    for (name, expected) in [
        ("commit-sha", json!(first)),
        ("branch", json!("feat")),
        ("on-default-branch", json!(false)),
        ("is-pull-request", json!(true)),
        ("pull-request-number", json!(3)),
        ("pull-request-title", json!("Three more")),
        ("pull-request-body", json!("As told.")),
        ("pull-request-url", json!("https://git.example/acme/infra/pull/3")),
    ] {
        assert_eq!(ingress.attribute(name), expected, "{name}");
    }
    // Labels and the like plan nothing anew, nor does the same head.
    world.told(&pull_request("d-2", "labeled", &first, 7)).await;
    world.told(&pull_request("d-3", "reopened", &first, 7)).await;
    assert_eq!(world.runs(&workspace).await.len(), 1);

    origin.write("main.tf", "c");
    let second = origin.push("Two").to_string();
    world.told(&pull_request("d-4", "synchronize", &second, 7)).await;
    let runs = world.runs(&workspace).await;
    let statuses: Vec<_> = runs.iter().map(|run| &run["attributes"]["status"]).collect();
    assert_eq!(statuses, [&json!("pending"), &json!("canceled")]);
    assert!(world.runs(&silent).await.is_empty());

    // A merge by fast-forward brings the commit that was planned, and it runs.
    world.run_by_hand(&workspace).await;
    origin.git(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
    let before = world.fake.head.to_string();
    world.told(&push("d-5", "main", Some(&before), Some(&second))).await;
    let runs = world.runs(&workspace).await;
    assert_eq!(runs[0]["attributes"]["plan-only"], false);
    assert_eq!(world.ingress(&runs[0]).await.attribute("commit-sha"), second);
}

#[tokio::test]
async fn pull_requests_of_forks_are_planned_where_the_site_allows_it() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({})).await;
    let origin = &world.fake.origin;
    origin.git(&["checkout", "-q", "-b", "feat"]);
    origin.write("main.tf", "b");
    let head = origin.commit("From elsewhere").to_string();
    origin.git(&["push", "-q", "origin", "HEAD:refs/pull/3/head"]);
    world.told(&pull_request("d-1", "opened", &head, 99)).await;
    assert!(world.runs(&workspace).await.is_empty());
    let name = "allow-speculative-plans-on-pull-requests-from-forks";
    let body = json!({ "data": { "type": "general-settings", "attributes": { name: true } } });
    let decided = world.server.site_admin().patch("/admin/general-settings", body).await.is_ok();
    assert_eq!(decided.attribute(name), true);
    world.told(&pull_request("d-2", "synchronize", &head, 99)).await;
    assert_eq!(world.runs(&workspace).await.len(), 1);
}
