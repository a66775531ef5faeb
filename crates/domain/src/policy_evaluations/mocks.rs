//! Makes what was ordered as plan exports: mocks of a run for those who write policies.

use ::policy::{
    Case,
    sentinel::{Hidden, mock_bundle},
};
use bytes::Bytes;
use db::entity::{plan_export::Status, variable::Category};

use super::input;
use crate::{
    Ctx, Error, Result, plan_exports,
    plan_exports::{Due, TASK},
    row::{Run, Workspace},
    runs, tasks, variables, workspaces,
};

/// After so many tries an export stays undone, and is told so when its time is over.
const TRIES: i64 = 5;
/// Bytes of a plan as JSON of which mocks are made; those are several times as large.
const LIMIT: u64 = 64 << 20;

/// Makes what is due. Safe to repeat.
pub async fn make_exports(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let outcome = match serde_json::from_value::<Due>(task.payload.0.clone()) {
            Ok(due) => Box::pin(make(cx, &due)).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        tasks::settle(cx, &task, outcome, Some(TRIES)).await?;
    }
    Ok(())
}

async fn make(cx: &Ctx, due: &Due) -> Result<()> {
    let Some(row) = plan_exports::by_id(cx, &due.export).await? else { return Ok(()) };
    if row.status != Status::Queued {
        return Ok(());
    }
    let run = runs::of_phase(cx, row.plan_id.as_str()).await?;
    let workspace = workspaces::by_id(cx, &run.workspace_id).await?.ok_or(Error::NotFound)?;
    let made = match input::of(cx, &workspace, &run, LIMIT).await? {
        Ok(seen) => {
            let hidden = hidden(cx, &workspace, &run).await?;
            let making = tokio::task::spawn_blocking(move || bundle(&seen, &hidden));
            making.await.map_err(|error| Error::Internal(error.into()))?
        }
        Err(why) => Err(why),
    };
    plan_exports::finish(cx, &due.export, made).await
}

fn bundle(seen: &Case, hidden: &Hidden) -> std::result::Result<Bytes, String> {
    let made = mock_bundle(seen.plan.as_bytes(), &seen.run, hidden, seen.at);
    made.map(Bytes::from).map_err(|refusal| refusal.to_string())
}

/// What the plan does not say itself: which variables are marked as sensitive here.
async fn hidden(cx: &Ctx, workspace: &Workspace, run: &Run) -> Result<Hidden> {
    let own = runs::variables_of(cx, run)?;
    let mut hidden = Hidden::default();
    for variable in variables::for_run(cx, workspace, own).await? {
        if !variable.sensitive {
            continue;
        }
        if variable.category == Category::Terraform {
            hidden.variables.insert(variable.key);
        }
        hidden.texts.push(variable.value);
    }
    Ok(hidden)
}
