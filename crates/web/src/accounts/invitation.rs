//! `/invitations/<secret>`: where somebody who is invited accepts, with a new account or with the one that they have.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    App, Error,
    accounts::NewPerson,
    can,
    memberships::{self, Invitation},
};
use http::HeaderMap;
use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded;

use crate::{
    Routes,
    accounts::Once,
    components::{About, Button, Header, Secret, Sheet, Text, action},
    failure::{Result, Wrong},
    forms::{OpenForm, Press},
    frame::{Place, door, page},
    guard::May,
    visitor::{self, Anybody, SignedIn},
};

const TITLE: &str = "An invitation";

pub fn routes() -> Routes {
    Routes::default()
        .get("/invitations/{secret}", show)
        .post("/invitations/{secret}", join)
        .post("/invitations/{secret}/accept", accept)
}

fn path(secret: &str) -> String {
    format!("/invitations/{secret}")
}

fn sign_in_path(secret: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/session/new?{}", query.append_pair("return_to", &path(secret)).finish())
}

async fn find(app: &App, secret: &str) -> Result<Invitation> {
    Once::Invitation.open(memberships::find_invitation(app, secret).await)
}

/// What the invitation is to, in words.
fn what(invitation: &Invitation) -> String {
    match &invitation.organization {
        Some(name) => format!("the organization {name}"),
        None => "this server".to_owned(),
    }
}

async fn show(
    anybody: Anybody,
    headers: HeaderMap,
    Path(secret): Path<String>,
) -> Result<Response> {
    let app = &anybody.app;
    let invitation = find(app, &secret).await?;
    if let Some(visitor) = SignedIn::find(&headers, app).await? {
        return Ok(signed_in_page(&visitor, &secret, &invitation).await?.into_response());
    }
    if !invitation.is_for_somebody_new {
        return Ok(Redirect::to(&sign_in_path(&secret)).into_response());
    }
    let page = new_account_page(&anybody, &secret, &invitation, &invitation.username, None);
    Ok((anybody.remember(), page).into_response())
}

#[derive(Deserialize)]
struct Input {
    username: String,
    password: String,
}

async fn join(
    anybody: Anybody,
    Path(secret): Path<String>,
    OpenForm(input): OpenForm<Input>,
) -> Result<Response> {
    let app = &anybody.app;
    let invitation = find(app, &secret).await?;
    let person = NewPerson { username: input.username.clone(), password: input.password.into() };
    match memberships::accept_as_new(app, &invitation, person).await {
        Ok(session) => Ok((visitor::begin(app, &session), Redirect::to("/")).into_response()),
        Err(error @ Error::NotFound) => Once::Invitation.open(Err(error)),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page =
                new_account_page(&anybody, &secret, &invitation, &input.username, Some(&wrong));
            Ok((anybody.remember(), wrong.shown_in(page)).into_response())
        }
    }
}

async fn accept(
    own: May<can::UseAccount>,
    Path(secret): Path<String>,
    _: Press,
) -> Result<Redirect> {
    let cx = &own.visitor.cx;
    let invitation = find(cx, &secret).await?;
    Once::Invitation.open(memberships::accept(cx, &own, &invitation).await)?;
    Ok(Redirect::to("/"))
}

async fn signed_in_page(
    visitor: &SignedIn,
    secret: &str,
    invitation: &Invitation,
) -> Result<Markup> {
    let accept = Button { label: "Accept", ..Button::default() };
    let main = html! {
        (Header { title: TITLE, ..Header::default() })
        p {
            "You are invited to " (what(invitation)) ". Accept it with the account "
            strong { (visitor.username()) } ", or sign out to take another one."
        }
        (action(&format!("{}/accept", path(secret)), &visitor.form_token(), &accept))
    };
    page(visitor, Place::Top, TITLE, &main).await
}

fn new_account_page(
    anybody: &Anybody,
    secret: &str,
    invitation: &Invitation,
    username: &str,
    wrong: Option<&Wrong>,
) -> Markup {
    let name = Text {
        about: About {
            name: "username",
            label: "Username",
            hint: Some("You sign in with it."),
            ..About::default()
        },
        value: username,
        autocomplete: "username",
        ..Text::default()
    };
    let password = Secret {
        about: About {
            name: "password",
            label: "Password",
            hint: Some("At least 10 characters that are hard to guess."),
            ..About::default()
        },
        autocomplete: "new-password",
    };
    let form = Sheet {
        id: "join",
        action: &path(secret),
        token: &anybody.form_token(),
        wrong,
        hidden: &[],
        controls: &[&name, &password],
        send: Button { label: "Make the account and accept", ..Button::default() },
    };
    let main = html! {
        p { (invitation.email) " is invited to " (what(invitation)) "." }
        @if invitation.organization.is_some() {
            p { "If you have an account here, " a href=(sign_in_path(secret)) { "sign in" } " to accept with it. Otherwise make one:" }
        }
        (form)
    };
    door(TITLE, &main)
}
