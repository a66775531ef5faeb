//! Bitbucket Data Center, and Bitbucket Server, which is so old that it does not know all events.

use http::Method;
use serde_json::{Value, json};
use vcs::ServiceProvider;

use crate::provider::{Answer, Call, Shared, ok, with_status};

fn repository(shared: &Shared, id: u64, slug: &str) -> Value {
    json!({
        "id": id, "slug": slug, "name": slug, "project": {"key": "PRJ", "id": 2},
        "links": {"clone": [{"name": "http", "href": format!("{}/scm/prj/{slug}.git", shared.url)}],
                  "self": [{"href": format!("{}/projects/PRJ/repos/{slug}/browse", shared.url)}]},
    })
}

fn paged(call: &Call, all: &[Value]) -> Answer {
    let start: usize = call.query.get("start").map_or(0, |start| start.parse().unwrap());
    let is_last = start + 1 >= all.len();
    let next = if is_last { Value::Null } else { json!(start + 1) };
    let items = &all[start.min(all.len())..(start + 1).min(all.len())];
    let body = json!({"values": items, "isLastPage": is_last, "start": start, "limit": 1, "nextPageStart": next});
    (200, vec![("x-ausername", "bot".to_owned())], body)
}

pub fn answer(shared: &Shared, call: &Call, parts: &[&str]) -> Answer {
    let head = &shared.head;
    let named =
        |name: &str| json!({"id": format!("refs/{name}"), "displayId": name, "latestCommit": head});
    let end = |name: &str| json!({"id": name, "displayId": name, "latestCommit": head, "repository": {"id": 1}});
    let rest = match parts {
        ["rest", "api", "1.0", "repos"] => {
            return paged(call, &[repository(shared, 1, "infra"), repository(shared, 2, "other")]);
        }
        ["rest", "build-status", "1.0", "commits", commit] if shared.has(commit) => {
            shared.stands(commit, &call.body);
            return with_status(204, Value::Null);
        }
        ["rest", "api", "1.0", "projects", "PRJ", "repos", "infra", rest @ ..] => rest,
        _ => return shared.unknown(),
    };
    let knows = |body: &Value| {
        let mut events = body["events"].as_array().unwrap().iter();
        shared.provider != ServiceProvider::BitbucketServer
            || !events.any(|event| event == "pr:from_ref_updated")
    };
    match (&call.method, rest) {
        (&Method::GET, []) => ok(repository(shared, 1, "infra")),
        (&Method::GET, ["branches", "default"]) => ok(named("main")),
        (&Method::GET, ["branches"]) => paged(call, &[named("main")]),
        (&Method::GET, ["tags"]) => paged(call, &[named("v1")]),
        (&Method::GET, ["commits"]) => {
            let until = call.query.get("until").map(String::as_str);
            if !matches!(until, Some("refs/heads/main" | "refs/tags/v1")) {
                return shared.unknown();
            }
            paged(call, &[json!({"id": head, "message": "a message", "author": {"name": "Ann"}})])
        }
        (&Method::GET, ["pull-requests", "3"]) => ok(json!({
            "id": 3, "state": "OPEN", "title": "t", "fromRef": end("feat"), "toRef": end("main"),
            "links": {"self": [{"href": "p"}]},
        })),
        (&Method::GET, ["webhooks"]) => {
            let hooks = shared.hooks.lock().unwrap();
            let known = hooks.iter().map(|(id, hook)| json!({"id": id, "url": hook["url"]}));
            let other = json!({"id": 1, "url": "https://somebody.else/"});
            paged(call, &std::iter::once(other).chain(known).collect::<Vec<_>>())
        }
        (&Method::POST | &Method::PUT, ["webhooks", ..]) if !knows(&call.body) => {
            with_status(400, json!({"errors": [{"message": "unknown event"}]}))
        }
        (&Method::POST, ["webhooks"]) => {
            with_status(201, json!({"id": shared.keep(call.body.clone())}))
        }
        (&Method::PUT, ["webhooks", id])
            if Shared::replace(&shared.hooks, id, call.body.clone()) =>
        {
            ok(json!({"id": id.parse::<u64>().unwrap()}))
        }
        (&Method::DELETE, ["webhooks", id]) => shared.remove_hook(id),
        (&Method::POST, ["pull-requests", "3", "comments"]) => {
            with_status(201, json!({"id": shared.say(call.body["text"].clone()), "version": 0}))
        }
        (&Method::GET, ["pull-requests", "3", "comments", id])
            if shared.comments.lock().unwrap().contains_key(&id.parse().unwrap()) =>
        {
            ok(json!({"id": id.parse::<u64>().unwrap(), "version": 4}))
        }
        (&Method::PUT, ["pull-requests", "3", "comments", id]) if call.body["version"] == 4 => {
            assert!(Shared::replace(&shared.comments, id, call.body["text"].clone()));
            ok(json!({"id": id.parse::<u64>().unwrap(), "version": 5}))
        }
        _ => shared.unknown(),
    }
}
