//! `/admin/cost-estimation-settings`: who says what runs would cost. Here that is a service of the operator's, and no
//! account with a cloud.

use domain::{
    can,
    site_settings::{self, Change, Values},
};
use jsonapi::{Body, Document, Field, Resource, Typed, Unsupported};
use serde::{Deserialize, Serialize};

use super::document;
use crate::{May, Result, Routes};

const PATH: &str = "/api/v2/admin/cost-estimation-settings";
/// Of the names of its settings.
const START: Option<&str> = Some("cost-estimation-");

pub fn routes() -> Routes {
    Routes::default().get(PATH, show).patch(PATH, update)
}

struct View<'a>(&'a Values);

/// The secret is never shown.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    enabled: bool,
    /// Ours.
    estimator_url: &'a str,
    #[serde(flatten)]
    clouds: Clouds,
}

/// What Terraform Enterprise asks for prices itself, and this server does not.
#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Clouds {
    aws_enabled: bool,
    aws_access_key_id: Option<String>,
    aws_instance_profile_enabled: bool,
    gcp_enabled: bool,
    gcp_credentials: Option<String>,
    azure_enabled: bool,
    azure_client_id: Option<String>,
    azure_client_secret: Option<String>,
    azure_subscription_id: Option<String>,
    azure_tenant_id: Option<String>,
}

impl Resource for View<'_> {
    const TYPE: &'static str = "cost-estimation-settings";

    fn id(&self) -> String {
        "cost-estimation".to_owned()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            enabled: self.0.cost_estimation_enabled,
            estimator_url: &self.0.cost_estimation_url,
            clouds: Clouds::default(),
        }
    }

    fn path(&self) -> Option<String> {
        Some(PATH.to_owned())
    }
}

/// Null gives a setting back to its default.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    enabled: Field<bool>,
    estimator_url: Field<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    estimator_secret: Field<String>,
}

/// Said of each of them.
const NO_CLOUD: &str =
    "cannot be set: this server asks no cloud for prices, but the service at estimator-url";

impl Typed for Input {
    const TYPE: &'static str = "cost-estimation-settings";
    const UNSUPPORTED: &'static [Unsupported] = &[
        ("attributes/aws-enabled", NO_CLOUD),
        ("attributes/aws-access-key-id", NO_CLOUD),
        ("attributes/aws-secret-key", NO_CLOUD),
        ("attributes/aws-instance-profile-enabled", NO_CLOUD),
        ("attributes/gcp-enabled", NO_CLOUD),
        ("attributes/gcp-credentials", NO_CLOUD),
        ("attributes/azure-enabled", NO_CLOUD),
        ("attributes/azure-client-id", NO_CLOUD),
        ("attributes/azure-client-secret", NO_CLOUD),
        ("attributes/azure-subscription-id", NO_CLOUD),
        ("attributes/azure-tenant-id", NO_CLOUD),
    ];
}

async fn show(site: May<can::ManageSite>) -> Result<Document> {
    let values = site_settings::current(&site.cx).await?;
    document(&site.cx, &site, &View(&values), START).await
}

async fn update(site: May<can::ManageSite>, body: Body<Input>) -> Result<Document> {
    let input = body.attributes;
    let change = Change {
        cost_estimation_enabled: input.enabled.into_change(),
        cost_estimation_url: input.estimator_url.into_change(),
        cost_estimation_secret: input.estimator_secret.map(Into::into).into_change(),
        ..Change::default()
    };
    let values = site_settings::update(&site.cx, &site, change).await?;
    document(&site.cx, &site, &View(&values), START).await
}
