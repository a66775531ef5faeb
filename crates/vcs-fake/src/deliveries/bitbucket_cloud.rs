//! Bitbucket Cloud's deliveries. Of a pull request they tell the beginning of its commit's name, and whatever is changed
//! about it in the same words.

use serde_json::{Value, json};

use super::{News, Proposal, ZEROS};

fn about(rest: Value) -> Value {
    let mut body = json!({
        "repository": {"uuid": "{r}", "full_name": "acme/infra"},
        "actor": {"nickname": "ann", "links": {"avatar": {"href": "https://git.example/ann.png"}}},
    });
    let Value::Object(rest) = rest else { panic!("it is an object") };
    body.as_object_mut().unwrap().extend(rest);
    body
}

fn moved(kind: &str, name: &str, before: Option<&str>, after: Option<&str>) -> Value {
    let end = |hash: &str| {
        let href = format!("https://git.example/acme/infra/commits/{hash}");
        json!({"type": kind, "name": name,
               "target": {"hash": hash, "message": "as it was told", "links": {"html": {"href": href}}}})
    };
    let change = json!({
        "old": before.map(end), "new": after.map(end), "created": before.is_none(),
        "closed": after.is_none(), "forced": false, "truncated": false,
    });
    about(json!({"push": {"changes": [change]}}))
}

pub(super) fn told(news: News<'_>) -> (&'static str, Value) {
    match news {
        News::Moved { branch, before, after } => {
            ("repo:push", moved("branch", branch, before, after))
        }
        News::Tagged { tag, commit, .. } => ("repo:push", moved("tag", tag, None, Some(commit))),
        News::Proposed { what, head, is_fork } => {
            let end = |branch: &str, commit: &str, uuid: &str| {
                json!({"branch": {"name": branch}, "commit": {"hash": &commit[..12]},
                       "repository": {"uuid": uuid}})
            };
            let title = if what == Proposal::Edited { "Four more" } else { "Three more" };
            let pull = json!({
                "id": 3, "title": title, "description": "As told.", "state": "OPEN",
                "source": end("feat", head, if is_fork { "{x}" } else { "{r}" }),
                "destination": end("main", ZEROS, "{r}"),
                "links": {"html": {"href": "https://git.example/acme/infra/pull-requests/3"}},
            });
            let opened = what == Proposal::Opened;
            let event = if opened { "pullrequest:created" } else { "pullrequest:updated" };
            (event, about(json!({"pullrequest": pull})))
        }
    }
}
