//! The agent pools of an organization, and a new one.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Order, Paging,
    agent_pools::{self, Change, Details, Filter, Sort},
    can,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::list_path;
use crate::{
    components::{
        About, Button, Check, Head, Header, Icon, Panel, Sheet, Table, Text, Tone, badge, count,
        empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Ticked},
    frame::{Place, Section, page},
    guard::May,
    run_limits,
    visitor::SignedIn,
};

/// As many pools as a page can show.
const MOST: u64 = 500;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    pub name: String,
    pub organization_scoped: Ticked,
    /// Of a pool that is there.
    #[serde(flatten)]
    pub limits: run_limits::Input,
}

pub async fn show(organization: May<can::ReadAgentPools>) -> Result<Markup> {
    let input = Input { organization_scoped: Ticked(true), ..Input::default() };
    draw(&organization.visitor, &organization, &input, None).await
}

pub async fn create(
    organization: May<can::ManageAgentPools>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let change = Change {
        name: Some(input.name.clone()),
        organization_scoped: Some(input.organization_scoped.0),
        ..Change::default()
    };
    match agent_pools::create(cx, &organization, change).await {
        Ok(pool) => {
            let to = format!("{}/{}", list_path(&organization.name), pool.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let read = visitor.organization::<can::ReadAgentPools>(&organization.name).await?;
            Ok(wrong.shown_in(draw(visitor, &read, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadAgentPools>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let name = &organization.name;
    let order = (Sort::Name, Order::Ascending);
    let paging = Paging { number: 1, size: MOST };
    let list = agent_pools::list(cx, organization, Filter::default(), order, paging).await?;
    let total = list.total;
    let details = agent_pools::details(cx, list.items).await?;
    let rows = details.iter().map(|one| row(name, one)).collect();
    let heads = [
        Head::new("Pool"),
        Head::new("Agents"),
        Head::number("Workspaces that name it"),
        Head::new("Who may use it"),
    ];
    let main = html! {
        (Header { title: "Agent pools", beside: count(total), ..Header::default() })
        div.stack {
            @if total == 0 {
                (empty(Icon::Server, "No agent pools yet", "Agents execute runs where the network is: on machines that this server does not reach.", &html! {}))
            } @else {
                div.panel { (Table { caption: "Agent pools", heads: &heads, rows }) }
            }
            @if cx.may::<can::ManageAgentPools>(organization) { (form(visitor, name, input, wrong)) }
        }
    };
    let title = format!("Agent pools of {name}");
    page(visitor, Place::In(name, Section::AgentPools), &title, &main).await
}

fn row(organization: &str, one: &Details) -> Vec<Markup> {
    let pool = &one.pool;
    let agents = match one.agents {
        0 => badge(Tone::Bad, Icon::StBad, "no agent"),
        1 => badge(Tone::Good, Icon::StGood, "1 agent"),
        many => badge(Tone::Good, Icon::StGood, &format!("{many} agents")),
    };
    let scope = if pool.organization_scoped {
        "every workspace"
    } else {
        "the workspaces and projects that are allowed"
    };
    vec![
        html! { a href={ (list_path(organization)) "/" (pool.id) } { (pool.name) } },
        agents,
        html! { (one.workspaces.len()) },
        html! { (scope) },
    ]
}

fn form(visitor: &SignedIn, organization: &str, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let (name, scoped) = controls(input);
    let form = Sheet {
        id: "pool",
        action: &list_path(organization),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&name, &scoped],
        send: Button { label: "Create the pool", ..Button::default() },
    };
    Panel { id: "a-new", title: "New pool", content: form.render(), ..Panel::default() }.render()
}

/// What people say of a pool, a new one or one that is there.
pub(super) fn controls(input: &Input) -> (Text<'_>, Check<'_>) {
    let name = Text {
        about: About { name: "name", label: "Name", ..About::default() },
        value: &input.name,
        ..Text::default()
    };
    let scoped = Check {
        about: About {
            name: "organization-scoped",
            label: "Every workspace of the organization may use it",
            ..About::default()
        },
        is_on: input.organization_scoped.0,
        must: false,
    };
    (name, scoped)
}
