//! `/account/confirm-email/<secret>`: where whoever claims an address shows that they read its mail.

use axum::{Router, extract::Path, response::Redirect, routing::get};
use domain::{App, Site, accounts, can};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Button, action, page},
    failure::Result,
    forms::Form,
    visitor::SignedIn,
};

pub fn routes() -> Router<App> {
    Router::new().route("/account/confirm-email/{secret}", get(show).post(confirm))
}

async fn show(visitor: SignedIn, Path(secret): Path<String>) -> Result<Markup> {
    let own = visitor.cx.check::<can::UseAccount, _>(Site::found())?;
    let email = accounts::claimed(&visitor.cx, &own, &secret).await?;
    let button = Button { label: "Confirm the address", ..Button::default() };
    let main = html! {
        h1 { "Your address" }
        p { strong { (email) } " becomes the address of the account " strong { (visitor.username()) } "." }
        (action(&format!("/account/confirm-email/{secret}"), &visitor.form_token(), &button))
    };
    Ok(page("Your address", &visitor, &main))
}

#[derive(Deserialize)]
struct NoInput {}

async fn confirm(Path(secret): Path<String>, form: Form<NoInput>) -> Result<Redirect> {
    let cx = &form.visitor.cx;
    let own = cx.check::<can::UseAccount, _>(Site::found())?;
    accounts::confirm_own_email(cx, &own, &secret).await?;
    Ok(Redirect::to("/"))
}
