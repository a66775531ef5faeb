//! The pages as browsers see them: what is shown, what is refused, and what never leaves the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod account;
mod agents;
mod browser;
mod calendar;
mod changes;
mod checks;
mod cidr_range_lists;
mod connections;
mod first_admin;
mod forms;
mod health;
mod impersonation;
mod invitations;
mod links;
mod lists;
mod live;
mod mocks;
mod oauth;
mod organizations;
mod pages;
mod parts;
mod password;
mod policies;
mod policy_replays;
mod projects;
mod run_tasks;
mod runs;
mod second_factor;
mod sent;
mod sessions;
mod settings;
mod sign_in;
mod site;
mod starts;
mod states;
mod surroundings;
mod teams;
mod tokens;
mod unavailable;
mod variable_sets;
mod variables;
mod world;
