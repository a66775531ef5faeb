//! The page of a run: what it waits for and who can end that, its stages, its logs, what was said and done.

use axum::response::{IntoResponse, Response};
use domain::{
    Granted, In, Paging, accounts,
    archivist::Content,
    can, cost_estimates,
    entity::{phase, run::Cancel},
    freezes,
    row::{Phase, Run},
    runs, task_stages,
};
use maud::{Markup, html};

use super::{
    activity, changes, checks,
    decide::{self, Verbs},
    mocks::Mocks,
    path,
    stages::stages,
    waiting,
};
use crate::{
    components::{
        Button, Crumb, Header, Icon, Look, Notice, Size, Tone, action, copy_id, icon, link_button,
        live_stream, log_viewer, run_status, stacked_facts, time,
    },
    failure::{Result, Wrong},
    frame::{Place, Section, page},
    guard::May,
    live::{self, Fragment},
    organizations,
    visitor::SignedIn,
    workspaces,
};

pub async fn show(run: May<can::ReadRun, In<Run>>) -> Result<Markup> {
    draw(&run.visitor, &run, Refused::default()).await
}

/// What changes while somebody looks, for the page to read again.
pub async fn fragment(run: May<can::ReadRun, In<Run>>) -> Result<Markup> {
    status_of(&run.visitor, &run, None).await
}

/// The same as it happens.
pub async fn events(run: May<can::ReadRun, In<Run>>) -> Response {
    let id = run.id.clone();
    let stream = live::stream(run.visitor.clone(), move |visitor| {
        let id = id.clone();
        Box::pin(async move {
            let found = runs::find(&visitor.cx, &id).await?;
            let run = visitor.cx.check::<can::ReadRun, _>(found)?;
            // Before the rest is read, so that nothing is missed that comes meanwhile.
            let number = runs::last_event(&visitor.cx, &run).await?;
            let content = status_of(&visitor, &run, None).await?;
            Ok(Fragment { number, content })
        })
    });
    stream.into_response()
}

/// What was refused of a form of the page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refused<'a> {
    pub comment: Option<(&'a str, &'a Wrong)>,
    pub decision: Option<decide::Typed<'a>>,
}

pub async fn draw(
    visitor: &SignedIn,
    run: &Granted<can::ReadRun, In<Run>>,
    refused: Refused<'_>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let status = status_of(visitor, run, refused.decision).await?;
    let changes = Box::pin(changes::draw(visitor, run)).await?;
    let checks = checks::draw(visitor, run).await?;
    let workspace = workspaces::path(&run.of);
    let crumbs = [
        Crumb { label: "Workspaces", href: organizations::path(&run.organization_name) },
        Crumb { label: &run.of.name, href: workspace.clone() },
        Crumb { label: "Runs", href: format!("{workspace}/runs") },
    ];
    let people: Vec<_> = run.created_by_id.iter().cloned().collect();
    let people = accounts::load(cx, &people).await?;
    let by = people.first().map_or("the system", |user| user.username.as_str());
    let about = html! {
        span { "by " (by) }
        span { (icon(Icon::Clock)) (time(run.created_at)) }
        span { (what(run)) }
    };
    let again = format!("{workspace}/start-run?from={}", run.id);
    let actions = html! {
        @if run.is_final && cx.may::<can::QueueRun>(&run.of) {
            (link_button(Look::Plain, Icon::Play, "Run it again", &again))
        }
    };
    let main = html! {
        (Header { crumbs: &crumbs, title: &run.message, about, actions, ..Header::default() })
        (live_stream(&format!("{}/status", path(run)), &status))
        div.stack.gap {
            (changes)
            section class="stack tight" id="plan-log" aria-labelledby="plan-title" {
                h2 id="plan-title" { "Log of the plan" }
                (log_viewer("log of the plan", &visitor.blob(Content::Log, &run.plan_id), "plan"))
            }
            @if !run.plan_only {
                section class="stack tight" id="apply-log" aria-labelledby="apply-title" {
                    h2 id="apply-title" { "Log of the apply" }
                    (log_viewer("log of the apply", &visitor.blob(Content::Log, &run.apply_id), "apply"))
                }
            }
            @if let Some(checks) = &checks { (checks) }
            (activity::draw(visitor, run, refused.comment).await?)
        }
    };
    let place = Place::In(&run.organization_name, Section::Workspaces);
    page(visitor, place, &run.message, &main).await
}

