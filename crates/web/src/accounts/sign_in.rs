//! `/session`: in by name and password, and out.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{App, Error, accounts, can};
use http::{Extensions, HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::code;
use crate::{
    Routes,
    components::{About, Button, Secret, Sheet, Text},
    failure::{Result, Wrong},
    forms::{LocalPath, OpenForm, Press},
    frame::door,
    guard::May,
    visitor::{self, Anybody, SignedIn},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/session/new", show)
        .post("/session/new", sign_in)
        .post("/session/delete", sign_out)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    return_to: LocalPath,
}

async fn show(
    anybody: Anybody,
    headers: HeaderMap,
    Query(Asked { return_to }): Query<Asked>,
) -> Result<Response> {
    if SignedIn::find(&headers, &anybody.app).await?.is_some() {
        return Ok(Redirect::to(return_to.as_str()).into_response());
    }
    Ok((anybody.remember(), draw(&anybody, "", &return_to, None)).into_response())
}

#[derive(Deserialize)]
struct Input {
    username: String,
    password: String,
    #[serde(default)]
    return_to: LocalPath,
}

/// The session is always a new one, so that nobody can have chosen it beforehand.
async fn sign_in(
    anybody: Anybody,
    headers: HeaderMap,
    extensions: Extensions,
    OpenForm(input): OpenForm<Input>,
) -> Result<Response> {
    let app = &anybody.app;
    let origin = visitor::origin(app, &headers, &extensions);
    match accounts::sign_in(app, &input.username, input.password.into(), &origin).await {
        Ok(signed_in) => {
            if let Some(before) = SignedIn::find(&headers, app).await? {
                accounts::sign_out(app, before.session()).await?;
            }
            Ok(begun(app, &signed_in, &input.return_to))
        }
        Err(Error::Unauthorized) => {
            let why = "That is not the name and password of an account here. After several wrong \
                       passwords, wait a minute.";
            let wrong = Wrong::on_the_whole(StatusCode::UNAUTHORIZED, why);
            let page = draw(&anybody, &input.username, &input.return_to, Some(&wrong));
            Ok((anybody.remember(), wrong.shown_in(page)).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// On to where somebody wanted to go, or first to the page for their code.
pub fn begun(app: &App, signed_in: &accounts::SignedIn, return_to: &LocalPath) -> Response {
    let begun = visitor::begin(app, &signed_in.session);
    match &signed_in.known_browser {
        Some(known) => {
            let on = Redirect::to(return_to.as_str());
            (begun, visitor::know(app, known), on).into_response()
        }
        None => (begun, Redirect::to(&code::path(return_to))).into_response(),
    }
}

async fn sign_out(own: May<can::BePerson>, _: Press) -> Result<Response> {
    let visitor = &own.visitor;
    accounts::sign_out(&visitor.cx, visitor.session()).await?;
    Ok((visitor::end(&visitor.cx), Redirect::to("/session/new")).into_response())
}

fn draw(anybody: &Anybody, username: &str, return_to: &LocalPath, wrong: Option<&Wrong>) -> Markup {
    let name = Text {
        about: About { name: "username", label: "Username or e-mail", ..About::default() },
        value: username,
        autocomplete: "username",
        ..Text::default()
    };
    let password = Secret {
        about: About { name: "password", label: "Password", ..About::default() },
        autocomplete: "current-password",
    };
    let form = Sheet {
        id: "sign-in",
        action: "/session/new",
        token: &anybody.form_token(),
        wrong,
        hidden: &[("return_to", return_to.as_str())],
        controls: &[&name, &password],
        send: Button { label: "Sign in", ..Button::default() },
    };
    let main = html! {
        (form)
        p.hint { "Forgotten the password? Whoever runs this server can set a new one." }
    };
    door("Sign in", &main)
}
