//! `/account/confirm-email/<secret>`: where whoever claims an address shows that they read its mail.

use axum::{extract::Path, response::Redirect};
use domain::{accounts, can};
use maud::{Markup, html};

use crate::{
    Routes,
    accounts::Once,
    components::{Button, Header, action},
    failure::Result,
    forms::Press,
    frame::{Place, page},
    guard::May,
};

const PATH: &str = "/account/confirm-email/{secret}";

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).post(PATH, confirm)
}

async fn show(own: May<can::UseAccount>, Path(secret): Path<String>) -> Result<Markup> {
    let visitor = &own.visitor;
    let email = Once::Confirmation.open(accounts::claimed(&visitor.cx, &own, &secret).await)?;
    let button = Button { label: "Confirm the address", ..Button::default() };
    let main = html! {
        (Header { title: "Your address", ..Header::default() })
        p { strong { (email) } " becomes the address of the account " strong { (visitor.username()) } "." }
        (action(&format!("/account/confirm-email/{secret}"), &visitor.form_token(), &button))
    };
    page(visitor, Place::Top, "Your address", &main).await
}

async fn confirm(
    own: May<can::UseAccount>,
    Path(secret): Path<String>,
    _: Press,
) -> Result<Redirect> {
    let cx = &own.visitor.cx;
    Once::Confirmation.open(accounts::confirm_own_email(cx, &own, &secret).await)?;
    Ok(Redirect::to("/"))
}
