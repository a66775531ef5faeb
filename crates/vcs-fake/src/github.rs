//! GitHub, and Gitea, which differs in a few words.

use http::Method;
use serde_json::{Value, json};
use vcs::Family;

use crate::provider::{Answer, Call, INSTALLATION_TOKEN, Shared, linked, ok, page, with_status};

fn repository(shared: &Shared, id: u64, name: &str) -> Value {
    json!({
        "id": id, "full_name": name, "name": "infra", "private": true, "default_branch": "main",
        "html_url": format!("{}/{name}", shared.url), "clone_url": format!("{}/{name}.git", shared.url),
        "owner": {"login": "acme"}, "permissions": {"admin": true, "push": true, "pull": true},
    })
}

pub fn answer(shared: &Shared, call: &Call, parts: &[&str]) -> Answer {
    let is_gitea = shared.provider.family() == Family::Gitea;
    let head = &shared.head;
    let point = if is_gitea { json!({"id": head}) } else { json!({"sha": head}) };
    let end = |branch: &str| json!({"ref": branch, "sha": head, "repo": {"id": 7}});
    let commit = || {
        ok(
            json!({"sha": head, "html_url": "U", "commit": {"message": "a message", "author": {"name": "Ann"}}}),
        )
    };
    let parts = &parts[2..];
    let rest = match parts {
        ["user"] => {
            return ok(json!({"id": 1, "login": "bot", "avatar_url": "U/a", "html_url": "U/bot"}));
        }
        ["user", "repos"] => {
            let all = [repository(shared, 7, "acme/infra"), repository(shared, 8, "acme/other")];
            return linked(shared, call, &all);
        }
        ["app", "installations"] => {
            let installed = shared.installations.lock().unwrap();
            let all = installed.iter().map(|id| {
                let account =
                    json!({"login": "acme-at-github", "type": "Organization", "avatar_url": "U/a"});
                json!({"id": id, "account": account, "html_url": "U/i", "suspended_at": null})
            });
            return linked(shared, call, &all.collect::<Vec<_>>());
        }
        ["app", "installations", id, "access_tokens"] => {
            let installed = shared.installations.lock().unwrap();
            if !installed.iter().any(|known| known.to_string() == **id) {
                return shared.unknown();
            }
            return with_status(
                201,
                json!({"token": INSTALLATION_TOKEN, "expires_at": "2026-01-01T01:00:00Z"}),
            );
        }
        ["installation", "repositories"] => {
            let all = [repository(shared, 7, "acme/infra"), repository(shared, 8, "acme/other")];
            let (some, _) = page(call, &all);
            return ok(json!({"total_count": 2, "repositories": some}));
        }
        ["repos", "acme", "old"] => {
            let to = format!("{}/api/v3/repos/acme/infra", shared.url);
            return (301, vec![("location", to)], json!({"message": "Moved Permanently"}));
        }
        ["repos", "acme", "astray"] => {
            let to = "http://127.0.0.1:1/api/v3/repos/acme/infra".to_owned();
            return (301, vec![("location", to)], json!({"message": "Moved Permanently"}));
        }
        ["repos", "acme", "infra", rest @ ..] => rest,
        _ => return shared.unknown(),
    };
    match (&call.method, rest) {
        (&Method::GET, []) => ok(repository(shared, 7, "acme/infra")),
        (&Method::GET, ["branches"]) => ok(json!([{"name": "main", "commit": point}])),
        (&Method::GET, ["tags"]) => ok(json!([{"name": "v1", "commit": {"sha": head}}])),
        (&Method::GET, ["commits", "heads/main" | "tags/v1"]) if !is_gitea => commit(),
        (&Method::GET, ["git", "commits", "refs/heads/main" | "refs/tags/v1"]) if is_gitea => {
            commit()
        }
        (&Method::GET, ["pulls", "3"]) => ok(json!({
            "number": 3, "state": "open", "title": "t", "body": null, "html_url": "p",
            "head": end("feat"), "base": end("main"),
        })),
        (&Method::GET, ["hooks"]) => {
            let hooks = shared.hooks.lock().unwrap();
            let hidden = |(id, hook): (&u64, &Value)| json!({"id": id, "active": hook["active"], "config": {"url": hook["config"]["url"], "secret": "********"}});
            let other = json!({"id": 1, "config": {"url": "https://somebody.else/"}});
            let all: Vec<Value> = std::iter::once(other).chain(hooks.iter().map(hidden)).collect();
            linked(shared, call, &all)
        }
        (&Method::POST, ["hooks"]) => {
            with_status(201, json!({"id": shared.keep(call.body.clone())}))
        }
        (&Method::PATCH, ["hooks", id])
            if Shared::replace(&shared.hooks, id, call.body.clone()) =>
        {
            ok(json!({"id": id.parse::<u64>().unwrap()}))
        }
        (&Method::DELETE, ["hooks", id]) => shared.remove_hook(id),
        (&Method::POST, ["statuses", commit]) if shared.has(commit) => {
            shared.stands(commit, &call.body);
            with_status(201, json!({"id": 1}))
        }
        (&Method::POST, ["statuses", commit]) => {
            with_status(422, json!({"message": format!("No commit found for SHA: {commit}")}))
        }
        (&Method::POST, ["issues", "3", "comments"]) => {
            with_status(201, json!({"id": shared.say(call.body["body"].clone())}))
        }
        (&Method::PATCH, ["issues", "comments", id])
            if Shared::replace(&shared.comments, id, call.body["body"].clone()) =>
        {
            ok(json!({"id": id.parse::<u64>().unwrap()}))
        }
        _ => shared.unknown(),
    }
}
