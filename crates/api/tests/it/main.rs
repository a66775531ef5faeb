//! The API as its clients see it: one module for each noun, and two that look at every route there is.

mod configurations;
mod projects;
mod states;
mod states_of_runs;
mod variables;
mod workspaces;
