//! The pages as browsers see them: what is shown, what is refused, and what never leaves the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod browser;
mod first_admin;
mod forms;
mod invitations;
mod links;
mod lists;
mod oauth;
mod organizations;
mod pages;
mod password;
mod runs;
mod sent;
mod sign_in;
mod tokens;
mod world;
