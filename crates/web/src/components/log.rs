//! What keeps itself up to date where there is JavaScript, and is readable where there is none.

use maud::{Markup, html};

/// The log at `address`, followed until it ends. `name` says whose it is; addresses of its lines begin with `stem`.
pub fn log_viewer(name: &str, address: &str, stem: &str) -> Markup {
    html! {
        log-viewer src=(address) label=(name) stem=(stem) {
            p.state { a href=(address) { "Read the " (name) } }
        }
    }
}

/// A part of a page that is read again from `address` every few seconds until `data-final` is in it.
pub fn live_fragment(address: &str, content: &Markup) -> Markup {
    html! { live-fragment src=(address) { (content) } }
}

/// The same of a part that tells by events at `address/events` what has changed.
pub fn live_stream(address: &str, content: &Markup) -> Markup {
    html! { live-fragment src=(address) events { (content) } }
}
