//! Remote state: which other workspaces' runs may read the state of a workspace.

use std::collections::{BTreeSet, HashSet};

use db::{
    entity::{remote_state_consumer as consumer, run, workspace},
    id::{RunId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait},
};
use serde_json::json;

use super::{list::visible, subject};
use crate::{Actor, Ctx, Error, Granted, Happened, Page, Paging, Result, Tx, can, row::Workspace};

/// The workspaces whose runs may read this one's state, as far as the caller may see them.
pub async fn consumers(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
    only_configured: bool,
    paging: Paging,
) -> Result<Page<Workspace>> {
    let named = consumer::Entity::find()
        .select_only()
        .column(consumer::Column::ConsumerId)
        .filter(consumer::Column::WorkspaceId.eq(&workspace.id))
        .into_query();
    let named = workspace::Column::Id.in_subquery(named);
    let shared = match &**workspace {
        _ if only_configured => Some(named),
        row if row.global_remote_state => None,
        row if row.project_remote_state => Some(workspace::Column::ProjectId.eq(&row.project_id)),
        _ => Some(named),
    };
    let condition = visible(cx, &workspace.organization_name)
        .add(workspace::Column::Id.ne(&workspace.id))
        .add_option(shared);
    let query = workspace::Entity::find().filter(condition);
    let query = query.order_by_asc(workspace::Column::Name);
    Ok(page(cx.read(), query, paging).await?)
}

/// Makes exactly these the consumers.
pub async fn replace_consumers(
    cx: &Ctx,
    workspace: &Granted<can::ReplaceStateConsumers>,
    ids: Vec<WorkspaceId>,
) -> Result<()> {
    let wanted = readable(cx, workspace, &ids).await?;
    let tx = cx.write().await?;
    lock(&tx, workspace).await?;
    consumer::Entity::delete_many()
        .filter(consumer::Column::WorkspaceId.eq(&workspace.id))
        .filter(consumer::Column::ConsumerId.is_not_in(&wanted))
        .exec(tx.db())
        .await?;
    insert(&tx, workspace, wanted).await?;
    done(tx, workspace).await
}

/// Those that are consumers already are passed over.
pub async fn add_consumers(
    cx: &Ctx,
    workspace: &Granted<can::UpdateWorkspace>,
    ids: Vec<WorkspaceId>,
) -> Result<()> {
    let wanted = readable(cx, workspace, &ids).await?;
    let tx = cx.write().await?;
    lock(&tx, workspace).await?;
    insert(&tx, workspace, wanted).await?;
    done(tx, workspace).await
}

/// Those that are no consumers are passed over.
pub async fn remove_consumers(
    cx: &Ctx,
    workspace: &Granted<can::UpdateWorkspace>,
    ids: Vec<WorkspaceId>,
) -> Result<()> {
    let unwanted = readable(cx, workspace, &ids).await?;
    let tx = cx.write().await?;
    lock(&tx, workspace).await?;
    consumer::Entity::delete_many()
        .filter(consumer::Column::WorkspaceId.eq(&workspace.id))
        .filter(consumer::Column::ConsumerId.is_in(unwanted))
        .exec(tx.db())
        .await?;
    done(tx, workspace).await
}

/// The ids, each once, if the caller may read all of them and none is the workspace itself.
async fn readable(
    cx: &Ctx,
    workspace: &Workspace,
    ids: &[WorkspaceId],
) -> Result<BTreeSet<WorkspaceId>> {
    let rows = super::load(cx, ids).await?;
    let visible: HashSet<_> = rows
        .iter()
        .filter(|row| row.organization_name == workspace.organization_name)
        .map(|row| &row.id)
        .collect();
    for (index, id) in ids.iter().enumerate() {
        let refused =
            |message: String| Error::Invalid { pointer: format!("/data/{index}/id"), message };
        if *id == workspace.id {
            let message =
                "A workspace cannot be a consumer of itself: it reads its own state anyway.";
            return Err(refused(message.into()));
        }
        if !visible.contains(id) {
            return Err(refused(format!("There is no workspace {id} in this organization.")));
        }
    }
    Ok(ids.iter().cloned().collect())
}

/// # Errors
/// Invalid while the state is shared with all.
async fn lock(tx: &Tx, workspace: &Workspace) -> Result<()> {
    let row = tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    if row.global_remote_state {
        return Err(Error::Invalid {
            pointer: "/data".into(),
            message: "The workspace shares its state with all of its organization: turn \
                      global-remote-state off to name its consumers."
                .into(),
        });
    }
    Ok(())
}

async fn insert(tx: &Tx, workspace: &Workspace, wanted: BTreeSet<WorkspaceId>) -> Result<()> {
    let present: HashSet<WorkspaceId> = consumer::Entity::find()
        .select_only()
        .column(consumer::Column::ConsumerId)
        .filter(consumer::Column::WorkspaceId.eq(&workspace.id))
        .into_tuple()
        .all(tx.db())
        .await?
        .into_iter()
        .collect();
    let rows = wanted
        .into_iter()
        .filter(|id| !present.contains(id))
        .map(|consumer_id| consumer::Model {
            workspace_id: workspace.id.clone(),
            consumer_id,
            created_at: tx.now(),
        })
        .collect();
    Ok(db::insert_many::<_, consumer::ActiveModel>(tx, rows).await?)
}

async fn done(tx: Tx, workspace: &Workspace) -> Result<()> {
    tx.emit(Happened::WorkspaceStateConsumersChanged, subject(workspace), json!({})).await?;
    tx.commit().await
}

/// The engine inside a run, with what it may read: its own workspace, and the states that others share with it.
pub async fn engine_of(cx: &Ctx, run: &RunId) -> Result<Ctx> {
    let run = run::Entity::find_by_id(run.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let own = super::by_id(cx, &run.workspace_id).await?.ok_or(Error::NotFound)?;
    let shared = consumer::Entity::find()
        .select_only()
        .column(consumer::Column::WorkspaceId)
        .filter(consumer::Column::ConsumerId.eq(&own.id))
        .into_tuple()
        .all(cx.read())
        .await?;
    let engine = Actor::Run {
        run: run.id,
        workspace: own.id,
        project: own.project_id,
        organization: own.organization_name,
        shared,
    };
    Ok(Ctx::new(cx.app().clone(), engine))
}
