//! `/app/settings/password`: another password for oneself.

use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use domain::{App, Error, Site, accounts, can};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Button, Field, Tone, hidden, notice, page, page_header},
    failure::{Result, advice},
    forms::{Form, TOKEN_FIELD},
    visitor::{self, SignedIn},
};

const PATH: &str = "/app/settings/password";

pub fn routes() -> Router<App> {
    Router::new().route(PATH, get(show).post(change))
}

async fn show(visitor: SignedIn) -> Markup {
    draw(&visitor, None)
}

#[derive(Deserialize)]
struct Input {
    current_password: String,
    password: String,
    password_confirmation: String,
}

/// Ends all sessions, this one too: the new password is tried out at once.
async fn change(form: Form<Input>) -> Result<Response> {
    let Form { visitor, input } = form;
    match changed(&visitor, input).await {
        Ok(()) => Ok((visitor::end(&visitor.cx), Redirect::to("/session/new")).into_response()),
        Err(error @ Error::Invalid { .. }) => {
            let page = draw(&visitor, advice(&error).as_deref());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

async fn changed(visitor: &SignedIn, input: Input) -> domain::Result<()> {
    if input.password != input.password_confirmation {
        return Err(Error::invalid("password-confirmation", "is not the new one"));
    }
    let cx = &visitor.cx;
    let own = cx.check::<can::UseAccount, _>(Site::found())?;
    let (current, new) = (input.current_password.into(), input.password.into());
    accounts::change_password(cx, &own, current, new).await.map(drop)
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
