//! `/app/settings/password`: another password for oneself.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{Error, accounts, can};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{About, Button, Header, Secret, Sheet},
    failure::{Result, Wrong},
    forms::Form,
    frame::{Account, Place, page},
    guard::May,
    visitor::{self, SignedIn},
};

const PATH: &str = "/app/settings/password";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, change)
}

async fn show(own: May<can::UseAccount>) -> Result<Markup> {
    draw(&own.visitor, None).await
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
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(visitor, Some(&wrong)).await?))
        }
    }
}

async fn changed(own: &May<can::UseAccount>, input: Input) -> domain::Result<()> {
    if input.password != input.password_confirmation {
        return Err(Error::invalid("password-confirmation", "is not the new one"));
    }
    let (current, new) = (input.current_password.into(), input.password.into());
    accounts::change_password(&own.visitor.cx, own, current, new).await.map(drop)
}

async fn draw(visitor: &SignedIn, wrong: Option<&Wrong>) -> Result<Markup> {
    let password = |name, label, autocomplete, hint| Secret {
        about: About { name, label, hint, optional: false },
        autocomplete,
    };
    let new = "new-password";
    let current = password("current_password", "Current password", "current-password", None);
    let hint = Some("At least 10 characters.");
    let wanted = password("password", "New password", new, hint);
    let again = password("password_confirmation", "The new password once more", new, None);
    let form = Sheet {
        id: "password",
        action: PATH,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&current, &wanted, &again],
        send: Button { label: "Change the password", ..Button::default() },
    };
    let main = html! {
        (Header { title: "Password", ..Header::default() })
        p.gap { "With another password you are signed out in all browsers, and sign in again. Tokens stay valid." }
        (form)
    };
    page(visitor, Place::Account(Account::Password), "Password", &main).await
}
