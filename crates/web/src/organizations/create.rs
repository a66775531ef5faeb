//! `/organizations/new`: a new organization, also the first thing that the first administrator is asked for.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    accounts, can,
    organizations::{self, Change},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{About, Button, Header, Kind, Sheet, Text},
    failure::{Result, Wrong},
    forms::Form,
    frame::{Place, page},
    guard::May,
    visitor::SignedIn,
};

/// Not below `/app/`, where every name is an organization's.
pub const NEW: &str = "/organizations/new";

pub fn routes() -> Routes {
    Routes::default().get(NEW, show).post(NEW, create)
}

async fn show(site: May<can::CreateOrganization>) -> Result<Markup> {
    let cx = &site.visitor.cx;
    let own = accounts::load(cx, cx.actor().user_id().as_slice()).await?;
    let email = own.into_iter().find_map(|own| own.email).unwrap_or_default();
    let input = Input { name: String::new(), email };
    draw(&site.visitor, &input, None).await
}

#[derive(Deserialize)]
struct Input {
    name: String,
    email: String,
}

async fn create(site: May<can::CreateOrganization>, Form(input): Form<Input>) -> Result<Response> {
    let visitor = &site.visitor;
    let change = Change {
        name: Some(input.name.clone()),
        email: Some(input.email.clone()),
        ..Change::default()
    };
    match organizations::create(&visitor.cx, &site, change).await {
        Ok(made) => Ok(Redirect::to(&super::path(&made.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(visitor, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw(visitor: &SignedIn, input: &Input, wrong: Option<&Wrong>) -> Result<Markup> {
    let name = Text {
        about: About {
            name: "name",
            label: "Name",
            hint: Some("Letters, digits, - and _. It stands in every cloud block."),
            ..About::default()
        },
        value: &input.name,
        mono: true,
        ..Text::default()
    };
    let email = Text {
        about: About {
            name: "email",
            label: "E-mail",
            hint: Some("Whom to reach about the organization as a whole."),
            ..About::default()
        },
        kind: Kind::Email,
        value: &input.email,
        autocomplete: "email",
        ..Text::default()
    };
    let form = Sheet {
        id: "organization",
        action: NEW,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&name, &email],
        send: Button { label: "Create the organization", ..Button::default() },
    };
    let main = html! {
        (Header { title: "New organization", ..Header::default() })
        p.gap { "Workspaces, teams and variables belong to an organization. You become its owner." }
        (form)
    };
    page(visitor, Place::Top, "New organization", &main).await
}
