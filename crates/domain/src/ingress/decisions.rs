//! Which workspaces something concerns: what each of them says of its repository, as the rules of the crate `vcs` want it.

use std::collections::{HashMap, HashSet};

use db::{
    entity::{
        ingress_attribute::{self, Kind},
        run, workspace,
        workspace::ExecutionMode,
    },
    id::WorkspaceId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use vcs::{
    CommitId,
    triggers::{self, FileRule, Files, TagRule, Watch},
};

use crate::{
    Ctx, Result,
    row::{Repository, Workspace},
    workspaces,
};

/// A workspace that takes its files from the repository.
pub(super) struct Watcher {
    pub workspace: Workspace,
    pub watch: Watch,
    /// A run that was more than a plan has been there.
    pub has_had_run: bool,
    pub submodules: bool,
}

/// All of a repository, by name.
pub(super) async fn watchers(cx: &Ctx, of: &Repository) -> Result<Vec<Watcher>> {
    let rows = workspace::Entity::find()
        .filter(workspace::Column::RepositoryId.eq(&of.id))
        .filter(workspace::Column::VcsRepo.is_not_null())
        .order_by_asc(workspace::Column::Name)
        .all(cx.read())
        .await?;
    let have_run: HashSet<WorkspaceId> = run::Entity::find()
        .select_only()
        .column(run::Column::WorkspaceId)
        .distinct()
        .filter(run::Column::WorkspaceId.is_in(rows.iter().map(|row| &row.id)))
        .filter(run::Column::PlanOnly.eq(false))
        .into_tuple()
        .all(cx.read())
        .await?
        .into_iter()
        .collect();
    let details = workspaces::details(cx, rows).await?;
    Ok(details
        .into_iter()
        .map(|of| {
            let is_local = of.execution.mode == ExecutionMode::Local;
            let repo = of.workspace.vcs_repo.clone().unwrap_or_default();
            Watcher {
                watch: watch(&of.workspace, is_local),
                has_had_run: have_run.contains(&of.workspace.id),
                submodules: repo.ingress_submodules,
                workspace: of.workspace,
            }
        })
        .collect())
}

fn watch(workspace: &Workspace, is_local: bool) -> Watch {
    let repo = workspace.vcs_repo.clone().unwrap_or_default();
    let tags_regex = repo.tags_regex.clone().unwrap_or_default();
    let files = Files {
        file_triggers_enabled: workspace.file_triggers_enabled && tags_regex.is_empty(),
        trigger_prefixes: &workspace.trigger_prefixes,
        trigger_patterns: &workspace.trigger_patterns,
        working_directory: &workspace.working_directory,
        tags_regex: "",
    };
    Watch {
        branch: Some(repo.branch.clone()).filter(|branch| !branch.is_empty()),
        // What was kept before it was checked, and is no rule, keeps nothing from running.
        tags: Some(tags_regex).filter(|text| !text.is_empty()).and_then(|t| TagRule::new(&t).ok()),
        files: FileRule::new(files).unwrap_or(FileRule::Any),
        speculative_enabled: workspace.speculative_enabled,
        queue_all_runs: workspace.queue_all_runs,
        is_local,
    }
}

/// As what a commit was run in each workspace already.
pub(super) async fn already(
    cx: &Ctx,
    of: &Repository,
    commit: &CommitId,
) -> Result<HashMap<WorkspaceId, Vec<triggers::Kind>>> {
    let rows = ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::RepositoryId.eq(&of.id))
        .filter(ingress_attribute::Column::CommitSha.eq(commit.as_str()))
        .all(cx.read())
        .await?;
    let heads = rows.iter().filter(|row| row.kind == Kind::Head);
    let heads: Vec<_> = heads.map(|row| row.configuration_version_id.clone()).collect();
    let have_run: HashSet<_> = run::Entity::find()
        .select_only()
        .column(run::Column::ConfigurationVersionId)
        .filter(run::Column::ConfigurationVersionId.is_in(heads))
        .filter(run::Column::PlanOnly.eq(false))
        .into_tuple::<Option<db::id::ConfigurationVersionId>>()
        .all(cx.read())
        .await?
        .into_iter()
        .flatten()
        .collect();
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let kind = match row.kind {
            Kind::Push => triggers::Kind::Push,
            Kind::Tag => triggers::Kind::Tag,
            Kind::PullRequest => triggers::Kind::PullRequest,
            // Somebody has run the branch as it is.
            Kind::Head if have_run.contains(&row.configuration_version_id) => triggers::Kind::Push,
            Kind::Head => continue,
        };
        found.entry(row.workspace_id).or_default().push(kind);
    }
    Ok(found)
}
