//! What organizations have subscribed to: all of them to everything, without an end.

use domain::{
    In, Site, Timestamp, can,
    row::Organization,
    subscriptions::{self, EVERYTHING, Subscription},
};
use jsonapi::{Body, Document, Object, Query, Relationships, Resource, ToOne, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, entitlements::Limits, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/subscription", show_of_organization)
        .get("/api/v2/subscriptions/{subscription_id}", show)
        .post("/api/v2/admin/organizations/{organization_name}/subscription", choose)
}

struct View(Subscription);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    is_active: bool,
    is_public_free_tier: bool,
    is_self_serve_trial: bool,
    start_at: Timestamp,
    end_at: Option<Timestamp>,
    contract_start_at: Option<Timestamp>,
    runs_ceiling: Option<u32>,
    agents_ceiling: Option<u32>,
    contract_apply_limit: Option<u32>,
    contract_managed_resources_limit: Option<u32>,
    contract_user_limit: Option<u32>,
    #[serde(flatten)]
    limits: Limits,
}

impl Resource for View {
    const TYPE: &'static str = "subscriptions";

    fn id(&self) -> String {
        self.0.id().to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            is_active: true,
            is_public_free_tier: false,
            is_self_serve_trial: false,
            start_at: self.0.0.created_at,
            end_at: None,
            contract_start_at: None,
            runs_ceiling: None,
            agents_ceiling: None,
            contract_apply_limit: None,
            contract_managed_resources_limit: None,
            contract_user_limit: None,
            limits: Limits::default(),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("organization", "organizations", Some(&self.0.0.name));
        to.one("feature-set", "feature-sets", Some(&EVERYTHING));
    }
}

async fn show_of_organization(
    organization: May<can::ReadOrganization>,
    query: Query,
) -> Result<Document> {
    let view = View(Subscription(organization.granted.into_inner()));
    Document::one_with(&view, &query, &INCLUDES, &organization.cx).await
}

async fn show(
    subscription: May<can::ReadOrganization, Subscription>,
    query: Query,
) -> Result<Document> {
    let view = View(subscription.granted.into_inner());
    Document::one_with(&view, &query, &INCLUDES, &subscription.cx).await
}

/// What `include=subscription` shows of each.
pub fn by_organization(rows: Vec<Organization>) -> Vec<(String, Vec<Object>)> {
    let each = |row: Organization| (row.name.clone(), vec![Object::new(&View(Subscription(row)))]);
    rows.into_iter().map(each).collect()
}

/// What a subscription can be limited to elsewhere. HashiCorp's clients send these with every plan, so that they cannot be
/// refused; whoever does is told that they mean nothing.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    runs_ceiling: Option<u32>,
    agents_ceiling: Option<u32>,
    contract_start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    contract_user_limit: Option<u32>,
    contract_apply_limit: Option<u32>,
    contract_managed_resources_limit: Option<u32>,
}

impl Input {
    /// The names of those that were sent.
    fn sent(&self) -> Vec<&'static str> {
        let all = [
            ("runs-ceiling", self.runs_ceiling.is_some()),
            ("agents-ceiling", self.agents_ceiling.is_some()),
            ("contract-start-at", self.contract_start_at.is_some()),
            ("end-at", self.end_at.is_some()),
            ("contract-user-limit", self.contract_user_limit.is_some()),
            ("contract-apply-limit", self.contract_apply_limit.is_some()),
            ("contract-managed-resources-limit", self.contract_managed_resources_limit.is_some()),
        ];
        all.into_iter().filter(|(_, is_sent)| *is_sent).map(|(name, _)| name).collect()
    }
}

impl Typed for Input {
    const TYPE: &'static str = "subscriptions";
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Relations {
    feature_set: Option<ToOne<String>>,
}

async fn choose(
    organization: May<can::ManageSite, In<Organization, Site>>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let feature_set = match body.relationships.feature_set {
        Some(one) => one.of_kind("feature-sets", "feature-set")?,
        None => None,
    };
    subscriptions::choose(&organization, feature_set.as_deref())?;
    let subscription = Subscription(organization.granted.into_inner().row);
    Ok(Document::one(&View(subscription))
        .meta("message", "Nothing has changed: every organization has everything, without limits and without an end.")
        .meta("not-kept", body.attributes.sent()))
}
