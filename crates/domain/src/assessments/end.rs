//! How an assessment ends: with a result, which those are told of to whom it is news.

use db::{
    Json, Locked,
    entity::{assessment, assessment_result as result, workspace},
    id::{AssessmentId, AssessmentResultId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::json;

use super::{
    Findings, Standing,
    findings::{findings, seal},
    orphans_of, subject,
};
use crate::{
    Happened, Result, Timestamp, Tx, cleanup,
    row::{AssessmentResult, Workspace},
};

/// Results of a workspace whose documents are kept; the results themselves stay.
const KEPT: u64 = 30;
/// Seconds after which what is still so is news again.
const REMINDED: i64 = 7 * 24 * 60 * 60;

/// What became of it.
pub(crate) enum Verdict {
    Found(Findings),
    /// With what went wrong.
    Failed(Option<String>),
}

/// Ends one in its locked workspace.
pub(crate) async fn end(
    tx: &Tx,
    mut workspace: Locked<workspace::Entity>,
    mut row: Locked<assessment::Entity>,
    verdict: Verdict,
) -> Result<()> {
    row.status = assessment::Status::Finished;
    row.ended_at = Some(tx.now());
    let assessment = tx.update(row).await?;
    let prior = match &workspace.current_assessment_result_id {
        Some(id) => result::Entity::find_by_id(id.clone()).one(tx.db()).await?,
        None => None,
    };
    let (mut new, found) = made(tx, &assessment, verdict)?;
    let known = match &prior {
        Some(prior) => findings(tx.cx(), prior)?,
        None => Findings::default(),
    };
    let told = prior.as_ref().map(|prior| (prior.drift_told_at, prior.checks_told_at));
    let (drift_told_at, checks_told_at) = told.unwrap_or_default();
    let is_long_ago =
        |at: Option<Timestamp>| at.is_none_or(|at| at.plus_seconds(REMINDED) <= tx.now());
    let drift_is_news =
        new.drifted && (found.drifted() != known.drifted() || is_long_ago(drift_told_at));
    let is_ill = !found.failing().is_empty();
    let checks_are_news =
        is_ill && (found.failing() != known.failing() || is_long_ago(checks_told_at));
    let last = |is_so: bool, is_news: bool, before| {
        if is_news { Some(tx.now()) } else { is_so.then_some(before).flatten() }
    };
    new.drift_told_at = last(new.drifted, drift_is_news, drift_told_at);
    new.checks_told_at = last(is_ill, checks_are_news, checks_told_at);
    let new = tx.insert(new).await?;
    workspace.current_assessment_result_id = Some(new.id.clone());
    workspace.last_assessment_result_at = Some(new.created_at);
    let workspace = tx.update(workspace).await?;
    let detail = json!({
        "result": new.id, "prior": prior.as_ref().map(|prior| &prior.id),
        "succeeded": new.succeeded, "drifted": new.drifted,
        "all_checks_succeeded": new.all_checks_succeeded,
    });
    let has_failed_before = prior.is_some_and(|prior| !prior.succeeded);
    let news = [
        (Happened::AssessmentFinished, true),
        (Happened::AssessmentFailed, !new.succeeded && !has_failed_before),
        (Happened::AssessmentDrifted, drift_is_news),
        (Happened::AssessmentCheckFailed, checks_are_news),
    ];
    for (happened, _) in news.into_iter().filter(|(_, is_news)| *is_news) {
        let about = subject("assessment-results", new.id.as_str(), &workspace);
        tx.emit(happened, about, detail.clone()).await?;
    }
    forget_documents(tx, &workspace).await
}

fn made(
    tx: &Tx,
    assessment: &assessment::Model,
    verdict: Verdict,
) -> Result<(AssessmentResult, Findings)> {
    let id = AssessmentResultId::fresh();
    let (succeeded, found, error_message) = match verdict {
        Verdict::Found(found) => (true, found, None),
        Verdict::Failed(message) => (false, Findings::default(), message),
    };
    let count = |standing| if succeeded { found.count(standing) } else { None };
    let (failed, errored) = (count(Standing::Failed), count(Standing::Errored));
    let number = |number: u64| succeeded.then(|| i64::try_from(number).unwrap_or(i64::MAX));
    let row = AssessmentResult {
        assessment_id: assessment.id.clone(),
        workspace_id: assessment.workspace_id.clone(),
        succeeded,
        drifted: !found.drifted.is_empty(),
        all_checks_succeeded: succeeded && failed.unwrap_or(0) == 0 && errored.unwrap_or(0) == 0,
        resources_drifted: number(found.drifted.len() as u64),
        resources_undrifted: number(found.undrifted.into()),
        checks_passed: count(Standing::Passed),
        checks_failed: failed,
        checks_errored: errored,
        checks_unknown: count(Standing::Unknown),
        error_message,
        findings: seal(tx.cx(), &id, &found)?,
        drift_told_at: None,
        checks_told_at: None,
        created_at: tx.now(),
        id,
    };
    Ok((row, found))
}

/// Documents of old results are large, and nobody looks at them.
async fn forget_documents(tx: &Tx, workspace: &Workspace) -> Result<()> {
    let old = assessment::Entity::find()
        .filter(assessment::Column::WorkspaceId.eq(&workspace.id))
        .filter(assessment::Column::Status.eq(assessment::Status::Finished))
        .order_by_desc(assessment::Column::CreatedAt)
        .order_by_desc(assessment::Column::Id)
        .offset(KEPT)
        .limit(KEPT);
    for mut row in tx.lock_all(old).await?.into_iter().filter(|row| !row.artifacts.is_empty()) {
        cleanup::later(tx, orphans_of(row.id.as_str())?).await?;
        row.artifacts = Json::default();
        tx.update(row).await?;
    }
    Ok(())
}

/// Writes down that a document is there.
pub(crate) async fn note_artifact(tx: &Tx, id: &AssessmentId, name: &str) -> Result<()> {
    if let Some(mut row) = tx.lock::<assessment::Entity>(id.clone()).await?
        && !row.artifacts.has(name)
    {
        row.artifacts.note(name);
        tx.update(row).await?;
    }
    Ok(())
}
