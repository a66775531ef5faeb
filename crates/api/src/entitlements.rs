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

struct View {
    estimates_costs: bool,
    organization_id: String,
    organization_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    agents: bool,
    audit_logging: bool,
    configuration_designer: bool,
    cost_estimation: bool,
    global_run_tasks: bool,
    module_tests_generation: bool,
    operations: bool,
    policy_enforcement: bool,
    policy_limit: Option<u32>,
    policy_mandatory_enforcement_limit: Option<u32>,
    policy_set_limit: Option<u32>,
    private_module_registry: bool,
    private_policy_agents: bool,
    private_run_tasks: bool,
    private_vcs: bool,
    run_task_limit: Option<u32>,
    run_task_mandatory_enforcement_limit: Option<u32>,
    run_task_workspace_limit: Option<u32>,
    run_tasks: bool,
    self_serve_billing: bool,
    sentinel: bool,
    sso: bool,
    state_storage: bool,
    teams: bool,
    usage_reporting: bool,
    user_limit: Option<u32>,
    vcs_integrations: bool,
    versioned_policy_set_limit: Option<u32>,
    waypoint_actions: bool,
    waypoint_templates_and_addons: bool,
}

impl Resource for View {
    const TYPE: &'static str = "entitlement-sets";

    fn id(&self) -> String {
        self.organization_id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            operations: true,
            state_storage: true,
            agents: true,
            audit_logging: true,
            configuration_designer: false,
            cost_estimation: self.estimates_costs,
            global_run_tasks: true,
            module_tests_generation: false,
            policy_enforcement: true,
            policy_limit: None,
            policy_mandatory_enforcement_limit: None,
            policy_set_limit: None,
            private_module_registry: false,
            private_policy_agents: false,
            private_run_tasks: false,
            private_vcs: false,
            run_task_limit: None,
            run_task_mandatory_enforcement_limit: None,
            run_task_workspace_limit: None,
            run_tasks: true,
            self_serve_billing: false,
            sentinel: true,
            sso: false,
            teams: true,
            usage_reporting: false,
            user_limit: None,
            vcs_integrations: true,
            versioned_policy_set_limit: None,
            waypoint_actions: false,
            waypoint_templates_and_addons: false,
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/organizations/{}/entitlement-set", self.organization_name))
    }
}

impl View {
    fn of(organization: &Organization, site: &Values) -> Self {
        Self {
            estimates_costs: site.estimates_costs(),
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
