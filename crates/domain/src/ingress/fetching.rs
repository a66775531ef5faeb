//! Archives of commits, made once for all configurations that wait for one.

use db::{
    entity::ingress_attribute::Kind,
    id::{RepositoryId, TaskId, WorkspaceId},
};
use vcs::{
    CommitId, RefName, Reference,
    git::{Wanted, Wishes},
};

use super::{deliveries::Trouble, opening::plain};
use crate::{
    Ctx, Error, Result,
    configurations::{self, Commit, Head},
    connected_repositories as repositories,
    row::{ConfigurationVersion, Repository, Workspace},
    workspaces,
};

/// How often it is tried before a configuration has failed: some hours.
const TRIES: i64 = 8;

/// Makes the archive of a commit and hands it to all who wait for it.
pub(super) async fn fetch(cx: &Ctx, of: &Commit, attempts: i64) -> Result<(), String> {
    let waiting = configurations::waiting_for(cx, of).await.map_err(|error| error.chain())?;
    if waiting.is_empty() {
        return Ok(());
    }
    let outcome = Box::pin(archive(cx, of, &waiting)).await;
    settle(cx, outcome, &waiting, attempts).await
}

/// A failure that may pass is tried again; any other ends those who wait.
async fn settle(
    cx: &Ctx,
    outcome: Result<(), Trouble>,
    waiting: &[ConfigurationVersion],
    attempts: i64,
) -> Result<(), String> {
    let Err(trouble) = outcome else { return Ok(()) };
    let why = trouble.to_string();
    if trouble.is_passing() && attempts + 1 < TRIES {
        return Err(why);
    }
    for row in waiting {
        configurations::fail(cx, row, &sentence(&why)).await.map_err(|error| error.chain())?;
    }
    Ok(())
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", rest.as_str().trim_end_matches('.'))
}

async fn repository(cx: &Ctx, id: &RepositoryId) -> Result<Repository, Trouble> {
    let row = repositories::by_id(cx, id).await?;
    let gone = || Error::Conflict("the repository is not connected any more".into());
    Ok(row.ok_or_else(gone)?)
}

async fn archive(cx: &Ctx, of: &Commit, waiting: &[ConfigurationVersion]) -> Result<(), Trouble> {
    let row = repository(cx, &of.repository).await?;
    let unreadable = |error: vcs::NameError| Error::Internal(error.into());
    let commit = CommitId::parse(&of.sha).map_err(unreadable)?;
    let cache = repositories::cache(cx, &row).await?;
    let commit = cache.fetch(&Wanted { commit: Some(commit), reference: None }).await?;
    let folder = cx.git().scratch().map_err(|error| Error::Internal(error.into()))?;
    let archive = folder.path().join("archive.tar.gz");
    let wishes =
        Wishes { submodules: of.submodules, ssh_key: repositories::ssh_key(cx, &row).await? };
    let packed = cache.archive(&commit, &wishes, &archive).await?;
    if !packed.left_out.is_empty() {
        let count = packed.left_out.len();
        tracing::info!(repository = %row.id, %commit, "{count} links lead out of the repository and are left out");
    }
    for waiting in waiting {
        configurations::take(cx, waiting, &archive).await?;
    }
    Ok(())
}

/// A workspace that has come to a repository gets what its branch has, and a run of it where all are to be queued.
pub(super) async fn connected(cx: &Ctx, id: &WorkspaceId, task: &TaskId) -> Result<(), String> {
    let announced = async {
        let Some(workspace) = workspaces::by_id(cx, id).await? else { return Ok(()) };
        let Some(repo) = workspace.vcs_repo.filter(|_| workspace.repository_id.is_some()) else {
            return Ok(());
        };
        let queues = workspace.queue_all_runs && repo.tags_regex.is_none();
        configurations::fetch_head(cx, id, queues, Some(task)).await?;
        Ok(())
    };
    announced.await.map_err(|error: Error| error.chain())
}

/// Finds out what a branch is at just now.
pub(super) async fn fetch_head(cx: &Ctx, of: &Head, attempts: i64) -> Result<(), String> {
    let found =
        configurations::by_id(cx, &of.configuration).await.map_err(|error| error.chain())?;
    let Some(row) = found else { return Ok(()) };
    let outcome = Box::pin(head(cx, of, &row)).await;
    settle(cx, outcome, std::slice::from_ref(&row), attempts).await
}

async fn head(cx: &Ctx, of: &Head, row: &ConfigurationVersion) -> Result<(), Trouble> {
    let repository = repository(cx, &of.repository).await?;
    let Some(workspace) = workspaces::by_id(cx, &row.workspace_id).await? else { return Ok(()) };
    let branch = branch_of(cx, &repository, &workspace).await?;
    let cache = repositories::cache(cx, &repository).await?;
    let reference = Some(Reference::Branch(branch.clone()));
    let commit = cache.fetch(&Wanted { commit: None, reference }).await?;
    let said = cache.commit(&commit).await?;
    let mut ingress = plain(&repository, Kind::Head, &said);
    ingress.workspace_id = workspace.id.clone();
    ingress.branch = branch.to_string();
    ingress.on_default_branch = repository.default_branch.as_deref() == Some(branch.as_str());
    ingress.submodules = workspace.vcs_repo.as_ref().is_some_and(|repo| repo.ingress_submodules);
    ingress.happened_at = cx.now();
    Ok(configurations::identify(cx, &row.id, ingress).await?)
}

/// The one that a workspace names, or the repository's own.
pub(super) async fn branch_of(
    cx: &Ctx,
    repository: &Repository,
    workspace: &Workspace,
) -> Result<RefName, Trouble> {
    let named = workspace.vcs_repo.as_ref().map(|repo| repo.branch.clone());
    let named = match named.filter(|branch| !branch.is_empty()) {
        Some(named) => Some(named),
        None => match repository.default_branch.clone() {
            Some(known) => Some(known),
            None => super::looking::default_branch(cx, repository).await?,
        },
    };
    let named = named.ok_or_else(|| Error::Conflict("the repository has no branch yet".into()))?;
    Ok(RefName::parse(&named).map_err(|error| Error::Conflict(error.to_string()))?)
}
