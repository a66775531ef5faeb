//! `/app/settings/sessions`: the browsers in which one is signed in, and how pages look in this one.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{accounts, accounts::OwnSession, can};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{
        About, Button, Card, Cards, Head, Header, Icon, Look, Panel, Sheet, Table, Tone, action,
        badge, count, time,
    },
    failure::Result,
    forms::Form,
    frame::{Account, Place, page},
    guard::May,
    visitor::{self, Theme},
};

const PATH: &str = "/app/settings/sessions";

pub fn routes() -> Routes {
    Routes::default()
        .get(PATH, show)
        .post("/app/settings/sessions/end", end)
        .post("/app/settings/theme", choose)
}

async fn show(own: May<can::UseAccount>) -> Result<Markup> {
    let visitor = &own.visitor;
    let sessions = accounts::own_sessions(&visitor.cx, &own, visitor.session()).await?;
    let token = visitor.form_token();
    let row = |session: &OwnSession| {
        let button = Button {
            label: "Sign out",
            look: Look::Danger,
            small: true,
            sends: Some(("session", &session.key)),
            about: Some(&session.key),
            ..Button::default()
        };
        vec![
            html! {
                code { (session.key) }
                @if session.is_this { " " (badge(Tone::Good, Icon::StGood, "this browser")) }
            },
            time(session.created_at),
            time(session.used_at),
            time(session.expires_at),
            html! { @if !session.is_this { (action("/app/settings/sessions/end", &token, &button)) } },
        ]
    };
    let heads = [
        Head::new("Session"),
        Head::number("Signed in"),
        Head::number("Used last, about"),
        Head::number("Ends"),
        Head::unseen("Actions"),
    ];
    let rows = sessions.iter().map(row).collect();
    let theme = Cards {
        about: About { name: "theme", label: "Light or dark", ..About::default() },
        cards: &[
            Card { value: "system", label: "As the system", means: "As this device says." },
            Card { value: "light", label: "Light", means: "Limestone by day." },
            Card { value: "dark", label: "Dark", means: "Slate by night." },
        ],
        value: visitor.theme().map_or("system", Theme::as_str),
    };
    let form = Sheet {
        id: "theme",
        action: "/app/settings/theme",
        token: &token,
        wrong: None,
        hidden: &[],
        controls: &[&theme],
        send: Button { label: "Show it so", look: Look::Plain, ..Button::default() },
    };
    let many = count(u64::try_from(sessions.len()).unwrap_or_default());
    let main = html! {
        (Header { title: "Sessions and look", ..Header::default() })
        div.stack {
            (Panel {
                id: "s-all",
                title: "Where you are signed in",
                beside: many,
                content: html! { (Table { caption: "Your sessions", heads: &heads, rows }) },
                is_table: true,
                is_risk: false,
            })
            (Panel { id: "s-look", title: "Look, in this browser", content: html! { (form) }, ..Panel::default() })
        }
    };
    page(visitor, Place::Account(Account::Sessions), "Sessions and look", &main).await
}

#[derive(Deserialize)]
struct Which {
    session: String,
}

async fn end(own: May<can::UseAccount>, Form(which): Form<Which>) -> Result<Redirect> {
    accounts::end_session(&own.visitor.cx, &own, &which.session).await?;
    Ok(Redirect::to(PATH))
}

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    theme: String,
}

/// Kept by the browser: it is about a screen, not about a person.
async fn choose(own: May<can::BePerson>, Form(Chosen { theme }): Form<Chosen>) -> Response {
    let cookie = visitor::remember_theme(own.visitor.cx.app(), Theme::named(&theme));
    (cookie, Redirect::to(PATH)).into_response()
}
