//! Policies: code that speaks against runs.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{PolicyCodeId, PolicyId},
};

words! {
    /// Whose language the code is in.
    Kind { Sentinel = "sentinel", Opa = "opa" }
}

words! {
    /// What becomes of a run that the policy speaks against.
    Enforcement {
        /// Nothing.
        Advisory = "advisory",
        /// It waits for somebody who may override.
        SoftMandatory = "soft-mandatory",
        /// It ends.
        HardMandatory = "hard-mandatory",
        /// It ends, or waits where the policy set says that it can be overridden.
        Mandatory = "mandatory",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyId,
    pub organization_name: String,
    pub name: String,
    pub description: Option<String>,
    pub kind: Kind,
    /// The rule that is asked; always there for OPA, never for Sentinel.
    pub query: Option<String>,
    pub enforcement_level: Enforcement,
    /// What the code's file is called.
    pub path: String,
    /// Names the blob of the code, once uploaded.
    pub code_id: Option<PolicyCodeId>,
    pub code_updated_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

super::standalone!();
