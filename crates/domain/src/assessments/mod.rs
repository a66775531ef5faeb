//! Health of workspaces: whether what is there is still as it was applied, and what the configuration's checks say of it.
//!
//! An assessment is a job and no run. It changes nothing, takes no lock and no slot of runs, and makes way for any run
//! of its workspace.

mod begin;
mod conditions;
mod end;
mod findings;
mod outputs;

use db::{
    entity::{assessment, assessment_result},
    id::{AssessmentId, AssessmentResultId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

pub use begin::{assess, assess_due};
pub(crate) use begin::{circumstances, make_way, planned_again};
pub use conditions::{Obstacle, is_enforced_for, next_at, obstacle};
pub(crate) use end::{Verdict, end, note_artifact};
pub use findings::{Check, Findings, Standing, findings};
pub use outputs::{JSON, LOG, Log, SCHEMAS, has_document, log};
pub(crate) use outputs::{has_left, orphans_of};

use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, can,
    row::{Assessment, AssessmentResult, Workspace},
    workspaces,
};

/// The result, with its workspace.
pub async fn find(cx: &Ctx, id: &AssessmentResultId) -> Result<Found<In<AssessmentResult>>> {
    workspaces::find_in::<assessment_result::Entity>(cx, id, |row| &row.workspace_id).await
}

/// The same by the assessment, whose name addresses bear.
pub(crate) async fn find_by_assessment(
    cx: &Ctx,
    id: &AssessmentId,
) -> Result<Found<In<AssessmentResult>>> {
    let query =
        assessment_result::Entity::find().filter(assessment_result::Column::AssessmentId.eq(id));
    let row = query.one(cx.read()).await?.ok_or(Error::NotFound)?;
    let of = workspaces::find(cx, &row.workspace_id).await?.into_unchecked();
    Ok(Found::new(In { row, of }))
}

/// For includes: those of these whose workspaces the caller may see.
pub async fn load(cx: &Ctx, ids: &[AssessmentResultId]) -> Result<Vec<AssessmentResult>> {
    let rows = assessment_result::Entity::find()
        .filter(assessment_result::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let of: Vec<_> = rows.iter().map(|row| row.workspace_id.clone()).collect();
    let visible = workspaces::load(cx, &of).await?;
    let is_visible = |row: &AssessmentResult| visible.iter().any(|it| it.id == row.workspace_id);
    Ok(rows.into_iter().filter(is_visible).collect())
}

/// The newest results of these, which the caller may see.
pub async fn results_of(cx: &Ctx, rows: &[Workspace]) -> Result<Vec<AssessmentResult>> {
    let ids: Vec<_> =
        rows.iter().filter_map(|row| row.current_assessment_result_id.clone()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = assessment_result::Entity::find().filter(assessment_result::Column::Id.is_in(ids));
    Ok(found.all(cx.read()).await?)
}

/// The newest result of a workspace, if it has one.
pub async fn current(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
) -> Result<Option<AssessmentResult>> {
    match &workspace.current_assessment_result_id {
        Some(id) => Ok(assessment_result::Entity::find_by_id(id.clone()).one(cx.read()).await?),
        None => Ok(None),
    }
}

/// All that is kept, newest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
    paging: Paging,
) -> Result<Page<AssessmentResult>> {
    let query = assessment_result::Entity::find()
        .filter(assessment_result::Column::WorkspaceId.eq(&workspace.id))
        .order_by_desc(assessment_result::Column::CreatedAt)
        .order_by_desc(assessment_result::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// The one that waits or is at work, if there is one.
pub async fn under_way(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
) -> Result<Option<Assessment>> {
    let query = assessment::Entity::find()
        .filter(assessment::Column::WorkspaceId.eq(&workspace.id))
        .filter(assessment::Column::Status.is_in(UNDER_WAY));
    Ok(query.one(cx.read()).await?)
}

const UNDER_WAY: [assessment::Status; 2] =
    [assessment::Status::Queued, assessment::Status::Running];

/// The last one of a workspace, which its job is about.
pub(crate) async fn last_of(cx: &Ctx, workspace: &WorkspaceId) -> Result<Assessment> {
    let query = assessment::Entity::find()
        .filter(assessment::Column::WorkspaceId.eq(workspace))
        .order_by_desc(assessment::Column::CreatedAt)
        .order_by_desc(assessment::Column::Id);
    query.one(cx.read()).await?.ok_or(Error::NotFound)
}

fn subject<'a>(kind: &'static str, id: &'a str, workspace: &'a Workspace) -> crate::Subject<'a> {
    crate::Subject { kind, id, ..workspaces::subject(workspace) }
}
