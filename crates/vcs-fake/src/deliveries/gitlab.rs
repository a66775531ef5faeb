//! GitLab's deliveries.

use serde_json::{Value, json};

use super::{News, Proposal, ZEROS};

fn project() -> Value {
    json!({"id": 7, "path_with_namespace": "acme/infra", "default_branch": "main",
           "web_url": "https://git.example/acme/infra"})
}

fn moved(
    kind: &str,
    reference: &str,
    before: Option<&str>,
    after: Option<&str>,
    commit: Option<&str>,
) -> Value {
    let told = |commit: &str| {
        let url = format!("https://git.example/acme/infra/-/commit/{commit}");
        json!({"id": commit, "message": "as it was told", "url": url})
    };
    let commits: Vec<Value> = commit.into_iter().map(told).collect();
    json!({
        "object_kind": kind, "ref": reference, "before": before.unwrap_or(ZEROS),
        "after": after.unwrap_or(ZEROS), "checkout_sha": commit, "user_username": "ann",
        "user_avatar": "https://git.example/ann.png", "project": project(),
        "total_commits_count": commits.len(), "commits": commits,
    })
}

pub(super) fn told(news: News<'_>) -> (&'static str, Value) {
    match news {
        News::Moved { branch, before, after } => {
            ("Push Hook", moved("push", &format!("refs/heads/{branch}"), before, after, after))
        }
        News::Tagged { tag, object, commit } => {
            let reference = format!("refs/tags/{tag}");
            ("Tag Push Hook", moved("tag_push", &reference, None, Some(object), Some(commit)))
        }
        News::Proposed { what, head, is_fork } => {
            let mut body = json!({
                "object_kind": "merge_request",
                "user": {"username": "ann", "avatar_url": "https://git.example/ann.png"},
                "project": project(),
                "object_attributes": {
                    "iid": 3, "action": if what == Proposal::Opened { "open" } else { "update" },
                    "title": "Three more", "description": "As told.",
                    "url": "https://git.example/acme/infra/-/merge_requests/3",
                    "source_branch": "feat", "target_branch": "main",
                    "source_project_id": if is_fork { 99 } else { 7 }, "target_project_id": 7,
                    "last_commit": {"id": head, "message": "as it was told", "url": "https://git.example/c"},
                },
            });
            match what {
                Proposal::Opened => {}
                Proposal::Updated => body["object_attributes"]["oldrev"] = json!(ZEROS),
                Proposal::Edited => {
                    let title = json!({"previous": "Two more", "current": "Three more"});
                    body["changes"] = json!({ "title": title });
                }
            }
            ("Merge Request Hook", body)
        }
    }
}

/// A hook says of each kind whether it is wanted.
pub(super) fn wants(hook: &Value, event: &str) -> bool {
    let kind = match event {
        "Push Hook" => "push_events",
        "Tag Push Hook" => "tag_push_events",
        _ => "merge_requests_events",
    };
    hook[kind] == true
}
