//! `/relationships/data-retention-policy` of organizations and workspaces, and what is done by hand to the data
//! behind a configuration or a state

use domain::{
    In, can,
    retention::{self, Rule, Wish},
    row::{ConfigurationVersion, DataRetentionPolicy, StateVersion},
};
use jsonapi::{Body, Document, Empty, Error, Relationships, Resource, Typed};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    macro_rules! configuration {
        ($action:literal) => {
            concat!("/api/v2/configuration-versions/{configuration_version_id}/actions/", $action)
        };
    }
    macro_rules! state {
        ($action:literal) => {
            concat!("/api/v2/state-versions/{state_version_id}/actions/", $action)
        };
    }
    let organization =
        "/api/v2/organizations/{organization_name}/relationships/data-retention-policy";
    let workspace = "/api/v2/workspaces/{workspace_id}/relationships/data-retention-policy";
    Routes::default()
        .get(organization, show_of_organization)
        .post(organization, set_for_organization)
        .patch(organization, set_for_organization)
        .delete(organization, remove_from_organization)
        .get(workspace, show_of_workspace)
        .post(workspace, set_for_workspace)
        .patch(workspace, set_for_workspace)
        .delete(workspace, remove_from_workspace)
        .post(configuration!("soft_delete_backing_data"), soft_delete_configuration)
        .post(configuration!("restore_backing_data"), restore_configuration)
        .post(configuration!("permanently_delete_backing_data"), delete_configuration)
        .post(state!("soft_delete_backing_data"), soft_delete_state)
        .post(state!("restore_backing_data"), restore_state)
        .post(state!("permanently_delete_backing_data"), delete_state)
}

/// The forms of a policy on the wire; each is a type of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    DeleteOlder,
    DontDelete,
    /// What there was before there were two kinds; it can only delete.
    Legacy,
}

impl Form {
    const ALL: [Self; 3] = [Self::DeleteOlder, Self::DontDelete, Self::Legacy];

    const fn name(self) -> &'static str {
        match self {
            Self::DeleteOlder => "data-retention-policy-delete-olders",
            Self::DontDelete => "data-retention-policy-dont-deletes",
            Self::Legacy => "data-retention-policies",
        }
    }

    fn of(policy: &DataRetentionPolicy) -> Self {
        match Rule::of(policy) {
            Rule::DeleteOlderThan(_) => Self::DeleteOlder,
            Rule::DontDelete => Self::DontDelete,
        }
    }

    fn parse(kind: Option<&str>) -> Result<Self> {
        let Some(kind) = kind else { return Ok(Self::DeleteOlder) };
        Self::ALL.into_iter().find(|form| form.name() == kind).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::unprocessable("/data/type", format!("type must be one of: {names}")).into()
        })
    }

    fn document(self, policy: DataRetentionPolicy) -> Document {
        match self {
            Self::DeleteOlder => Document::one(&View::<0>(policy)),
            Self::DontDelete => Document::one(&View::<1>(policy)),
            Self::Legacy => Document::one(&View::<2>(policy)),
        }
    }
}

/// Clients look at the type of this relation to know how to read the policy itself; without one it is not there.
pub fn relate(policy: Option<&DataRetentionPolicy>, to: &mut Relationships) {
    if let Some(policy) = policy {
        to.one("data-retention-policy", Form::of(policy).name(), Some(&policy.id));
    }
}

struct View<const FORM: usize>(DataRetentionPolicy);

