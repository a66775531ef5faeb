//! What a list is shown with: its ranges, and the agent pools that it is assigned to.

use std::collections::HashMap;

use db::{
    entity::{cidr_range, cidr_range_list_agent_pool as assignment},
    id::{AgentPoolId, CidrRangeId, CidrRangeListId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Result, row::CidrRangeList};

/// A list as people see it.
#[derive(Clone, Debug)]
pub struct Details {
    pub list: CidrRangeList,
    /// The oldest first.
    pub ranges: Vec<CidrRangeId>,
    pub agent_pools: Vec<AgentPoolId>,
}

/// One query for each kind of thing, however many lists there are.
pub async fn details(cx: &Ctx, lists: Vec<CidrRangeList>) -> Result<Vec<Details>> {
    let ids: Vec<_> = lists.iter().map(|list| list.id.clone()).collect();
    let mut ranges: HashMap<CidrRangeListId, Vec<_>> = HashMap::new();
    for row in cidr_range::Entity::find()
        .filter(cidr_range::Column::CidrRangeListId.is_in(&ids))
        .order_by_asc(cidr_range::Column::CreatedAt)
        .order_by_asc(cidr_range::Column::Id)
        .all(cx.read())
        .await?
    {
        ranges.entry(row.cidr_range_list_id).or_default().push(row.id);
    }
    let mut pools: HashMap<CidrRangeListId, Vec<_>> = HashMap::new();
    for row in assignment::Entity::find()
        .filter(assignment::Column::CidrRangeListId.is_in(&ids))
        .order_by_asc(assignment::Column::AgentPoolId)
        .all(cx.read())
        .await?
    {
        pools.entry(row.cidr_range_list_id).or_default().push(row.agent_pool_id);
    }
    Ok(lists
        .into_iter()
        .map(|list| Details {
            ranges: ranges.remove(&list.id).unwrap_or_default(),
            agent_pools: pools.remove(&list.id).unwrap_or_default(),
            list,
        })
        .collect())
}
