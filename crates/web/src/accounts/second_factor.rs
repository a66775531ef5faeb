//! `/app/settings/second-factor`: an authenticator for oneself, and its end.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    accounts::{self, ExposeSecret, SecondFactorOffer, SecretString},
    can,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{
        About, Button, Header, Look, Notice, Panel, Secret, Sheet, Text, Tone, action, code_block,
        time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Account, Place, page},
    guard::May,
};

pub const PATH: &str = "/app/settings/second-factor";
const CONFIRM: &str = "/app/settings/second-factor/confirm";
const REMOVE: &str = "/app/settings/second-factor/remove";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, offer).post(CONFIRM, confirm).post(REMOVE, remove)
}

async fn show(own: May<can::UseAccount>) -> Result<Markup> {
    draw(&own, None, &[]).await
}

/// Makes a secret for an authenticator; an offer before it is void.
async fn offer(own: May<can::UseAccount>, _: Press) -> Result<Response> {
    match accounts::offer_second_factor(&own.visitor.cx, &own).await {
        Ok(_) => Ok(Redirect::to(PATH).into_response()),
        Err(error) => refused(&own, error).await,
    }
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Shows the codes to recover with in the answer itself: they are kept nowhere where they could be shown from again.
async fn confirm(own: May<can::UseAccount>, Form(input): Form<Code>) -> Result<Response> {
    match accounts::confirm_second_factor(&own.visitor.cx, &own, &input.code).await {
        Ok(codes) => Ok(draw(&own, None, &codes).await?.into_response()),
        Err(error) => refused(&own, error).await,
    }
}

#[derive(Deserialize)]
struct Password {
    password: String,
}

async fn remove(own: May<can::UseAccount>, Form(input): Form<Password>) -> Result<Response> {
    match accounts::remove_second_factor(&own.visitor.cx, &own, input.password.into()).await {
        Ok(_) => Ok(Redirect::to(PATH).into_response()),
        Err(error) => refused(&own, error).await,
    }
}

async fn refused(own: &May<can::UseAccount>, error: domain::Error) -> Result<Response> {
    let wrong = Wrong::of(error)?;
    Ok(wrong.shown_in(draw(own, Some(&wrong), &[]).await?))
}

async fn draw(
    own: &May<can::UseAccount>,
    wrong: Option<&Wrong>,
    codes: &[SecretString],
) -> Result<Markup> {
    let visitor = &own.visitor;
    let cx = &visitor.cx;
    let token = visitor.form_token();
    let content = if let Some(since) = accounts::own(cx, own).await?.second_factor_at {
        let left = accounts::recovery_codes_left(cx, own).await?;
        html! {
            p { "You sign in with your password and a code of your authenticator since " (time(since)) ". Codes to recover with that are left: " (left) "." }
            (removal(&token, wrong))
        }
    } else if let Some(offer) = accounts::offered_second_factor(cx, own).await? {
        offered(&offer, &token, wrong)
    } else {
        let begin = Button { label: "Set one up", ..Button::default() };
        html! {
            p { "With a second factor, whoever knows your password needs your authenticator, too. Tokens stay valid." }
            (action(PATH, &token, &begin))
        }
    };
    let main = html! {
        (Header { title: "Second factor", ..Header::default() })
        @if !codes.is_empty() { (Notice::answer(Tone::Good, &shown_once(codes))) }
        div.stack { (content) }
    };
    page(visitor, Place::Account(Account::SecondFactor), "Second factor", &main).await
}

fn removal(token: &str, wrong: Option<&Wrong>) -> Markup {
    let password = Secret {
        about: About { name: "password", label: "Your password", ..About::default() },
        autocomplete: "current-password",
    };
    let form = Sheet {
        id: "remove",
        action: REMOVE,
        token,
        wrong,
        hidden: &[],
        controls: &[&password],
        send: Button { label: "Remove it", look: Look::Danger, ..Button::default() },
    };
    let title = "Remove the second factor";
    Panel { id: "removal", title, content: form.render(), ..Panel::default() }.render()
}

fn offered(offer: &SecondFactorOffer, token: &str, wrong: Option<&Wrong>) -> Markup {
    let code = Text {
        about: About { name: "code", label: "The code that it shows now", ..About::default() },
        autocomplete: "one-time-code",
        mono: true,
        ..Text::default()
    };
    let form = Sheet {
        id: "confirm",
        action: CONFIRM,
        token,
        wrong,
        hidden: &[],
        controls: &[&code],
        send: Button { label: "Switch it on", ..Button::default() },
    };
    html! {
        p { "Give this secret to an authenticator, such as FreeOTP or Aegis, or open the address on the device that has one." }
        (code_block("secret", "Secret", offer.secret.expose_secret()))
        (code_block("address", "Address", offer.address.expose_secret()))
        (form)
    }
}

fn shown_once(codes: &[SecretString]) -> Markup {
    let all: Vec<&str> = codes.iter().map(ExposeSecret::expose_secret).collect();
    html! {
        h2 { "Keep these codes where you find them without the authenticator" }
        p { "Each lets you in once. They are not shown again." }
        (code_block("recovery-codes", "Codes to recover with", &all.join("\n")))
    }
}
