//! Reads how runs of commits are going, and leaves a task for each commit of which there may be something to say.

use db::{
    entity::{ingress_attribute, run, task},
    id::{RepositoryId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Ctx, Happened, Json, Result, Tx,
    events::{Reader, Take},
    row::Event,
};

pub(super) const TASK: &str = "commit status";

/// A commit of which there may be something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Due {
    pub repository: RepositoryId,
    pub commit: String,
    /// A workspace that it does not concern, and that says so.
    pub untriggered: Option<WorkspaceId>,
}

pub(crate) const READER: Reader = Reader {
    name: "commit statuses",
    wants: |happened| {
        happened.status().is_some()
            || matches!(happened, Happened::RunCreated | Happened::ConfigurationErrored)
    },
    is_patient: false,
    take: Take::Each(|tx, event| Box::pin(take(tx, event))),
};

async fn take(tx: &Tx, event: &Event) -> Result<()> {
    let configuration = match &event.run_id {
        Some(run) => {
            let run = run::Entity::find_by_id(run.clone()).one(tx.db()).await?;
            run.and_then(|run| run.configuration_version_id)
        }
        None => event.resource_id.parse().ok(),
    };
    let Some(configuration) = configuration else { return Ok(()) };
    let of = ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::ConfigurationVersionId.eq(configuration))
        .one(tx.db())
        .await?;
    let Some(of) = of else { return Ok(()) };
    let due = Due { repository: of.repository_id, commit: of.commit_sha, untriggered: None };
    // What is due already looks at everything.
    let known = task::Entity::find()
        .filter(task::Column::Kind.eq(TASK))
        .filter(task::Column::DueAt.lte(tx.now()))
        .filter(task::Column::Payload.eq(Json(json!(due))))
        .count(tx.db())
        .await?;
    if known == 0 {
        tx.later(TASK, due).await?;
    }
    Ok(())
}

/// A pull request does not concern these workspaces, whose checks may be waited for.
pub(crate) async fn untriggered(
    cx: &Ctx,
    repository: &RepositoryId,
    commit: &str,
    workspaces: Vec<WorkspaceId>,
) -> Result<()> {
    let tx = cx.write().await?;
    for workspace in workspaces {
        let due = Due {
            repository: repository.clone(),
            commit: commit.to_owned(),
            untriggered: Some(workspace),
        };
        tx.later(TASK, due).await?;
    }
    tx.commit().await
}
