//! One module per table: plain rows, as the design wants them.

/// A table without relations of its own: joins are written where they are needed.
macro_rules! standalone {
    () => {
        #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}
use standalone;

pub mod agent;
pub mod agent_pool;
pub mod agent_pool_project;
pub mod agent_pool_workspace;
pub mod assessment;
pub mod assessment_result;
pub mod audit_entry;
pub mod audit_export;
pub mod authorization_code;
pub mod blob_hold;
pub mod cidr_range;
pub mod cidr_range_list;
pub mod cidr_range_list_agent_pool;
pub mod comment;
pub mod commit_status;
pub mod configuration_version;
pub mod cost_estimate;
pub mod cost_estimate_resource;
pub mod data_retention_policy;
pub mod epoch;
pub mod event;
pub mod event_reader;
pub mod freeze;
pub mod freeze_break;
pub mod github_app_installation;
pub mod github_app_link;
pub mod identity_key;
pub mod ingress_attribute;
pub mod installation;
pub mod job;
pub mod lease;
pub mod notification_configuration;
pub mod notification_delivery;
pub mod oauth_client;
pub mod oauth_client_project;
pub mod oauth_token;
pub mod organization;
pub mod organization_membership;
pub mod phase;
pub mod plan_export;
pub mod policy;
pub mod policy_check;
pub mod policy_evaluation;
pub mod policy_replay;
pub mod policy_replay_result;
pub mod policy_set;
pub mod policy_set_member;
pub mod policy_set_outcome;
pub mod policy_set_parameter;
pub mod policy_set_version;
pub mod project;
pub mod pull_request_comment;
pub mod recovery_code;
pub mod remote_state_consumer;
pub mod repository;
pub mod reserved_tag_key;
pub mod run;
pub mod run_circumstance;
pub mod run_confirmation;
pub mod run_limits;
pub mod run_schedule;
pub mod run_task;
pub mod run_trigger;
pub mod sealing_key;
pub mod second_factor;
pub mod session;
pub mod sign_in_attempt;
pub mod site_setting;
pub mod ssh_key;
pub mod state_version;
pub mod state_version_output;
pub mod tag;
pub mod tag_binding;
pub mod task;
pub mod task_result;
pub mod task_result_body;
pub mod task_result_outcome;
pub mod task_stage;
pub mod team;
pub mod team_membership;
pub mod team_project;
pub mod team_workspace;
pub mod token;
pub mod token_ttl_policy;
pub mod tool_version;
pub mod user;
pub mod variable;
pub mod variable_set;
pub mod variable_set_scope;
pub mod vcs_event;
pub mod webhook_delivery;
pub mod workspace;
pub mod workspace_task;
