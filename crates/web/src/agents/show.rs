//! One agent pool: its agents, the tokens that let agents in, and its settings.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Order, Paging,
    accounts::{self, HeldToken, NewToken},
    agent_pools::{self, AgentSort, Change, HeldAgent, Status},
    can,
    row::{AgentPool, Organization, Token},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{list::Input, list_path, path};
use crate::{
    components::{
        About, Button, Crumb, Head, Header, Icon, Look, Notice, Panel, Sheet, Table, Text, Tone,
        action, badge, code_block, copy_id, count, empty, stacked_facts, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked},
    frame::{Place, Section, page},
    guard::May,
    run_limits,
    visitor::SignedIn,
};

type Pool = In<AgentPool, Organization>;

/// As many agents or tokens as a page can show.
const MOST: u64 = 500;

/// What the answer says beside the pool itself.
#[derive(Default)]
struct Said<'a> {
    input: Option<&'a Input>,
    description: &'a str,
    wrong: Option<&'a Wrong>,
    secret: Option<&'a str>,
}

pub async fn show(pool: May<can::ReadAgentPools, Pool>) -> Result<Markup> {
    draw(&pool.visitor, &pool, &Said::default()).await
}

async fn readable(visitor: &SignedIn, pool: &Pool) -> Result<Granted<can::ReadAgentPools, Pool>> {
    let cx = &visitor.cx;
    Ok(cx.check::<can::ReadAgentPools, _>(agent_pools::find(cx, &pool.id).await?)?)
}

async fn refused(
    visitor: &SignedIn,
    pool: &Pool,
    error: domain::Error,
    input: Option<&Input>,
    description: &str,
) -> Result<Response> {
    let wrong = Wrong::of(error)?;
    let said = Said { input, description, wrong: Some(&wrong), secret: None };
    let page = draw(visitor, &readable(visitor, pool).await?, &said).await?;
    Ok(wrong.shown_in(page))
}

pub async fn save(
    pool: May<can::ManageAgentPools, Pool>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let change = input.limits.wanted().map(|run_limits| Change {
        name: Some(input.name.clone()),
        organization_scoped: Some(input.organization_scoped.0),
        run_limits,
        ..Change::default()
    });
    let saved = match change {
        Ok(change) => agent_pools::update(&pool.visitor.cx, &pool, change).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => Ok(Redirect::to(&path(&pool)).into_response()),
        Err(error) => refused(&pool.visitor, &pool, error, Some(&input), "").await,
    }
}

pub async fn delete(pool: May<can::ManageAgentPools, Pool>, _: Press) -> Result<Response> {
    match agent_pools::delete(&pool.visitor.cx, &pool).await {
        Ok(()) => Ok(Redirect::to(&list_path(&pool.of.name)).into_response()),
        Err(error) => refused(&pool.visitor, &pool, error, None, "").await,
    }
}

#[derive(Deserialize)]
pub struct New {
    #[serde(default)]
    description: String,
}

/// Shows the token in the answer itself: it is kept nowhere where it could be shown from again.
pub async fn token(
    pool: May<can::ManageAgentPools, Pool>,
    Form(New { description }): Form<New>,
) -> Result<Response> {
    let visitor = &pool.visitor;
    let new = NewToken { description: Some(description.clone()), ..NewToken::default() };
    match accounts::create_agent_token(&visitor.cx, &pool, new).await {
        Ok(minted) => {
            let said = Said { secret: Some(minted.secret.expose()), ..Said::default() };
            let page = draw(visitor, &readable(visitor, &pool).await?, &said).await?;
            Ok(page.into_response())
        }
        Err(error) => refused(visitor, &pool, error, None, &description).await,
    }
}

pub async fn revoke(token: May<can::ManageToken, HeldToken>, _: Press) -> Result<Redirect> {
    let organization = token.token.organization_name.clone().unwrap_or_default();
    let pool = token.token.agent_pool_id.clone().ok_or(domain::Error::NotFound)?;
    accounts::delete_token(&token.visitor.cx, &token).await?;
    Ok(Redirect::to(&format!("{}/{pool}", list_path(&organization))))
}

