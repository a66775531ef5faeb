//! What plans and applies may use at most: an organization and an agent pool may allow less than the site and its agents.

use db::{
    entity::{job, run_limits::RunLimits},
    id::AgentPoolId,
};

use crate::{
    App, Ctx, Error, Result, agent_pools, organizations,
    site_settings::{self, Span},
};

/// What less of can no engine do its work with.
const LEAST_MEMORY: u64 = 64 << 20;
const LEAST_PROCESSES: u64 = 16;
const LEAST_DISK: u64 = 16 << 20;

/// What is decided anew: nothing where absent, no limit of its own any more where `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Bytes.
    pub memory: Option<Option<u64>>,
    pub processes: Option<Option<u64>>,
    /// Bytes.
    pub disk: Option<Option<u64>>,
    pub plan_timeout: Option<Option<Span>>,
    pub apply_timeout: Option<Option<Span>>,
}

impl Change {
    /// # Errors
    /// Invalid where no engine could work with so little.
    pub(crate) fn applied_to(self, mut to: RunLimits) -> Result<RunLimits> {
        for (name, least, wanted, limit) in [
            ("run-memory-bytes", LEAST_MEMORY, self.memory, &mut to.memory),
            ("run-processes", LEAST_PROCESSES, self.processes, &mut to.processes),
            ("run-disk-bytes", LEAST_DISK, self.disk, &mut to.disk),
        ] {
            let Some(wanted) = wanted else { continue };
            if wanted.is_some_and(|wanted| wanted < least || i64::try_from(wanted).is_err()) {
                return Err(Error::invalid(
                    name,
                    format!("must be null, or a whole number from {least} on"),
                ));
            }
            *limit = wanted;
        }
        for (wanted, seconds) in
            [(self.plan_timeout, &mut to.plan_seconds), (self.apply_timeout, &mut to.apply_seconds)]
        {
            if let Some(wanted) = wanted {
                *seconds = wanted.map(Span::seconds);
            }
        }
        Ok(to)
    }
}

/// What one phase may use at most; agents may allow less.
#[derive(Clone, Debug)]
pub struct Limits {
    pub memory: Option<Limit>,
    pub processes: Option<Limit>,
    pub disk: Option<Limit>,
    pub seconds: Limit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub most: u64,
    /// Where it is changed, for people.
    pub set_by: String,
}

/// Seconds that a job may take, whatever organizations and pools allow it.
pub(crate) async fn of_site(app: &App, kind: job::Kind) -> Result<u64> {
    let settings = site_settings::current(app).await?;
    let limit =
        if kind == job::Kind::Apply { settings.apply_timeout } else { settings.plan_timeout };
    Ok(limit.seconds())
}

/// The lowest of each that anybody has set for a phase.
pub(crate) async fn of(
    cx: &Ctx,
    organization: &str,
    pool: Option<&AgentPoolId>,
    kind: job::Kind,
) -> Result<Limits> {
    let mut deciders = Vec::new();
    if let Some(row) = organizations::by_name(cx, organization).await? {
        deciders.push((row.run_limits.0, format!("the organization {}", row.name)));
    }
    if let Some(pool) = pool
        && let Some(row) = agent_pools::by_id(cx, pool).await?
    {
        deciders.push((row.run_limits.0, format!("the agent pool {}", row.name)));
    }
    let lowest = |name: &str, of: fn(&RunLimits) -> Option<u64>| {
        let set = deciders.iter().filter_map(|(limits, who)| Some((of(limits)?, who)));
        let lowest = set.min_by_key(|(most, _)| *most);
        lowest.map(|(most, who)| Limit { most, set_by: format!("{name} of {who}") })
    };
    let (name, seconds): (_, fn(&RunLimits) -> Option<u64>) = match kind {
        job::Kind::Apply => ("apply-timeout", |limits| limits.apply_seconds),
        // What plans beside runs may take as long as their plans.
        _ => ("plan-timeout", |limits| limits.plan_seconds),
    };
    let site = Limit { most: of_site(cx, kind).await?, set_by: format!("{name} of the site") };
    Ok(Limits {
        memory: lowest("run-memory-bytes", |limits| limits.memory),
        processes: lowest("run-processes", |limits| limits.processes),
        disk: lowest("run-disk-bytes", |limits| limits.disk),
        seconds: lowest(name, seconds).filter(|own| own.most < site.most).unwrap_or(site),
    })
}
