//! The API as its clients see it: one module for each noun, and two that look at every route there is.

mod configurations;
mod projects;
mod variables;
mod states;
mod workspaces;
