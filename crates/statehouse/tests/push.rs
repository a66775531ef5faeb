//! A push to a real repository becomes an apply by a real engine, `git` being run in the sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod engine;
mod server;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::vcs_fake::{Delivery, Fake, TOKEN, push};

use engine::engine;
use server::{Place, Served};

fn get(served: &Served, path: &str) -> Value {
    serde_json::from_str(&served.get(path).text().unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own waits for another process")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Asks again until something is so.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_mins(2), "{what}");
        pause();
    }
}

/// The state that the run of a commit has left.
fn applied(served: &Served, workspace: &str, commit: &str) -> Value {
    until("the commit is applied", || {
        let state = get(served, &format!("workspaces/{workspace}/current-state-version"));
        (state["data"]["attributes"]["vcs-commit-sha"] == commit).then(|| state["data"].clone())
    })
}

fn deliver(fake: &Fake, delivery: &Delivery) {
    let hook =
        until("a hook is made", || fake.shared.hooks.lock().unwrap().values().next().cloned());
    let secret = hook["config"]["secret"].as_str().unwrap();
    let mut request =
        reqwest::blocking::Client::new().post(hook["config"]["url"].as_str().unwrap());
    for (name, value) in delivery.headers(secret) {
        request = request.header(name, value);
    }
    let answer = request.body(delivery.body.to_string()).send().unwrap();
    assert_eq!(answer.status(), 202);
}

#[test]
fn a_push_is_applied_and_its_commit_stands_on_the_state() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(Fake::new("github_enterprise".parse().unwrap()));
    let (engine, version) = engine();
    let place = Place::new();
    let engine = engine.to_str().unwrap();
    let served = place.serve_with(&["--engine", engine, "--notification-networks", "127.0.0.0/8"]);
    let organization = json!({ "name": "acme", "email": "a@b.test" });
    served.post("organizations", "organizations", &organization);
    let client = json!({
        "service-provider": "github_enterprise", "http-url": fake.url,
        "api-url": format!("{}/api/v3", fake.url), "oauth-token-string": TOKEN,
    });
    let client = served.post("organizations/acme/oauth-clients", "oauth-clients", &client);
    let token = &client["data"]["relationships"]["oauth-tokens"]["data"][0]["id"];

    fake.origin.remove("main.tf");
    fake.origin.write("live/main.tf", "resource \"terraform_data\" \"one\" {}\n");
    let first = fake.origin.push("One").to_string();
    let attributes = json!({
        "name": "net", "auto-apply": true, "queue-all-runs": true, "terraform-version": version,
        "working-directory": "live",
        "vcs-repo": { "identifier": "acme/infra", "oauth-token-id": token },
    });
    let workspace = served.post("organizations/acme/workspaces", "workspaces", &attributes);
    let workspace = workspace["data"]["id"].as_str().unwrap();
    applied(&served, workspace, &first);

    fake.origin.write("live/two.tf", "resource \"terraform_data\" \"two\" {}\n");
    let second = fake.origin.push("Two").to_string();
    deliver(&fake, &push("d-1", "main", Some(&first), Some(&second)));
    let state = applied(&served, workspace, &second);
    let address = state["attributes"]["hosted-state-download-url"].as_str().unwrap();
    let text = served.get(address).text().unwrap();
    assert!(text.contains("\"two\""), "{text}");
    until("the commit is said to be applied", || {
        let statuses = fake.shared.statuses.lock().unwrap();
        let last = statuses.last()?;
        let is_said = last["description"] == "1 applied: 1 to add, 0 to change, 0 to destroy";
        (is_said && last["state"] == "success").then_some(())
    });
    served.stop();
}
