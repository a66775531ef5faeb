//! The frame of every page: head, navigation, main.

use maud::{DOCTYPE, Markup, html};

use super::{Button, Look, action};
use crate::{
    assets::{LIVE_FRAGMENT, LOG_VIEWER, STYLE},
    visitor::SignedIn,
};

/// A page of somebody signed in.
pub fn page(title: &str, visitor: &SignedIn, main: &Markup) -> Markup {
    let navigation = html! {
        nav aria-label="Main" {
            a href="/" { "Overview" }
            a href="/app/settings/tokens" { "Tokens" }
            a href="/app/settings/password" { "Password" }
        }
        div.account {
            span { (visitor.username()) }
            (action(
                "/session/delete",
                &visitor.form_token(),
                &Button { label: "Sign out", look: Look::Quiet, ..Button::default() },
            ))
        }
    };
    frame(title, &navigation, main)
}

/// A page for those who are not signed in.
pub fn signed_out_page(title: &str, main: &Markup) -> Markup {
    frame(title, &html! {}, main)
}

/// A page that says what went wrong.
pub fn error_page(title: &str, why: &str) -> Markup {
    let main = html! {
        h1 { (title) }
        p { (why) }
        p { a href="/" { "Overview" } }
    };
    frame(title, &html! {}, &main)
}

fn frame(title: &str, navigation: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Statehouse" }
                link rel="stylesheet" href=(STYLE.path());
                script type="module" src=(LOG_VIEWER.path()) {}
                script type="module" src=(LIVE_FRAGMENT.path()) {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "Statehouse" }
                    (navigation)
                }
                main id="main" { (main) }
            }
        }
    }
}
