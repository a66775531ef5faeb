//! What a request may say of a run.

use domain::{
    entity::tool_version::Engine, id::ConfigurationVersionId, runs::New, variables::OfRun,
};
use jsonapi::{Error, Field, ToOne, Typed, Unsupported};
use serde::Deserialize;

use crate::Result;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    #[serde(deserialize_with = "jsonapi::prose")]
    message: Option<String>,
    is_destroy: Option<bool>,
    auto_apply: Option<bool>,
    plan_only: Option<bool>,
    save_plan: Option<bool>,
    refresh: Option<bool>,
    refresh_only: Option<bool>,
    allow_empty_apply: Option<bool>,
    allow_config_generation: Option<bool>,
    debugging_mode: Option<bool>,
    terraform_version: Option<String>,
    /// Ours: which engine's version that is.
    #[serde(deserialize_with = "jsonapi::id")]
    engine: Field<Engine>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    target_addrs: Option<Vec<String>>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    replace_addrs: Option<Vec<String>>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    invoke_action_addrs: Option<Vec<String>>,
    policy_paths: Option<Vec<String>>,
    variables: Option<Vec<Pair>>,
}

impl Typed for Input {
    const TYPE: &'static str = "runs";
    const UNSUPPORTED: &'static [Unsupported] =
        &[("attributes/comment", "is not taken here: comments are made at /runs/:id/comments")];
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Relations {
    pub workspace: Option<ToOne<String>>,
    configuration_version: Option<ToOne<String>>,
}

pub fn new(input: Input, relations: Relations) -> Result<New> {
    let unknown = |_| {
        domain::Error::invalid_relation("configuration-version", "does not exist in this workspace")
    };
    let named = match relations.configuration_version {
        Some(one) => one.of_kind("configuration-versions", "configuration-version")?,
        None => None,
    };
    let configuration: Option<ConfigurationVersionId> =
        named.map(|id| id.parse().map_err(unknown)).transpose()?;
    Ok(New {
        configuration_version_id: configuration,
        message: input.message,
        is_destroy: input.is_destroy.unwrap_or(false),
        auto_apply: input.auto_apply,
        plan_only: input.plan_only,
        save_plan: input.save_plan.unwrap_or(false),
        refresh: input.refresh,
        refresh_only: input.refresh_only.unwrap_or(false),
        allow_empty_apply: input.allow_empty_apply.unwrap_or(false),
        allow_config_generation: input.allow_config_generation.unwrap_or(false),
        debugging_mode: input.debugging_mode.unwrap_or(false),
        terraform_version: input.terraform_version.filter(|version| !version.is_empty()),
        engine: input.engine.into_option(),
        target_addrs: input.target_addrs.unwrap_or_default(),
        replace_addrs: input.replace_addrs.unwrap_or_default(),
        invoke_action_addrs: input.invoke_action_addrs.unwrap_or_default(),
        policy_paths: input.policy_paths.unwrap_or_default(),
        variables: variables(input.variables.unwrap_or_default())?,
        source: None,
        trigger_reason: None,
        triggered_by: None,
        scheduled_for: None,
        due: None,
    })
}

/// Each once: of two values for one key, one would be lost.
fn variables(pairs: Vec<Pair>) -> Result<Vec<OfRun>> {
    let mut variables: Vec<OfRun> = Vec::new();
    for (index, Pair { key, value }) in pairs.into_iter().enumerate() {
        match variables.iter().find(|other| other.key == key) {
            None => variables.push(OfRun { key, value }),
            Some(same) if same.value == value => {}
            Some(_) => {
                let why = format!("{key} is given twice, with two values");
                return Err(Error::invalid(&format!("variables/{index}/key"), why).into());
            }
        }
    }
    Ok(variables)
}
