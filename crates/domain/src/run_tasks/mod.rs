//! Run tasks: services that are asked about runs, those of an organization. Where they are asked stands in
//! `workspace_tasks`, what they say in `task_results`.

mod create;
mod delete;
mod list;
mod request;
mod update;

use db::{
    Json,
    entity::{
        run_task::{self, Enforcement},
        task_stage::Stage,
    },
    id::RunTaskId,
};
use secrecy::{ExposeSecret, SecretString};

pub use create::create;
pub use delete::delete;
pub use list::{list, load};
pub(crate) use request::{Asked, Capabilities, post};
pub use update::update;

use crate::{
    Ctx, Error, Found, In, Result, Subject, free_text, names, organizations,
    row::{Organization, RunTask},
};

/// Where keys are sealed; part of what authenticates them.
const SEALED: &str = "run_tasks.hmac_key";
/// Characters.
const NAME_LIMIT: usize = 255;
const DESCRIPTION_LIMIT: usize = 300;
/// Bytes.
const KEY_LIMIT: usize = 1024;
/// The only one that there is.
pub const CATEGORY: &str = "task";

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub url: Option<String>,
    pub category: Option<String>,
    pub hmac_key: Option<Option<SecretString>>,
    pub enabled: Option<bool>,
    pub global: Global,
}

/// Where in all workspaces of the organization it is asked.
#[derive(Clone, Debug, Default)]
pub struct Global {
    pub enabled: Option<bool>,
    pub stages: Option<Vec<Stage>>,
    pub enforcement_level: Option<Enforcement>,
}

impl Change {
    fn apply(self, cx: &Ctx, to: &mut RunTask) -> Result<()> {
        if self.category.is_some_and(|category| category != CATEGORY) {
            return Err(Error::invalid("category", format!("must be {CATEGORY}")));
        }
        if let Some(name) = self.name {
            check_name(&name)?;
            to.name = name;
        }
        if let Some(description) = self.description {
            let text = description.as_deref().unwrap_or_default();
            free_text::prose("description", text, DESCRIPTION_LIMIT)?;
            to.description = description;
        }
        if let Some(url) = self.url {
            check_url("url", &url)?;
            to.url = url;
        }
        if let Some(key) = self.hmac_key {
            let key = key.filter(|key| !key.expose_secret().is_empty());
            if key.as_ref().is_some_and(|key| key.expose_secret().len() > KEY_LIMIT) {
                return Err(Error::invalid("hmac-key", format!("has at most {KEY_LIMIT} bytes")));
            }
            let seal = |key: SecretString| {
                cx.keyring().seal(SEALED, to.id.as_str(), key.expose_secret().as_bytes())
            };
            to.hmac_key = key.map(seal);
        }
        to.enabled = self.enabled.unwrap_or(to.enabled);
        let Global { enabled, stages, enforcement_level } = self.global;
        if let Some(stages) = stages {
            to.global_stages = Json(check_stages("global-configuration/stages", stages)?);
        }
        to.global_enabled = enabled.unwrap_or(to.global_enabled);
        to.global_enforcement_level = enforcement_level.unwrap_or(to.global_enforcement_level);
        if to.global_enabled && to.global_stages.is_empty() {
            return Err(Error::invalid("global-configuration/stages", "can't be blank"));
        }
        Ok(())
    }
}

/// Letters, numbers, `-` and `_` (API documents, "Create a Run Task").
fn check_name(name: &str) -> Result<()> {
    names::check("name", name, NAME_LIMIT)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::invalid("name", "can only include letters, numbers, - and _"))
}

/// An address of the web.
pub(crate) fn check_url(attribute: &str, url: &str) -> Result<()> {
    courier::check_url(url)
        .map(drop)
        .map_err(|_| Error::invalid(attribute, "must be an http or https address"))
}

/// Stages in which services can be asked, each of them once, in the order in which they were named.
pub(crate) fn check_stages(attribute: &str, stages: Vec<Stage>) -> Result<Vec<Stage>> {
    let mut all = Vec::new();
    for stage in stages {
        if !matches!(stage, Stage::PrePlan | Stage::PostPlan | Stage::PreApply | Stage::PostApply) {
            let why = "must be one of: pre_plan, post_plan, pre_apply, post_apply";
            return Err(Error::invalid(attribute, why));
        }
        if !all.contains(&stage) {
            all.push(stage);
        }
    }
    Ok(all)
}

/// The key by which requests are signed, if there is one.
pub(crate) fn key(cx: &Ctx, row: &RunTask) -> Result<Option<SecretString>> {
    let open = |sealed| cx.keyring().open_text(SEALED, row.id.as_str(), sealed);
    Ok(row.hmac_key.as_deref().map(open).transpose()?)
}

/// One, with its organization.
pub async fn find(cx: &Ctx, id: &RunTaskId) -> Result<Found<In<RunTask, Organization>>> {
    organizations::find_in::<run_task::Entity>(cx, id, |row| &row.organization_name).await
}

fn subject(row: &RunTask) -> Subject<'_> {
    Subject {
        kind: "tasks",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
