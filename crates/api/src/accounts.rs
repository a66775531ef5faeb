//! `/account`: oneself.

use domain::{
    accounts::{self, ChangeAccount},
    can,
};
use jsonapi::{Body, Document, Error, Typed, Unsupported};
use serde::Deserialize;

use crate::{May, Result, Routes, users::View};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/account/details", details)
        .patch("/api/v2/account/update", update)
        .patch("/api/v2/account/password", change_password)
}

/// Tokens of teams and organizations get the service user that stands for them.
async fn details(site: May<can::UseToken>) -> Result<Document> {
    let cx = &site.cx;
    if let Some(service) = View::service(cx) {
        return Ok(Document::one(&service));
    }
    // Agents have no account.
    let own = cx.check::<can::UseAccount, _>(domain::Site::found())?;
    Ok(Document::one(&View::own(cx, accounts::own(cx, &own).await?)))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Change {
    username: Option<String>,
    email: Option<String>,
}

impl Typed for Change {
    const TYPE: &'static str = "users";
    const UNSUPPORTED: &'static [Unsupported] =
        &[("attributes/password", "is changed at /account/password, together with the old one")];
}

async fn update(site: May<can::UseAccount>, body: Body<Change>) -> Result<Document> {
    let Change { username, email } = body.attributes;
    let change = ChangeAccount { username, email };
    let row = accounts::update_account(&site.cx, &site, change).await?;
    Ok(Document::one(&View::own(&site.cx, row)))
}

/// Unlike elsewhere, HCP writes these with underscores; any spelling is read.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Passwords {
    #[serde(deserialize_with = "jsonapi::verbatim")]
    current_password: String,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    password: String,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    password_confirmation: String,
}

impl Typed for Passwords {
    const TYPE: &'static str = "users";
}

async fn change_password(site: May<can::UseAccount>, body: Body<Passwords>) -> Result<Document> {
    let Passwords { current_password, password, password_confirmation } = body.attributes;
    if password != password_confirmation {
        return Err(Error::unprocessable(
            "/data/attributes/password_confirmation",
            "Password confirmation doesn't match Password",
        )
        .into());
    }
    let row = accounts::change_password(&site.cx, &site, current_password.into(), password.into())
        .await?;
    Ok(Document::one(&View::own(&site.cx, row)))
}
