//! Addresses that work once: opening one, and what stands there when it no longer works.

use maud::{Markup, html};

use crate::{
    failure::{Failure, Result},
    frame::door,
};

/// What such an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    FirstAdmin,
    Invitation,
    Confirmation,
}

impl Once {
    /// What was found by the secret of an address. One text for a used, an old and a forged one: nobody learns which of
    /// them it was.
    pub fn open<T>(self, found: domain::Result<T>) -> Result<T> {
        found.map_err(|error| match error {
            domain::Error::NotFound => Failure::UsedUp(self),
            other => other.into(),
        })
    }

    pub fn used_up(self) -> Markup {
        let sign_in = html! { a href="/session/new" { "sign in" } };
        let main = html! {
            @match self {
                Self::FirstAdmin => {
                    p { "It works once, and for a day. If the first administrator's account was made with it, " (sign_in) "." }
                    p { "If nobody has an account yet, restart the server: its log shows a new address." }
                }
                Self::Invitation => {
                    p { "An invitation works once, for a week, and until a newer one is made. If you have accepted it already, " (sign_in) "." }
                    p { "If not, ask whoever invited you for a new one." }
                }
                Self::Confirmation => {
                    p { "It works once, for three days, and for the account that it was made for. If you have confirmed the address already, all is well: go to your " a href="/" { "organizations" } "." }
                    p { "If not, sign in with that account, or say once more that the address is yours: a new letter comes." }
                }
            }
        };
        door("This address no longer works", &main)
    }
}
