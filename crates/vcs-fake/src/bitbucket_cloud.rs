//! Bitbucket Cloud.

use http::Method;
use serde_json::{Value, json};

use crate::provider::{Answer, Call, Shared, ok, page, with_status};

fn repository(shared: &Shared, uuid: &str, name: &str) -> Value {
    let clone = format!("{}/{name}.git", shared.url).replace("//", "//bot@");
    json!({
        "uuid": uuid, "full_name": name, "name": "infra", "mainbranch": {"name": "main", "type": "branch"},
        "links": {"html": {"href": format!("{}/{name}", shared.url)},
                  "clone": [{"name": "ssh", "href": "git@x"}, {"name": "https", "href": clone}]},
    })
}

fn paged(shared: &Shared, call: &Call, all: &[Value]) -> Answer {
    let (items, has_next) = page(call, all);
    let mut body = json!({"values": items});
    if has_next {
        body["next"] = format!("{}{}?page=2", shared.url, call.path).into();
    }
    ok(body)
}

pub fn answer(shared: &Shared, call: &Call, parts: &[&str]) -> Answer {
    let head = &shared.head;
    let named = |name: &str| json!({"name": name, "target": {"hash": head}});
    let end = |branch: &str| json!({"branch": {"name": branch}, "commit": {"hash": &head[..12]}, "repository": {"uuid": "{r}"}});
    let rest = match &parts[1..] {
        ["user"] => {
            return ok(json!({"uuid": "{u}", "display_name": "Bot", "nickname": "bot",
                "links": {"avatar": {"href": "U/a"}, "html": {"href": "U/bot"}}}));
        }
        ["repositories"] => {
            let all =
                [repository(shared, "{r}", "acme/infra"), repository(shared, "{s}", "acme/other")];
            return paged(shared, call, &all);
        }
        ["repositories", "acme", "infra", rest @ ..] => rest,
        _ => return shared.unknown(),
    };
    match (&call.method, rest) {
        (&Method::GET, []) => ok(repository(shared, "{r}", "acme/infra")),
        (&Method::GET, ["refs", "branches"]) => ok(json!({"values": [named("main")]})),
        (&Method::GET, ["refs", "tags"]) => ok(json!({"values": [named("v1")]})),
        (&Method::GET, ["refs", "branches", "main"]) => ok(named("main")),
        (&Method::GET, ["refs", "tags", "v1"]) => ok(named("v1")),
        (&Method::GET, ["commit", commit]) if commit == head => ok(
            json!({"hash": head, "message": "a message", "author": {"raw": "Ann"}, "links": {"html": {"href": "U"}}}),
        ),
        (&Method::GET, ["pullrequests", "3"]) => ok(json!({
            "id": 3, "state": "OPEN", "title": "t", "source": end("feat"), "destination": end("main"),
            "links": {"html": {"href": "p"}},
        })),
        (&Method::GET, ["hooks"]) => {
            let hooks = shared.hooks.lock().unwrap();
            let known =
                hooks.iter().map(|(id, hook)| json!({"uuid": id.to_string(), "url": hook["url"]}));
            let other = json!({"uuid": "{o}", "url": "https://somebody.else/"});
            paged(shared, call, &std::iter::once(other).chain(known).collect::<Vec<_>>())
        }
        (&Method::POST, ["hooks"]) => with_status(
            201,
            json!({"uuid": shared.keep(call.body.clone()).to_string(), "secret_set": true}),
        ),
        (&Method::PUT, ["hooks", id]) if Shared::replace(&shared.hooks, id, call.body.clone()) => {
            ok(json!({"uuid": id}))
        }
        (&Method::DELETE, ["hooks", id]) => shared.remove_hook(id),
        (&Method::POST, ["commit", commit, "statuses", "build"]) if shared.has(commit) => {
            if call.body["key"].as_str().unwrap().len() > 40 || call.body["url"].is_null() {
                return with_status(400, json!({"type": "error", "error": {"message": "key"}}));
            }
            shared.stands(commit, &call.body);
            with_status(201, json!({"key": "k"}))
        }
        (&Method::POST, ["pullrequests", "3", "comments"]) => {
            with_status(201, json!({"id": shared.say(call.body["content"]["raw"].clone())}))
        }
        (&Method::PUT, ["pullrequests", "3", "comments", id])
            if Shared::replace(&shared.comments, id, call.body["content"]["raw"].clone()) =>
        {
            ok(json!({"id": id.parse::<u64>().unwrap()}))
        }
        _ => shared.unknown(),
    }
}
