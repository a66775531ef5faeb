//! The deliveries of Bitbucket Cloud, which tell of several branches and tags at once.

use serde::Deserialize;

use super::{Action, Contents, Event, Moved, Person, PullRequest, Refusal, Side, Subject, json};
use crate::{CommitId, RefName};

#[derive(Deserialize)]
struct Payload {
    repository: Option<Repository>,
    actor: Option<Actor>,
    push: Option<Push>,
    pullrequest: Option<Pull>,
}

#[derive(Deserialize)]
struct Repository {
    uuid: String,
    #[serde(default)]
    full_name: String,
    mainbranch: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Actor {
    nickname: Option<String>,
    display_name: Option<String>,
    #[serde(default)]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    avatar: Option<Link>,
    html: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct Push {
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    old: Option<End>,
    new: Option<End>,
    #[serde(default)]
    forced: bool,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct End {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    hash: String,
    message: Option<String>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct Pull {
    id: u64,
    title: String,
    description: Option<String>,
    #[serde(default)]
    draft: bool,
    source: PullEnd,
    destination: PullEnd,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct PullEnd {
    branch: Named,
    commit: Option<Hash>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Hash {
    hash: String,
}

pub(super) fn read(name: &str, body: &[u8]) -> Result<Contents, Refusal> {
    let payload: Payload = json(body)?;
    let events = match (name, &payload.push, &payload.pullrequest) {
        ("repo:push", Some(push), _) => {
            push.changes.iter().map(change).collect::<Result<Vec<_>, _>>()?
        }
        ("pullrequest:created", _, Some(pull)) => vec![pull_request(Action::Opened, pull)?],
        ("pullrequest:updated", _, Some(pull)) => vec![pull_request(Action::Updated, pull)?],
        ("pullrequest:fulfilled", _, Some(pull)) => vec![pull_request(Action::Merged, pull)?],
        ("pullrequest:rejected", _, Some(pull)) => vec![pull_request(Action::Closed, pull)?],
        (
            "repo:push"
            | "pullrequest:created"
            | "pullrequest:updated"
            | "pullrequest:fulfilled"
            | "pullrequest:rejected",
            _,
            _,
        ) => return Err(Refusal::Unreadable(format!("it does not say what {name} is about"))),
        (other, _, _) => vec![Event::Unknown { name: other.to_owned() }],
    };
    Ok(Contents {
        subject: payload.repository.map(|repository| Subject {
            id: repository.uuid,
            name: repository.full_name,
            default_branch: repository.mainbranch.map(|branch| branch.name),
        }),
        sender: payload.actor.and_then(person),
        installation: None,
        events,
    })
}

fn person(actor: Actor) -> Option<Person> {
    Some(Person {
        name: actor.nickname.or(actor.display_name)?,
        avatar_url: actor.links.avatar.map(|link| link.href),
        url: actor.links.html.map(|link| link.href),
    })
}

fn change(change: &Change) -> Result<Event, Refusal> {
    let end = change.new.as_ref().or(change.old.as_ref());
    let end = end.ok_or_else(|| Refusal::Unreadable("a change has neither old nor new".into()))?;
    let folder = match end.kind.as_str() {
        "branch" => "refs/heads/",
        "tag" => "refs/tags/",
        other => return Ok(Event::Unknown { name: format!("push to a {other}") }),
    };
    let commit =
        |end: &Option<End>| end.as_ref().map(|end| CommitId::parse(&end.target.hash)).transpose();
    let newest = change.new.as_ref().map(|end| &end.target);
    let href = |links: &Links| links.html.as_ref().map(|link| link.href.clone());
    let moved = Moved {
        before: commit(&change.old)?,
        after: commit(&change.new)?,
        is_forced: change.forced,
        message: newest.and_then(|target| target.message.clone()),
        commit_url: newest.and_then(|target| href(&target.links)),
        compare_url: href(&change.links),
    };
    Ok(Event::moved(&format!("{folder}{}", end.name), moved)?)
}

fn pull_request(action: Action, pull: &Pull) -> Result<Event, Refusal> {
    let side = |end: &PullEnd| -> Result<Side, Refusal> {
        Ok(Side {
            branch: RefName::parse(&end.branch.name)?,
            repository_id: end.repository.as_ref().map(|repository| repository.uuid.clone()),
        })
    };
    let commit = pull.source.commit.as_ref();
    let commit = commit.ok_or_else(|| Refusal::Unreadable("its source has no commit".into()))?;
    Ok(Event::PullRequest(Box::new(PullRequest {
        action,
        number: pull.id,
        title: pull.title.clone(),
        body: pull.description.clone().unwrap_or_default(),
        url: pull.links.html.as_ref().map(|link| link.href.clone()),
        is_draft: pull.draft,
        head: side(&pull.source)?,
        base: side(&pull.destination)?,
        head_commit: CommitId::parse(&commit.hash)?,
    })))
}
