//! Azure DevOps.

use http::Method;
use serde_json::{Value, json};

use crate::provider::{Answer, Call, Shared, ok, with_status};

fn repository(shared: &Shared) -> Value {
    let remote = format!("{}/acme/proj/_git/infra", shared.url).replace("//", "//acme@");
    json!({
        "id": "g1", "name": "infra", "defaultBranch": "refs/heads/main", "remoteUrl": remote, "webUrl": "W",
        "project": {"id": "g2", "name": "proj"},
    })
}

pub fn answer(shared: &Shared, call: &Call, parts: &[&str]) -> Answer {
    let head = &shared.head;
    if !call.query.get("api-version").is_some_and(|version| version.starts_with("6.0")) {
        return with_status(400, json!({"message": "no version"}));
    }
    match (&call.method, parts) {
        (_, ["acme", "_apis", "connectionData"]) => {
            return ok(json!({"authenticatedUser": {"providerDisplayName": "bot"}}));
        }
        (_, ["acme", "_apis", "git", "repositories"]) => {
            return ok(json!({"count": 1, "value": [repository(shared)]}));
        }
        (&Method::GET, ["acme", "_apis", "hooks", "subscriptions"]) => {
            let hooks = shared.hooks.lock().unwrap();
            let known = hooks.iter().map(|(id, hook)| {
                json!({"id": id.to_string(), "eventType": hook["eventType"],
                       "consumerInputs": {"url": hook["consumerInputs"]["url"]}})
            });
            return ok(json!({"value": known.collect::<Vec<_>>()}));
        }
        (&Method::POST, ["acme", "_apis", "hooks", "subscriptions"]) => {
            let id = shared.keep(call.body.clone()).to_string();
            return ok(json!({"id": id, "eventType": call.body["eventType"]}));
        }
        (&Method::PUT, ["acme", "_apis", "hooks", "subscriptions", id]) => {
            if !Shared::replace(&shared.hooks, id, call.body.clone()) {
                return shared.unknown();
            }
            return ok(json!({"id": id, "eventType": call.body["eventType"]}));
        }
        (&Method::DELETE, ["acme", "_apis", "hooks", "subscriptions", id]) => {
            return shared.remove_hook(id);
        }
        _ => {}
    }
    let ["acme", "proj", "_apis", "git", "repositories", "infra", rest @ ..] = parts else {
        return shared.unknown();
    };
    match (&call.method, rest) {
        (&Method::GET, []) => ok(repository(shared)),
        (&Method::GET, ["refs"]) => {
            let filter = &call.query["filter"];
            let all = ["heads/main", "heads/main-2", "tags/v1"].map(|name| {
                let is_other = name == "heads/main-2";
                let at = if is_other { "ab".repeat(20) } else { head.clone() };
                json!({"name": format!("refs/{name}"), "objectId": at})
            });
            let found = all.into_iter().rev().filter(|named| {
                named["name"].as_str().unwrap().starts_with(&format!("refs/{filter}"))
            });
            ok(json!({"value": found.collect::<Vec<_>>()}))
        }
        (&Method::GET, ["commits", commit]) if commit == head => ok(
            json!({"commitId": head, "comment": "a message", "author": {"name": "Ann"}, "remoteUrl": "U"}),
        ),
        (&Method::GET, ["pullrequests", "3"]) => ok(json!({
            "pullRequestId": 3, "status": "active", "title": "t", "sourceRefName": "refs/heads/feat",
            "targetRefName": "refs/heads/main", "lastMergeSourceCommit": {"commitId": head},
            "repository": {"id": "g1", "webUrl": "W"},
        })),
        (&Method::POST, ["commits", commit, "statuses"]) if shared.has(commit) => {
            shared.stands(commit, &call.body);
            with_status(201, json!({"id": 1}))
        }
        (&Method::POST, ["pullRequests", "3", "threads"]) => {
            let id = shared.say(call.body["comments"][0]["content"].clone());
            ok(json!({"id": id, "comments": [{"id": 1}]}))
        }
        (&Method::PATCH, ["pullRequests", "3", "threads", id, "comments", "1"])
            if Shared::replace(&shared.comments, id, call.body["content"].clone()) =>
        {
            ok(json!({"id": 1}))
        }
        _ => shared.unknown(),
    }
}
