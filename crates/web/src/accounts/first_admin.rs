//! `/admin/first/<secret>`: where the log of a first start sends whoever will administer the site.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use domain::accounts::{self, NewUser};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    accounts::Once,
    components::{About, Button, Kind, Secret, Sheet, Text},
    failure::{Result, Wrong},
    forms::OpenForm,
    frame::door,
    organizations,
    visitor::{self, Anybody},
};

const PATH: &str = "/admin/first/{secret}";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, create)
}

async fn show(anybody: Anybody, Path(secret): Path<String>) -> Result<Response> {
    Once::FirstAdmin.open(accounts::accept_offer(&anybody.app, &secret).await)?;
    let page = draw(&anybody, &secret, &Input::default(), None);
    Ok((anybody.remember(), page).into_response())
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
    let offer = Once::FirstAdmin.open(accounts::accept_offer(app, &secret).await)?;
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
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(&anybody, &secret, &input, Some(&wrong));
            Ok((anybody.remember(), wrong.shown_in(page)).into_response())
        }
    }
}

fn draw(anybody: &Anybody, secret: &str, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let about = |name, label| About { name, label, ..About::default() };
    let username = Text {
        about: about("username", "Username"),
        value: &input.username,
        autocomplete: "username",
        ..Text::default()
    };
    let email = Text {
        about: about("email", "E-mail"),
        kind: Kind::Email,
        value: &input.email,
        autocomplete: "email",
        ..Text::default()
    };
    let password = Secret {
        about: About { hint: Some("At least 10 characters."), ..about("password", "Password") },
        autocomplete: "new-password",
    };
    let form = Sheet {
        id: "first",
        action: &format!("/admin/first/{secret}"),
        token: &anybody.form_token(),
        wrong,
        hidden: &[],
        controls: &[&username, &email, &password],
        send: Button { label: "Create the account", ..Button::default() },
    };
    let main = html! {
        p { "Nobody has an account here yet. The account made here administers the whole site; this page works once." }
        (form)
    };
    door("The first administrator", &main)
}