async fn draw(
    visitor: &SignedIn,
    pool: &Granted<can::ReadAgentPools, Pool>,
    said: &Said<'_>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let organization = &pool.of.name;
    let crumbs = [Crumb { label: "Agent pools", href: list_path(organization) }];
    let manages = cx.may::<can::ManageAgentPools>(&pool.of);
    let tokens = if manages { Some(tokens(visitor, pool, said).await?) } else { None };
    let facts = [("Id", copy_id(&pool.id)), ("Made", time(pool.created_at))];
    let main = html! {
        (Header { crumbs: &crumbs, title: &pool.name, ..Header::default() })
        @if let Some(wrong) = said.wrong.filter(|wrong| said.input.is_none() && wrong.about("description").is_none()) {
            (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
        }
        @if let Some(secret) = said.secret { (Notice::answer(Tone::Good, &shown_once(visitor, secret))) }
        div.beside {
            div.stack {
                (agents(visitor, pool).await?)
                @if let Some(tokens) = &tokens { (tokens) }
                @if manages { (settings(visitor, pool, said)) }
            }
            aside.stack aria-label={ "About " (pool.name) } {
                (Panel { id: "a-about", title: "About", content: stacked_facts(&facts), ..Panel::default() })
            }
        }
    };
    page(visitor, Place::In(organization, Section::AgentPools), &pool.name, &main).await
}

fn shown_once(visitor: &SignedIn, secret: &str) -> Markup {
    let url = &visitor.cx.settings().public_url;
    let command = format!(
        "(umask 077; echo {secret} > agent-token)\n\
         statehouse agent --address {url} --token-file agent-token --name \"$(hostname)\"\n"
    );
    html! {
        h2 { "Copy the new token now" }
        p { "It is not shown again." }
        (code_block("agent-secret", "Token", secret))
        (code_block("agent-command", "On the machine of the agent", &command))
    }
}

async fn agents(visitor: &SignedIn, pool: &Granted<can::ReadAgentPools, Pool>) -> Result<Markup> {
    let order = (AgentSort::Name, Order::Ascending);
    let paging = Paging { number: 1, size: MOST };
    let list = agent_pools::agents(&visitor.cx, pool, None, order, paging).await?;
    let content = if list.items.is_empty() {
        let text = "Make a token below, and start an agent with it.";
        html! { div.in { (empty(Icon::Server, "No agent has come yet", text, &html! {})) } }
    } else {
        let heads = [
            Head::new("Agent"),
            Head::new("Status"),
            Head::new("Version"),
            Head::new("Address"),
            Head::number("Heard of"),
        ];
        let rows = list.items.iter().map(agent).collect();
        Table { caption: "Agents", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    Ok(Panel { id: "a-agents", title: "Agents", beside, content, is_table: true, is_risk: false }
        .render())
}

fn agent(held: &HeldAgent) -> Vec<Markup> {
    let agent = &held.agent;
    let status = match held.status {
        Status::Idle => badge(Tone::Good, Icon::StGood, "idle"),
        Status::Busy => badge(Tone::Busy, Icon::StBusy, "busy"),
        Status::Unknown => badge(Tone::Bad, Icon::StBad, "not heard of"),
        Status::Exited => badge(Tone::Neutral, Icon::StStop, "ended"),
    };
    vec![
        html! { (agent.name) span.under { code { (agent.id) } } },
        status,
        html! { (agent.version) },
        html! { (agent.ip_address.as_deref().unwrap_or_default()) },
        time(agent.last_ping_at),
    ]
}

async fn tokens(
    visitor: &SignedIn,
    pool: &Granted<can::ReadAgentPools, Pool>,
    said: &Said<'_>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let granted = cx.check::<can::ManageAgentPools, _>(agent_pools::find(cx, &pool.id).await?)?;
    let paging = Paging { number: 1, size: MOST };
    let list = accounts::agent_tokens(cx, &granted, paging).await?;
    let heads = [
        Head::new("Description"),
        Head::number("Made"),
        Head::number("Used last"),
        Head::unseen("Actions"),
    ];
    let row = |token: &Token| {
        let description = token.description.as_deref().unwrap_or("without description");
        let revoke = Button {
            label: "Revoke",
            look: Look::Danger,
            small: true,
            about: Some(description),
            ..Button::default()
        };
        let to = format!("{}/tokens/{}/revoke", path(pool), token.id);
        vec![
            html! { (description) span.under { code { (token.id) } } },
            time(token.created_at),
            token.last_used_at.map_or_else(|| html! { "never" }, time),
            action(&to, &visitor.form_token(), &revoke),
        ]
    };
    let rows = list.items.iter().map(row).collect();
    let description = Text {
        about: About {
            name: "description",
            label: "Description",
            hint: Some("Which machines the agents with it are on."),
            optional: false,
        },
        value: said.description,
        ..Text::default()
    };
    let form = Sheet {
        id: "token",
        action: &format!("{}/tokens", path(pool)),
        token: &visitor.form_token(),
        wrong: said.wrong.filter(|wrong| wrong.about("description").is_some()),
        hidden: &[],
        controls: &[&description],
        send: Button {
            label: "Make a token",
            look: Look::Plain,
            icon: Some(Icon::Key),
            ..Button::default()
        },
    };
    let content = html! {
        @if list.total > 0 { (Table { caption: "Tokens of agents", heads: &heads, rows }) }
        div.in { (form) }
    };
    let beside = count(list.total);
    Ok(Panel { id: "a-tokens", title: "Tokens", beside, content, is_table: true, is_risk: false }
        .render())
}

fn settings(visitor: &SignedIn, pool: &Pool, said: &Said<'_>) -> Markup {
    let now = Input {
        name: pool.name.clone(),
        organization_scoped: Ticked(pool.organization_scoped),
        limits: run_limits::Input::of(&pool.run_limits.0),
    };
    let input = said.input.unwrap_or(&now);
    let (name, scoped) = super::list::controls(input);
    let limits = input.limits.controls();
    let form = Sheet {
        id: "settings",
        action: &path(pool),
        token: &visitor.form_token(),
        wrong: said.wrong.filter(|_| said.input.is_some()),
        hidden: &[],
        controls: &run_limits::behind(&[&name, &scoped], &limits),
        send: Button { label: "Save", look: Look::Plain, ..Button::default() },
    };
    let delete = Button {
        label: "Delete the pool",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let end = html! {
        p { "Only a pool that nothing uses can be deleted. Its tokens stop working." }
        (action(&format!("{}/delete", path(pool)), &visitor.form_token(), &delete))
    };
    html! {
        (Panel { id: "a-settings", title: "Settings", content: form.render(), ..Panel::default() })
        (Panel { id: "a-delete", title: "Delete it", content: end, is_risk: true, ..Panel::default() })
    }
}
