//! The bar on top: which organization, what waits for the visitor, the jump to anything, the account.

use domain::{Site, can, runs};
use maud::{Markup, html};

use super::place::Place;
use crate::{
    components::{Button, Icon, Look, action, icon, icon_small, mark},
    failure::Result,
    visitor::SignedIn,
};

pub async fn of(visitor: &SignedIn, place: Place<'_>) -> Result<Markup> {
    let waiting = runs::waiting_for_caller(&visitor.cx).await?.len();
    Ok(html! {
        header.top {
            button type="button" class="knob burger" popovertarget="nav" {
                (icon(Icon::Menu)) span.unseen { "Menu" }
            }
            a.brand href="/" { (mark()) span { "Statehouse" } b.unseen { " home" } }
            (organizations(visitor, place))
            div.end {
                a class="knob waits" href="/waiting" {
                    (icon(Icon::StWait))
                    @if waiting > 0 { (waiting) span.word { @if waiting == 1 { " waits for you" } @else { " wait for you" } } }
                    @else { span.unseen { "Nothing waits for you" } }
                }
                a class="knob jump" href="/search" data-jump {
                    (icon(Icon::Search)) span { "Jump to" } b.unseen { " anything" } kbd { "Ctrl K" }
                }
                (account(visitor))
            }
        }
    })
}

fn organizations(visitor: &SignedIn, place: Place<'_>) -> Markup {
    let here = match place {
        Place::In(name, _) => Some(name),
        _ => None,
    };
    let names = visitor.organizations();
    html! {
        @if here.is_some() || !names.is_empty() {
            details.menu {
                summary {
                    @match here {
                        Some(name) => { span class="avatar s machine" aria-hidden="true" { (initials(name)) } span { (name) } }
                        None => span { "Organizations" }
                    }
                    (icon_small(Icon::Down))
                    span.unseen { "Switch organization" }
                }
                div.list {
                    @for name in &names {
                        a href={ "/app/" (name) "/workspaces" }
                            aria-current=[(here == Some(*name)).then_some("true")] { (name) }
                    }
                    @if !names.is_empty() { div.sep {} }
                    a href="/" { "All organizations" }
                }
            }
        }
    }
}

fn account(visitor: &SignedIn) -> Markup {
    let name = visitor.username();
    let sign_out = Button { label: "Sign out", look: Look::Quiet, ..Button::default() };
    html! {
        details class="menu end-edge" {
            summary {
                span.avatar aria-hidden="true" { (initials(name)) }
                span.unseen { "Your account, " (name) }
            }
            div.list {
                @if visitor.cx.may::<can::UseAccount>(&Site) { a href="/app/settings/tokens" { "Account, " (name) } }
                @if visitor.cx.may::<can::ManageSite>(&Site) { a href="/app/site" { "Site administration" } }
                div.sep {}
                (action("/session/delete", &visitor.form_token(), &sign_out))
            }
        }
    }
}

/// Of a name, or of its words.
pub fn initials(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let first = words.filter_map(|word| word.chars().next());
    first.take(2).flat_map(char::to_uppercase).collect()
}
