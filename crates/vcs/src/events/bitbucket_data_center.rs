//! The deliveries of Bitbucket Data Center and Server.

use serde::Deserialize;

use super::{Action, Contents, Event, Moved, Person, PullRequest, Refusal, Side, Subject, json};
use crate::{CommitId, RefName};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    actor: Option<Actor>,
    repository: Option<Repository>,
    #[serde(default)]
    changes: Vec<Change>,
    pull_request: Option<Pull>,
    previous_target: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Actor {
    name: String,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    slug: Option<String>,
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Project {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    #[serde(rename = "ref")]
    reference: Named,
    from_hash: String,
    to_hash: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pull {
    id: u64,
    title: String,
    description: Option<String>,
    #[serde(default)]
    draft: bool,
    from_ref: End,
    to_ref: End,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    display_id: String,
    latest_commit: String,
    repository: Repository,
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(default, rename = "self")]
    own: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

pub(super) fn read(name: &str, body: &[u8]) -> Result<Contents, Refusal> {
    if name == "diagnostics:ping" {
        let events = vec![Event::Ping];
        return Ok(Contents { subject: None, sender: None, installation: None, events });
    }
    let payload: Payload = json(body)?;
    let is_retargeted = payload.previous_target.is_some();
    let action = match name {
        "pr:opened" | "pr:reopened" => Some(Action::Opened),
        "pr:from_ref_updated" => Some(Action::Updated),
        "pr:modified" if is_retargeted => Some(Action::Updated),
        "pr:modified" => Some(Action::Edited),
        "pr:merged" => Some(Action::Merged),
        "pr:declined" | "pr:deleted" => Some(Action::Closed),
        _ => None,
    };
    let events = match (name, action, &payload.pull_request) {
        ("repo:refs_changed", _, _) => {
            payload.changes.iter().map(change).collect::<Result<Vec<_>, _>>()?
        }
        (_, Some(action), Some(pull)) => vec![pull_request(action, pull)?],
        (_, Some(_), None) => return Err(Refusal::Unreadable("it has no pullRequest".into())),
        (other, None, _) => vec![Event::Unknown { name: other.to_owned() }],
    };
    let target = payload.pull_request.map(|pull| pull.to_ref.repository);
    Ok(Contents {
        subject: payload.repository.or(target).map(subject),
        sender: payload.actor.map(|actor| Person { name: actor.name, avatar_url: None, url: None }),
        installation: None,
        events,
    })
}

fn subject(repository: Repository) -> Subject {
    let key = repository.project.map(|project| project.key).unwrap_or_default();
    Subject {
        id: repository.id.to_string(),
        name: format!("{key}/{}", repository.slug.unwrap_or_default()),
        default_branch: None,
    }
}

fn change(change: &Change) -> Result<Event, Refusal> {
    let moved = Moved {
        before: CommitId::or_none(&change.from_hash)?,
        after: CommitId::or_none(&change.to_hash)?,
        ..Moved::default()
    };
    Ok(Event::moved(&change.reference.id, moved)?)
}

fn pull_request(action: Action, pull: &Pull) -> Result<Event, Refusal> {
    let side = |end: &End| -> Result<Side, Refusal> {
        Ok(Side {
            branch: RefName::parse(&end.display_id)?,
            repository_id: Some(end.repository.id.to_string()),
        })
    };
    Ok(Event::PullRequest(Box::new(PullRequest {
        action,
        number: pull.id,
        title: pull.title.clone(),
        body: pull.description.clone().unwrap_or_default(),
        url: pull.links.own.first().map(|link| link.href.clone()),
        is_draft: pull.draft,
        head: side(&pull.from_ref)?,
        base: side(&pull.to_ref)?,
        head_commit: CommitId::parse(&pull.from_ref.latest_commit)?,
    })))
}
