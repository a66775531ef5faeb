//! The page of a run, which command lines print the address of: its status, its logs, and what may be done.

use axum::response::Redirect;
use domain::{
    Granted, In, accounts,
    archivist::{self, Content},
    can,
    entity::{phase, run::Cancel},
    row::{Phase, Run},
    runs::{self, status},
};
use maud::{Markup, html};

use crate::{
    Routes,
    components::{
        Button, Crumb, Look, Tone, action, live_fragment, log_viewer, notice, page, page_header,
        run_status, time,
    },
    failure::Result,
    forms::Press,
    guard::May,
    organizations,
    visitor::SignedIn,
    workspaces,
};

/// Command lines print the form without `workspaces/` (CLI protocol 2.5).
pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}", show)
        .get("/app/{organization_name}/{workspace_name}/runs/{run_id}", show)
        .get("/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/status", fragment)
        .post("/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/apply", apply)
        .post("/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/discard", discard)
        .post("/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/cancel", cancel)
}

pub fn path(run: &In<Run>) -> String {
    format!("{}/runs/{}", workspaces::path(&run.of), run.id)
}

async fn show(run: May<can::ReadRun, In<Run>>) -> Result<Markup> {
    let visitor = &run.visitor;
    let status = status_of(visitor, &run).await?;
    let crumbs = [
        Crumb { label: "Overview", href: "/".into() },
        Crumb { label: &run.organization_name, href: organizations::path(&run.organization_name) },
        Crumb { label: &run.of.name, href: workspaces::path(&run.of) },
    ];
    let main = html! {
        (page_header(&crumbs, &run.message, &html! {}))
        (live_fragment(&format!("{}/status", path(&run)), &status))
        section aria-labelledby="plan-log" {
            h2 id="plan-log" { "Plan" }
            (log_viewer("log of the plan", &log_path(visitor, run.plan_id.as_str())))
        }
        @if !run.plan_only {
            section aria-labelledby="apply-log" {
                h2 id="apply-log" { "Apply" }
                (log_viewer("log of the apply", &log_path(visitor, run.apply_id.as_str())))
            }
        }
    };
    Ok(page(&run.message, visitor, &main))
}

/// What changes while somebody looks, for the page to read again.
async fn fragment(run: May<can::ReadRun, In<Run>>) -> Result<Markup> {
    status_of(&run.visitor, &run).await
}

/// On whatever name the server was reached by, because pages read from their own origin only.
fn log_path(visitor: &SignedIn, phase: &str) -> String {
    let cx = &visitor.cx;
    let address = archivist::address(cx, Content::Log, phase);
    address.strip_prefix(&cx.settings().public_url).map_or(address.clone(), str::to_owned)
}

async fn status_of(visitor: &SignedIn, run: &Granted<can::ReadRun, In<Run>>) -> Result<Markup> {
    let cx = &visitor.cx;
    let (plan, apply) = runs::phases(cx, run).await?;
    let people: Vec<_> = run.created_by_id.iter().cloned().collect();
    let people = accounts::load(cx, &people).await?;
    let waits_for = runs::waits_for(cx, run).await?;
    let by = people.first().map_or("the system", |user| user.username.as_str());
    Ok(html! {
        div data-final[run.is_final] {
            p { (run_status(run.status)) }
            @for message in [&plan, &apply].into_iter().filter_map(|phase| phase.message.as_ref()) {
                (notice(Tone::Bad, &html! { p { (message) } }))
            }
            @if let Some(reason) = &waits_for {
                (notice(Tone::Waiting, &html! { p { (reason) } }))
            }
            dl.facts {
                dt { "Run" } dd { code { (run.id) } }
                dt { "Queued" } dd { (time(run.created_at)) " by " (by) }
                @if let Some(kind) = kind(run) { dt { "Kind" } dd { (kind) } }
                @if let Some(changes) = changes(&plan) { dt { "Plan" } dd { (changes) } }
                @if let Some(changes) = changes(&apply) { dt { "Apply" } dd { (changes) } }
            }
            (actions(visitor, run))
        }
    })
}

fn kind(run: &Run) -> Option<&'static str> {
    match run {
        Run { is_destroy: true, .. } => Some("destroys everything"),
        Run { refresh_only: true, .. } => Some("only refreshes the state"),
        Run { plan_only: true, .. } => Some("only plans"),
        Run { save_plan: true, .. } => Some("plans, to be applied later"),
        _ => None,
    }
}

/// The counts, once they are known.
fn changes(phase: &Phase) -> Option<String> {
    let additions = phase.resource_additions?;
    let changes = phase.resource_changes.unwrap_or_default();
    let destructions = phase.resource_destructions.unwrap_or_default();
    let done = match phase.kind {
        phase::Kind::Plan => ["to add", "to change", "to destroy", "to import"],
        phase::Kind::Apply => ["added", "changed", "destroyed", "imported"],
    };
    let mut text =
        format!("{additions} {}, {changes} {}, {destructions} {}", done[0], done[1], done[2]);
    if let Some(imports) = phase.resource_imports.filter(|count| *count > 0) {
        text = format!("{imports} {}, {text}", done[3]);
    }
    Some(text)
}

/// A button for whatever the run's state allows and the visitor may do: the rules of the verbs themselves.
fn actions(visitor: &SignedIn, run: &In<Run>) -> Markup {
    let cx = &visitor.cx;
    let token = visitor.form_token();
    let form = |verb: &str, label: &str, look: Look| {
        let button = Button { label, look, ..Button::default() };
        action(&format!("{}/{verb}", path(run)), &token, &button)
    };
    let canceling = run.cancel != Cancel::No && !run.is_final;
    let confirm = status::is_confirmable(run.status) && cx.may::<can::ApplyRun>(&run.of);
    let discard = status::is_discardable(run.status) && cx.may::<can::DiscardRun>(&run.of);
    let cancel = status::is_cancelable(run.status)
        && run.cancel == Cancel::No
        && cx.may::<can::CancelRun>(&run.of);
    html! {
        @if canceling { (notice(Tone::Waiting, &html! { p { "The engine was asked to stop." } })) }
        @if confirm || discard || cancel {
            div.actions {
                @if confirm { (form("apply", "Confirm and apply", Look::Main)) }
                @if discard { (form("discard", "Discard run", Look::Plain)) }
                @if cancel { (form("cancel", "Cancel run", Look::Danger)) }
            }
        }
    }
}

async fn apply(run: May<can::ApplyRun, In<Run>>, _: Press) -> Result<Redirect> {
    runs::apply(&run.visitor.cx, &run, None).await?;
    Ok(Redirect::to(&path(&run)))
}

async fn discard(run: May<can::DiscardRun, In<Run>>, _: Press) -> Result<Redirect> {
    runs::discard(&run.visitor.cx, &run, None).await?;
    Ok(Redirect::to(&path(&run)))
}

async fn cancel(run: May<can::CancelRun, In<Run>>, _: Press) -> Result<Redirect> {
    runs::cancel(&run.visitor.cx, &run, None).await?;
    Ok(Redirect::to(&path(&run)))
}
