//! Variables, of a workspace or of a set.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{VariableId, VariableSetId, WorkspaceId},
};

words! {
    Category { Terraform = "terraform", Environment = "env" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variables")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VariableId,
    /// Absent for a variable of a set.
    pub workspace_id: Option<WorkspaceId>,
    pub variable_set_id: Option<VariableSetId>,
    pub name: String,
    /// Sealed where `is_sealed`, as every sensitive one is.
    pub value: String,
    pub is_sealed: bool,
    pub category: Category,
    pub hcl: bool,
    pub sensitive: bool,
    pub description: Option<String>,
    /// Changes with every change of the variable.
    pub version_id: String,
    pub created_at: Timestamp,
}

super::standalone!();
