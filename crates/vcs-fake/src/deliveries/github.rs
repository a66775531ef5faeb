//! GitHub's deliveries, and those of Gitea and Forgejo, which are almost the same.

use serde_json::{Value, json};
use vcs::ServiceProvider;

use super::{Delivery, News, Proposal, ZEROS};

fn sender() -> Value {
    json!({"login": "ann", "avatar_url": "https://git.example/ann.png", "html_url": "https://git.example/ann"})
}

fn repository() -> Value {
    json!({"id": 7, "full_name": "acme/infra", "default_branch": "main"})
}

/// What `reference` points to now may be a tag; `commit` is what that leads to.
fn moved(reference: &str, before: Option<&str>, after: Option<&str>, commit: &str) -> Value {
    json!({
        "ref": reference, "before": before.unwrap_or(ZEROS), "after": after.unwrap_or(ZEROS),
        "created": before.is_none(), "deleted": after.is_none(), "forced": false,
        "compare": "https://git.example/acme/infra/compare",
        "head_commit": after.map(|_| json!({
            "id": commit, "message": "as it was told", "url": format!("https://git.example/acme/infra/commit/{commit}"),
        })),
        "commits": [], "repository": repository(), "sender": sender(),
    })
}

fn proposed(action: &str, head: &str, head_repository: u64) -> Value {
    json!({
        "action": action, "number": 3,
        "pull_request": {
            "title": "Three more", "body": "As told.", "html_url": "https://git.example/acme/infra/pull/3",
            "draft": false, "merged": false,
            "head": {"ref": "feat", "sha": head, "repo": {"id": head_repository}},
            "base": {"ref": "main", "sha": ZEROS, "repo": {"id": 7}},
        },
        "repository": repository(), "sender": sender(),
    })
}

pub(super) fn told(news: News<'_>) -> (&'static str, Value) {
    told_with(news, "synchronize")
}

/// It tells of a branch that is gone by an event of its own, and has another word for a new head.
pub(super) fn told_by_gitea(news: News<'_>) -> (&'static str, Value) {
    if let News::Moved { branch, after: None, .. } = news {
        let body = json!({
            "ref": branch, "ref_type": "branch", "pusher_type": "user", "repository": repository(),
            "sender": sender(),
        });
        return ("delete", body);
    }
    let (event, mut body) = told_with(news, "synchronized");
    let members = body.as_object_mut().unwrap();
    if let Some(compare) = members.remove("compare") {
        members.insert("compare_url".into(), compare);
    }
    (event, body)
}

fn told_with(news: News<'_>, updated: &str) -> (&'static str, Value) {
    match news {
        News::Moved { branch, before, after } => {
            let reference = format!("refs/heads/{branch}");
            ("push", moved(&reference, before, after, after.unwrap_or(ZEROS)))
        }
        News::Tagged { tag, object, commit } => {
            ("push", moved(&format!("refs/tags/{tag}"), None, Some(object), commit))
        }
        News::Proposed { what, head, is_fork } => {
            let action = match what {
                Proposal::Opened => "opened",
                Proposal::Updated => updated,
                Proposal::Edited => "edited",
            };
            let mut body = proposed(action, head, if is_fork { 99 } else { 7 });
            if what == Proposal::Edited {
                body["changes"] = json!({"title": {"from": "Two more"}});
            }
            ("pull_request", body)
        }
    }
}

fn delivery(id: &str, event: &'static str, body: Value) -> Delivery {
    Delivery { provider: ServiceProvider::GithubEnterprise, id: id.to_owned(), event, body }
}

/// A branch has moved; without `after` it is gone.
pub fn push(id: &str, branch: &str, before: Option<&str>, after: Option<&str>) -> Delivery {
    let (event, body) = told(News::Moved { branch, before, after });
    delivery(id, event, body)
}

/// `at` may be the tag itself, of which nothing more is known.
pub fn tag(id: &str, name: &str, at: &str) -> Delivery {
    let (event, body) = told(News::Tagged { tag: name, object: at, commit: at });
    delivery(id, event, body)
}

/// Of the branch `feat`, number 3, which leads to `main`.
pub fn pull_request(id: &str, action: &str, head: &str, head_repository: u64) -> Delivery {
    delivery(id, "pull_request", proposed(action, head, head_repository))
}
