//! Links beside each other or below each other, of which one is the page that one is on.

use maud::{Markup, html};

/// A link to a part of something.
#[derive(Clone, Debug)]
pub struct Tab<'a> {
    pub label: &'a str,
    pub href: String,
    pub is_here: bool,
    pub count: Option<u64>,
}

pub fn tabs(of: &str, tabs: &[Tab<'_>]) -> Markup {
    html! { nav.tabs aria-label=(of) { (links(tabs)) } }
}

/// The second list, of settings.
pub fn subnav(of: &str, tabs: &[Tab<'_>]) -> Markup {
    html! { nav.subnav aria-label=(of) { (links(tabs)) } }
}

fn links(tabs: &[Tab<'_>]) -> Markup {
    html! {
        @for tab in tabs {
            a href=(tab.href) aria-current=[tab.is_here.then_some("page")] {
                (tab.label)
                @if let Some(count) = tab.count { (super::count(count)) }
            }
        }
    }
}
