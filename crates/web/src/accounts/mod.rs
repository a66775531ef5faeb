//! Signing in and out, logging in from the command line, tokens, passwords, addresses, invitations, and the first
//! administrator.

mod address;
mod code;
mod first_admin;
mod invitation;
mod oauth;
mod once;
mod password;
pub mod second_factor;
mod sign_in;
mod tokens;

pub use once::Once;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .merge(sign_in::routes())
        .merge(code::routes())
        .merge(second_factor::routes())
        .merge(oauth::routes())
        .merge(tokens::routes())
        .merge(password::routes())
        .merge(first_admin::routes())
        .merge(invitation::routes())
        .merge(address::routes())
}
