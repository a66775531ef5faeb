//! Run tasks as members of a stage: all of a stage are asked at once, and each of them has to answer.

use std::collections::BTreeMap;

use async_trait::async_trait;
use db::{
    Json,
    entity::{
        run,
        run_task::{self, Enforcement},
        task_result::{self as result, Status},
        task_stage::Stage,
        workspace_task,
    },
    id::{RunTaskId, TaskResultId, WorkspaceTaskId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{SEALED_KEY, SEALED_TOKEN, call::Asking, of, set, silence};
use crate::{
    Happened, Result, Tx,
    row::{RunTask, TaskStage, Workspace},
    run_tasks,
    runs::{held::Held, moves::subject},
    task_stages::{Members, Place, Standing, is_shown},
    tasks,
};

/// The worker asks them; see `call.rs`.
#[derive(Debug)]
pub(crate) struct Results;

#[async_trait]
impl Members for Results {
    async fn prepare(&self, place: &mut Place<'_>) -> Result<()> {
        // What is attached later is asked about later runs.
        if !is_shown(place.stage) || place.run.status != run::Status::Pending {
            return Ok(());
        }
        let wanted = wanted(place.tx, place.workspace, place.stage).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let (tx, which, is_speculative) = (place.tx, place.stage, place.run.plan_only);
        let stage = place.row().await?;
        for Wanted { task, attached, level } in wanted.into_values() {
            let id = TaskResultId::fresh();
            let seal = |key: secrecy::SecretString| {
                let key = key.expose_secret().as_bytes();
                tx.cx().keyring().seal(SEALED_KEY, id.as_str(), key)
            };
            tx.insert(result::Model {
                task_stage_id: stage.id.clone(),
                hmac_key: run_tasks::key(tx.cx(), &task)?.map(seal),
                run_task_id: task.id,
                workspace_task_id: attached,
                task_name: task.name,
                task_url: task.url,
                stage: which,
                enforcement_level: level,
                is_speculative,
                status: Status::Pending,
                message: None,
                url: None,
                token: None,
                token_hash: None,
                token_ends_at: None,
                silent_until: None,
                ends_at: None,
                status_timestamps: Json([("pending-at".to_owned(), tx.now())].into()),
                created_at: tx.now(),
                updated_at: tx.now(),
                id,
            })
            .await?;
        }
        Ok(())
    }

    async fn begin(&self, held: &Held, stage: &TaskStage) -> Result<()> {
        let tx = held.tx();
        for found in of(tx, &stage.id).await? {
            if found.status != Status::Pending {
                continue;
            }
            let task = run_task::Entity::find_by_id(found.run_task_id).one(tx.db()).await?;
            let Some(mut row) = tx.lock::<result::Entity>(found.id).await? else { continue };
            if task.is_none_or(|task| !task.enabled) {
                row.message = Some("The run task was deleted or disabled meanwhile.".into());
                set(tx, &mut row, Status::Unreachable);
                let said = format!(
                    "The run task {} was deleted or disabled meanwhile, and is not asked.",
                    row.task_name
                );
                let detail = json!({ "comment": said });
                tx.emit(Happened::RunChangedTaskEnforcements, subject(held), detail).await?;
            } else {
                let token = crypto::Token::mint();
                let sealed = token.expose().as_bytes();
                row.token = Some(tx.cx().keyring().seal(SEALED_TOKEN, row.id.as_str(), sealed));
                row.token_hash = Some(token.hash());
                silence::begin(tx, &mut row);
                set(tx, &mut row, Status::Running);
                let asking = Asking { result: row.id.clone(), task: row.run_task_id.clone() };
                tasks::later(tx, &asking).await?;
            }
            tx.update(row).await?;
        }
        Ok(())
    }

    async fn standings(&self, tx: &Tx, stage: &TaskStage) -> Result<Vec<Standing>> {
        Ok(of(tx, &stage.id).await?.iter().map(standing).collect())
    }

    /// What is mandatory of run tasks is never overridden: there is nothing that waits for it.
    async fn overrule(&self, _tx: &Tx, _stage: &TaskStage) -> Result<()> {
        Ok(())
    }

    async fn end(&self, tx: &Tx, stage: &TaskStage, is_broken: bool) -> Result<()> {
        for found in of(tx, &stage.id).await? {
            let status = match found.status {
                Status::Pending => Status::Unreachable,
                Status::Running if is_broken => Status::Errored,
                Status::Running => Status::Canceled,
                _ => continue,
            };
            if let Some(mut row) = tx.lock::<result::Entity>(found.id).await? {
                set(tx, &mut row, status);
                tx.update(row).await?;
            }
        }
        Ok(())
    }
}

fn standing(row: &result::Model) -> Standing {
    match (row.status, row.enforcement_level) {
        (Status::Pending, _) => Standing::Waits,
        (Status::Running, _) => Standing::UnderWay,
        (Status::Passed | Status::Unreachable, _)
        | (Status::Failed | Status::Errored, Enforcement::Advisory) => Standing::Agrees,
        (Status::Failed, Enforcement::Mandatory) => Standing::Refuses,
        (Status::Errored, Enforcement::Mandatory) | (Status::Canceled, _) => Standing::Broken,
    }
}

/// A run task that is asked in a stage, and why.
struct Wanted {
    task: RunTask,
    attached: Option<WorkspaceTaskId>,
    level: Enforcement,
}

/// Those of the workspace and those of all workspaces; what is both is asked once, at the stricter of its levels.
async fn wanted(
    tx: &Tx,
    workspace: &Workspace,
    stage: Stage,
) -> Result<BTreeMap<RunTaskId, Wanted>> {
    let attached = workspace_task::Entity::find()
        .filter(workspace_task::Column::WorkspaceId.eq(&workspace.id))
        .all(tx.db())
        .await?;
    let enabled = run_task::Entity::find()
        .filter(run_task::Column::OrganizationName.eq(&workspace.organization_name))
        .filter(run_task::Column::Enabled.eq(true))
        .all(tx.db())
        .await?;
    let mut wanted = BTreeMap::new();
    for task in enabled {
        let own =
            attached.iter().find(|row| row.run_task_id == task.id && row.stages.contains(&stage));
        let is_global = task.global_enabled && task.global_stages.contains(&stage);
        let levels = [
            own.map(|row| row.enforcement_level),
            is_global.then_some(task.global_enforcement_level),
        ];
        if let Some(level) = levels.into_iter().flatten().max() {
            let attached = own.map(|row| row.id.clone());
            wanted.insert(task.id.clone(), Wanted { task, attached, level });
        }
    }
    Ok(wanted)
}
