//! The top of a page's content: where it is, what it is called.

use maud::{Markup, html};

/// A step on the way to a page.
#[derive(Clone, Debug)]
pub struct Crumb<'a> {
    pub label: &'a str,
    pub href: String,
}

pub fn page_header(crumbs: &[Crumb<'_>], title: &str, beside: &Markup) -> Markup {
    html! {
        header.page {
            @if !crumbs.is_empty() {
                nav.crumbs aria-label="You are here" {
                    ol {
                        @for crumb in crumbs { li { a href=(crumb.href) { (crumb.label) } } }
                    }
                }
            }
            div.title {
                h1 { (title) }
                (beside)
            }
        }
    }
}
