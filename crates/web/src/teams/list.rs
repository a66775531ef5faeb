//! The teams of an organization that the visitor may see, and a new one.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging, can,
    entity::team::Visibility,
    row::Organization,
    teams::{self, Change, Details, effective_access, rights},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{list_path, path, rights::RIGHTS};
use crate::{
    components::{About, Button, Check, Head, Header, Panel, Sheet, Table, Text, count},
    failure::{Result, Wrong},
    forms::{Form, Ticked},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
};

/// As many teams as a page can show.
const MOST: u64 = 1_000;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: String,
    visible: Ticked,
}

pub async fn show(organization: May<can::ReadOrganization>) -> Result<Markup> {
    draw(&organization.visitor, &organization, &Input::default(), None).await
}

pub async fn create(
    organization: May<can::CreateTeam>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let change = Change {
        name: Some(input.name.clone()),
        visibility: Some(if input.visible.0 {
            Visibility::Organization
        } else {
            Visibility::Secret
        }),
        ..Change::default()
    };
    match teams::create(cx, &organization, change).await {
        Ok(team) => Ok(Redirect::to(&path(&team)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let read = visitor.organization::<can::ReadOrganization>(&organization.name).await?;
            Ok(wrong.shown_in(draw(visitor, &read, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOrganization, Organization>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let name = &organization.name;
    let paging = Paging { number: 1, size: MOST };
    let list = teams::list(cx, organization, teams::Filter::default(), paging).await?;
    let total = list.total;
    let details = teams::details(cx, list.items).await?;
    let heads = [
        Head::new("Team"),
        Head::number("People"),
        Head::new("May, in the organization"),
        Head::new("Seen by"),
    ];
    let rows = details.iter().map(row).collect();
    let main = html! {
        (Header { title: "Teams", beside: count(total), ..Header::default() })
        div.stack {
            div.panel { (Table { caption: "Teams", heads: &heads, rows }) }
            @if cx.may::<can::CreateTeam>(organization) { (new(visitor, name, input, wrong)) }
        }
    };
    let title = format!("Teams of {name}");
    page(visitor, Place::In(name, Section::Teams), &title, &main).await
}

fn row(details: &Details) -> Vec<Markup> {
    let team = &details.team;
    let mut access = effective_access(team);
    let given: Vec<&str> = rights(&mut access)
        .filter(|(_, has)| **has)
        .filter_map(|(name, _)| RIGHTS.iter().find(|(known, ..)| *known == name))
        .map(|(_, label, _)| *label)
        .collect();
    let may = if team.is_owners() {
        "everything".to_owned()
    } else if given.is_empty() {
        "nothing in general".to_owned()
    } else {
        given.join(", ").to_lowercase()
    };
    let seen = match team.visibility {
        Visibility::Organization => "everybody",
        Visibility::Secret => "its members, and those who manage teams",
    };
    vec![
        html! { a href=(path(team)) { (team.name) } },
        html! { (details.users.len()) },
        html! { (may) },
        html! { (seen) },
    ]
}

fn new(visitor: &SignedIn, organization: &str, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let name = Text {
        about: About { name: "name", label: "Name", ..About::default() },
        value: &input.name,
        ..Text::default()
    };
    let visible = Check {
        about: About {
            name: "visible",
            label: "Everybody in the organization sees it",
            ..About::default()
        },
        is_on: input.visible.0,
        must: false,
    };
    let form = Sheet {
        id: "team",
        action: &list_path(organization),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&name, &visible],
        send: Button { label: "Create the team", ..Button::default() },
    };
    Panel { id: "t-new", title: "New team", content: form.render(), ..Panel::default() }.render()
}
