//! A push to a real repository becomes an apply by a real engine, and a pull request a plan, `git` being run in the sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod engine;
mod server;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::vcs_fake::{self, Delivery, Fake, TOKEN, pull_request, push};

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
    until("a hook is made", || fake.shared.hooks.lock().unwrap().values().next().cloned());
    let hook = fake.hook_for(delivery);
    let mut request = reqwest::blocking::Client::new().post(&hook.url);
    for (name, value) in delivery.headers(&hook.secret) {
        request = request.header(name, value);
    }
    let answer = request.body(delivery.body.to_string()).send().unwrap();
    assert_eq!(answer.status(), 202);
}

/// A server that is connected to a provider, and a workspace of its repository; the workspace's id.
fn connected(place: &Place, fake: &Fake, attributes: &Value) -> (Served, String) {
    let (engine, version) = engine();
    let engine = engine.to_str().unwrap();
    let served = place.serve_with(&["--engine", engine, "--notification-networks", "127.0.0.0/8"]);
    let organization =
        json!({ "name": "acme", "email": "a@b.test", "pull-request-comments-enabled": true });
    served.post("organizations", "organizations", &organization);
    let client = json!({
        "service-provider": "github_enterprise", "http-url": fake.url,
        "api-url": format!("{}/api/v3", fake.url), "oauth-token-string": TOKEN,
    });
    let client = served.post("organizations/acme/oauth-clients", "oauth-clients", &client);
    let token = &client["data"]["relationships"]["oauth-tokens"]["data"][0]["id"];
    let mut all = json!({
        "name": "net", "terraform-version": version, "working-directory": "live",
        "vcs-repo": { "identifier": "acme/infra", "oauth-token-id": token },
    });
    all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    let workspace = served.post("organizations/acme/workspaces", "workspaces", &all);
    let id = workspace["data"]["id"].as_str().unwrap().to_owned();
    (served, id)
}

/// State and words of what stands beside a commit, as soon as that is so.
fn until_it_stands(fake: &Fake, commit: &str, expected: (&str, &str)) {
    until(&format!("{expected:?} stands beside the commit"), || {
        let commits = fake.shared.commits.lock().unwrap();
        let statuses = fake.shared.statuses.lock().unwrap();
        let (_, last) = commits.iter().zip(&*statuses).rfind(|(of, _)| *of == commit)?;
        (last["state"] == expected.0 && last["description"] == expected.1).then_some(())
    });
}

#[test]
fn a_push_is_applied_and_its_commit_stands_on_the_state() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(Fake::new("github_enterprise".parse().unwrap()));
    let place = Place::new();
    fake.origin.remove("main.tf");
    fake.origin.write("live/main.tf", "resource \"terraform_data\" \"one\" {}\n");
    let first = fake.origin.push("One").to_string();
    let attributes = json!({ "auto-apply": true, "queue-all-runs": true });
    let (served, workspace) = connected(&place, &fake, &attributes);
    applied(&served, &workspace, &first);

    fake.origin.write("live/two.tf", "resource \"terraform_data\" \"two\" {}\n");
    let second = fake.origin.push("Two").to_string();
    deliver(&fake, &push("d-1", "main", Some(&first), Some(&second)));
    let state = applied(&served, &workspace, &second);
    let address = state["attributes"]["hosted-state-download-url"].as_str().unwrap();
    let text = served.get(address).text().unwrap();
    assert!(text.contains("\"two\""), "{text}");
    until_it_stands(&fake, &second, ("success", "1 applied: 1 to add, 0 to change, 0 to destroy"));
    served.stop();
}

/// Of each run of a workspace how it stands and whether it is a plan alone, the newest first.
fn runs(served: &Served, workspace: &str) -> Vec<(String, bool)> {
    let found = get(served, &format!("workspaces/{workspace}/runs"));
    let run = |run: &Value| {
        let attributes = &run["attributes"];
        let status = attributes["status"].as_str().unwrap().to_owned();
        (status, attributes["plan-only"] == true)
    };
    found["data"].as_array().unwrap().iter().map(run).collect()
}

#[test]
fn a_pull_request_is_planned_and_a_newer_commit_ends_the_plan_that_is_under_way() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(Fake::new("github_enterprise".parse().unwrap()));
    // A module that is never fetched to its end.
    let modules = runtime.block_on(vcs_fake::Server::new());
    *modules.shared.silent.lock().unwrap() = true;
    let place = Place::new();
    let (served, workspace) = connected(&place, &fake, &json!({}));

    let origin = &fake.origin;
    origin.git(&["checkout", "-q", "-b", "feat"]);
    origin.remove("main.tf");
    origin.write("live/main.tf", "resource \"terraform_data\" \"one\" {}\n");
    let slow = format!("module \"slow\" {{\n  source = \"git::{}\"\n}}\n", modules.of("slow"));
    origin.write("live/slow.tf", slow);
    let first = origin.push("One").to_string();
    deliver(&fake, &pull_request("d-1", "opened", &first, 7));
    until("the plan is under way", || (modules.requests() > 0).then_some(()));
    assert_eq!(runs(&served, &workspace), [("planning".to_owned(), true)]);
    until_it_stands(&fake, &first, ("pending", "1 planning"));

    origin.remove("live/slow.tf");
    let second = origin.push("Two").to_string();
    deliver(&fake, &pull_request("d-2", "synchronize", &second, 7));
    let ended = [("planned_and_finished".to_owned(), true), ("canceled".to_owned(), true)];
    until("the newer commit is planned", || (runs(&served, &workspace) == ended).then_some(()));
    until_it_stands(&fake, &first, ("error", "1 canceled for a newer commit"));
    let planned = "1 planned: 1 to add, 0 to change, 0 to destroy";
    until_it_stands(&fake, &second, ("success", planned));
    until("the comment tells of the newer plan", || {
        let comments = fake.shared.comments.lock().unwrap();
        assert!(comments.len() <= 1, "{comments:?}");
        let text = comments.values().next()?.as_str()?;
        let is_of = text.contains(&second[..12]) && !text.contains(&first[..12]);
        (is_of && text.contains("+ terraform_data.one")).then_some(())
    });
    let state = served.get(&format!("workspaces/{workspace}/current-state-version"));
    assert_eq!(state.status(), 404, "nothing is applied");
    served.stop();
}
