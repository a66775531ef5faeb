//! `…/health`: what the last assessment of a workspace has found, what to do about it, and when the next one comes.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    In, Paging,
    assessments::{self, Check, Findings, Standing},
    can,
    plan_changes::{self, Changes, Known},
    row::{AssessmentResult, Workspace},
    workspaces::{self, Change},
};
use maud::{Markup, html};
use serde::Deserialize;
use text::visible;

use super::{badge_of, drifted};
use crate::{
    components::{
        Button, Crumb, Head, Header, Icon, Look as ButtonLook, Notice, Panel, Table, Tone, action,
        badge, count, empty, facts, link_button, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    query::address,
    runs::changes::{self, Asked, Look},
    workspaces::{Heading, Part, path},
};

/// Earlier results that are shown.
const EARLIER: u64 = 20;

fn here(workspace: &Workspace) -> String {
    format!("{}/health", path(workspace))
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace, None).await
}

async fn draw(workspace: &May<can::ReadWorkspace>, wrong: Option<&Wrong>) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let result = assessments::current(cx, workspace).await?;
    let first = Paging { number: 1, size: EARLIER };
    let earlier = assessments::list(cx, workspace, first).await?;
    let main = html! {
        (Heading { workspace, here: Part::Health }.draw(cx))
        div.stack {
            @if let Some(wrong) = wrong { (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } })) }
            (schedule(workspace).await?)
            @match &result {
                Some(result) => { (found(workspace, result).await?) }
                None => {
                    (empty(Icon::Heart, "Not assessed yet", "An assessment compares what is there with what was applied. It changes nothing and holds up no run.", &html! {}))
                }
            }
            @if earlier.total > 1 { (history(&earlier.items)) }
        }
    };
    let title = format!("Health of {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}

/// Whether and when it is assessed, with what is in the way, and the buttons of those who decide it.
async fn schedule(workspace: &May<can::ReadWorkspace>) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let under_way = assessments::under_way(cx, workspace).await?;
    let obstacle = assessments::obstacle(cx, workspace).await?;
    let next = assessments::next_at(cx, workspace).await?.filter(|_| obstacle.is_none());
    let is_enforced = assessments::is_enforced_for(cx, workspace).await?;
    let (says, value) = if workspace.assessments_enabled {
        ("Switch assessments off", "false")
    } else {
        ("Switch assessments on", "true")
    };
    let switch = Button { label: says, sends: Some(("enabled", value)), ..Button::default() };
    let now = Button {
        label: "Assess now",
        icon: Some(Icon::Heart),
        look: ButtonLook::Main,
        ..Button::default()
    };
    let is_on = is_enforced || workspace.assessments_enabled;
    let mut rows = vec![(
        "Assessed",
        html! {
            @if is_enforced { "Yes: the organization wants it so" }
            @else if is_on { "Yes" }
            @else { "No" }
        },
    )];
    if let Some(row) = &under_way {
        let word =
            if row.started_at.is_some() { "Under way since " } else { "Waits for an agent since " };
        rows.push(("Now", html! { (word) (time(row.started_at.unwrap_or(row.created_at))) }));
    } else if let Some(obstacle) = obstacle.filter(|_| is_on) {
        rows.push(("Not now", html! { (obstacle.to_string()) }));
    } else if let Some(next) = next {
        rows.push(("Next", html! { "Due " (time(next)) }));
    }
    let token = visitor.form_token();
    let buttons = html! {
        @if cx.may::<can::ManageAssessments>(workspace) {
            div.row {
                @if is_on && under_way.is_none() { (action(&format!("{}/assess", here(workspace)), &token, &now)) }
                @if !is_enforced { (action(&format!("{}/switch", here(workspace)), &token, &switch)) }
            }
        }
    };
    let content = html! { (facts(&rows)) (buttons) };
    Ok(html! { (Panel { id: "h-schedule", title: "Assessments", content, ..Panel::default() }) })
}

