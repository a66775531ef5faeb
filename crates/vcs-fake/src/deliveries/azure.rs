//! Azure DevOps's deliveries, whose kind and name stand in the body alone.

use serde_json::{Value, json};

use super::{News, Proposal, ZEROS};

fn repository(id: &str) -> Value {
    json!({
        "id": id, "name": "infra", "defaultBranch": "refs/heads/main",
        "webUrl": "https://git.example/acme/proj/_git/infra", "project": {"id": "g2", "name": "proj"},
    })
}

fn moved(id: &str, reference: &str, before: Option<&str>, after: Option<&str>) -> Value {
    let told = |commit: &str| json!({"commitId": commit, "comment": "as it was told"});
    let commits: Vec<Value> = after.into_iter().map(told).collect();
    json!({
        "id": id, "eventType": "git.push",
        "resource": {
            "refUpdates": [{"name": reference, "oldObjectId": before.unwrap_or(ZEROS),
                            "newObjectId": after.unwrap_or(ZEROS)}],
            "commits": commits, "repository": repository("g1"),
            "pushedBy": {"displayName": "ann", "uniqueName": "ann@x"},
        },
    })
}

pub(super) fn told(news: News<'_>, id: &str) -> (&'static str, Value) {
    let body = match news {
        News::Moved { branch, before, after } => {
            moved(id, &format!("refs/heads/{branch}"), before, after)
        }
        News::Tagged { tag, object, .. } => {
            moved(id, &format!("refs/tags/{tag}"), None, Some(object))
        }
        // It tells of votes as of new commits.
        News::Proposed { what, head, is_fork } => {
            let opened = what == Proposal::Opened;
            let mut body = json!({
                "id": id,
                "eventType": if opened { "git.pullrequest.created" } else { "git.pullrequest.updated" },
                "resource": {
                    "pullRequestId": 3, "status": "active", "title": "Three more",
                    "description": "As told.", "isDraft": false, "sourceRefName": "refs/heads/feat",
                    "targetRefName": "refs/heads/main", "lastMergeSourceCommit": {"commitId": head},
                    "lastMergeCommit": {"commitId": ZEROS}, "repository": repository("g1"),
                    "createdBy": {"displayName": "ann"},
                },
            });
            if is_fork {
                let fork = json!({"name": "refs/heads/feat", "repository": repository("g9")});
                body["resource"]["forkSource"] = fork;
            }
            body
        }
    };
    ("", body)
}
