//! Configurations that come from a repository: announced with the commit that they are made of, fetched by a task, and
//! fetched again where a run needs one that is not there any more.

use std::{collections::HashMap, path::Path};

use db::{
    entity::{
        configuration_version::{self, Source, Status},
        ingress_attribute::{self, Kind},
        repository, run, workspace,
    },
    id::{ConfigurationVersionId, IngressAttributesId, RepositoryId, RunId, TaskId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use vcs::ServiceProvider;

use super::{SIZE_LIMIT, accept, blob, by_id, lock, new_row, reach, subject};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, Tx, can,
    row::{ConfigurationVersion, IngressAttributes, Workspace},
    runs, tasks,
};

/// A task: archives of a commit are to be made for all configurations that wait for it.
pub(crate) const FETCH: &str = "fetch a commit";
/// A task: which commit a configuration is made of is to be found out first.
pub(crate) const FETCH_HEAD: &str = "fetch a branch";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub repository: RepositoryId,
    pub sha: String,
    pub submodules: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub repository: RepositoryId,
    pub configuration: ConfigurationVersionId,
}

/// What a configuration's `source` says of its provider.
pub(crate) fn source_of(provider: &str) -> Source {
    let provider = provider.parse::<ServiceProvider>();
    provider.map_or(Source::Git, |known| known.source().parse().unwrap_or(Source::Git))
}

pub(super) fn is_of_repository(source: Source) -> bool {
    !matches!(source, Source::Api | Source::Ui | Source::Terraform | Source::TerraformCloud)
}

/// Announces what an event has brought, unless the same commit was announced for the same reason; its run is queued by
/// whoever has announced it, and otherwise when the archive is there.
///
/// The ids of `of` are those of the repository and the workspace; the others are given here.
pub(crate) async fn announce(
    cx: &Ctx,
    mut of: IngressAttributes,
    source: Source,
) -> Result<Option<ConfigurationVersion>> {
    let tx = cx.write().await?;
    let Some(mut place) = tx.lock::<workspace::Entity>(of.workspace_id.clone()).await? else {
        return Ok(None);
    };
    // It may have been given another repository meanwhile.
    let is_connected = place.repository_id.as_ref() == Some(&of.repository_id);
    if !is_connected || already(&tx, &of).await? {
        tx.roll_back().await;
        return Ok(None);
    }
    let mut row = new_row(&tx, &place, source);
    row.speculative = of.kind == Kind::PullRequest;
    row.auto_queue_runs = true;
    reach(&mut row, Status::Fetching, tx.now());
    let row = tx.insert(row).await?;
    of.configuration_version_id = row.id.clone();
    let commit = commit_of(&of);
    tx.insert(of).await?;
    if place.current_configuration_id.is_none() && !row.speculative {
        place.current_configuration_id = Some(row.id.clone());
    }
    let place = tx.update(place).await?;
    tx.later(FETCH, commit).await?;
    tx.emit(Happened::ConfigurationCreated, subject(&place, &row.id), json!({})).await?;
    tx.commit().await?;
    Ok(Some(row))
}

async fn already(tx: &Tx, of: &IngressAttributes) -> Result<bool> {
    let found = ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::WorkspaceId.eq(&of.workspace_id))
        .filter(ingress_attribute::Column::RepositoryId.eq(&of.repository_id))
        .filter(ingress_attribute::Column::CommitSha.eq(&of.commit_sha))
        .filter(ingress_attribute::Column::Kind.eq(of.kind))
        .count(tx.db())
        .await?;
    Ok(found > 0)
}

fn commit_of(of: &IngressAttributes) -> Commit {
    Commit {
        repository: of.repository_id.clone(),
        sha: of.commit_sha.clone(),
        submodules: of.submodules,
    }
}

async fn announce_head(
    tx: &Tx,
    workspace: &mut Workspace,
    queue_run: bool,
) -> Result<ConfigurationVersion> {
    let id = workspace.repository_id.clone().ok_or(Error::NotFound)?;
    let of = repository::Entity::find_by_id(id).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let mut row = new_row(tx, workspace, source_of(&of.provider));
    row.auto_queue_runs = queue_run;
    reach(&mut row, Status::Fetching, tx.now());
    let row = tx.insert(row).await?;
    workspace.current_configuration_id = Some(row.id.clone());
    let head = Head { repository: of.id, configuration: row.id.clone() };
    tx.later(FETCH_HEAD, head).await?;
    tx.emit(Happened::ConfigurationCreated, subject(workspace, &row.id), json!({})).await?;
    Ok(row)
}

