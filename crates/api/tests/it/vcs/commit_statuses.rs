//! What stands beside a commit at its provider.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::vcs_fake::{Mood, pull_request};

use super::World;
use crate::agent::Agent;

impl World {
    /// All statuses that were said since the last time, in the provider's words.
    pub async fn statuses(&self) -> Vec<Value> {
        let cx = self.server.system();
        domain::events::read(&cx).await.unwrap();
        domain::commit_statuses::work(&cx).await.unwrap();
        std::mem::take(&mut *self.fake.shared.statuses.lock().unwrap())
    }

    /// Name, state and words of each.
    async fn said(&self) -> Vec<String> {
        let said = self.statuses().await;
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        let line = |one: &Value| {
            [text(one, "context"), text(one, "state"), text(one, "description")].join(" | ")
        };
        said.iter().map(line).collect()
    }

    async fn proposes(&self, id: &str, content: &str) -> String {
        self.fake.origin.write("main.tf", content);
        let head = self.fake.origin.push(content).to_string();
        self.told(&pull_request(id, "synchronize", &head, 7)).await;
        head
    }

    async fn decides(&self, attributes: Value) {
        let body = json!({ "data": { "type": "organizations", "attributes": attributes } });
        self.server.owner().patch("/organizations/acme", body).await.is_ok();
    }
}

#[tokio::test]
async fn each_workspace_says_how_it_is_going_once_for_each_change() {
    let world = World::new().await;
    world
        .decides(json!({
            "aggregated-commit-status-enabled": false,
            "send-passing-statuses-for-untriggered-speculative-plans": true,
        }))
        .await;
    let workspace = world.workspace("networking", json!({})).await;
    world.workspace("other", json!({ "working-directory": "elsewhere" })).await;
    world.fake.origin.git(&["checkout", "-q", "-b", "feat"]);
    let first = world.proposes("d-1", "b").await;
    assert_eq!(
        world.said().await,
        [
            "Statehouse/acme/other | success | No file of this workspace has changed.",
            "Statehouse/acme/networking | pending | Waiting",
        ]
    );
    assert!(world.fake.shared.commits.lock().unwrap().iter().all(|commit| *commit == first));
    assert!(world.said().await.is_empty(), "nothing has changed");

    world.fake.shared.commits.lock().unwrap().clear();
    let second = world.proposes("d-2", "c").await;
    let said = world.said().await;
    assert!(
        said.contains(&"Statehouse/acme/networking | error | Canceled for a newer commit".into())
    );
    assert!(said.contains(&"Statehouse/acme/networking | pending | Waiting".into()));
    let commits = world.fake.shared.commits.lock().unwrap().clone();
    assert!(commits.contains(&first) && commits.contains(&second));

    // While the provider is away nothing is lost, and the newest is what is said in the end.
    world.server.stop_clock();
    world.fake.is(Mood::Down);
    let run = world.runs(&workspace).await[0]["id"].as_str().unwrap().to_owned();
    let cancel = format!("/runs/{run}/actions/cancel");
    world.server.owner().post(cancel, ()).await.has_status(http::StatusCode::ACCEPTED);
    assert!(world.said().await.is_empty());
    world.fake.is(Mood::Well);
    assert!(world.said().await.is_empty(), "it is not asked again at once");
    world.server.pass(Duration::from_secs(10));
    assert_eq!(world.said().await, ["Statehouse/acme/networking | error | Canceled"]);
}

#[tokio::test]
async fn one_status_counts_the_workspaces_of_a_commit() {
    let world = World::new().await;
    let one = world.workspace("one", json!({})).await;
    world.workspace("two", json!({})).await;
    world.fake.origin.git(&["checkout", "-q", "-b", "feat"]);
    world.proposes("d-1", "b").await;
    assert_eq!(world.said().await, ["Statehouse/acme | pending | 2 waiting"]);
    let run = world.runs(&one).await[0]["id"].as_str().unwrap().to_owned();
    let cancel = format!("/runs/{run}/actions/cancel");
    world.server.owner().post(cancel, ()).await.has_status(http::StatusCode::ACCEPTED);
    assert_eq!(world.said().await, ["Statehouse/acme | pending | 1 canceled, 1 waiting"]);
}

#[tokio::test]
async fn a_pull_request_has_one_comment_that_is_edited_and_tells_no_value() {
    let world = World::new().await;
    world.server.stop_clock();
    let agent = Agent::register(&world.server).await;
    world.workspace("networking", json!({})).await;
    let comments = || {
        let said = world.fake.shared.comments.lock().unwrap().clone();
        said.into_iter()
            .map(|(id, text)| (id, text.as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    world.fake.origin.git(&["checkout", "-q", "-b", "feat"]);
    world.proposes("d-1", "b").await;
    world.said().await;
    assert!(comments().is_empty(), "nobody has asked for it");

    world.decides(json!({ "pull-request-comments-enabled": true })).await;
    world.server.pass(Duration::from_secs(1));
    let head = world.proposes("d-2", "c").await;
    world.said().await;
    let [(first, text)] = &*comments() else { panic!("one comment: {:?}", comments()) };
    assert!(text.starts_with(&format!("### Plans of {}\n", &head[..12])), "{text}");
    assert!(text.contains("| [networking](https://"), "{text}");
    assert!(text.contains(") | waiting | | |  |  |"), "{text}");

    world.server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("finished", true).await;
    let change = |address: &str, action: &str| {
        json!({
            "address": address, "type": "a", "name": "b", "mode": "managed",
            "change": { "actions": [action], "before": null, "after": { "p": "hunter3", "q": "plain" },
                        "after_sensitive": { "p": true } },
        })
    };
    let plan = json!({ "plan_format_version": "1.2", "resource_changes": [
        change("a.b[\"x\"]", "create"), change("a.c", "update"), change("a.d", "no-op"),
    ] });
    assert_eq!(job.artifact("json-plan-redacted", &plan.to_string()).await, 204);
    world.said().await;
    domain::plan_changes::work(&world.server.system()).await.unwrap();
    world.server.pass(Duration::from_secs(4));
    world.said().await;
    let [(second, text)] = &*comments() else { panic!("one comment: {:?}", comments()) };
    assert_eq!(first, second, "it is edited in its place");
    assert!(text.contains(") | planned | "), "{text}");
    assert!(
        text.contains(
            "<details><summary>networking</summary>\n\n```diff\n+ a.b[\"x\"]\n! a.c\n```"
        ),
        "{text}"
    );
    for value in ["hunter3", "plain\""] {
        assert!(!text.contains(value), "{text}");
    }
    let asked = world.fake.shared.calls.lock().unwrap().len();
    world.said().await;
    assert_eq!(world.fake.shared.calls.lock().unwrap().len(), asked, "nothing has changed");

    // Somebody has removed it: the next commit gets a new one.
    world.fake.shared.comments.lock().unwrap().clear();
    world.server.pass(Duration::from_secs(1));
    let head = world.proposes("d-3", "d").await;
    world.said().await;
    let [(_, text)] = &*comments() else { panic!("one comment: {:?}", comments()) };
    assert!(text.contains(&head[..12]), "{text}");
}
