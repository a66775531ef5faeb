//! `/app/settings/password`: another password for oneself.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{Error, accounts, can};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{Button, Field, Tone, hidden, notice, page, page_header},
    failure::{Result, advice},
    forms::{Form, TOKEN_FIELD},
    guard::May,
    visitor::{self, SignedIn},
};

const PATH: &str = "/app/settings/password";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, change)
}

async fn show(own: May<can::UseAccount>) -> Markup {
    draw(&own.visitor, None)
}

#[derive(Deserialize)]
struct Input {
    current_password: String,
    password: String,
    password_confirmation: String,
}

/// Ends all sessions, this one too: the new password is tried out at once.
async fn change(own: May<can::UseAccount>, Form(input): Form<Input>) -> Result<Response> {
    let visitor = &own.visitor;
    match changed(&own, input).await {
        Ok(()) => Ok((visitor::end(&visitor.cx), Redirect::to("/session/new")).into_response()),
        Err(error @ Error::Invalid { .. }) => {
            let page = draw(visitor, advice(&error).as_deref());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

async fn changed(own: &May<can::UseAccount>, input: Input) -> domain::Result<()> {
    if input.password != input.password_confirmation {
        return Err(Error::invalid("password-confirmation", "is not the new one"));
    }
    let (current, new) = (input.current_password.into(), input.password.into());
    accounts::change_password(&own.visitor.cx, own, current, new).await.map(drop)
}

fn draw(visitor: &SignedIn, wrong: Option<&str>) -> Markup {
    let password = |name, label, autocomplete, hint| Field {
        name,
        label,
        kind: "password",
        autocomplete,
        hint,
        ..Field::default()
    };
    let new = "new-password";
    let fields = [
        password("current_password", "Current password", "current-password", None),
        password("password", "New password", new, Some("At least 10 characters.")),
        password("password_confirmation", "The new password once more", new, None),
    ];
    let main = html! {
        (page_header(&[], "Password", &html! {}))
        p { "With another password you are signed out in all browsers, and sign in again. Tokens stay valid." }
        form.stack method="post" action=(PATH) {
            @if let Some(wrong) = wrong { (notice(Tone::Bad, &html! { p { (wrong) } })) }
            (hidden(TOKEN_FIELD, &visitor.form_token()))
            @for field in &fields { (field) }
            div.actions { (Button { label: "Change the password", ..Button::default() }) }
        }
    };
    page("Password", visitor, &main)
}
