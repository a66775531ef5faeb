//! `/invitations/<secret>`: where somebody who is invited accepts, with a new account or with the one that they have.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Error,
    accounts::NewPerson,
    can,
    memberships::{self, Invitation},
};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded;

use crate::{
    Routes,
    components::{Button, Field, Tone, action, hidden, notice, page, signed_out_page},
    failure::{Result, advice},
    forms::{OpenForm, Press, TOKEN_FIELD},
    guard::May,
    visitor::{self, Anybody, SignedIn},
};

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
    let invitation = memberships::find_invitation(app, &secret).await?;
    if let Some(visitor) = SignedIn::find(&headers, app).await? {
        return Ok(signed_in_page(&visitor, &secret, &invitation).into_response());
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
    let invitation = memberships::find_invitation(app, &secret).await?;
    let person = NewPerson { username: input.username.clone(), password: input.password.into() };
    match memberships::accept_as_new(app, &invitation, person).await {
        Ok(session) => Ok((visitor::begin(app, &session), Redirect::to("/")).into_response()),
        Err(error @ (Error::Invalid { .. } | Error::Taken { .. })) => {
            let why = advice(&error);
            let page =
                new_account_page(&anybody, &secret, &invitation, &input.username, why.as_deref());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, anybody.remember(), page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

async fn accept(
    own: May<can::UseAccount>,
    Path(secret): Path<String>,
    _: Press,
) -> Result<Redirect> {
    let cx = &own.visitor.cx;
    let invitation = memberships::find_invitation(cx, &secret).await?;
    memberships::accept(cx, &own, &invitation).await?;
    Ok(Redirect::to("/"))
}

fn signed_in_page(visitor: &SignedIn, secret: &str, invitation: &Invitation) -> Markup {
    let title = "An invitation";
    let accept = Button { label: "Accept", ..Button::default() };
    let main = html! {
        h1 { (title) }
        p {
            "You are invited to " (what(invitation)) ". Accept it with the account "
            strong { (visitor.username()) } ", or sign out to take another one."
        }
        (action(&format!("{}/accept", path(secret)), &visitor.form_token(), &accept))
    };
    page(title, visitor, &main)
}

fn new_account_page(
    anybody: &Anybody,
    secret: &str,
    invitation: &Invitation,
    username: &str,
    wrong: Option<&str>,
) -> Markup {
    let fields = [
        Field {
            name: "username",
            label: "Username",
            value: username,
            autocomplete: "username",
            hint: Some("You sign in with it."),
            ..Field::default()
        },
        Field {
            name: "password",
            label: "Password",
            kind: "password",
            autocomplete: "new-password",
            hint: Some("At least 10 characters that are hard to guess."),
            ..Field::default()
        },
    ];
    let title = "An invitation";
    let main = html! {
        h1 { (title) }
        p { (invitation.email) " is invited to " (what(invitation)) "." }
        @if invitation.organization.is_some() {
            p { "If you have an account here, " a href=(sign_in_path(secret)) { "sign in" } " to accept with it. Otherwise make one:" }
        }
        form.stack method="post" action=(path(secret)) {
            @if let Some(wrong) = wrong { (notice(Tone::Bad, &html! { p { (wrong) } })) }
            (hidden(TOKEN_FIELD, &anybody.form_token()))
            @for field in &fields { (field) }
            div.actions { (Button { label: "Make the account and accept", ..Button::default() }) }
        }
    };
    signed_out_page(title, &main)
}