async fn found(workspace: &May<can::ReadWorkspace>, result: &AssessmentResult) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let told = assessments::findings(cx, result)?;
    let number = |number: Option<i64>| html! { @match number { Some(number) => (number), None => "not known" } };
    let mut rows = vec![("Assessed", time(result.created_at))];
    if let Some(message) = &result.error_message {
        rows.push(("Why", html! { (visible(message)) }));
    } else {
        rows.extend([
            ("Drifted", html! { (drifted(result)) " resources" }),
            ("Checks passed", number(result.checks_passed)),
            ("Checks failed", number(result.checks_failed)),
            ("Checks errored", number(result.checks_errored)),
            ("Not known before an apply", number(result.checks_unknown)),
        ]);
    }
    let start = |kind: &str, message: &str| {
        address(&format!("{}/start-run", path(workspace)), &[("kind", kind), ("message", message)])
    };
    let content = html! {
        (facts(&rows))
        @if result.drifted && cx.may::<can::QueueRun>(workspace) {
            div.row {
                (link_button(ButtonLook::Plain, Icon::Play, "Repair: plan and apply", &start("apply", "Repair what has drifted")))
                (link_button(ButtonLook::Plain, Icon::StGood, "Accept: refresh the state", &start("refresh", "Accept what has changed outside")))
            }
            p.hint { "To keep what was changed outside for good, change the configuration as well." }
        }
    };
    let beside = badge_of(result);
    let panel =
        Panel { id: "h-result", title: "Last assessment", beside, content, ..Panel::default() };
    let plan = of_plan(workspace, result).await?;
    Ok(html! {
        (panel)
        @if !told.drifted.is_empty() { (drift(workspace, &told, plan.as_deref()).await?) }
        @if let Some(checks) = &told.checks { (conditions(checks)) }
    })
}

/// What an apply would change, as far as it is kept.
async fn of_plan(
    workspace: &May<can::ReadWorkspace>,
    result: &AssessmentResult,
) -> Result<Option<Box<Changes>>> {
    let cx = &workspace.visitor.cx;
    let found = assessments::find(cx, &result.id).await?;
    let Ok(result) = cx.check::<can::ReadRun, In<AssessmentResult>>(found) else { return Ok(None) };
    Ok(match plan_changes::of_assessment(cx, &result).await? {
        Known::List(list) => Some(list),
        Known::Later | Known::Never => None,
    })
}

async fn drift(
    workspace: &May<can::ReadWorkspace>,
    told: &Findings,
    plan: Option<&Changes>,
) -> Result<Markup> {
    let look = look(workspace);
    let content = html! {
        ul { @for address in &told.drifted { li { code.addr { (visible(address)) } } } }
        @match plan {
            Some(list) => { (changes::whole(&look, list).await?) }
            None => { p.soft { "What an apply would change is not there: it is being read, or is kept no longer." } }
        }
    };
    let beside = count(told.drifted.len() as u64);
    Ok(html! { (Panel { id: "h-drift", title: "Drift", beside, content, ..Panel::default() }) })
}

fn look(workspace: &May<can::ReadWorkspace>) -> Look<'_> {
    Look::at(&workspace.visitor, format!("{}/plan", here(workspace)), workspace)
}

fn conditions(checks: &[Check]) -> Markup {
    let checks: Vec<_> = checks.iter().filter(|check| check.counts()).collect();
    let heads = [Head::new("Object"), Head::new("Stands"), Head::new("Says")];
    let rows = checks.iter().map(|check| {
        let (tone, sign) = match check.standing {
            Standing::Passed => (Tone::Good, Icon::StGood),
            Standing::Failed | Standing::Errored => (Tone::Bad, Icon::StBad),
            Standing::Unknown => (Tone::Neutral, Icon::StNone),
        };
        vec![
            html! { code.addr { (visible(&check.address)) } },
            badge(tone, sign, check.standing.as_str()),
            html! { @for problem in &check.problems { p { (visible(problem)) } } },
        ]
    });
    let content = if checks.is_empty() {
        html! { div.in { p.soft { "The configuration has no check blocks and no pre- or postconditions." } } }
    } else {
        let table = Table { caption: "Checks", heads: &heads, rows: rows.collect() };
        html! { (table) }
    };
    let beside = count(checks.len() as u64);
    html! { (Panel { id: "h-checks", title: "Checks", beside, content, is_table: true, is_risk: false }) }
}

