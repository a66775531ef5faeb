//! From where callers are let in: what the IP allow lists of organizations and agent pools say (`cidr_range_lists`).
//!
//! All lists are read at once and kept while nobody's rights change ([`super::recent`]): where there are none, no request
//! waits for them. A list without ranges lets in nobody whom it counts for; of several that count for a pool, each does.
//!
//! Owners are let in from everywhere, as on HCP Terraform, so that no organization shuts itself out: see "Exceptions" on
//! <https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/ip-allowlists>. No list is for agents of
//! the site, nor for services that answer for a run or tell of a push: they show what they were given for that alone.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use db::{
    entity::{
        agent_pool, cidr_range,
        cidr_range_list::{self, EnforcementScope as Scope},
        cidr_range_list_agent_pool as assignment, job,
    },
    id::{AgentPoolId, CidrRangeListId, RunId},
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use futures::future::BoxFuture;

use crate::{
    Actor, App, Ctx, Error, IpNet, Origin, Result, Tx,
    access::{ShutOut, TeamRights},
};

/// What was read last, and for which rights.
#[derive(Debug, Default)]
pub(crate) struct RecentFences(Mutex<Option<(i64, Arc<Fences>)>>);

#[derive(Clone, Debug, Default)]
struct Networks(Vec<IpNet>);

impl Networks {
    /// Who comes from nobody knows where is outside.
    fn keep_out(&self, address: Option<IpAddr>) -> bool {
        address.is_none_or(|address| !self.0.iter().any(|network| network.contains(&address)))
    }
}

/// Networks by organization and by agent pool; of those that have no list there is nothing here.
#[derive(Debug, Default)]
struct Fences {
    organizations: HashMap<String, Networks>,
    pools: HashMap<AgentPoolId, Networks>,
}

/// The caller, where they are: with the rights that are left to them there.
///
/// # Errors
/// Forbidden where none are, to whoever is nothing but one organization's or one pool's.
///
/// Boxed, as all handlers await it.
pub fn let_in(cx: Ctx, origin: Origin) -> BoxFuture<'static, Result<Ctx>> {
    Box::pin(async move {
        let fences = current(cx.app()).await?;
        let cx = cx.coming_from(origin);
        if fences.organizations.is_empty() && fences.pools.is_empty() {
            return Ok(cx);
        }
        fences.let_in(cx).await
    })
}

/// For changes of lists: whoever makes them must not be shut out by them.
///
/// # Errors
/// Invalid, about this attribute, where the caller could not come back from where they are.
pub(crate) async fn can_come_back(tx: &Tx, attribute: &str) -> Result<()> {
    let fences = Fences::read(tx.db()).await?;
    match fences.let_in(tx.cx().clone()).await {
        Err(Error::Forbidden(_)) => {
            let why = "would shut you out: no range that is enabled has your own address in it";
            Err(Error::invalid(attribute, why))
        }
        other => other.map(drop),
    }
}

async fn current(app: &App) -> Result<Arc<Fences>> {
    // From before they are read: whatever changes them meanwhile makes it another one.
    let epoch = app.recent_actors().epoch(app).await?;
    let kept = || app.recent_fences().0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, fences)) = &*kept()
        && *of == epoch
    {
        return Ok(fences.clone());
    }
    let fences = Arc::new(Fences::read(app.db().rights()).await?);
    *kept() = Some((epoch, fences.clone()));
    Ok(fences)
}

impl Fences {
    async fn read(db: &impl ConnectionTrait) -> Result<Self> {
        let lists = cidr_range_list::Entity::find().all(db).await?;
        let mut fences = Self::default();
        if lists.is_empty() {
            return Ok(fences);
        }
        let mut ranges: HashMap<CidrRangeListId, Networks> = HashMap::new();
        let enabled = cidr_range::Column::Enabled.eq(true);
        for row in cidr_range::Entity::find().filter(enabled).all(db).await? {
            // What cannot be read lets nobody in.
            ranges.entry(row.cidr_range_list_id).or_default().0.extend(row.range.parse::<IpNet>());
        }
        let mut pools: HashMap<CidrRangeListId, Vec<AgentPoolId>> = HashMap::new();
        for row in assignment::Entity::find().all(db).await? {
            pools.entry(row.cidr_range_list_id).or_default().push(row.agent_pool_id);
        }
        let mut pools_of: HashMap<String, Vec<AgentPoolId>> = HashMap::new();
        for row in agent_pool::Entity::find().all(db).await? {
            pools_of.entry(row.organization_name).or_default().push(row.id);
        }
        for list in lists {
            let networks = ranges.remove(&list.id).unwrap_or_default();
            let of = match list.enforcement_scope {
                Scope::Organization => {
                    let fence = fences.organizations.entry(list.organization_name).or_default();
                    fence.0.extend(networks.0);
                    continue;
                }
                Scope::AllAgentPools => pools_of.get(&list.organization_name),
                Scope::SelectedAgentPools => pools.get(&list.id),
            };
            for pool in of.into_iter().flatten() {
                fences.pools.entry(pool.clone()).or_default().0.extend(&networks.0);
            }
        }
        Ok(fences)
    }

    async fn let_in(&self, cx: Ctx) -> Result<Ctx> {
        let is_closed = |organization: &str| {
            let fence = self.organizations.get(organization);
            fence.is_some_and(|networks| networks.keep_out(cx.address()))
        };
        let pool = match cx.actor() {
            Actor::User(person) => {
                let mut closed = person.organizations.clone();
                closed.retain(|name| is_closed(name) && !cx.actor().owns_named(name));
                if closed.is_empty() {
                    return Ok(cx);
                }
                let mut person = person.clone();
                person.shut_out(closed, ShutOut::Address);
                return Ok(cx.with_rights(Actor::User(person)));
            }
            Actor::Team(TeamRights { organization, .. })
            | Actor::Organization(organization)
            | Actor::AuditTrails(organization)
                if is_closed(organization) =>
            {
                return Err(cx.is_outside(organization));
            }
            Actor::Agent(pool) => pool.clone(),
            Actor::Run { run, .. } if !self.pools.is_empty() => pool_of(cx.app(), run).await?,
            _ => None,
        };
        match pool.filter(|pool| self.pools.get(pool).is_some_and(|it| it.keep_out(cx.address()))) {
            Some(pool) => Err(cx.is_outside(pool)),
            None => Ok(cx),
        }
    }
}

/// The pool whose agent executes a run: its engine is where that is.
async fn pool_of(app: &App, run: &RunId) -> Result<Option<AgentPoolId>> {
    let newest: Option<Option<AgentPoolId>> = job::Entity::find()
        .select_only()
        .column(job::Column::AgentPoolId)
        .filter(job::Column::RunId.eq(run))
        .order_by_desc(job::Column::CreatedAt)
        .into_tuple()
        .one(app.db().read())
        .await?;
    Ok(newest.flatten())
}
