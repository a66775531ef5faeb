//! For which agent pools a list counts, where it is for selected ones.

use std::collections::BTreeSet;

use db::{
    entity::{
        cidr_range_list::{self, EnforcementScope},
        cidr_range_list_agent_pool as assignment,
    },
    id::AgentPoolId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};
use serde_json::json;

use super::{Held, subject};
use crate::{Ctx, Error, Granted, Happened, Result, agent_pools, can};

/// Assigns a list to pools; where it counts already it goes on to.
///
/// # Errors
/// Invalid for pools that the organization does not have, and where the list is for no selected pools.
pub async fn assign(
    cx: &Ctx,
    held: &Granted<can::ManageCidrRangeLists, Held>,
    pools: Vec<AgentPoolId>,
) -> Result<()> {
    let invalid = |message: String| Error::Invalid { pointer: "/data".into(), message };
    let own = agent_pools::load(cx, &pools).await?;
    for id in &pools {
        let mut own = own.iter();
        if !own.any(|pool| pool.id == *id && pool.organization_name == held.organization_name) {
            return Err(invalid(format!("There is no agent pool {id} in this organization.")));
        }
    }
    let tx = cx.write().await?;
    let list = tx.lock::<cidr_range_list::Entity>(held.id.clone()).await?;
    let list = list.ok_or(Error::NotFound)?.into_inner();
    if list.enforcement_scope != EnforcementScope::SelectedAgentPools {
        let scope = EnforcementScope::SelectedAgentPools;
        return Err(invalid(format!(
            "Agent pools are assigned to lists whose enforcement-scope is {scope}."
        )));
    }
    let assigned: Vec<AgentPoolId> = assignment::Entity::find()
        .select_only()
        .column(assignment::Column::AgentPoolId)
        .filter(assignment::Column::CidrRangeListId.eq(&list.id))
        .into_tuple()
        .all(tx.db())
        .await?;
    let mut new: BTreeSet<AgentPoolId> = pools.iter().cloned().collect();
    new.retain(|id| !assigned.contains(id));
    let row =
        |agent_pool_id| assignment::Model { cidr_range_list_id: list.id.clone(), agent_pool_id };
    let rows = new.into_iter().map(row).collect();
    db::insert_many::<_, assignment::ActiveModel>(&tx, rows).await?;
    let detail = json!({ "name": list.name, "agent_pools": pools });
    tx.emit(Happened::CidrRangeListAssigned, subject(&list), detail).await?;
    tx.commit().await
}

/// Takes a list from pools; those that it is not assigned to are passed over.
pub async fn unassign(
    cx: &Ctx,
    held: &Granted<can::ManageCidrRangeLists, Held>,
    pools: Vec<AgentPoolId>,
) -> Result<()> {
    let tx = cx.write().await?;
    let list = tx.lock::<cidr_range_list::Entity>(held.id.clone()).await?;
    let list = list.ok_or(Error::NotFound)?.into_inner();
    assignment::Entity::delete_many()
        .filter(assignment::Column::CidrRangeListId.eq(&list.id))
        .filter(assignment::Column::AgentPoolId.is_in(&pools))
        .exec(tx.db())
        .await?;
    let detail = json!({ "name": list.name, "agent_pools": pools });
    tx.emit(Happened::CidrRangeListUnassigned, subject(&list), detail).await?;
    tx.commit().await
}
