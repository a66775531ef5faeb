//! Everybody who has an account here, who is let in, and who looks after the site.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Granted, In, Site,
    accounts::{self, Sought, Standing},
    can,
    row::User,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{
        Button, Head, Header, Icon, Look, Notice, Search, Table, Tone, action, badge, count, empty,
        time,
    },
    failure::{Result, Wrong},
    forms::Form,
    frame::{OnSite, Place, page},
    guard::May,
    visitor::SignedIn,
};

pub const HERE: &str = "/app/site/users";

pub async fn show(site: May<can::ManageSite>, Query(asked): Query<Search>) -> Result<Markup> {
    draw(&site.visitor, &site, &asked, None).await
}

#[derive(Deserialize)]
pub struct Input {
    standing: String,
}

/// The words of the buttons, and what each does.
const STANDINGS: [(&str, &str, Standing); 4] = [
    ("suspend", "Suspend", Standing::Suspended),
    ("unsuspend", "Let in again", Standing::Unsuspended),
    ("grant", "Make administrator", Standing::Administrator),
    ("revoke", "No administrator", Standing::NoAdministrator),
];

pub async fn set(
    user: May<can::ManageSite, In<User, Site>>,
    Query(asked): Query<Search>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let (visitor, cx) = (&user.visitor, &user.visitor.cx);
    let site = cx.check::<can::ManageSite, _>(Site::found())?;
    let wished = STANDINGS.iter().find(|(word, ..)| *word == input.standing);
    let done = match wished {
        Some((.., standing)) => {
            accounts::set_standing(cx, &site, &user.id, *standing).await.map(drop)
        }
        None => Err(domain::Error::invalid("standing", "must be chosen")),
    };
    match done {
        Ok(()) => Ok(Redirect::to(HERE).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(visitor, &site, &asked, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    site: &Granted<can::ManageSite>,
    asked: &Search,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let sought = Sought { text: asked.text(), ..Sought::default() };
    let list = accounts::find_users(&visitor.cx, site, sought, asked.paging()).await?;
    let token = visitor.form_token();
    let rows = list.items.iter().map(|user| row(visitor, user, &token)).collect();
    let heads = [
        Head::new("Name"),
        Head::new("E-mail"),
        Head::new("Is"),
        Head::number("Since"),
        Head::unseen("Decide"),
    ];
    let main = html! {
        (Header { title: "Users", beside: count(list.total), ..Header::default() })
        @if let Some(wrong) = wrong {
            (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
        }
        (asked.field(HERE, "Find a user", "Name or e-mail"))
        @if list.total == 0 {
            (empty(Icon::Search, "Nobody found", "No account has such a name or address.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Users", heads: &heads, rows }) }
        }
        (asked.pager(HERE, list.total))
    };
    page(visitor, Place::Site(OnSite::Users), "Users", &main).await
}

/// What can be decided about somebody else who is here already.
pub fn buttons(visitor: &SignedIn, user: &User, token: &str) -> Markup {
    if user.is_awaited || visitor.cx.actor().is_user(&user.id) {
        return html! {};
    }
    let offered = [
        if user.is_suspended { Standing::Unsuspended } else { Standing::Suspended },
        if user.is_site_admin { Standing::NoAdministrator } else { Standing::Administrator },
    ];
    let button = |(word, label, _): &(&str, &str, Standing)| {
        let button = Button {
            label,
            look: Look::Quiet,
            small: true,
            sends: Some(("standing", word)),
            about: Some(&user.username),
            ..Button::default()
        };
        action(&format!("{HERE}/{}", user.id), token, &button)
    };
    html! {
        @for standing in STANDINGS.iter().filter(|(.., standing)| offered.contains(standing)) {
            (button(standing))
        }
    }
}

/// What is known of somebody's address.
pub fn address(user: &User) -> Markup {
    html! {
        @match (&user.email, &user.unconfirmed_email) {
            (Some(email), _) => (email),
            (None, Some(email)) => { (email) " " span.faint { "not confirmed" } },
            (None, None) => span.faint { "none" },
        }
    }
}

/// What somebody is, beside a user.
pub fn standing(user: &User) -> Markup {
    html! {
        @if user.is_site_admin { (badge(Tone::Neutral, Icon::Shield, "administrator")) " " }
        @if user.is_suspended { (badge(Tone::Bad, Icon::StStop, "suspended")) " " }
        @if user.is_awaited { (badge(Tone::Neutral, Icon::StQueued, "invited")) }
    }
}

fn row(visitor: &SignedIn, user: &User, token: &str) -> Vec<Markup> {
    vec![
        html! {
            a href=(super::user::path(user)) { (user.username) }
            span.under { code { (user.id) } }
        },
        address(user),
        standing(user),
        time(user.created_at),
        buttons(visitor, user, token),
    ]
}
