//! `/app/{organization}/policy-replays`: drafts of policies, asked about plans that are recorded.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, can,
    entity::{
        policy_replay::{Kind, Status},
        policy_replay_result::Status as Came,
    },
    id::WorkspaceId,
    policy_evaluations::{Draft, Verdict},
    policy_replays::{self, New, Told},
    row::{Organization, PolicyReplay},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{
        About, Button, Crumb, Head, Header, Icon, Lines, Look, Notice, Panel, Select, Sheet, Table,
        Text, TextArea, Tone, action, badge, copy_id, count, empty, live_fragment, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
    workspaces,
};

/// As many of anything as a page shows.
const MOST: Paging = Paging { number: 1, size: policy_replays::MOST };

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/policy-replays", list)
        .post("/app/{organization_name}/policy-replays", create)
        .get("/app/{organization_name}/policy-replays/{policy_replay_id}", show)
        .get("/app/{organization_name}/policy-replays/{policy_replay_id}/state", fragment)
        .post("/app/{organization_name}/policy-replays/{policy_replay_id}/cancel", cancel)
}

fn list_path(organization: &str) -> String {
    format!("/app/{organization}/policy-replays")
}

fn path(row: &PolicyReplay) -> String {
    format!("{}/{}", list_path(&row.organization_name), row.id)
}

#[derive(Deserialize)]
#[serde(default)]
struct Input {
    kind: String,
    files: String,
    query: String,
    plans: String,
    /// Names, a line each.
    workspaces: String,
}

impl Default for Input {
    fn default() -> Self {
        let text = String::new;
        Self { kind: text(), files: text(), query: text(), plans: "50".into(), workspaces: text() }
    }
}

type ManagePolicies = May<can::ManagePolicies>;
type Replay = May<can::ManagePolicies, In<PolicyReplay, Organization>>;

async fn list(organization: ManagePolicies) -> Result<Markup> {
    draw(&organization.visitor, &organization, &Input::default(), None).await
}

async fn create(organization: ManagePolicies, Form(input): Form<Input>) -> Result<Response> {
    let visitor = &organization.visitor;
    match order(&organization, &input).await {
        Ok(row) => Ok(Redirect::to(&path(&row)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(visitor, &organization, &input, Some(&wrong)).await?))
        }
    }
}

async fn order(organization: &ManagePolicies, input: &Input) -> domain::Result<PolicyReplay> {
    let cx = &organization.visitor.cx;
    let kind = if input.kind == "opa" { Kind::Opa } else { Kind::Sentinel };
    let file = if kind == Kind::Opa { "draft.rego" } else { "draft.sentinel" };
    let mut chosen: Vec<WorkspaceId> = Vec::new();
    for name in input.workspaces.lines().map(str::trim).filter(|name| !name.is_empty()) {
        let found = domain::workspaces::find_by_name(cx, &organization.name, name).await;
        let unknown = || domain::Error::invalid("workspaces", format!("has none called {name}"));
        let found = found.map_err(|_| unknown())?;
        let workspace = cx.check::<can::ReadWorkspace, _>(found).map_err(|_| unknown())?;
        chosen.push(workspace.id.clone());
    }
    let query = Some(input.query.trim()).filter(|query| !query.is_empty() && kind == Kind::Opa);
    let draft = Draft {
        kind,
        files: [(file.to_owned(), input.files.clone())].into(),
        query: query.map(str::to_owned),
        parameters: std::collections::BTreeMap::new(),
        policy_set: None,
    };
    if kind == Kind::Opa && draft.query.is_none() {
        return Err(domain::Error::invalid("query", "is needed for a policy in Rego"));
    }
    let workspaces = Some(chosen).filter(|chosen| !chosen.is_empty());
    let plans = input.plans.trim().parse().unwrap_or_default();
    policy_replays::create(cx, organization, New { draft, workspaces, plans }).await
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ManagePolicies, Organization>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let name = &organization.name;
    let all = policy_replays::list(&visitor.cx, organization, MOST).await?;
    let heads = [
        Head::new("Replay"),
        Head::new("State"),
        Head::number("Passed"),
        Head::number("Failed"),
        Head::number("Errored"),
    ];
    let row = |row: &PolicyReplay| {
        let counts = row.counts.0;
        vec![
            html! { a href=(path(row)) { (time(row.created_at)) } },
            state(row),
            html! { (counts.passed) },
            html! { (counts.failed) },
            html! { (counts.errored) },
        ]
    };
    let rows: Vec<_> = all.items.iter().map(row).collect();
    let main = html! {
        (Header { title: "Policy replays", beside: count(all.total), ..Header::default() })
        div.stack {
            @if rows.is_empty() {
                div.panel { (empty(Icon::Shield, "No replays", "A draft of a policy is tried on plans that were made, before it is in force.", &html! {})) }
            } @else {
                div.panel { (Table { caption: "Policy replays", heads: &heads, rows }) }
            }
            (new(visitor, name, input, wrong))
        }
    };
    let title = format!("Policy replays of {name}");
    page(visitor, Place::In(name, Section::Policies), &title, &main).await
}