/// The newest of a workspace's branch, where a run needs one and there is none, or where a `task` wants it: that is struck
/// off with it.
pub(crate) async fn fetch_head(
    cx: &Ctx,
    id: &WorkspaceId,
    queue_run: bool,
    task: Option<&TaskId>,
) -> Result<Option<ConfigurationVersion>> {
    let tx = cx.write().await?;
    let mut place = tx.lock::<workspace::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if let Some(task) = task
        && !tasks::strike_off(&tx, task).await?
    {
        tx.roll_back().await;
        return Ok(None);
    }
    let row = announce_head(&tx, &mut place, queue_run).await?;
    tx.update(place).await?;
    tx.commit().await?;
    Ok(Some(row))
}

/// Says which commit it is: the head of a branch was found.
pub(crate) async fn identify(
    cx: &Ctx,
    id: &ConfigurationVersionId,
    mut of: IngressAttributes,
) -> Result<()> {
    let Some(row) = by_id(cx, id).await? else { return Ok(()) };
    let tx = cx.write().await?;
    let (_, row) = lock(&tx, &row).await?;
    let is_known = of_configurations(&tx, &[id]).await?.contains_key(id);
    if row.status != Status::Fetching || is_known {
        tx.roll_back().await;
        return Ok(());
    }
    of.configuration_version_id = id.clone();
    let commit = commit_of(&of);
    tx.insert(of).await?;
    tx.later(FETCH, commit).await?;
    tx.commit().await
}

/// Fetches what was thrown away, or could not be had the last time. `None` if it came from no repository that is still
/// connected.
pub(crate) async fn fetch_again(
    cx: &Ctx,
    row: &ConfigurationVersion,
) -> Result<Option<ConfigurationVersion>> {
    let is_gone = matches!(
        row.status,
        Status::Errored | Status::Archived | Status::BackingDataPermanentlyDeleted
    );
    if !is_of_repository(row.source) || !is_gone {
        return Ok(None);
    }
    let tx = cx.write().await?;
    let (workspace, mut row) = lock(&tx, row).await?;
    let known = of_configurations(&tx, &[&row.id]).await?.remove(&row.id);
    let of = known.as_ref().map(|known| &known.repository_id);
    let Some(repository) =
        workspace.repository_id.clone().filter(|id| of.is_none_or(|of| of == id))
    else {
        tx.roll_back().await;
        return Ok(None);
    };
    reach(&mut row, Status::Fetching, tx.now());
    (row.error, row.error_message) = (None, None);
    let row = tx.update(row).await?;
    if let Some(known) = known {
        tx.later(FETCH, commit_of(&known)).await?;
    } else {
        let head = Head { repository, configuration: row.id.clone() };
        tx.later(FETCH_HEAD, head).await?;
    }
    tx.emit(Happened::ConfigurationReopened, subject(&workspace, &row.id), json!({})).await?;
    tx.commit().await?;
    Ok(Some(row))
}

/// Those that wait for the archive of a commit.
pub(crate) async fn waiting_for(cx: &Ctx, of: &Commit) -> Result<Vec<ConfigurationVersion>> {
    let ids: Vec<ConfigurationVersionId> = ingress_attribute::Entity::find()
        .select_only()
        .column(ingress_attribute::Column::ConfigurationVersionId)
        .filter(ingress_attribute::Column::RepositoryId.eq(&of.repository))
        .filter(ingress_attribute::Column::CommitSha.eq(&of.sha))
        .filter(ingress_attribute::Column::Submodules.eq(of.submodules))
        .into_tuple()
        .all(cx.read())
        .await?;
    Ok(configuration_version::Entity::find()
        .filter(configuration_version::Column::Id.is_in(ids))
        .filter(configuration_version::Column::Status.eq(Status::Fetching))
        .all(cx.read())
        .await?)
}

/// Keeps the archive of one, and queues its run if there is none yet.
pub(crate) async fn take(cx: &Ctx, row: &ConfigurationVersion, archive: &Path) -> Result<()> {
    let file =
        tokio::fs::File::open(archive).await.map_err(|error| Error::Internal(error.into()))?;
    let content = tokio_util::io::ReaderStream::new(file);
    let content = content.map_err(|error| blobs::Error::Content(error.into()));
    let written = cx.blobs().put_stream(&blob(&row.id)?, content, SIZE_LIMIT).await?;
    let row = accept(cx, row, Some(written.size)).await?;
    super::queue_run(cx, &row).await
}

