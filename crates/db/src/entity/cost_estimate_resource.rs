//! What each resource of an estimate would cost.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Json, id::CostEstimateId};

/// In the words of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    pub matched: Vec<Matched>,
    pub unmatched: Vec<Unmatched>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Matched {
    pub address: String,
    pub prior_monthly_cost: String,
    pub proposed_monthly_cost: String,
    pub delta_monthly_cost: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cost_estimate_resources")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub cost_estimate_id: CostEstimateId,
    pub resources: Json<Resources>,
}

super::standalone!();