fn new(visitor: &SignedIn, organization: &str, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let about = |name, label, hint, optional| About { name, label, hint, optional };
    let kind = Select {
        about: about("kind", "Language", None, false),
        choices: &[("sentinel", "Sentinel"), ("opa", "Rego")],
        value: &input.kind,
    };
    let code = TextArea {
        about: about(
            "files",
            "Policy",
            Some("A set of several files is sent by statehouse policy replay."),
            false,
        ),
        value: &input.files,
        mono: true,
    };
    let query = Text {
        about: about(
            "query",
            "Query",
            Some("Of a policy in Rego, such as data.example.deny."),
            true,
        ),
        value: &input.query,
        mono: true,
        ..Text::default()
    };
    let plans = Text {
        about: about("plans", "Plans", Some("The newest so many, at most 500."), false),
        value: &input.plans,
        ..Text::default()
    };
    let only = Lines {
        about: about("workspaces", "Only of these workspaces", Some("Names, a line each."), true),
        value: &input.workspaces,
    };
    let form = Sheet {
        id: "replay",
        action: &list_path(organization),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&kind, &code, &query, &plans, &only],
        send: Button { label: "Try it on recorded plans", ..Button::default() },
    };
    Panel { id: "r-new", title: "New replay", content: form.render(), ..Panel::default() }.render()
}

fn state(row: &PolicyReplay) -> Markup {
    let (tone, sign, word) = match row.status {
        Status::Pending => (Tone::Neutral, Icon::StQueued, "to come"),
        Status::Running => (Tone::Busy, Icon::StBusy, "under way"),
        Status::Finished => (Tone::Good, Icon::StGood, "finished"),
        Status::Canceled => (Tone::Neutral, Icon::StStop, "canceled"),
    };
    badge(tone, sign, word)
}

async fn show(replay: Replay) -> Result<Markup> {
    let row = &replay.granted.row;
    let name = &row.organization_name;
    let crumbs = [Crumb { label: "Policy replays", href: list_path(name) }];
    let inside = inside(&replay).await?;
    let about = html! { span { (time(row.created_at)) } span { (copy_id(&row.id)) } };
    let main = html! {
        (Header { crumbs: &crumbs, title: "Policy replay", about, ..Header::default() })
        (live_fragment(&format!("{}/state", path(row)), &inside))
    };
    page(&replay.visitor, Place::In(name, Section::Policies), "Policy replay", &main).await
}

/// What changes while somebody looks.
async fn fragment(replay: Replay) -> Result<Markup> {
    inside(&replay).await
}

async fn inside(replay: &Replay) -> Result<Markup> {
    let visitor = &replay.visitor;
    let row = &replay.granted.row;
    let counts = row.counts.0;
    let told = policy_replays::results(&visitor.cx, replay, MOST).await?.items;
    let heads = [Head::new("Workspace"), Head::new("Run"), Head::new("Plan"), Head::new("Why")];
    let rows: Vec<_> = told.iter().map(one).collect();
    let stop =
        Button { label: "Stop", look: Look::Danger, icon: Some(Icon::StStop), ..Button::default() };
    let open = policy_replays::is_open(row);
    Ok(html! {
        div.stack data-final[!open] {
            div.row {
                (state(row))
                span { (counts.total) " plans: " (counts.passed) " passed, " (counts.failed) " failed, " (counts.errored) " errored" }
                @if open { (action(&format!("{}/cancel", path(row)), &visitor.form_token(), &stop)) }
            }
            @if counts.hidden > 0 {
                (Notice::new(Tone::Neutral, &html! { p { (counts.hidden) " more plans of these workspaces were not looked at: whoever asked may not read them." } }))
            }
            @if !rows.is_empty() { div.panel { (Table { caption: "Plans", heads: &heads, rows }) } }
        }
    })
}

fn one(told: &Told) -> Vec<Markup> {
    let (tone, sign) = match told.row.status {
        Came::Pending => (Tone::Neutral, Icon::StQueued),
        Came::Passed => (Tone::Good, Icon::StShieldOk),
        Came::Failed => (Tone::Bad, Icon::StShield),
        Came::Errored => (Tone::Bad, Icon::StBad),
    };
    let workspace = workspaces::path(&told.workspace);
    let against = told.said.outcomes.iter().filter(|policy| policy.status != Verdict::Passed);
    vec![
        html! { a href=(workspace) { (told.workspace.name) } },
        html! { a href={ (workspace) "/runs/" (told.row.run_id) } { (told.row.run_id) } },
        badge(tone, sign, told.row.status.as_str()),
        html! {
            @if let Some(why) = &told.said.error { (why) }
            @for policy in against {
                div {
                    b { (policy.policy_name) }
                    @for line in policy.output.as_deref().unwrap_or_default() {
                        span.under.lines { (line.print) }
                    }
                }
            }
        },
    ]
}

async fn cancel(replay: Replay, _: Press) -> Result<Redirect> {
    let here = path(&replay.granted.row);
    match policy_replays::cancel(&replay.visitor.cx, &replay).await {
        Ok(_) | Err(domain::Error::Conflict(_)) => Ok(Redirect::to(&here)),
        Err(error) => Err(error.into()),
    }
}
