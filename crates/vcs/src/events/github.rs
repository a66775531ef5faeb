//! The deliveries of GitHub, and of Gitea and Forgejo, which speak its language but for a few words.

use serde::Deserialize;

use super::{Action, Contents, Event, Moved, Person, PullRequest, Refusal, Side, Subject, json};
use crate::{CommitId, RefName};

#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
    repository: Option<Repository>,
    sender: Option<Account>,
    installation: Option<Numbered>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    ref_type: Option<String>,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    forced: bool,
    head_commit: Option<Commit>,
    compare: Option<String>,
    compare_url: Option<String>,
    number: Option<u64>,
    pull_request: Option<Pull>,
    #[serde(default)]
    changes: Changes,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    full_name: String,
    default_branch: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    avatar_url: Option<String>,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
    message: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Pull {
    title: String,
    body: Option<String>,
    html_url: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged: bool,
    head: End,
    base: End,
}

#[derive(Deserialize)]
struct End {
    #[serde(rename = "ref")]
    reference: String,
    sha: String,
    repo: Option<Numbered>,
}

/// Of what kind; what it was before does not matter. GitHub calls the branch that a pull request leads to `base`, Gitea
/// `ref`.
#[derive(Default, Deserialize)]
struct Changes {
    base: Option<serde::de::IgnoredAny>,
    #[serde(rename = "ref")]
    reference: Option<serde::de::IgnoredAny>,
}

pub(super) fn read(name: &str, body: &[u8]) -> Result<Contents, Refusal> {
    let payload: Payload = json(body)?;
    let event = match name {
        "push" => push(&payload)?,
        // Gitea tells of a branch that is gone by this alone; GitHub by a push, and only who asks for it by this too.
        "delete" => deleted(&payload)?,
        "pull_request" => pull_request(&payload)?,
        "ping" => Event::Ping,
        "installation" | "installation_repositories" => {
            Event::Installation { action: payload.action.clone().unwrap_or_default() }
        }
        other => Event::Unknown { name: other.to_owned() },
    };
    Ok(Contents {
        subject: payload.repository.map(|repository| Subject {
            id: repository.id.to_string(),
            name: repository.full_name,
            default_branch: repository.default_branch,
        }),
        sender: payload.sender.map(|account| Person {
            name: account.login,
            avatar_url: account.avatar_url,
            url: account.html_url,
        }),
        installation: payload.installation.map(|installation| installation.id.to_string()),
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
    let mut after = CommitId::or_none(after)?;
    let commit = payload.head_commit.as_ref();
    // Of an annotated tag "after" is the tag.
    if let (Some(commit), true, true) =
        (commit, after.is_some(), reference.starts_with("refs/tags/"))
    {
        after = Some(CommitId::parse(&commit.id)?);
    }
    let moved = Moved {
        before: CommitId::or_none(before)?,
        after,
        is_forced: payload.forced,
        message: commit.and_then(|commit| commit.message.clone()),
        commit_url: commit.and_then(|commit| commit.url.clone()),
        compare_url: payload.compare.clone().or_else(|| payload.compare_url.clone()),
    };
    Ok(Event::moved(reference, moved)?)
}

fn deleted(payload: &Payload) -> Result<Event, Refusal> {
    let name = payload.reference.as_deref().ok_or_else(|| missing("ref"))?;
    let kind = payload.ref_type.as_deref().ok_or_else(|| missing("ref_type"))?;
    let folder = if kind == "tag" { "refs/tags/" } else { "refs/heads/" };
    Ok(Event::moved(&format!("{folder}{name}"), Moved::default())?)
}

fn pull_request(payload: &Payload) -> Result<Event, Refusal> {
    let pull = payload.pull_request.as_ref().ok_or_else(|| missing("pull_request"))?;
    let number = payload.number.ok_or_else(|| missing("number"))?;
    let is_retargeted = payload.changes.base.is_some() || payload.changes.reference.is_some();
    let action = match payload.action.as_deref().unwrap_or_default() {
        "opened" | "reopened" => Action::Opened,
        "synchronize" | "synchronized" => Action::Updated,
        "edited" if is_retargeted => Action::Updated,
        "closed" if pull.merged => Action::Merged,
        "closed" => Action::Closed,
        _ => Action::Edited,
    };
    let side = |end: &End| -> Result<Side, Refusal> {
        Ok(Side {
            branch: RefName::parse(&end.reference)?,
            repository_id: end.repo.as_ref().map(|repo| repo.id.to_string()),
        })
    };
    Ok(Event::PullRequest(Box::new(PullRequest {
        action,
        number,
        title: pull.title.clone(),
        body: pull.body.clone().unwrap_or_default(),
        url: pull.html_url.clone(),
        is_draft: pull.draft,
        head: side(&pull.head)?,
        base: side(&pull.base)?,
        head_commit: CommitId::parse(&pull.head.sha)?,
    })))
}
