//! What is copied: ids, commands, files, secrets that are shown once.

use std::fmt::Display;

use maud::{Markup, html};

use super::{Icon, icon_small};

/// An id, and a button that copies it.
pub fn copy_id(id: impl Display) -> Markup {
    let id = id.to_string();
    html! {
        span.idline {
            code { (id) }
            button type="button" class="quiet icon small copy" data-copy=(id) {
                (icon_small(Icon::Copy)) span.unseen { "Copy " (id) }
            }
        }
    }
}

/// A block of text to copy; `id` is its own on the page.
pub fn code_block(id: &str, title: &str, text: &str) -> Markup {
    html! {
        div.code {
            header {
                span { (title) }
                button type="button" class="quiet small copy" data-copy-from=(id) {
                    (icon_small(Icon::Copy)) "Copy" span.unseen { " " (title) }
                }
            }
            pre id=(id) tabindex="0" role="group" aria-label=(title) { code { (text) } }
        }
    }
}
