//! `/organizations/:name/entitlement-set`: what this server really does, and nothing that it does not.

use domain::{
    Ctx, can,
    row::Organization,
    site_settings::{self, Values},
};
use jsonapi::{Document, Object, Resource};
use serde::Serialize;

use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    Routes::default().get("/api/v2/organizations/{organization_name}/entitlement-set", show)
}

/// What there is, as entitlement sets and sets of features both name it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Features {
    audit_logging: bool,
    cost_estimation: bool,
    global_run_tasks: bool,
    module_tests_generation: bool,
    policy_enforcement: bool,
    private_policy_agents: bool,
    private_run_tasks: bool,
    private_vcs: bool,
    run_tasks: bool,
    self_serve_billing: bool,
    sentinel: bool,
    sso: bool,
    teams: bool,
    user_limit: Option<u32>,
    waypoint_actions: bool,
    waypoint_templates_and_addons: bool,
    #[serde(flatten)]
    limits: Limits,
}

/// None of them is one.
#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::struct_field_names, reason = "they are called so on the wire")]
pub struct Limits {
    policy_limit: Option<u32>,
    policy_mandatory_enforcement_limit: Option<u32>,
    policy_set_limit: Option<u32>,
    run_task_limit: Option<u32>,
    run_task_mandatory_enforcement_limit: Option<u32>,
    run_task_workspace_limit: Option<u32>,
    versioned_policy_set_limit: Option<u32>,
}

impl Features {
    pub fn of(site: &Values) -> Self {
        Self {
            audit_logging: true,
            cost_estimation: site.estimates_costs(),
            global_run_tasks: true,
            module_tests_generation: false,
            policy_enforcement: true,
            private_policy_agents: false,
            private_run_tasks: false,
            private_vcs: false,
            run_tasks: true,
            self_serve_billing: false,
            sentinel: true,
            sso: false,
            teams: true,
            user_limit: None,
            waypoint_actions: false,
            waypoint_templates_and_addons: false,
            limits: Limits::default(),
        }
    }
}

struct View {
    features: Features,
    organization_id: String,
    organization_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    agents: bool,
    configuration_designer: bool,
    operations: bool,
    private_module_registry: bool,
    state_storage: bool,
    usage_reporting: bool,
    vcs_integrations: bool,
    #[serde(flatten)]
    features: Features,
}

impl Resource for View {
    const TYPE: &'static str = "entitlement-sets";

    fn id(&self) -> String {
        self.organization_id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            agents: true,
            configuration_designer: false,
            operations: true,
            private_module_registry: false,
            state_storage: true,
            usage_reporting: false,
            vcs_integrations: true,
            features: self.features,
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/organizations/{}/entitlement-set", self.organization_name))
    }
}

impl View {
    fn of(organization: &Organization, site: &Values) -> Self {
        Self {
            features: Features::of(site),
            organization_id: organization.id.to_string(),
            organization_name: organization.name.clone(),
        }
    }
}

async fn show(organization: May<can::ReadEntitlements>) -> Result<Document> {
    let site = site_settings::current(&organization.cx).await?;
    Ok(Document::one(&View::of(&organization, &site)))
}

/// What `include=entitlement_set` shows of each, for those who may read it.
pub async fn by_organization(
    cx: &Ctx,
    rows: &[Organization],
) -> Result<Vec<(String, Vec<Object>)>> {
    let site = site_settings::current(cx).await?;
    Ok(rows
        .iter()
        .filter(|row| cx.may::<can::ReadEntitlements>(*row))
        .map(|row| (row.name.clone(), vec![Object::new(&View::of(row, &site))]))
        .collect())
}
