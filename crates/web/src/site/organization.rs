//! One organization: who owns it, how many workspaces the site allows it, and its end.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    In, Site, accounts, can, deletions,
    organizations::{self as domain_of, Allowed},
    row::{Organization, User},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{organizations, user};
use crate::{
    components::{About, Button, Crumb, Header, Icon, Look, Number, Panel, Sheet, Text, time},
    failure::{Result, Wrong},
    forms::{Form, given},
    frame::{OnSite, Place, page},
    guard::May,
};

pub type OneOrganization = May<can::ManageSite, In<Organization, Site>>;

pub fn path(organization: &Organization) -> String {
    format!("{}/{}", organizations::HERE, organization.name)
}

/// What was typed, and what was refused of it.
#[derive(Default)]
struct Said<'a> {
    limit: Option<&'a str>,
    confirm: &'a str,
    wrong: Option<&'a Wrong>,
}

pub async fn show(organization: OneOrganization) -> Result<Markup> {
    draw(&organization, &Said::default()).await
}

#[derive(Deserialize)]
pub struct Limit {
    #[serde(rename = "workspace-limit", default)]
    workspace_limit: String,
}

pub async fn allow(organization: OneOrganization, Form(input): Form<Limit>) -> Result<Response> {
    let limit = given(&input.workspace_limit).map(|text| text.parse::<u32>()).transpose();
    let done = match limit {
        Ok(limit) => {
            let allowed = Allowed { workspace_limit: Some(limit), ..Allowed::default() };
            domain_of::allow(&organization.visitor.cx, &organization, allowed).await.map(drop)
        }
        Err(_) => Err(domain::Error::invalid("workspace-limit", "must be a whole number")),
    };
    let Err(error) = done else { return Ok(Redirect::to(&path(&organization)).into_response()) };
    let wrong = Wrong::of(error)?;
    let said = Said { limit: Some(&input.workspace_limit), wrong: Some(&wrong), ..Said::default() };
    Ok(wrong.shown_in(draw(&organization, &said).await?))
}

#[derive(Deserialize)]
pub struct Confirm {
    confirm: String,
}

pub async fn delete(organization: OneOrganization, Form(typed): Form<Confirm>) -> Result<Response> {
    let wrong = if typed.confirm.trim() == organization.name {
        match deletions::organization_of_site(&organization.visitor.cx, &organization).await {
            Ok(()) => return Ok(Redirect::to(organizations::HERE).into_response()),
            Err(error) => Wrong::of(error)?,
        }
    } else {
        Wrong::in_field("confirm", &format!("Type {} to go on.", organization.name))
    };
    let said = Said { confirm: &typed.confirm, wrong: Some(&wrong), ..Said::default() };
    Ok(wrong.shown_in(draw(&organization, &said).await?))
}

async fn draw(organization: &OneOrganization, said: &Said<'_>) -> Result<Markup> {
    let (visitor, cx) = (&organization.visitor, &organization.visitor.cx);
    let site = cx.check::<can::ManageSite, _>(Site::found())?;
    let rows = [Organization::clone(organization)];
    let ids = domain_of::owners(cx, &site, &rows).await?.remove(&organization.name);
    let owners = accounts::load(cx, &ids.unwrap_or_default()).await?;
    let crumbs = [Crumb { label: "Organizations", href: organizations::HERE.to_owned() }];
    let about = html! {
        span { code { (organization.id) } }
        span { (organization.email) }
        span { "Since " (time(organization.created_at)) }
        span { "Owned by " (names(&owners)) }
    };
    let token = visitor.form_token();
    let main = html! {
        (Header { crumbs: &crumbs, title: &organization.name, about, ..Header::default() })
        div.stack { (limit(organization, &token, said)) (end(organization, &token, said)) }
    };
    page(visitor, Place::Site(OnSite::Organizations), &organization.name, &main).await
}

fn names(owners: &[User]) -> Markup {
    html! {
        @for (number, owner) in owners.iter().enumerate() {
            @if number > 0 { ", " }
            a href=(user::path(owner)) { (owner.username) }
        }
    }
}

fn limit(organization: &Organization, token: &str, said: &Said<'_>) -> Markup {
    let now = organization.workspace_limit.map(|limit| limit.to_string()).unwrap_or_default();
    let limit = Number {
        about: About {
            name: "workspace-limit",
            label: "Workspaces that it may have",
            hint: Some("Those that are there stay. Of nothing and of 0 there is no limit."),
            optional: true,
        },
        value: said.limit.unwrap_or(&now),
        min: 0,
    };
    let form = Sheet {
        id: "limit",
        action: &path(organization),
        token,
        wrong: said.wrong.filter(|_| said.limit.is_some()),
        hidden: &[],
        controls: &[&limit],
        send: Button { label: "Save", look: Look::Plain, ..Button::default() },
    };
    Panel { id: "o-limit", title: "What it may have", content: form.render(), ..Panel::default() }
        .render()
}

fn end(organization: &Organization, token: &str, said: &Said<'_>) -> Markup {
    let label = format!("Type {}", organization.name);
    let confirm = Text {
        about: About { name: "confirm", label: &label, ..About::default() },
        value: said.confirm,
        ..Text::default()
    };
    let form = Sheet {
        id: "delete",
        action: &format!("{}/delete", path(organization)),
        token,
        wrong: said.wrong.filter(|_| said.limit.is_none()),
        hidden: &[],
        controls: &[&confirm],
        send: Button {
            label: "Delete for good",
            look: Look::Final,
            icon: Some(Icon::Trash),
            ..Button::default()
        },
    };
    let content = html! {
        p { "Its workspaces, with their states, runs and variables, go with it. There is no way back." }
        (form)
    };
    Panel { id: "o-delete", title: "Delete it", content, is_risk: true, ..Panel::default() }
        .render()
}
