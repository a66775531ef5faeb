//! Bitbucket Data Center's deliveries, which tell neither commits nor who has made them.

use serde_json::{Value, json};

use super::{News, Proposal, ZEROS};

fn actor() -> Value {
    json!({"name": "ann", "displayName": "Ann"})
}

fn moved(folder: &str, kind: &str, name: &str, before: Option<&str>, after: Option<&str>) -> Value {
    let what = match (before, after) {
        (None, _) => "ADD",
        (_, None) => "DELETE",
        _ => "UPDATE",
    };
    json!({
        "eventKey": "repo:refs_changed", "actor": actor(),
        "repository": {"id": 1, "slug": "infra", "project": {"key": "PRJ"}},
        "changes": [{
            "ref": {"id": format!("refs/{folder}/{name}"), "displayId": name, "type": kind},
            "fromHash": before.unwrap_or(ZEROS), "toHash": after.unwrap_or(ZEROS), "type": what,
        }],
    })
}

pub(super) fn told(news: News<'_>) -> (&'static str, Value) {
    let changed = "repo:refs_changed";
    match news {
        News::Moved { branch, before, after } => {
            (changed, moved("heads", "BRANCH", branch, before, after))
        }
        News::Tagged { tag, object, .. } => {
            (changed, moved("tags", "TAG", tag, None, Some(object)))
        }
        News::Proposed { what, head, is_fork } => {
            let event = match what {
                Proposal::Opened => "pr:opened",
                Proposal::Updated => "pr:from_ref_updated",
                Proposal::Edited => "pr:modified",
            };
            let end = |branch: &str, commit: &str, id: u64| {
                json!({"id": format!("refs/heads/{branch}"), "displayId": branch,
                       "latestCommit": commit, "repository": {"id": id}})
            };
            let mut body = json!({
                "eventKey": event, "actor": actor(),
                "pullRequest": {
                    "id": 3, "title": "Three more", "description": "As told.", "draft": false,
                    "fromRef": end("feat", head, if is_fork { 99 } else { 1 }),
                    "toRef": end("main", ZEROS, 1),
                    "links": {"self": [{"href": "https://git.example/projects/PRJ/repos/infra/pull-requests/3"}]},
                },
            });
            if what == Proposal::Edited {
                body["previousTitle"] = json!("Two more");
            }
            (event, body)
        }
    }
}
