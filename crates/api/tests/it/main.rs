//! The API as its clients see it: one module for each noun, and two that look at every route there is.

mod accounts;
mod access;
mod agent;
mod bad_input;
mod configurations;
mod projects;
mod queue;
mod runs;
mod states;
mod states_of_runs;
mod tool_versions;
mod variables;
mod workspaces;
mod world;
