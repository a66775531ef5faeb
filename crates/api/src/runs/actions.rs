//! What can be done to a run: `/runs/:id/actions/…`. All answer 202 without a body.

use domain::{In, can, row::Run, runs};
use jsonapi::{Accepted, Plain};

use super::comments::Said;
use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    Routes::default()
        .post("/api/v2/runs/{run_id}/actions/apply", apply)
        .post("/api/v2/runs/{run_id}/actions/discard", discard)
        .post("/api/v2/runs/{run_id}/actions/cancel", cancel)
        .post("/api/v2/runs/{run_id}/actions/force-cancel", force_cancel)
        .post("/api/v2/runs/{run_id}/actions/force-execute", force_execute)
}

async fn apply(run: May<can::ApplyRun, In<Run>>, body: Plain<Said>) -> Result<Accepted> {
    runs::apply(&run.cx, &run, body.0.comment).await?;
    Ok(Accepted)
}

async fn discard(run: May<can::DiscardRun, In<Run>>, body: Plain<Said>) -> Result<Accepted> {
    runs::discard(&run.cx, &run, body.0.comment).await?;
    Ok(Accepted)
}

async fn cancel(run: May<can::CancelRun, In<Run>>, body: Plain<Said>) -> Result<Accepted> {
    runs::cancel(&run.cx, &run, body.0.comment).await?;
    Ok(Accepted)
}

async fn force_cancel(
    run: May<can::ForceCancelRun, In<Run>>,
    body: Plain<Said>,
) -> Result<Accepted> {
    runs::force_cancel(&run.cx, &run, body.0.comment).await?;
    Ok(Accepted)
}

async fn force_execute(run: May<can::ForceExecuteRun, In<Run>>) -> Result<Accepted> {
    runs::force_execute(&run.cx, &run).await?;
    Ok(Accepted)
}
