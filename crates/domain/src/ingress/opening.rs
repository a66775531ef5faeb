//! Something has happened in a repository: it is fetched if anybody is concerned, and each workspace that is gets a
//! configuration and a run.

use db::{
    Json,
    entity::ingress_attribute::Kind,
    id::{ConfigurationVersionId, IngressAttributesId, WorkspaceId},
};
use vcs::{
    CommitId, Family, Reference,
    events::{Action, Event, Moved, Person, PullRequest},
    git::{self, Changes, Wanted},
    provider::head_of,
    triggers::{Changed, Circumstances, Decision, Occasion, Passed, decide, passed},
};

use super::{
    decisions::{Watcher, already, watchers},
    deliveries::Trouble,
    older_plans,
    policies::{self, branch_of},
};
use crate::{
    Ctx, Result, Timestamp, commit_statuses, configurations,
    connected_repositories::{self as repositories, Level},
    policy_sets,
    row::{IngressAttributes, Repository},
    site_settings,
};

/// Paths that are kept of each configuration.
const KEPT_PATHS: usize = 1000;

/// One event that may start runs.
struct Incident<'a> {
    kind: Kind,
    occasion: Occasion<'a>,
    commit: &'a CommitId,
    wanted: Wanted,
    /// Of a push.
    moved: Option<&'a Moved>,
    pull: Option<&'a PullRequest>,
    branch: &'a str,
    tag: Option<&'a str>,
    sender: Option<&'a Person>,
    at: Timestamp,
}

pub(super) async fn happened(
    cx: &Ctx,
    row: &Repository,
    event: &Event,
    sender: Option<&Person>,
    at: Timestamp,
) -> Result<(), Trouble> {
    let Some(incident) = incident(row, event, sender, at)? else { return Ok(()) };
    Box::pin(concerns(cx, row, &incident)).await?;
    if let Some(pull) = incident.pull {
        older_plans::cancel(cx, row, pull.number, incident.commit, at).await?;
    }
    Ok(())
}

/// What of it may concern somebody. What was deleted starts nothing.
fn incident<'a>(
    row: &Repository,
    event: &'a Event,
    sender: Option<&'a Person>,
    at: Timestamp,
) -> Result<Option<Incident<'a>>> {
    let wanted = |commit: &CommitId, reference: Option<Reference>| Wanted {
        commit: Some(commit.clone()),
        reference,
    };
    Ok(match event {
        Event::Push { branch, moved } => moved.after.as_ref().map(|commit| Incident {
            kind: Kind::Push,
            occasion: Occasion::Push { branch: branch.as_str(), is_deleted: false },
            commit,
            wanted: wanted(commit, Some(Reference::Branch(branch.clone()))),
            moved: Some(moved),
            pull: None,
            branch: branch.as_str(),
            tag: None,
            sender,
            at,
        }),
        Event::Tag { tag, moved } => moved.after.as_ref().map(|commit| Incident {
            kind: Kind::Tag,
            occasion: Occasion::Tag { tag: tag.as_str(), is_deleted: false },
            commit,
            wanted: wanted(commit, Some(Reference::Tag(tag.clone()))),
            moved: Some(moved),
            pull: None,
            branch: "",
            tag: Some(tag.as_str()),
            sender,
            at,
        }),
        Event::PullRequest(pull) if matches!(pull.action, Action::Opened | Action::Updated) => {
            let from_fork = pull.is_from_fork();
            let base_branch = pull.base.branch.as_str();
            let reference = if from_fork {
                head_of(repositories::provider(row)?, pull.number)
            } else {
                Some(Reference::Branch(pull.head.branch.clone()))
            };
            Some(Incident {
                kind: Kind::PullRequest,
                occasion: Occasion::PullRequest { base_branch, from_fork },
                commit: &pull.head_commit,
                wanted: wanted(&pull.head_commit, reference),
                moved: None,
                pull: Some(pull),
                branch: pull.head.branch.as_str(),
                tag: None,
                sender,
                at,
            })
        }
        _ => None,
    })
}

async fn concerns(cx: &Ctx, row: &Repository, incident: &Incident<'_>) -> Result<(), Trouble> {
    let watchers = watchers(cx, row).await?;
    let mut default_branch = row.default_branch.clone();
    let mut sets = match incident.kind {
        Kind::Push => policy_sets::of_repository(cx, &row.id).await?,
        _ => Vec::new(),
    };
    if default_branch.is_none()
        && (watchers.iter().any(|one| one.watch.branch.is_none()) || !sets.is_empty())
    {
        default_branch = super::looking::default_branch(cx, row).await?;
    }
    let allows_forks = site_settings::current(cx).await?.plans_of_forks
        && repositories::provider(row)?.may_plan_forks();
    let around = |one: &Watcher| Circumstances {
        default_branch: default_branch.as_deref().unwrap_or_default(),
        allows_forks,
        has_had_run: one.has_had_run,
        already: &[],
        changed: Changed::Unknown,
    };
    // By what is cheap to know, so that nothing is fetched for nobody.
    let concerned: Vec<&Watcher> = watchers
        .iter()
        .filter(|one| passed(&one.watch, &incident.occasion, &around(one)).is_none())
        .collect();
    sets.retain(|set| branch_of(set, default_branch.as_deref()) == Some(incident.branch));
    if concerned.is_empty() && sets.is_empty() {
        return Ok(());
    }
    let cache = repositories::cache(cx, row).await?;
    let commit = cache.fetch(&incident.wanted).await?;
    let said = cache.commit(&commit).await?;
    let changes = changes(&cache, incident, &commit).await?;
    let changed = match &changes {
        Changes::Paths(paths) => Changed::Paths(paths),
        Changes::Unknown => Changed::Unknown,
    };
    for set in sets {
        let paths = match &changes {
            Changes::Paths(paths) => Some(paths.as_slice()),
            Changes::Unknown => None,
        };
        if policies::concerns(&set, paths) {
            policies::announce(cx, row, &set.id, &commit).await?;
        }
    }
    let already = already(cx, row, &commit).await?;
    let nothing = Vec::new();
    let (mut duplicates, mut untriggered) = (0, Vec::new());
    for one in concerned {
        let already = already.get(&one.workspace.id).unwrap_or(&nothing);
        let around = Circumstances { already, changed, ..around(one) };
        match decide(&one.watch, &incident.occasion, &around) {
            Decision::Run(because) => {
                let mut of = template(row, incident, &said, default_branch.as_deref());
                if let Changes::Paths(paths) = &changes {
                    of.changed_files = Json(paths.iter().take(KEPT_PATHS).cloned().collect());
                }
                of.workspace_id = one.workspace.id.clone();
                of.submodules = one.submodules;
                of.reason = because.to_string();
                Box::pin(open(cx, row, of)).await?;
            }
            Decision::Pass(Passed::Duplicate) => duplicates += 1,
            Decision::Pass(_) => untriggered.push(one.workspace.id.clone()),
        }
    }
    if incident.pull.is_some() && !untriggered.is_empty() {
        commit_statuses::untriggered(cx, &row.id, commit.as_str(), untriggered).await?;
    }
    if duplicates > 0 {
        let said = format!("Processing skipped for duplicate commit SHA {commit}.");
        repositories::note(cx, row, Level::Info, &said).await?;
    }
    Ok(())
}