/// It cannot be had, for a reason that people are shown.
pub(crate) async fn fail(cx: &Ctx, row: &ConfigurationVersion, why: &str) -> Result<()> {
    let tx = cx.write().await?;
    let (workspace, mut row) = lock(&tx, row).await?;
    if row.status != Status::Fetching {
        tx.roll_back().await;
        return Ok(());
    }
    reach(&mut row, Status::Errored, tx.now());
    row.error = Some("the repository could not be fetched".into());
    row.error_message = Some(why.to_owned());
    let row = tx.update(row).await?;
    tx.emit(Happened::ConfigurationErrored, subject(&workspace, &row.id), json!({ "error": why }))
        .await?;
    tx.commit().await
}

/// By configuration version.
async fn of_configurations(
    tx: &Tx,
    ids: &[&ConfigurationVersionId],
) -> Result<HashMap<ConfigurationVersionId, IngressAttributes>> {
    let rows = ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::ConfigurationVersionId.is_in(ids.iter().copied()))
        .all(tx.db())
        .await?;
    Ok(rows.into_iter().map(|row| (row.configuration_version_id.clone(), row)).collect())
}

/// The commit of a configuration that came from a repository.
pub(crate) async fn ingress(
    cx: &Ctx,
    id: &ConfigurationVersionId,
) -> Result<Option<IngressAttributes>> {
    Ok(ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::ConfigurationVersionId.eq(id))
        .one(cx.read())
        .await?)
}

/// # Errors
/// NotFound for one that came from no repository.
pub async fn ingress_attributes(
    cx: &Ctx,
    of: &Granted<can::ReadConfiguration, In<ConfigurationVersion>>,
) -> Result<IngressAttributes> {
    ingress(cx, &of.row.id).await?.ok_or(Error::NotFound)
}

/// For includes and relations: those of these configurations, which the caller may see.
pub async fn ingress_of(
    cx: &Ctx,
    ids: &[ConfigurationVersionId],
) -> Result<Vec<IngressAttributes>> {
    Ok(ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::ConfigurationVersionId.is_in(ids))
        .all(cx.read())
        .await?)
}

/// For includes by their own ids: those that the caller may see.
pub async fn load_ingress(cx: &Ctx, ids: &[IngressAttributesId]) -> Result<Vec<IngressAttributes>> {
    let rows = ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let of: Vec<_> = rows.iter().map(|row| row.configuration_version_id.clone()).collect();
    let visible = super::load(cx, &of).await?;
    let is_visible =
        |row: &IngressAttributes| visible.iter().any(|one| one.id == row.configuration_version_id);
    Ok(rows.into_iter().filter(is_visible).collect())
}

/// Commit and address of what these runs were made of, by run.
pub(crate) async fn commits_of_runs(
    cx: &Ctx,
    runs: &[RunId],
) -> Result<HashMap<RunId, IngressAttributes>> {
    let of: Vec<(RunId, Option<ConfigurationVersionId>)> = run::Entity::find()
        .select_only()
        .columns([run::Column::Id, run::Column::ConfigurationVersionId])
        .filter(run::Column::Id.is_in(runs))
        .into_tuple()
        .all(cx.read())
        .await?;
    let ids: Vec<_> = of.iter().filter_map(|(_, id)| id.clone()).collect();
    let rows = ingress_of(cx, &ids).await?;
    let by_id: HashMap<_, _> =
        rows.into_iter().map(|row| (row.configuration_version_id.clone(), row)).collect();
    let found = of.into_iter().filter_map(|(run, id)| Some((run, by_id.get(&id?)?.clone())));
    Ok(found.collect())
}

/// What the run of a commit says of itself.
pub(crate) fn about(of: &IngressAttributes, workspace: &Workspace) -> runs::New {
    let first = of.commit_message.lines().next().unwrap_or_default().trim();
    let message = of.pull_request_title.as_deref().unwrap_or(first);
    let reason = if workspace.file_triggers_enabled { "matched" } else { "disabled" };
    runs::New {
        message: Some(message.chars().filter(|c| !c.is_control()).take(1000).collect()),
        trigger_reason: Some(reason.into()),
        ..runs::New::default()
    }
}