fn history(results: &[AssessmentResult]) -> Markup {
    let heads = [Head::new("Assessed"), Head::new("Health"), Head::number("Drifted")];
    let rows = results
        .iter()
        .map(|result| vec![time(result.created_at), badge_of(result), html! { (drifted(result)) }]);
    let content = html! { (Table { caption: "Assessments", heads: &heads, rows: rows.collect() }) };
    html! { (Panel { id: "h-history", title: "So far", content, is_table: true, ..Panel::default() }) }
}

/// The list of changes of the last result, if there is one.
async fn list_of(workspace: &May<can::ReadWorkspace>) -> Result<Option<Box<Changes>>> {
    match assessments::current(&workspace.visitor.cx, workspace).await? {
        Some(result) => of_plan(workspace, &result).await,
        None => Ok(None),
    }
}

/// Everything of it that is asked for, a page at a time.
pub async fn plan(
    workspace: May<can::ReadWorkspace>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let (title, content) = if let Some(list) = list_of(&workspace).await? {
        changes::found(&look(&workspace), &list, &asked).await?
    } else {
        let text = "An assessment leaves one where something was changed outside.";
        let nothing = empty(Icon::List, "No list of changes", text, &html! {});
        ("What an apply would change".to_owned(), nothing)
    };
    let crumbs = [
        Crumb { label: &workspace.name, href: path(&workspace) },
        Crumb { label: "Health", href: here(&workspace) },
    ];
    let main = html! {
        (Header { crumbs: &crumbs, title: &title, ..Header::default() })
        div.stack { (content) }
    };
    let place = Place::In(&workspace.organization_name, Section::Workspaces);
    page(&workspace.visitor, place, &title, &main).await
}

/// What a group shows when it is opened.
pub async fn part(
    workspace: May<can::ReadWorkspace>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    match list_of(&workspace).await? {
        Some(list) => changes::group(&look(&workspace), &list, &asked).await,
        None => Ok(html! {}),
    }
}

pub async fn assess(workspace: May<can::ManageAssessments>, _: Press) -> Result<Response> {
    let done = assessments::assess(&workspace.visitor.cx, &workspace).await;
    answered(&workspace, done).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Switched {
    /// `true`, or off.
    enabled: String,
}

pub async fn switch(
    workspace: May<can::ManageAssessments>,
    Form(switched): Form<Switched>,
) -> Result<Response> {
    let cx = &workspace.visitor.cx;
    let found = workspaces::find(cx, &workspace.id).await?;
    let granted = cx.check::<can::UpdateWorkspace, _>(found)?;
    let change =
        Change { assessments_enabled: Some(switched.enabled == "true"), ..Change::default() };
    let done = Box::pin(workspaces::update(cx, &granted, change)).await;
    answered(&workspace, done).await
}

/// Back to the page, or to what was refused.
async fn answered<T>(
    workspace: &May<can::ManageAssessments>,
    done: domain::Result<T>,
) -> Result<Response> {
    match done {
        Ok(_) => Ok(Redirect::to(&here(workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let visitor = workspace.visitor.clone();
            let found = workspaces::find(&visitor.cx, &workspace.id).await?;
            let granted = visitor.cx.check::<can::ReadWorkspace, _>(found)?;
            let reader = May { granted, visitor };
            Ok(wrong.shown_in(draw(&reader, Some(&wrong)).await?))
        }
    }
}
