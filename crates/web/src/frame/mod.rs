//! The frame of every page: the roof above it, what there is beside it, and the page itself.

mod impersonation;
mod place;
mod roof;
mod side;

use http::StatusCode;
use maud::{DOCTYPE, Markup, html};

pub use place::{Account, OnSite, Place, Section};
pub use roof::initials;

use crate::{
    assets::{FONT, LIVE_FRAGMENT, LOG_VIEWER, MARK, SCRIPT, STYLE},
    components::mark,
    failure::Result,
    visitor::{SignedIn, Theme},
};

/// A page of somebody signed in.
pub async fn page(
    visitor: &SignedIn,
    place: Place<'_>,
    title: &str,
    main: &Markup,
) -> Result<Markup> {
    let roof = roof::of(visitor, place).await?;
    let side = side::of(visitor, place).await?;
    let body = html! {
        body {
            a.skip href="#main" { "Skip to the content" }
            (roof)
            div.house {
                (side)
                main id="main" { (impersonation::of(visitor)) (main) (foot()) }
            }
            command-palette src="/jump" {}
            div.toasts role="status" aria-live="polite" {}
        }
    };
    Ok(document(title, visitor.theme(), &body))
}

/// A page for those who are not signed in.
pub fn door(title: &str, main: &Markup) -> Markup {
    let body = html! {
        body.door {
            main id="main" {
                div.sign { (mark()) h1 { (title) } }
                (main)
            }
            div.colonnade aria-hidden="true" {}
        }
    };
    document(title, None, &body)
}

/// A page that says what went wrong.
pub fn error_page(status: StatusCode, title: &str, why: &str) -> Markup {
    let main = html! {
        p.soft { (why) }
        p { a href="/" { "Go to your organizations" } }
        p.hint { "Status " (status.as_u16()) "." }
    };
    door(title, &main)
}

fn foot() -> Markup {
    html! {
        footer.foot {
            span { "Statehouse " (env!("CARGO_PKG_VERSION")) }
            @if cfg!(debug_assertions) { a href="/app/site/parts" { "Parts" } }
        }
    }
}

fn document(title: &str, theme: Option<Theme>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme.map(Theme::as_str)] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Statehouse" }
                link rel="icon" href=(MARK.path());
                link rel="preload" as="font" type="font/woff2" href=(FONT.path()) crossorigin;
                link rel="stylesheet" href=(STYLE.path());
                script type="module" src=(SCRIPT.path()) {}
                script type="module" src=(LOG_VIEWER.path()) {}
                script type="module" src=(LIVE_FRAGMENT.path()) {}
            }
            (body)
        }
    }
}
