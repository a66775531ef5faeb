//! GitLab.

use http::Method;
use serde_json::{Value, json};

use crate::provider::{Answer, Call, Shared, ok, page, with_status};

fn project(shared: &Shared, id: u64, name: &str) -> Value {
    json!({
        "id": id, "path_with_namespace": name, "default_branch": "main",
        "http_url_to_repo": format!("{}/{name}.git", shared.url), "web_url": format!("{}/{name}", shared.url),
        "permissions": {"project_access": {"access_level": 40}, "group_access": null},
    })
}

fn paged(call: &Call, all: &[Value]) -> Answer {
    let (items, has_next) = page(call, all);
    let next = if has_next { "2" } else { "" };
    (200, vec![("x-next-page", next.to_owned())], json!(items))
}

pub fn answer(shared: &Shared, call: &Call, parts: &[&str]) -> Answer {
    let head = &shared.head;
    let rest = match &parts[2..] {
        ["user"] => {
            return ok(
                json!({"id": 1, "username": "bot", "name": "Bot", "avatar_url": "U/a", "web_url": "U/bot"}),
            );
        }
        ["projects"] => {
            let all = [project(shared, 7, "acme/infra"), project(shared, 8, "acme/other")];
            return paged(call, &all);
        }
        ["projects", "acme/infra", rest @ ..] => rest,
        _ => return shared.unknown(),
    };
    match (&call.method, rest) {
        (&Method::GET, []) => ok(project(shared, 7, "acme/infra")),
        (&Method::GET, ["repository", "branches"]) => {
            ok(json!([{"name": "main", "commit": {"id": head}}]))
        }
        (&Method::GET, ["repository", "tags"]) => {
            ok(json!([{"name": "v1", "commit": {"id": head}}]))
        }
        (&Method::GET, ["repository", "commits", "refs/heads/main" | "refs/tags/v1"]) => {
            ok(json!({"id": head, "message": "a message", "author_name": "Ann", "web_url": "U"}))
        }
        (&Method::GET, ["merge_requests", "3"]) => ok(json!({
            "iid": 3, "state": "opened", "title": "t", "description": null, "web_url": "p", "sha": head,
            "source_branch": "feat", "target_branch": "main", "source_project_id": 7, "target_project_id": 7,
        })),
        (&Method::GET, ["hooks"]) => {
            let hooks = shared.hooks.lock().unwrap();
            let known = hooks.iter().map(|(id, hook)| json!({"id": id, "url": hook["url"]}));
            let other = json!({"id": 1, "url": "https://somebody.else/"});
            paged(call, &std::iter::once(other).chain(known).collect::<Vec<_>>())
        }
        (&Method::POST, ["hooks"]) => {
            with_status(201, json!({"id": shared.keep(call.body.clone())}))
        }
        (&Method::PUT, ["hooks", id]) if Shared::replace(&shared.hooks, id, call.body.clone()) => {
            ok(json!({"id": id.parse::<u64>().unwrap()}))
        }
        (&Method::DELETE, ["hooks", id]) => shared.remove_hook(id),
        (&Method::POST, ["statuses", commit]) if shared.has(commit) => {
            if shared.stands(commit, &call.body) {
                return with_status(201, json!({"id": 93}));
            }
            let said = "Cannot transition status via :run from :running (Reason(s): …)";
            with_status(400, json!({"message": said}))
        }
        (&Method::POST, ["merge_requests", "3", "notes"]) => {
            with_status(201, json!({"id": shared.say(call.body["body"].clone())}))
        }
        (&Method::PUT, ["merge_requests", "3", "notes", id])
            if Shared::replace(&shared.comments, id, call.body["body"].clone()) =>
        {
            ok(json!({"id": id.parse::<u64>().unwrap()}))
        }
        _ => shared.unknown(),
    }
}