async fn status_of(
    visitor: &SignedIn,
    run: &Granted<can::ReadRun, In<Run>>,
    typed: Option<decide::Typed<'_>>,
) -> Result<Markup> {
    let (plan, apply) = runs::phases(&visitor.cx, run).await?;
    let wait = waiting::sentence(visitor, run).await?;
    let verbs = Verbs::of(visitor, run);
    let may_break = visitor.cx.may::<can::BreakFreeze>(&run.of);
    let frozen = may_break && freezes::waits_for(&visitor.cx, run).await?.is_some();
    let decides = wait.as_ref().is_some_and(|wait| is_decided_here(wait, verbs));
    let asks = verbs.confirm && runs::asks_for_name(&visitor.cx, run, &plan).await?;
    let canceling = run.cancel != Cancel::No && !run.is_final;
    let mut facts = facts(run, &plan, &apply);
    let mocks = Mocks::of(visitor, run, &plan).await?;
    facts.extend(mocks.iter().map(|mocks| ("Mocks for policies", mocks.draw(visitor, run))));
    let is_settled = run.is_final && !mocks.is_some_and(|mocks| mocks.are_made());
    let all = Paging { number: 1, size: 100 };
    let asked = task_stages::list(&visitor.cx, run, all).await?.items;
    let estimate = cost_estimates::of_run(&visitor.cx, run).await?;
    Ok(html! {
        div.stack data-final[is_settled] {
            div.row {
                (run_status(run.status, Size::Big))
                (interruptions(visitor, run, verbs, decides))
            }
            @for message in [&plan, &apply].into_iter().filter_map(|phase| phase.message.as_ref()) {
                (Notice::new(Tone::Bad, &html! { p { (message) } }))
            }
            @if canceling {
                (Notice::new(Tone::Busy, &html! { p { "The engine was asked to stop. It may finish what it has begun." } }))
            }
            @if frozen { (decide::freeze_form(visitor, run)) }
            @if let Some(wait) = &wait {
                (decision(wait, verbs, &decide::form(visitor, run, &plan, verbs, asks, typed)))
            }
            div.run {
                aside.rail aria-label="The run" { (stages(run, &plan, &apply, &asked, estimate.as_ref())) }
                div.pane { (stacked_facts(&facts)) }
            }
        }
    })
}

fn facts<'a>(run: &Run, plan: &Phase, apply: &Phase) -> Vec<(&'a str, Markup)> {
    let mut facts = vec![("Run", copy_id(&run.id))];
    if let Some(version) = &run.terraform_version {
        facts.push(("Engine", html! { (workspaces::engines::shown(run.engine, version)) }));
    }
    for (name, phase) in [("Plan", plan), ("Apply", apply)] {
        if let Some(changes) = changes(phase) {
            facts.push((name, html! { (changes) }));
        }
    }
    for (name, phase) in [("Plan used", plan), ("Apply used", apply)] {
        if let Some(peaks) = phase.peaks.as_ref() {
            facts.push((name, html! { (used(&peaks.0)) }));
        }
    }
    for (name, phase) in [("Plan kept apart by", plan), ("Apply kept apart by", apply)] {
        if let Some(layers) = phase.layers.as_ref() {
            facts.push((name, html! { (kept_apart(layers)) }));
        }
    }
    for (name, addresses) in [("Only", &run.target_addrs), ("Replaces", &run.replace_addrs)] {
        if !addresses.is_empty() {
            facts.push((name, html! { @for one in addresses.iter() { code { (one) } " " } }));
        }
    }
    facts
}

