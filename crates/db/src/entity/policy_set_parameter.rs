//! Values for the policies of a set.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{PolicySetId, VariableId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_set_parameters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VariableId,
    pub policy_set_id: PolicySetId,
    pub name: String,
    /// Sealed.
    pub value: String,
    pub sensitive: bool,
    pub description: Option<String>,
    /// Changes with every change of the parameter.
    pub version_id: String,
    pub created_at: Timestamp,
}

super::standalone!();