impl<const FORM: usize> Resource for View<FORM> {
    const TYPE: &'static str = Form::ALL[FORM].name();

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl serde::Serialize {
        match Rule::of(&self.0) {
            Rule::DontDelete => json!({}),
            Rule::DeleteOlderThan(days) => json!({
                "delete-older-than-n-days": days,
                "deleteOlderThanNDays": days,
                "deleteStateVersions": true,
                "deleteConfigurationVersions": true,
                "deleteRunDataAndLogs": false,
                "stateVersionsDeleteAfterNDays": days,
                "configurationVersionsDeleteAfterNDays": days,
                "runDataAndLogsDeleteAfterNDays": Value::Null,
                "stateVersionsKeepLatestCount": Value::Null,
                "configurationVersionsKeepLatestCount": Value::Null,
                "runDataKeepLatestCount": Value::Null,
            }),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let policy = &self.0;
        if let Some(id) = &policy.workspace_id {
            to.one_with_link("target", "workspaces", Some(id), format!("/api/v2/workspaces/{id}"));
        } else if let Some(name) = &policy.organization_name {
            let path = format!("/api/v2/organizations/{name}");
            to.one_with_link("target", "organizations", Some(name), path);
        }
    }

    fn path(&self) -> Option<String> {
        let policy = &self.0;
        let of = match (&policy.workspace_id, &policy.organization_name) {
            (Some(id), _) => format!("workspaces/{id}"),
            (None, name) => format!("organizations/{}", name.as_deref()?),
        };
        Some(format!("/api/v2/{of}/relationships/data-retention-policy"))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    delete_older_than_n_days: Option<i64>,
    delete_state_versions: Option<bool>,
    delete_configuration_versions: Option<bool>,
    delete_run_data_and_logs: Option<bool>,
    state_versions_delete_after_n_days: Option<i64>,
    configuration_versions_delete_after_n_days: Option<i64>,
    run_data_and_logs_delete_after_n_days: Option<i64>,
    state_versions_keep_latest_count: Option<i64>,
    configuration_versions_keep_latest_count: Option<i64>,
    run_data_keep_latest_count: Option<i64>,
}

impl Input {
    /// There is one age here for states and configurations, and none for the data of runs; what is to be kept longer
    /// than the rule says must not be deleted by it.
    fn check(&self, rule: &Rule) -> Result<()> {
        let days = match rule {
            Rule::DeleteOlderThan(days) => Some(*days),
            Rule::DontDelete => None,
        };
        let deletes = days.is_some();
        for (name, wanted, is) in [
            ("delete-state-versions", self.delete_state_versions, deletes),
            ("delete-configuration-versions", self.delete_configuration_versions, deletes),
            ("delete-run-data-and-logs", self.delete_run_data_and_logs, false),
        ] {
            if wanted.is_some_and(|wanted| wanted != is) {
                return Err(Error::invalid(name, format!("{name} can only be {is} here")).into());
            }
        }
        for (name, wanted, is) in [
            ("state-versions-delete-after-n-days", self.state_versions_delete_after_n_days, days),
            (
                "configuration-versions-delete-after-n-days",
                self.configuration_versions_delete_after_n_days,
                days,
            ),
            (
                "run-data-and-logs-delete-after-n-days",
                self.run_data_and_logs_delete_after_n_days,
                None,
            ),
            ("state-versions-keep-latest-count", self.state_versions_keep_latest_count, None),
            (
                "configuration-versions-keep-latest-count",
                self.configuration_versions_keep_latest_count,
                None,
            ),
            ("run-data-keep-latest-count", self.run_data_keep_latest_count, None),
        ] {
            if wanted.is_some() && wanted != is {
                let is = is.map_or_else(|| "null".to_owned(), |days| days.to_string());
                return Err(Error::invalid(name, format!("{name} can only be {is} here")).into());
            }
        }
        Ok(())
    }
}

impl Typed for Input {
    /// Any of the forms.
    const TYPE: &'static str = "";
}

fn rule(form: Form, input: &Input) -> Result<Rule> {
    let rule = match (form, input.delete_older_than_n_days) {
        (Form::DontDelete, None) => Rule::DontDelete,
        (Form::DontDelete, Some(_)) => {
            let why = "a policy that deletes nothing has no days";
            return Err(Error::invalid("delete-older-than-n-days", why).into());
        }
        (_, Some(days)) => Rule::DeleteOlderThan(days),
        (_, None) => {
            return Err(Error::invalid("delete-older-than-n-days", "can't be blank").into());
        }
    };
    input.check(&rule)?;
    Ok(rule)
}

async fn show_of_organization(organization: May<can::ReadOrganization>) -> Result<Document> {
    let policy = retention::of_organization(&organization.cx, &organization).await?;
    Ok(Form::of(&policy).document(policy))
}

async fn show_of_workspace(workspace: May<can::ReadWorkspace>) -> Result<Document> {
    let policy = retention::of_workspace(&workspace.cx, &workspace).await?;
    Ok(Form::of(&policy).document(policy))
}

async fn set_for_organization(
    organization: May<can::UpdateOrganization>,
    body: Body<Input>,
) -> Result<Document> {
    let form = Form::parse(body.kind())?;
    let rule = rule(form, &body.attributes)?;
    let policy = retention::set_for_organization(&organization.cx, &organization, rule).await?;
    Ok(form.document(policy))
}

async fn set_for_workspace(
    workspace: May<can::ManageRetention>,
    body: Body<Input>,
) -> Result<Document> {
    let form = Form::parse(body.kind())?;
    let rule = rule(form, &body.attributes)?;
    let policy = retention::set_for_workspace(&workspace.cx, &workspace, rule).await?;
    Ok(form.document(policy))
}

async fn remove_from_organization(organization: May<can::UpdateOrganization>) -> Result<Empty> {
    retention::remove_from_organization(&organization.cx, &organization).await?;
    Ok(Empty)
}

async fn remove_from_workspace(workspace: May<can::ManageRetention>) -> Result<Empty> {
    retention::remove_from_workspace(&workspace.cx, &workspace).await?;
    Ok(Empty)
}

macro_rules! wishes {
    ($($name:ident: $change:ident of $row:ty, $wish:ident;)+) => {$(
        async fn $name(version: May<can::ManageBackingData, In<$row>>) -> Result<Empty> {
            retention::$change(&version.cx, &version, Wish::$wish).await?;
            Ok(Empty)
        }
    )+};
}
wishes! {
    soft_delete_configuration: change_configuration of ConfigurationVersion, SoftDelete;
    restore_configuration: change_configuration of ConfigurationVersion, Restore;
    delete_configuration: change_configuration of ConfigurationVersion, PermanentlyDelete;
    soft_delete_state: change_state of StateVersion, SoftDelete;
    restore_state: change_state of StateVersion, Restore;
    delete_state: change_state of StateVersion, PermanentlyDelete;
}
