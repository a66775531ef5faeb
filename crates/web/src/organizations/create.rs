//! `/organizations/new`: a new organization, also the first thing that the first administrator is asked for.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Error, Site, accounts, can,
    organizations::{self, Change},
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{Button, Crumb, Field, Tone, hidden, notice, page, page_header},
    failure::{Result, advice},
    forms::{Form, TOKEN_FIELD},
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
    let own = accounts::own(cx, &cx.check::<can::UseAccount, _>(Site::found())?).await?;
    let input = Input { name: String::new(), email: own.email.unwrap_or_default() };
    Ok(draw(&site.visitor, &input, None))
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
        Err(error @ (Error::Invalid { .. } | Error::Taken { .. })) => {
            let page = draw(visitor, &input, advice(&error).as_deref());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

fn draw(visitor: &SignedIn, input: &Input, wrong: Option<&str>) -> Markup {
    let fields = [
        Field {
            name: "name",
            label: "Name",
            value: &input.name,
            hint: Some("Letters, digits, - and _. It stands in every cloud block."),
            ..Field::default()
        },
        Field {
            name: "email",
            label: "E-mail",
            kind: "email",
            value: &input.email,
            autocomplete: "email",
            hint: Some("Whom to reach about the organization as a whole."),
            ..Field::default()
        },
    ];
    let crumbs = [Crumb { label: "Overview", href: "/".into() }];
    let main = html! {
        (page_header(&crumbs, "New organization", &html! {}))
        p { "Workspaces, teams and variables belong to an organization. You become its owner." }
        form.stack method="post" action=(NEW) {
            @if let Some(wrong) = wrong { (notice(Tone::Bad, &html! { p { (wrong) } })) }
            (hidden(TOKEN_FIELD, &visitor.form_token()))
            @for field in &fields { (field) }
            div.actions { (Button { label: "Create the organization", ..Button::default() }) }
        }
    };
    page("New organization", visitor, &main)
}
