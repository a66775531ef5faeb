//! The deliveries of Azure DevOps Services and Server.

use serde::Deserialize;

use super::{Action, Contents, Event, Moved, Person, PullRequest, Refusal, Side, Subject, json};
use crate::{CommitId, RefName};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    event_type: String,
    #[serde(default)]
    resource: Resource,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    ref_updates: Vec<Update>,
    #[serde(default)]
    commits: Vec<Commit>,
    repository: Option<Repository>,
    pushed_by: Option<Account>,
    created_by: Option<Account>,
    pull_request_id: Option<u64>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    title: String,
    description: Option<String>,
    #[serde(default)]
    is_draft: bool,
    #[serde(default)]
    source_ref_name: String,
    #[serde(default)]
    target_ref_name: String,
    /// The head; `lastMergeCommit` is the provider's own merge.
    last_merge_source_commit: Option<Commit>,
    fork_source: Option<Fork>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    name: String,
    old_object_id: String,
    new_object_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    commit_id: String,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    id: String,
    #[serde(default)]
    name: String,
    default_branch: Option<String>,
    project: Option<Project>,
    web_url: Option<String>,
    remote_url: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    name: String,
}

#[derive(Deserialize)]
struct Fork {
    repository: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    display_name: String,
    image_url: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Result<Contents, Refusal> {
    let payload: Payload = json(body)?;
    let resource = payload.resource;
    let web = resource.repository.as_ref();
    let web =
        web.and_then(|repository| repository.web_url.as_ref().or(repository.remote_url.as_ref()));
    let events = match payload.event_type.as_str() {
        "git.push" => {
            let updates = resource.ref_updates.iter();
            updates.map(|one| update(one, &resource.commits, web)).collect::<Result<_, _>>()?
        }
        "git.pullrequest.created" => vec![pull_request(Action::Opened, &resource, web)?],
        "git.pullrequest.updated" | "git.pullrequest.merged" => {
            let action = match resource.status.as_str() {
                "abandoned" => Action::Closed,
                "completed" => Action::Merged,
                _ => Action::Updated,
            };
            vec![pull_request(action, &resource, web)?]
        }
        other => vec![Event::Unknown { name: other.to_owned() }],
    };
    let person = resource.pushed_by.or(resource.created_by);
    Ok(Contents {
        subject: resource.repository.map(subject),
        sender: person.map(|account| Person {
            name: account.display_name,
            avatar_url: account.image_url,
            url: None,
        }),
        installation: None,
        events,
    })
}

fn subject(repository: Repository) -> Subject {
    let project = repository.project.map(|project| project.name).unwrap_or_default();
    let short = |name: String| name.strip_prefix("refs/heads/").map_or(name.clone(), str::to_owned);
    Subject {
        id: repository.id,
        name: format!("{project}/_git/{}", repository.name),
        default_branch: repository.default_branch.map(short),
    }
}

fn update(update: &Update, commits: &[Commit], web: Option<&String>) -> Result<Event, Refusal> {
    let after = CommitId::or_none(&update.new_object_id)?;
    let newest = after.as_ref().and_then(|after| {
        commits.iter().find(|commit| commit.commit_id.eq_ignore_ascii_case(after.as_str()))
    });
    let commit_url = web.zip(after.as_ref()).map(|(web, after)| format!("{web}/commit/{after}"));
    let moved = Moved {
        before: CommitId::or_none(&update.old_object_id)?,
        message: newest.and_then(|commit| commit.comment.clone()),
        after,
        commit_url,
        ..Moved::default()
    };
    Ok(Event::moved(&update.name, moved)?)
}

fn pull_request(
    action: Action,
    resource: &Resource,
    web: Option<&String>,
) -> Result<Event, Refusal> {
    let missing = |what: &str| Refusal::Unreadable(format!("it has no {what}"));
    let number = resource.pull_request_id.ok_or_else(|| missing("pullRequestId"))?;
    let commit = resource.last_merge_source_commit.as_ref();
    let commit = commit.ok_or_else(|| missing("lastMergeSourceCommit"))?;
    let own = resource.repository.as_ref().map(|repository| repository.id.clone());
    let fork = resource.fork_source.as_ref().map(|fork| fork.repository.id.clone());
    let side = |name: &str, repository_id: Option<String>| -> Result<Side, Refusal> {
        let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
        Ok(Side { branch: RefName::parse(branch)?, repository_id })
    };
    Ok(Event::PullRequest(Box::new(PullRequest {
        action,
        number,
        title: resource.title.clone(),
        body: resource.description.clone().unwrap_or_default(),
        url: web.map(|web| format!("{web}/pullrequest/{number}")),
        is_draft: resource.is_draft,
        head: side(&resource.source_ref_name, fork.or_else(|| own.clone()))?,
        base: side(&resource.target_ref_name, own)?,
        head_commit: CommitId::parse(&commit.commit_id)?,
    })))
}
