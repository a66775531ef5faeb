//! States that a workspace had on another server, before its oldest one here. They are read like all others and are
//! never the current one.

use blobs::Kind;
use db::{
    Json, JsonText,
    entity::{
        state_version::{self, Status},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};
use serde_json::json;

use super::{
    blob, content,
    create::{New, check, wrong_md5},
    incoming::{Files, Incoming},
    record::{self, Arrived},
};
use crate::{
    Ctx, Error, Found, Granted, Happened, Result, Subject, Timestamp, accounts, can,
    context::to_its_end, id::WorkspaceId, row::StateVersion,
};

/// Puts a state behind all that the workspace has. The same one of the same time once more is answered with what is
/// there.
///
/// # Errors
/// Conflict as long as the workspace has no current state; Invalid for a wrong digest, what is not a state, or a time
/// that is yet to come.
pub async fn take_past(
    cx: &Ctx,
    workspace: &Granted<can::ImportStates>,
    new: New,
    incoming: Incoming,
    created_at: Timestamp,
) -> Result<StateVersion> {
    let files = incoming.files();
    let (cx, workspace) = (cx.clone(), workspace.id.clone());
    to_its_end(async move {
        let kept = Box::pin(keep(&cx, &workspace, new, &files, created_at)).await;
        record::drop_unless_recorded(&cx, &files.id, &kept, |kept| kept.id == files.id).await;
        kept
    })
    .await
}

async fn keep(
    cx: &Ctx,
    workspace: &WorkspaceId,
    new: New,
    files: &Files,
    created_at: Timestamp,
) -> Result<StateVersion> {
    let md5 = check(&new)?;
    let state = files.state.as_ref();
    let state = state.ok_or_else(|| Error::invalid("state", "can't be blank"))?;
    if created_at > cx.now() {
        return Err(Error::invalid("created-at", "is yet to come"));
    }
    if state.md5_hex != md5 {
        return Err(wrong_md5());
    }
    let id = files.id.clone();
    let content = content::of_blob(cx, &blob(Kind::State, &id)?).await?;
    let lineage = new.lineage.filter(|text| !text.is_empty());
    let mut arrived = Arrived::new(cx, &id, content, state.size);
    let mut row = StateVersion {
        id,
        workspace_id: workspace.clone(),
        number: 0,
        serial: new.serial,
        lineage: lineage.unwrap_or_default(),
        md5,
        size: 0,
        status: Status::Pending,
        intermediate: false,
        state_format: None,
        terraform_version: None,
        resources_processed: false,
        resources: JsonText::new("[]"),
        modules: Json(json!({})),
        providers: Json(json!({})),
        resource_count: 0,
        output_count: 0,
        has_json_state: files.has_json_state,
        run_id: None,
        created_by_id: cx.actor().user_id(),
        rollback_of_id: None,
        created_at,
        soft_deleted_at: None,
    };
    record::fill(&mut row, &mut arrived);
    Box::pin(place(cx, row, arrived)).await
}

async fn place(cx: &Ctx, mut row: StateVersion, arrived: Arrived) -> Result<StateVersion> {
    let tx = cx.write().await?;
    let place = tx.lock::<workspace::Entity>(row.workspace_id.clone()).await?;
    let place = place.ok_or(Error::NotFound)?;
    // It may have taken minutes to come.
    let found = Found::new(place.into_inner());
    let place = accounts::refreshed(cx).await?.check::<can::ImportStates, _>(found)?;
    if place.current_state_version_id.is_none() {
        return Err(Error::conflict(
            "The workspace has no state yet: its current one comes first, by the usual way.",
        ));
    }
    let of_workspace = state_version::Column::WorkspaceId.eq(&row.workspace_id);
    let known = state_version::Entity::find()
        .filter(of_workspace.clone())
        .filter(state_version::Column::Serial.eq(row.serial))
        .filter(state_version::Column::Md5.eq(&row.md5))
        .filter(state_version::Column::CreatedAt.eq(row.created_at))
        .filter(state_version::Column::Status.eq(Status::Finalized))
        .one(tx.db())
        .await?;
    if let Some(known) = known {
        tx.roll_back().await;
        return Ok(known);
    }
    let first: Option<Option<i64>> = state_version::Entity::find()
        .select_only()
        .column_as(state_version::Column::Number.min(), "number")
        .filter(of_workspace)
        .into_tuple()
        .one(tx.db())
        .await?;
    row.number = first.flatten().unwrap_or(1) - 1;
    let row = tx.insert(row).await?;
    arrived.keep_outputs(&tx, &row).await?;
    let subject = Subject {
        kind: "state-versions",
        id: row.id.as_str(),
        organization: Some(&place.organization_name),
        workspace: Some(&place.id),
        run: None,
    };
    let detail = json!({ "serial": row.serial, "size": row.size, "imported": true });
    tx.emit(Happened::StateVersionCreated, subject, detail).await?;
    tx.commit().await?;
    Ok(row)
}