/// What it waits for in words, and what the visitor can do about it.
fn decision(wait: &waiting::Wait, verbs: Verbs, form: &Markup) -> Markup {
    html! {
        section.decide.calm[!wait.for_a_person] aria-labelledby="wait" {
            header {
                (icon(if wait.for_a_person { Icon::StWait } else { Icon::StQueued }))
                h2 id="wait" { (wait.title) }
                @if let Some(since) = wait.since { span.since { "since " (time(since)) } }
            }
            @if is_decided_here(wait, verbs) {
                div.in {
                    div { @for sentence in &wait.who { p { (sentence) } } }
                    (form)
                }
            } @else if !wait.who.is_empty() {
                footer { @for sentence in &wait.who { span { (sentence) } } }
            }
            @if let Some(holds) = &wait.holds { footer { span { (holds) } } }
        }
    }
}

/// Whether the form of a decision is drawn, which has the button to discard as well.
fn is_decided_here(wait: &waiting::Wait, verbs: Verbs) -> bool {
    verbs.decides() || (verbs.discard && wait.for_a_person)
}

/// What stops a run that goes on by itself.
fn interruptions(visitor: &SignedIn, run: &In<Run>, verbs: Verbs, decides: bool) -> Markup {
    let token = visitor.form_token();
    let form = |verb: &str, label: &str, look: Look| {
        let button = Button { label, look, icon: Some(Icon::StStop), ..Button::default() };
        action(&format!("{}/{verb}", path(run)), &token, &button)
    };
    html! {
        @if verbs.cancel { (form("cancel", "Cancel run", Look::Danger)) }
        @if verbs.force_cancel { (form("force-cancel", "Cut it off", Look::Final)) }
        @if verbs.discard && !decides {
            (form("discard", "Discard run", Look::Plain))
        }
    }
}

fn what(run: &Run) -> &'static str {
    match run {
        Run { is_destroy: true, .. } => "destroys everything",
        Run { refresh_only: true, .. } => "only refreshes the state",
        Run { plan_only: true, .. } => "only plans",
        Run { save_plan: true, .. } => "plans, to be applied later",
        Run { auto_apply: true, .. } => "plans, and applies by itself",
        _ => "plans, and applies when somebody confirms",
    }
}

/// At most, as its agent saw it.
fn used(peaks: &phase::Peaks) -> String {
    let phase::Peaks { memory_bytes, processes, disk_bytes, cpu_milliseconds } = peaks;
    let processes = match processes {
        1 => "1 process".to_owned(),
        many => format!("{many} processes"),
    };
    let (memory, disk) = (size(*memory_bytes), size(*disk_bytes));
    let (seconds, tenths) = (cpu_milliseconds / 1000, cpu_milliseconds / 100 % 10);
    format!(
        "{memory} of memory, {processes}, {disk} of disk, {seconds}.{tenths} s of the processor"
    )
}

fn size(bytes: u64) -> String {
    let (shift, unit) = if bytes >= 1 << 30 { (30, "GiB") } else { (20, "MiB") };
    let tenths = bytes.saturating_mul(10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// In words, of which agents to come may know others.
fn kept_apart(layers: &[String]) -> String {
    if layers.is_empty() {
        return "nothing".to_owned();
    }
    let named = |word: &String| match word.as_str() {
        "files" => "a file system of its own".to_owned(),
        "processes" => "processes of its own".to_owned(),
        "landlock" => "Landlock".to_owned(),
        "system-calls" => "a filter of system calls".to_owned(),
        "control-groups" => "control groups".to_owned(),
        other => other.to_owned(),
    };
    let all = layers.iter().map(named).collect::<Vec<_>>().join(", ");
    format!("{all}; the network is the machine's, metadata addresses of clouds are open")
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
