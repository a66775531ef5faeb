//! `/session/code`: the second factor, asked for after the password.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{Error, accounts};
use http::{Extensions, HeaderMap};
use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded;

use super::sign_in;
use crate::{
    Routes,
    components::{About, Button, Sheet, Text},
    failure::{Result, Wrong},
    forms::{LocalPath, OpenForm},
    frame::door,
    visitor::{self, Anybody},
};

const PATH: &str = "/session/code";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, send)
}

/// Of the page, for whoever wants to go on to there.
pub fn path(return_to: &LocalPath) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{PATH}?{}", query.append_pair("return_to", return_to.as_str()).finish())
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    return_to: LocalPath,
}

async fn show(anybody: Anybody, Query(Asked { return_to }): Query<Asked>) -> Response {
    (anybody.remember(), draw(&anybody, &return_to, None)).into_response()
}

#[derive(Deserialize)]
struct Input {
    code: String,
    #[serde(default)]
    return_to: LocalPath,
}

async fn send(
    anybody: Anybody,
    headers: HeaderMap,
    extensions: Extensions,
    OpenForm(input): OpenForm<Input>,
) -> Result<Response> {
    let app = &anybody.app;
    let Some(half) = visitor::session_of(&headers, app) else { return Ok(anew()) };
    let origin = visitor::origin(app, &headers, &extensions);
    match accounts::add_code(app, &half, &input.code, &origin).await {
        Ok(signed_in) => Ok(sign_in::begun(app, &signed_in, &input.return_to)),
        Err(Error::Unauthorized) => Ok(anew()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(&anybody, &input.return_to, Some(&wrong));
            Ok((anybody.remember(), wrong.shown_in(page)).into_response())
        }
    }
}

/// No password came before, or too long ago.
fn anew() -> Response {
    Redirect::to("/session/new").into_response()
}

fn draw(anybody: &Anybody, return_to: &LocalPath, wrong: Option<&Wrong>) -> Markup {
    let code = Text {
        about: About {
            name: "code",
            label: "Code of your authenticator",
            hint: Some("Or one of the codes to recover with; each of those lets you in once."),
            optional: false,
        },
        autocomplete: "one-time-code",
        mono: true,
        ..Text::default()
    };
    let form = Sheet {
        id: "code",
        action: PATH,
        token: &anybody.form_token(),
        wrong,
        hidden: &[("return_to", return_to.as_str())],
        controls: &[&code],
        send: Button { label: "Go on", ..Button::default() },
    };
    let main = html! {
        (form)
        p.hint { "Lost both? A site administrator can take your second factor away." }
    };
    door("Second factor", &main)
}
