//! The page of a run, which command lines print the address of: its status, its logs, and what may be done.

use axum::{
    Router,
    extract::Path,
    response::Redirect,
    routing::{get, post},
};
use domain::{
    App, Error, Granted, In, accounts,
    archivist::{self, Content},
    can,
    entity::{phase, run::Cancel},
    row::{Phase, Run},
    runs::{self, status},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{
        Button, Crumb, Look, Tone, action, live_fragment, log_viewer, notice, page, page_header,
        run_status, time,
    },
    failure::Result,
    forms::Form,
    organizations,
    visitor::SignedIn,
    workspaces,
};

/// Command lines print the form without `workspaces/` (CLI protocol 2.5).
pub fn routes() -> Router<App> {
    const PATH: &str = "/app/{organization}/workspaces/{workspace}/runs/{run}";
    Router::new()
        .route(PATH, get(show))
        .route("/app/{organization}/{workspace}/runs/{run}", get(show))
        .route(&format!("{PATH}/status"), get(fragment))
        .route(&format!("{PATH}/apply"), post(apply))
        .route(&format!("{PATH}/discard"), post(discard))
        .route(&format!("{PATH}/cancel"), post(cancel))
}

pub fn path(run: &In<Run>) -> String {
    format!("{}/runs/{}", workspaces::path(&run.of), run.id)
}

type Place = Path<(String, String, String)>;

/// The run that an address names, if it is in the workspace and organization that the address names as well.
async fn locate<P>(
    visitor: &SignedIn,
    Path((organization, workspace, run)): Place,
) -> Result<Granted<P, In<Run>>>
where
    P: domain::access::Permission<On = domain::row::Workspace>,
{
    let id = run.parse().map_err(|_| Error::NotFound)?;
    let run: Granted<P, In<Run>> = visitor.cx.check(runs::find(&visitor.cx, &id).await?)?;
    let of = &run.of;
    if of.name.eq_ignore_ascii_case(&workspace)
        && of.organization_name.eq_ignore_ascii_case(&organization)
    {
        Ok(run)
    } else {
        Err(Error::NotFound.into())
    }
}

async fn show(visitor: SignedIn, place: Place) -> Result<Markup> {
    let run = locate::<can::ReadRun>(&visitor, place).await?;
    let status = status_of(&visitor, &run).await?;
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
            (log_viewer("log of the plan", &log_path(&visitor, run.plan_id.as_str())))
        }
        @if !run.plan_only {
            section aria-labelledby="apply-log" {
                h2 id="apply-log" { "Apply" }
                (log_viewer("log of the apply", &log_path(&visitor, run.apply_id.as_str())))
            }
        }
    };
    Ok(page(&run.message, &visitor, &main))
}

/// What changes while somebody looks, for the page to read again.
async fn fragment(visitor: SignedIn, place: Place) -> Result<Markup> {
    let run = locate::<can::ReadRun>(&visitor, place).await?;
    status_of(&visitor, &run).await
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

#[derive(Deserialize)]
struct NoInput {}

async fn apply(place: Place, form: Form<NoInput>) -> Result<Redirect> {
    let run = locate::<can::ApplyRun>(&form.visitor, place).await?;
    runs::apply(&form.visitor.cx, &run, None).await?;
    Ok(Redirect::to(&path(&run)))
}

async fn discard(place: Place, form: Form<NoInput>) -> Result<Redirect> {
    let run = locate::<can::DiscardRun>(&form.visitor, place).await?;
    runs::discard(&form.visitor.cx, &run, None).await?;
    Ok(Redirect::to(&path(&run)))
}

async fn cancel(place: Place, form: Form<NoInput>) -> Result<Redirect> {
    let run = locate::<can::CancelRun>(&form.visitor, place).await?;
    runs::cancel(&form.visitor.cx, &run, None).await?;
    Ok(Redirect::to(&path(&run)))
}
