//! `/admin/first/<secret>`: where the log of a first start sends whoever will administer the site.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use domain::accounts::{self, NewUser};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{Button, Field, Tone, hidden, notice, signed_out_page},
    failure::{Result, advice},
    forms::{OpenForm, TOKEN_FIELD},
    organizations,
    visitor::{self, Anybody},
};

const PATH: &str = "/admin/first/{secret}";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, create)
}

async fn show(anybody: Anybody, Path(secret): Path<String>) -> Result<Response> {
    match accounts::accept_offer(&anybody.app, &secret).await {
        Ok(_) => {
            let page = page(&anybody, &secret, &Input::default(), None);
            Ok((anybody.remember(), page).into_response())
        }
        Err(domain::Error::NotFound) => Ok((StatusCode::NOT_FOUND, used_up()).into_response()),
        Err(other) => Err(other.into()),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    username: String,
    email: String,
    password: String,
}

async fn create(
    anybody: Anybody,
    Path(secret): Path<String>,
    OpenForm(input): OpenForm<Input>,
) -> Result<Response> {
    let app = &anybody.app;
    let offer = match accounts::accept_offer(app, &secret).await {
        Ok(offer) => offer,
        Err(domain::Error::NotFound) => {
            return Ok((StatusCode::NOT_FOUND, used_up()).into_response());
        }
        Err(other) => return Err(other.into()),
    };
    let new = NewUser {
        username: input.username.clone(),
        email: input.email.clone(),
        password: Some(input.password.clone().into()),
        is_site_admin: true,
    };
    match accounts::create_first_admin(app, &offer, new).await {
        Ok(session) => {
            Ok((visitor::begin(app, &session), Redirect::to(organizations::NEW)).into_response())
        }
        Err(error @ (domain::Error::Invalid { .. } | domain::Error::Taken { .. })) => {
            let page = page(&anybody, &secret, &input, advice(&error).as_deref());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, anybody.remember(), page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// One text for a used, an old and a forged address: nobody learns which of them it was.
fn used_up() -> Markup {
    let main = html! {
        h1 { "This address no longer works" }
        p { "It works once, and for a day. If the first administrator's account was made with it, "
            a href="/session/new" { "sign in" } "." }
        p { "If nobody has an account yet, restart the server: its log shows a new address." }
    };
    signed_out_page("This address no longer works", &main)
}

fn page(anybody: &Anybody, secret: &str, input: &Input, wrong: Option<&str>) -> Markup {
    let fields = [
        Field {
            name: "username",
            label: "Username",
            value: &input.username,
            autocomplete: "username",
            ..Field::default()
        },
        Field {
            name: "email",
            label: "E-mail",
            kind: "email",
            value: &input.email,
            autocomplete: "email",
            ..Field::default()
        },
        Field {
            name: "password",
            label: "Password",
            kind: "password",
            autocomplete: "new-password",
            hint: Some("At least 10 characters."),
            ..Field::default()
        },
    ];
    let main = html! {
        h1 { "The first administrator" }
        p { "Nobody has an account here yet. The account made here administers the whole site; this page works once." }
        form.stack method="post" action={ "/admin/first/" (secret) } {
            @if let Some(wrong) = wrong { (notice(Tone::Bad, &html! { p { (wrong) } })) }
            (hidden(TOKEN_FIELD, &anybody.form_token()))
            @for field in &fields { (field) }
            div.actions { (Button { label: "Create the account", ..Button::default() }) }
        }
    };
    signed_out_page("The first administrator", &main)
}
