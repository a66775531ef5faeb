//! One account: what administrators decide about it, looking at the server as its person, and its end.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{In, Site, accounts, can, row::User};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::users;
use crate::{
    components::{
        About, Button, Crumb, Header, Icon, Look, Notice, Panel, Sheet, Text, Tone, action, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{OnSite, Place, page},
    guard::May,
};

pub type OneUser = May<can::ManageSite, In<User, Site>>;

/// Below `/session`, as it is about the browser's.
pub const END_IMPERSONATION: &str = "/session/impersonation/delete";

pub fn path(user: &User) -> String {
    format!("{}/{}", users::HERE, user.id)
}

pub async fn show(user: OneUser) -> Result<Markup> {
    draw(&user, "", None).await
}

#[derive(Deserialize)]
pub struct Input {
    reason: String,
}

pub async fn impersonate(user: OneUser, Form(input): Form<Input>) -> Result<Response> {
    match accounts::impersonate(&user.visitor.cx, &user, &input.reason).await {
        Ok(()) => Ok(Redirect::to("/").into_response()),
        Err(error) => refused(&user, &input.reason, error).await,
    }
}

/// Back to the page where it began.
pub async fn end_impersonation(site: May<can::EndImpersonation>, _: Press) -> Result<Redirect> {
    let cx = &site.visitor.cx;
    accounts::end_impersonation(cx, &site).await?;
    let user = cx.actor().user_id().map_or_else(String::new, |id| format!("/{id}"));
    Ok(Redirect::to(&format!("{}{user}", users::HERE)))
}

pub async fn delete(user: OneUser, _: Press) -> Result<Response> {
    match accounts::delete_user(&user.visitor.cx, &user).await {
        Ok(()) => Ok(Redirect::to(users::HERE).into_response()),
        Err(error) => refused(&user, "", error).await,
    }
}

async fn refused(user: &OneUser, reason: &str, error: domain::Error) -> Result<Response> {
    let wrong = Wrong::of(error)?;
    Ok(wrong.shown_in(draw(user, reason, Some(&wrong)).await?))
}

async fn draw(user: &OneUser, reason: &str, wrong: Option<&Wrong>) -> Result<Markup> {
    let (visitor, cx) = (&user.visitor, &user.visitor.cx);
    let site = cx.check::<can::ManageSite, _>(Site::found())?;
    let ids = [user.id.clone()];
    let organizations = accounts::organizations_of(cx, &site, &ids).await?.remove(&user.id);
    let organizations = organizations.unwrap_or_default().join(", ");
    let crumbs = [Crumb { label: "Users", href: users::HERE.to_owned() }];
    let about = html! {
        span { code { (user.id) } }
        span { (users::address(user)) }
        span { "Since " (time(user.created_at)) }
        span { @if organizations.is_empty() { "In no organization" } @else { "In " (organizations) } }
    };
    let token = visitor.form_token();
    let elsewhere = wrong.filter(|wrong| wrong.about("reason").is_none());
    let main = html! {
        (Header {
            crumbs: &crumbs,
            title: &user.username,
            beside: users::standing(user),
            actions: users::buttons(visitor, user, &token),
            about,
        })
        @if let Some(wrong) = elsewhere {
            (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
        }
        div.stack {
            @if may_be_impersonated(user) { (impersonation(user, &token, reason, wrong)) }
            @if !cx.actor().is_user(&user.id) { (end(user, &token)) }
        }
    };
    page(visitor, Place::Site(OnSite::Users), &user.username, &main).await
}

fn may_be_impersonated(user: &User) -> bool {
    !user.is_site_admin && !user.is_suspended && !user.is_awaited
}

fn impersonation(user: &User, token: &str, reason: &str, wrong: Option<&Wrong>) -> Markup {
    let why = Text {
        about: About {
            name: "reason",
            label: "Reason",
            hint: Some(
                "It stands in the audit trail, and on every page until you end it, or an hour is over.",
            ),
            optional: false,
        },
        value: reason,
        ..Text::default()
    };
    let form = Sheet {
        id: "impersonate",
        action: &format!("{}/impersonate", path(user)),
        token,
        wrong: wrong.filter(|wrong| wrong.about("reason").is_some()),
        hidden: &[],
        controls: &[&why],
        send: Button { label: "Impersonate", look: Look::Plain, ..Button::default() },
    };
    let content = html! {
        p { "You see what " (user.username) " sees in this browser, and can do what they can, apart from their own account." }
        (form)
    };
    Panel {
        id: "u-impersonate",
        title: "Look at the server as this person",
        content,
        ..Panel::default()
    }
    .render()
}

fn end(user: &User, token: &str) -> Markup {
    let delete = Button {
        label: "Delete the account",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        about: Some(&user.username),
        ..Button::default()
    };
    let content = html! {
        p { "Its memberships, tokens and sessions go with it. What this person has made stays." }
        (action(&format!("{}/delete", path(user)), token, &delete))
    };
    Panel { id: "u-delete", title: "Delete it", content, is_risk: true, ..Panel::default() }
        .render()
}