/// A configuration, and its run.
async fn open(cx: &Ctx, row: &Repository, of: IngressAttributes) -> Result<()> {
    let source = configurations::source_of(&row.provider);
    match Box::pin(configurations::announce(cx, of, source)).await? {
        Some(new) => configurations::queue_run(cx, &new).await,
        None => Ok(()),
    }
}

async fn changes(
    cache: &git::Repository,
    incident: &Incident<'_>,
    commit: &CommitId,
) -> Result<Changes, Trouble> {
    if let Some(pull) = incident.pull {
        let reference = Some(Reference::Branch(pull.base.branch.clone()));
        let base = cache.fetch(&Wanted { commit: None, reference }).await?;
        return Ok(cache.changed_by_pull_request(&base, commit).await?);
    }
    match incident.moved {
        // Files decide nothing where tags do.
        Some(moved) if incident.tag.is_none() => {
            Ok(cache.changed_by_push(moved.before.as_ref(), commit).await?)
        }
        _ => Ok(Changes::Unknown),
    }
}

fn template(
    row: &Repository,
    incident: &Incident<'_>,
    said: &git::Commit,
    default_branch: Option<&str>,
) -> IngressAttributes {
    let (moved, pull, sender) = (incident.moved, incident.pull, incident.sender);
    let told = moved.and_then(|moved| moved.commit_url.clone());
    IngressAttributes {
        commit_url: told.or_else(|| commit_url(row, &said.id)),
        compare_url: match pull {
            Some(pull) => pull.url.clone(),
            None => moved.and_then(|moved| moved.compare_url.clone()),
        },
        branch: incident.branch.to_owned(),
        on_default_branch: default_branch == Some(incident.branch),
        tag: incident.tag.map(str::to_owned),
        pull_request_number: pull.and_then(|pull| i64::try_from(pull.number).ok()),
        pull_request_url: pull.and_then(|pull| pull.url.clone()),
        pull_request_title: pull.map(|pull| pull.title.clone()),
        pull_request_body: pull.map(|pull| pull.body.clone()),
        sender_username: sender.map(|who| who.name.clone()),
        sender_avatar_url: sender.and_then(|who| who.avatar_url.clone()),
        sender_html_url: sender.and_then(|who| who.url.clone()),
        happened_at: incident.at,
        ..plain(row, incident.kind, said)
    }
}

/// What a commit says of itself.
pub(super) fn plain(row: &Repository, kind: Kind, said: &git::Commit) -> IngressAttributes {
    IngressAttributes {
        id: IngressAttributesId::fresh(),
        // Given by who announces it.
        configuration_version_id: ConfigurationVersionId::fresh(),
        workspace_id: WorkspaceId::fresh(),
        repository_id: row.id.clone(),
        kind,
        commit_sha: said.id.to_string(),
        commit_message: clean(&said.message),
        commit_url: commit_url(row, &said.id),
        compare_url: None,
        clone_url: row.clone_url.clone(),
        identifier: row.identifier.clone(),
        branch: String::new(),
        on_default_branch: false,
        tag: None,
        pull_request_number: None,
        pull_request_url: None,
        pull_request_title: None,
        pull_request_body: None,
        sender_username: None,
        sender_avatar_url: None,
        sender_html_url: None,
        changed_files: Json::default(),
        submodules: false,
        reason: String::new(),
        happened_at: Timestamp(0),
    }
}

/// Characters of a message that are kept.
const MESSAGE: usize = 10_000;

/// Without what no database and no page takes.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(MESSAGE).collect()
}

/// Where people see it at the provider.
pub(super) fn commit_url(row: &Repository, commit: &CommitId) -> Option<String> {
    let page = row.page_url.as_deref()?.trim_end_matches('/');
    let between = match repositories::provider(row).ok()?.family() {
        Family::Gitlab => "-/commit",
        Family::Github | Family::Gitea | Family::Azure => "commit",
        Family::BitbucketCloud | Family::BitbucketDataCenter => "commits",
        Family::Git => return None,
    };
    Some(format!("{page}/{between}/{commit}"))
}
