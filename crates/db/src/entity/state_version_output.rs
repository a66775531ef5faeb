//! The outputs of a state version.

use sea_orm::entity::prelude::*;

use crate::{
    Json,
    id::{StateVersionId, StateVersionOutputId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "state_version_outputs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StateVersionOutputId,
    pub state_version_id: StateVersionId,
    pub name: String,
    pub sensitive: bool,
    /// `string`, `number`, `bool`, `array` or `map`.
    pub kind: String,
    /// Terraform's own type expression, as JSON.
    pub detailed_type: Json<serde_json::Value>,
    /// Sealed JSON.
    pub value: String,
}

super::standalone!();
