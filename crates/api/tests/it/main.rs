//! The API as its clients see it: one module for each noun, and two that look at every route there is.

#![expect(
    clippy::large_futures,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that is wrong should stop where it is, and its bodies are literals; how large its futures are troubles nobody"
)]

mod abilities;
mod access;
mod accounts;
mod addresses;
mod agent;
mod agent_pools;
mod asked;
mod assessments;
mod attributes;
mod audit;
mod auto_destroy;
mod bad_input;
mod clients;
mod comments;
mod compatibility;
mod configurations;
mod crowd;
mod data_retention;
mod deletions;
mod encrypted_states;
mod endings;
mod engine_choice;
mod engines;
mod events;
mod figures;
mod fuzz;
mod holds;
mod identity;
mod includes;
mod invitations;
mod keeper;
mod kept;
mod large_states;
mod list_plans;
mod list_scopes;
mod lost_commits;
mod memberships;
mod names;
mod notifications;
mod oauth_clients;
mod official_versions;
mod parameters;
mod past_states;
mod plan_changes;
mod plan_documents;
mod plan_exports;
mod policies;
mod policies_in_runs;
mod policy_replays;
mod policy_sets;
mod policy_tools;
mod projects;
mod queue;
mod queue_passes;
mod readmes;
mod recovered_states;
mod repositories;
mod run_limits;
mod run_tasks;
mod run_triggers;
mod runs;
mod sealed_columns;
mod sentinel_in_runs;
mod servers;
mod short_contract;
mod site_settings;
mod ssh_keys;
mod stages;
mod state_sharing;
mod states;
mod states_of_runs;
mod tags;
mod task_results;
mod team_access;
mod teams;
mod texts;
mod token_lifetimes;
mod tokens;
mod tool_versions;
mod unavailable;
mod uploads;
mod variable_sets;
mod variables;
mod vcs;
mod waiting;
mod workspace_relationships;
mod workspaces;
mod workspaces_reference;
mod world;
