//! What run tasks come back with: that they are at it, what they have found, and in the end whether they are for the run
//! or against it (<https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run-tasks/run-tasks-integration>).

use std::collections::BTreeMap;

use db::entity::{
    task_result::{self as result, Status},
    task_result_outcome::Tag,
};

use super::{is_final, outcomes, place, set, silence};
use crate::{
    Ctx, Error, Granted, In, Result, Tx, can, free_text, row::TaskResult, run_tasks::check_url,
    runs::held::Held, task_stages,
};

/// Characters.
const MESSAGE_LIMIT: usize = 10_000;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saying {
    Running,
    Passed,
    Failed,
}

/// What it says. Absent words leave those from before.
#[derive(Debug)]
pub struct Said {
    pub status: Saying,
    pub message: Option<String>,
    pub url: Option<String>,
    pub outcomes: Vec<NewOutcome>,
}

/// What it has found; the same name again replaces what it said before.
#[derive(Debug, Default)]
pub struct NewOutcome {
    pub outcome_id: String,
    pub description: String,
    pub url: Option<String>,
    pub tags: BTreeMap<String, Vec<Tag>>,
    pub body: Option<String>,
}

/// Takes down what a run task says; the run goes on, or does not, in the same moment.
///
/// # Errors
/// Conflict once it has said its last word or nobody waits for it; Invalid for what is too much of anything.
pub async fn call_back(
    cx: &Ctx,
    held: &Granted<can::CallBack, In<TaskResult>>,
    said: Said,
) -> Result<TaskResult> {
    free_text::is_short("message", said.message.as_deref().unwrap_or_default(), MESSAGE_LIMIT)?;
    let said = Said {
        url: said.url.filter(|url| !url.is_empty()),
        message: said.message.as_deref().map(|message| text::plain(message).into_owned()),
        ..said
    };
    if let Some(url) = &said.url {
        check_url("url", url)?;
    }
    outcomes::check(&said.outcomes)?;
    if said.status == Saying::Running {
        let tx = cx.write().await?;
        let row = take_down(&tx, &held.row, said).await?;
        tx.commit().await?;
        return Ok(row);
    }
    let (_, run) = place(cx, &held.row).await?.ok_or(Error::NotFound)?;
    let mut run = Held::lock(cx, &run).await?;
    let row = take_down(run.tx(), &held.row, said).await?;
    Box::pin(task_stages::settle(&mut run)).await?;
    run.commit().await?;
    Ok(row)
}

async fn take_down(tx: &Tx, found: &TaskResult, said: Said) -> Result<TaskResult> {
    let row = tx.lock::<result::Entity>(found.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    if is_final(row.status) {
        return Err(Error::conflict(format!(
            "The task result is {} already, and nothing is added to it.",
            row.status
        )));
    }
    outcomes::keep(tx, &row.id, said.outcomes).await?;
    row.message = said.message.or(row.message.take());
    row.url = said.url.or(row.url.take());
    row.updated_at = tx.now();
    match said.status {
        Saying::Running => silence::heard(tx, &mut row),
        Saying::Passed => set(tx, &mut row, Status::Passed),
        Saying::Failed => set(tx, &mut row, Status::Failed),
    }
    Ok(tx.update(row).await?)
}
