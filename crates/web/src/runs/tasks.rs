//! What run tasks said in a stage of a run: all of it is of whoever made the service, and is shown as text.

use domain::{
    Granted, In, Paging,
    accounts::ExposeSecret,
    can,
    entity::{run_task::Enforcement, task_result::Status, task_result_outcome::Level},
    row::{TaskResult, TaskResultOutcome, TaskStage},
    task_results,
};
use maud::{Markup, Render, html};

use crate::{
    components::{Head, Icon, Table, Tone, badge, code_block, time},
    failure::Result,
    visitor::SignedIn,
};

/// As many as a result can have.
const MOST: Paging = Paging { number: 1, size: 200 };
/// Texts of a result that stand here, and the bytes of the longest.
const TEXTS: usize = 20;
const LONGEST: i64 = 64 << 10;

/// Nothing where nobody is asked.
pub async fn draw(
    visitor: &SignedIn,
    stage: &Granted<can::ReadRun, In<TaskStage>>,
) -> Result<Option<Markup>> {
    let cx = &visitor.cx;
    let results = task_results::of_stage(cx, stage).await?;
    if results.is_empty() {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for result in &results {
        let found = task_results::find(cx, &result.id).await?;
        let granted = cx.check::<can::ReadRun, _>(found)?;
        let mut outcomes = Vec::new();
        let mut open = TEXTS;
        for outcome in task_results::outcomes_of(cx, &granted, MOST).await?.items {
            let text = text(visitor, &outcome, &mut open).await?;
            outcomes.push((outcome, text));
        }
        rows.push(row(result, &outcomes));
    }
    let heads = [Head::new("Run task"), Head::new("Level"), Head::new("What it says")];
    Ok(Some(Table { caption: "Run tasks", heads: &heads, rows }.render()))
}

/// The whole text of an outcome, which is somebody else's and stays text; where that is long, how long.
async fn text(
    visitor: &SignedIn,
    outcome: &TaskResultOutcome,
    open: &mut usize,
) -> Result<Option<Markup>> {
    if outcome.body_size == 0 {
        return Ok(None);
    }
    if outcome.body_size > LONGEST || *open == 0 {
        let bytes = outcome.body_size;
        return Ok(Some(html! { " " (bytes) " bytes of text more, which are read by the API." }));
    }
    *open -= 1;
    let cx = &visitor.cx;
    let found = cx.check::<can::ReadRun, _>(task_results::find_outcome(cx, &outcome.id).await?)?;
    let text = task_results::body(cx, &found).await?;
    Ok(Some(html! {
        details {
            summary { "All of it" }
            (code_block(&format!("{}-text", outcome.id), "What was found", text.expose_secret()))
        }
    }))
}

fn row(result: &TaskResult, outcomes: &[(TaskResultOutcome, Option<Markup>)]) -> Vec<Markup> {
    let (tone, sign) = match (result.status, result.enforcement_level) {
        (Status::Pending, _) => (Tone::Neutral, Icon::StQueued),
        (Status::Running, _) => (Tone::Busy, Icon::StBusy),
        (Status::Passed, _) => (Tone::Good, Icon::StShieldOk),
        (Status::Failed | Status::Errored, Enforcement::Advisory) => (Tone::Neutral, Icon::Warn),
        (Status::Failed | Status::Errored, Enforcement::Mandatory) => (Tone::Bad, Icon::StShield),
        (Status::Canceled, _) => (Tone::Neutral, Icon::StStop),
        (Status::Unreachable, _) => (Tone::Neutral, Icon::StNone),
    };
    vec![
        html! {
            (result.task_name)
            span.under { (badge(tone, sign, result.status.as_str())) " " (time(result.updated_at)) }
        },
        html! { (result.enforcement_level) },
        html! {
            @if let Some(message) = &result.message { (message) }
            @if let Some(url) = &result.url { span.under { (outside(url, "Details", &result.task_name)) } }
            @for (outcome, text) in outcomes {
                (found(outcome))
                @if let Some(text) = text { (text) }
            }
        },
    ]
}

fn found(outcome: &TaskResultOutcome) -> Markup {
    html! {
        span.under {
            code { (outcome.outcome_id) } " " (outcome.description)
            @for (name, tags) in outcome.tags.iter() {
                @for tag in tags {
                    @let (tone, sign) = look(tag.level);
                    " " (badge(tone, sign, &format!("{name}: {}", tag.label)))
                }
            }
            @if let Some(url) = &outcome.url { " " (outside(url, "Details", &outcome.outcome_id)) }
        }
    }
}

fn look(level: Level) -> (Tone, Icon) {
    match level {
        Level::None | Level::Info => (Tone::Neutral, Icon::List),
        Level::Warning => (Tone::Neutral, Icon::Warn),
        Level::Error => (Tone::Bad, Icon::StBad),
    }
}

/// To a place of somebody else's, which learns nothing of this page.
fn outside(url: &str, label: &str, about: &str) -> Markup {
    html! { a href=(url) rel="noopener noreferrer nofollow" { (label) span.unseen { " of " (about) } } }
}
