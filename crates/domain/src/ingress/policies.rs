//! Policies of a repository: a version of each set for each push of its branch that may have changed them.

use db::{
    entity::policy_set_version::Ingress,
    id::{PolicySetId, PolicySetVersionId},
};
use vcs::{
    CommitId, RefName, Reference,
    git::{Wanted, Wishes},
    triggers::{FileRule, Files},
};

use super::{deliveries::Trouble, opening::commit_url};
use crate::{
    Ctx, Error, Result, configurations, connected_repositories as repositories, policy_sets,
    row::{PolicySet, Repository},
};

/// How often it is tried before a version has failed: some hours.
const TRIES: i64 = 8;

/// The branch of a set, or the repository's own.
pub(super) fn branch_of<'a>(
    set: &'a PolicySet,
    default_branch: Option<&'a str>,
) -> Option<&'a str> {
    let named = set.vcs_repo.as_ref().map(|repo| repo.branch.as_str());
    named.filter(|branch| !branch.is_empty()).or(default_branch)
}

/// Whether a push of its branch may have changed its policies; without a list of files any may.
pub(super) fn concerns(set: &PolicySet, changed: Option<&[String]>) -> bool {
    let Some(changed) = changed else { return true };
    let rule = FileRule::new(Files {
        file_triggers_enabled: true,
        trigger_patterns: &set.policy_update_patterns,
        working_directory: set.policies_path.as_deref().unwrap_or_default(),
        ..Files::default()
    });
    // What is no pattern keeps nothing from being read.
    rule.map_or(true, |rule| rule.first_match(changed).is_some())
}

pub(super) async fn announce(
    cx: &Ctx,
    row: &Repository,
    set: &PolicySetId,
    commit: &CommitId,
) -> Result<()> {
    let ingress = Ingress {
        commit_sha: commit.to_string(),
        commit_url: commit_url(row, commit),
        identifier: row.identifier.clone(),
    };
    let source = configurations::source_of(&row.provider);
    policy_sets::announce(cx, set, &row.id, source, ingress).await
}

/// A set that has come to a repository gets what its branch has.
pub(super) async fn connected(cx: &Ctx, id: &PolicySetId, attempts: i64) -> Result<(), String> {
    match Box::pin(head(cx, id)).await {
        Ok(()) => Ok(()),
        Err(trouble) if trouble.is_passing() && attempts + 1 < TRIES => Err(trouble.to_string()),
        // The set stays unread, which each of its runs says.
        Err(trouble) => {
            tracing::warn!(policy_set = %id, "the policies of {id} cannot be fetched: {trouble}");
            Ok(())
        }
    }
}

async fn head(cx: &Ctx, id: &PolicySetId) -> Result<(), Trouble> {
    let found = policy_sets::load(cx, std::slice::from_ref(id)).await?;
    let Some(set) = found.into_iter().next() else { return Ok(()) };
    let Some(repository) = &set.repository_id else { return Ok(()) };
    let Some(row) = repositories::by_id(cx, repository).await? else { return Ok(()) };
    let default_branch = match row.default_branch.clone() {
        Some(known) => Some(known),
        None => super::looking::default_branch(cx, &row).await?,
    };
    let none = || Error::Conflict("the repository has no branch yet".into());
    let branch = branch_of(&set, default_branch.as_deref()).ok_or_else(none)?;
    let branch = RefName::parse(branch).map_err(|error| Error::Conflict(error.to_string()))?;
    let cache = repositories::cache(cx, &row).await?;
    let reference = Some(Reference::Branch(branch));
    let commit = match cache.fetch(&Wanted { commit: None, reference }).await {
        Ok(commit) => commit,
        Err(error) => {
            let said = format!("The policies of {} cannot be fetched: {error}.", set.name);
            repositories::trouble(cx, &row, &said).await?;
            return Err(error.into());
        }
    };
    Ok(announce(cx, &row, &set.id, &commit).await?)
}

/// Fetches a version that was announced.
pub(super) async fn fetch(cx: &Ctx, id: &PolicySetVersionId, attempts: i64) -> Result<(), String> {
    match Box::pin(archive(cx, id)).await {
        Ok(()) => Ok(()),
        Err(trouble) if trouble.is_passing() && attempts + 1 < TRIES => Err(trouble.to_string()),
        Err(trouble) => {
            let failed = policy_sets::fail(cx, id, &trouble.to_string()).await;
            failed.map_err(|error| error.chain())
        }
    }
}

async fn archive(cx: &Ctx, id: &PolicySetVersionId) -> Result<(), Trouble> {
    let Some((set, _, ingress)) = policy_sets::awaited(cx, id).await? else { return Ok(()) };
    let gone = || Error::Conflict("the repository is not connected any more".into());
    let repository = set.repository_id.clone().ok_or_else(gone)?;
    let row = repositories::by_id(cx, &repository).await?.ok_or_else(gone)?;
    let unreadable = |error: vcs::NameError| Error::Internal(error.into());
    let commit = CommitId::parse(&ingress.commit_sha).map_err(unreadable)?;
    let cache = repositories::cache(cx, &row).await?;
    let commit = cache.fetch(&Wanted { commit: Some(commit), reference: None }).await?;
    let ours = |error: std::io::Error| Error::Internal(error.into());
    let folder = cx.git().scratch().map_err(ours)?;
    let path = folder.path().join("archive.tar.gz");
    let submodules = set.vcs_repo.as_ref().is_some_and(|repo| repo.ingress_submodules);
    let ssh_key = repositories::ssh_key(cx, &row).await?;
    cache.archive(&commit, &Wishes { submodules, ssh_key }, &path).await?;
    let all = tokio::fs::read(&path).await.map_err(ours)?;
    Ok(policy_sets::take(cx, &set, id, all.into()).await?)
}
