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
mod sessions;
mod sign_in;
mod tokens;

pub use once::Once;
pub use tokens::{cli_configuration, host_name};

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .merge(sign_in::routes())
        .merge(code::routes())
        .merge(second_factor::routes())
        .merge(oauth::routes())
        .merge(sessions::routes())
        .merge(tokens::routes())
        .merge(password::routes())
        .merge(first_admin::routes())
        .merge(invitation::routes())
        .merge(address::routes())
}
