//! Sets of features, of which there is one: everything that this server has.

use domain::{Ctx, Page, can, site_settings, subscriptions::EVERYTHING};
use jsonapi::{Document, Query, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes, entitlements::Features, includes::INCLUDES, paging::paging,
    parameters::text,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/feature-sets", list)
        .get("/api/v2/organizations/{organization_name}/feature-sets", list_of_organization)
        .get("/api/v2/admin/feature-sets", search)
}

const NAME: &str = "Everything";

/// Scripts look for the plan that they want by its name.
const DESCRIPTION: &str = "All that this server has, whatever it belongs to elsewhere: Free, Essentials, Trial, \
    Standard, Standard (entitlement), Plus, Business, Premium or Enterprise.";

pub struct View {
    features: Features,
}

impl View {
    pub async fn of_site(cx: &Ctx) -> Result<Self> {
        let site = site_settings::current(cx).await?;
        Ok(Self { features: Features::of(&site) })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    assessments: bool,
    can_self_service_downgrade: bool,
    change_requests: bool,
    cost: u32,
    description: &'static str,
    hyok: bool,
    identifier: &'static str,
    is_current: bool,
    is_free_tier: bool,
    is_managed_resource_plan: bool,
    module_deprecations: bool,
    module_revocations: bool,
    module_tests_agent_support: bool,
    name: &'static str,
    no_code_modules: bool,
    plan: Option<String>,
    private_networking: bool,
    recoverable_items: bool,
    stacks: bool,
    terraform_actions: bool,
    uses_hcp_rum_billing_resource: bool,
    #[serde(flatten)]
    features: Features,
}

impl Resource for View {
    const TYPE: &'static str = "feature-sets";

    fn id(&self) -> String {
        EVERYTHING.to_owned()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            assessments: true,
            can_self_service_downgrade: false,
            change_requests: false,
            cost: 0,
            description: DESCRIPTION,
            hyok: false,
            identifier: "self-hosted",
            is_current: true,
            is_free_tier: false,
            is_managed_resource_plan: false,
            module_deprecations: false,
            module_revocations: false,
            module_tests_agent_support: false,
            name: NAME,
            no_code_modules: false,
            plan: None,
            private_networking: false,
            recoverable_items: false,
            stacks: false,
            terraform_actions: false,
            uses_hcp_rum_billing_resource: false,
            features: self.features,
        }
    }

    fn path(&self) -> Option<String> {
        None
    }
}

async fn document<T>(cx: &Ctx, found: Vec<View>, query: &Query<T>) -> Result<Document> {
    let page = Page::of(found, paging(query));
    Document::page(&page.items, page.total, query, &INCLUDES, cx).await
}

async fn list(caller: May<can::ReadFeatureSets>, query: Query) -> Result<Document> {
    document(&caller.cx, vec![View::of_site(&caller.cx).await?], &query).await
}

async fn list_of_organization(
    organization: May<can::ReadOrganization>,
    query: Query,
) -> Result<Document> {
    let cx = &organization.cx;
    document(cx, vec![View::of_site(cx).await?], &query).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    q: Option<String>,
}

async fn search(site: May<can::ManageSite>, query: Query<Search>) -> Result<Document> {
    let part = text(query.own.q.as_deref()).unwrap_or_default().to_lowercase();
    let is_meant = [NAME, DESCRIPTION].iter().any(|text| text.to_lowercase().contains(&part));
    let found = if is_meant { vec![View::of_site(&site.cx).await?] } else { Vec::new() };
    document(&site.cx, found, &query).await
}
