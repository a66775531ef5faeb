//! What stands on every page of an administrator who looks at the server as somebody else, until it is over.

use maud::{Markup, html};

use crate::{
    components::{Button, Look, Notice, Tone, action, time},
    site::END_IMPERSONATION,
    visitor::SignedIn,
};

pub fn of(visitor: &SignedIn) -> Markup {
    let Some(really) = visitor.cx.actor().impersonator() else { return html! {} };
    let end = Button { label: "End it", look: Look::Plain, small: true, ..Button::default() };
    let said = html! {
        p {
            "You are " strong { (really.username) } " and look at this as " strong { (visitor.username()) }
            ", because: " (really.reason) ". What you do is told of both. It ends by itself " (time(really.until)) "."
        }
        (action(END_IMPERSONATION, &visitor.form_token(), &end))
    };
    html! { aside aria-label="Impersonation" { (Notice::new(Tone::Busy, &said)) } }
}
