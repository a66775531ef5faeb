//! The deliveries of GitLab.

use serde::Deserialize;

use super::{Action, Contents, Event, Moved, Person, PullRequest, Refusal, Side, Subject, json};
use crate::{CommitId, RefName};

#[derive(Deserialize)]
struct Payload {
    object_kind: Option<String>,
    project: Option<Project>,
    user: Option<User>,
    user_username: Option<String>,
    user_avatar: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    before: Option<String>,
    after: Option<String>,
    checkout_sha: Option<String>,
    #[serde(default)]
    commits: Vec<Commit>,
    object_attributes: Option<MergeRequest>,
    #[serde(default)]
    changes: Changes,
}

#[derive(Deserialize)]
struct Project {
    id: u64,
    path_with_namespace: String,
    default_branch: Option<String>,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
    message: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct MergeRequest {
    iid: u64,
    action: Option<String>,
    /// Only where the commits changed.
    oldrev: Option<String>,
    title: String,
    description: Option<String>,
    url: Option<String>,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    last_commit: Option<Commit>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    work_in_progress: bool,
}

#[derive(Default, Deserialize)]
struct Changes {
    target_branch: Option<serde::de::IgnoredAny>,
}

pub(super) fn read(body: &[u8]) -> Result<Contents, Refusal> {
    let payload: Payload = json(body)?;
    let kind = payload.object_kind.as_deref().unwrap_or_default();
    let event = match kind {
        "push" | "tag_push" => push(&payload)?,
        "merge_request" => merge_request(&payload)?,
        other => Event::Unknown { name: other.to_owned() },
    };
    let pusher = payload.user_username.map(|name| Person {
        name,
        avatar_url: payload.user_avatar,
        url: None,
    });
    let user = payload.user.map(|user| Person {
        name: user.username,
        avatar_url: user.avatar_url,
        url: None,
    });
    Ok(Contents {
        subject: payload.project.map(|project| Subject {
            id: project.id.to_string(),
            name: project.path_with_namespace,
            default_branch: project.default_branch,
        }),
        sender: user.or(pusher),
        installation: None,
        events: vec![event],
    })
}

fn missing(what: &str) -> Refusal {
    Refusal::Unreadable(format!("it has no {what}"))
}

fn push(payload: &Payload) -> Result<Event, Refusal> {
    let reference = payload.reference.as_deref().ok_or_else(|| missing("ref"))?;
    let before = payload.before.as_deref().ok_or_else(|| missing("before"))?;
    let after = payload.after.as_deref().ok_or_else(|| missing("after"))?;
    let (before, mut after) = (CommitId::or_none(before)?, CommitId::or_none(after)?);
    // Of an annotated tag "after" is the tag.
    if let (Some(_), Some(commit)) = (&after, &payload.checkout_sha) {
        after = Some(CommitId::parse(commit)?);
    }
    let newest = after.as_ref().and_then(|after| {
        payload.commits.iter().find(|commit| commit.id.eq_ignore_ascii_case(after.as_str()))
    });
    let web = payload.project.as_ref().and_then(|project| project.web_url.as_ref());
    let compare_url = match (web, &before, &after) {
        (Some(web), Some(before), Some(after)) => {
            Some(format!("{web}/-/compare/{before}...{after}"))
        }
        _ => None,
    };
    let moved = Moved {
        before,
        after,
        is_forced: false,
        message: newest.and_then(|commit| commit.message.clone()),
        commit_url: newest.and_then(|commit| commit.url.clone()),
        compare_url,
    };
    Ok(Event::moved(reference, moved)?)
}

fn merge_request(payload: &Payload) -> Result<Event, Refusal> {
    let request = payload.object_attributes.as_ref().ok_or_else(|| missing("object_attributes"))?;
    let commit = request.last_commit.as_ref().ok_or_else(|| missing("last_commit"))?;
    let is_moved = request.oldrev.is_some() || payload.changes.target_branch.is_some();
    let action = match request.action.as_deref().unwrap_or_default() {
        "open" | "reopen" => Action::Opened,
        "update" if is_moved => Action::Updated,
        "close" => Action::Closed,
        "merge" => Action::Merged,
        _ => Action::Edited,
    };
    let side = |branch: &str, project: Option<u64>| -> Result<Side, Refusal> {
        Ok(Side {
            branch: RefName::parse(branch)?,
            repository_id: project.map(|id| id.to_string()),
        })
    };
    Ok(Event::PullRequest(Box::new(PullRequest {
        action,
        number: request.iid,
        title: request.title.clone(),
        body: request.description.clone().unwrap_or_default(),
        url: request.url.clone(),
        is_draft: request.draft || request.work_in_progress,
        head: side(&request.source_branch, request.source_project_id)?,
        base: side(&request.target_branch, request.target_project_id)?,
        head_commit: CommitId::parse(&commit.id)?,
    })))
}
