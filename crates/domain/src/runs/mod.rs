//! Runs: from a wish to a changed infrastructure, each step derived from stored facts.

mod actions;
pub(crate) mod candidates;
pub(crate) mod circumstances;
pub(crate) mod comments;
pub(crate) mod confirmations;
mod create;
mod decisions;
mod endings;
mod events;
pub(crate) mod frozen;
pub(crate) mod held;
pub(crate) mod last_words;
pub(crate) mod list;
pub(crate) mod moves;
mod on_site;
mod performance;
pub(crate) mod queue;
pub(crate) mod saved_plans;
pub mod stages;
pub mod status;
pub(crate) mod turns;
pub(crate) mod unsaved;
mod waiting;

use std::collections::HashMap;

use blobs::Kind;
use db::{
    entity::{phase, run, workspace},
    id::{ApplyId, ConfigurationVersionId, PlanId, RunId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

pub use actions::may_force_cancel;
pub use actions::{apply, cancel, discard, force_cancel, force_cancel_of_site, force_execute};
pub use comments::{comment, comments, find_comment, load_comments, load_comments_of};
pub use confirmations::{Confirmations, Missing, go_on_with_enough, list as confirmations};
pub(crate) use create::variables_of;
pub use create::{New, TriggeredBy, create, queue_for_configuration, shown_variables};
pub use decisions::{asks_for_name, waiting_for_caller};
pub use endings::{End, end_hopeless, ends};
pub use events::{RunEvent, events, events_of, find_event, last_event, load_events};
pub use list::{Filter, StatusGroup, Timeframe, list, list_of_organization, queue_of};
pub use on_site::{
    OnSite, SoughtOnSite, find_on_site, list_of_site, load_of_site, unfinished_of_site,
};
pub use queue::{advance_all, position_in_queue};
pub use waiting::{Blocked, Obstacle, blocked_by, tell as tell_what_runs_wait_for, waits_for};

use crate::{
    Ctx, Error, Found, Granted, In, Result, Tx,
    access::Within,
    can,
    cleanup::Orphan,
    context::Key,
    row::{Phase, Run, Workspace},
};

pub async fn find(cx: &Ctx, id: &RunId) -> Result<Found<In<Run>>> {
    let found = run::Entity::find_by_id(id.clone())
        .find_also_related_workspace(cx)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Found::new(found))
}

/// The row of this id, with the workspace of the run that it names.
pub(crate) async fn find_in<E: EntityTrait>(
    cx: &Ctx,
    id: &Key<E>,
    run: fn(&E::Model) -> &RunId,
) -> Result<Found<In<E::Model>>>
where
    Key<E>: Clone,
{
    let row = cx.row::<E>(id).await?;
    let of = find(cx, run(&row)).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// Plans and applies are rows of one shape, but an address names one or the other.
macro_rules! named_phases {
    ($($(#[$doc:meta])* $name:ident by $id:ty as $find:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub In<Phase>);

        impl Within<Workspace> for $name {
            fn on(&self) -> &Workspace {
                &self.0.of
            }
        }

        impl Within<In<Phase>> for $name {
            fn on(&self) -> &In<Phase> {
                &self.0
            }
        }

        pub async fn $find(cx: &Ctx, id: &$id) -> Result<Found<$name>> {
            Ok(Found::new($name(find_phase(cx, id.as_str()).await?)))
        }
    )+};
}

named_phases! {
    /// A plan, with the workspace of its run.
    Plan by PlanId as find_plan;
    /// An apply, with the workspace of its run.
    Apply by ApplyId as find_apply;
}

async fn find_phase(cx: &Ctx, id: &str) -> Result<In<Phase>> {
    let phase = phase::Entity::find_by_id(id).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let of = run::Entity::find_by_id(phase.run_id.clone())
        .find_also_related_workspace(cx)
        .await?
        .ok_or(Error::NotFound)?
        .of;
    Ok(In { row: phase, of })
}

/// A run together with its workspace, which all permissions are about.
trait WithWorkspace {
    async fn find_also_related_workspace(self, cx: &Ctx) -> Result<Option<In<Run>>>;
}

impl WithWorkspace for db::sea_orm::Select<run::Entity> {
    async fn find_also_related_workspace(self, cx: &Ctx) -> Result<Option<In<Run>>> {
        let Some(run) = self.one(cx.read()).await? else { return Ok(None) };
        let workspace = crate::workspaces::by_id(cx, &run.workspace_id).await?;
        Ok(workspace.map(|of| In { row: run, of }))
    }
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[RunId]) -> Result<Vec<In<Run>>> {
    let rows = run::Entity::find().filter(run::Column::Id.is_in(ids)).all(cx.read()).await?;
    with_workspaces(cx, rows).await
}

/// For includes: the newest run of each of these configurations, of those that the caller may see.
pub async fn load_of_configurations(
    cx: &Ctx,
    ids: &[ConfigurationVersionId],
) -> Result<HashMap<ConfigurationVersionId, In<Run>>> {
    let rows = run::Entity::find()
        .filter(run::Column::ConfigurationVersionId.is_in(ids))
        .order_by_asc(run::Column::Number)
        .all(cx.read())
        .await?;
    let runs = with_workspaces(cx, rows).await?.into_iter();
    Ok(runs.filter_map(|run| Some((run.configuration_version_id.clone()?, run))).collect())
}

/// For includes: plans and applies, by their ids.
pub async fn load_phases(cx: &Ctx, ids: &[String]) -> Result<Vec<In<Phase>>> {
    let phases = phase::Entity::find()
        .filter(phase::Column::Id.is_in(ids.iter().map(String::as_str)))
        .all(cx.read())
        .await?;
    let runs: Vec<RunId> = phases.iter().map(|phase| phase.run_id.clone()).collect();
    let workspaces: HashMap<RunId, Workspace> =
        load(cx, &runs).await?.into_iter().map(|found| (found.row.id, found.of)).collect();
    Ok(phases
        .into_iter()
        .filter_map(|row| {
            let of = workspaces.get(&row.run_id)?.clone();
            Some(In { row, of })
        })
        .collect())
}

/// Puts runs and their workspaces together with one query, leaving out what the caller may not see.
pub(crate) async fn with_workspaces(cx: &Ctx, runs: Vec<Run>) -> Result<Vec<In<Run>>> {
    let ids: std::collections::BTreeSet<_> = runs.iter().map(|run| &run.workspace_id).collect();
    let workspaces: HashMap<_, _> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(ids))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|row| cx.may::<can::ReadRun>(row))
        .map(|row| (row.id.clone(), row))
        .collect();
    Ok(runs
        .into_iter()
        .filter_map(|row| {
            let of = workspaces.get(&row.workspace_id)?.clone();
            Some(In { row, of })
        })
        .collect())
}

/// Rows beside the workspaces of their runs, without those that the caller may not see.
pub(crate) async fn with_workspaces_of<T>(
    cx: &Ctx,
    rows: Vec<T>,
    run: impl Fn(&T) -> &RunId,
) -> Result<Vec<In<T>>> {
    let ids: Vec<RunId> = rows.iter().map(|row| run(row).clone()).collect();
    let found = load(cx, &ids).await?;
    let workspaces: HashMap<RunId, Workspace> =
        found.into_iter().map(|found| (found.row.id, found.of)).collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let of = workspaces.get(run(&row))?.clone();
            Some(In { row, of })
        })
        .collect())
}

/// The plan and the apply of a run.
pub async fn phases(cx: &Ctx, run: &Granted<can::ReadRun, In<Run>>) -> Result<(Phase, Phase)> {
    let find = |id: String| phase::Entity::find_by_id(id).one(cx.read());
    let plan = find(run.plan_id.to_string()).await?.ok_or(Error::NotFound)?;
    let apply = find(run.apply_id.to_string()).await?.ok_or(Error::NotFound)?;
    Ok((plan, apply))
}

/// What a run's phases leave outside the database.
pub(crate) fn orphans_of(plan: &str, apply: &str) -> Result<Vec<Orphan>> {
    Ok(vec![
        Orphan::Log(plan.to_owned()),
        Orphan::Log(apply.to_owned()),
        Orphan::blob(Kind::Plan, plan)?,
        Orphan::blob(Kind::LockFile, plan)?,
        Orphan::blob(Kind::PlanJson, plan)?,
        Orphan::blob(Kind::PlanJsonRedacted, plan)?,
        Orphan::blob(Kind::PlanChanges, plan)?,
        Orphan::blob(Kind::ProviderSchemas, plan)?,
        Orphan::blob(Kind::ErroredState, apply)?,
    ])
}

/// The plan of a run that the caller may read the plan of.
pub async fn plan_of<P>(cx: &Ctx, run: &Granted<P, In<Run>>) -> Result<Phase>
where
    P: crate::access::Permission<On = Workspace>,
{
    let plan = phase::Entity::find_by_id(run.plan_id.as_str()).one(cx.read()).await?;
    plan.ok_or(Error::NotFound)
}

/// Whether a file of a phase can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    There,
    /// The phase is not over.
    Early,
    /// Its agent is still sending files.
    Coming,
    Never,
}

/// The run of a plan or an apply.
pub(crate) async fn of_phase(cx: &Ctx, phase: &str) -> Result<Run> {
    let phase = phase::Entity::find_by_id(phase).one(cx.read()).await?.ok_or(Error::NotFound)?;
    run::Entity::find_by_id(phase.run_id).one(cx.read()).await?.ok_or(Error::NotFound)
}

/// A log that has an end, among the names of what a phase has left.
pub(crate) const LOG: &str = "log";

/// Writes down that a file of a phase is there: from then on one that is missing is lost.
pub(crate) async fn note_artifact(tx: &Tx, phase: &str, name: &str) -> Result<()> {
    if let Some(mut phase) = tx.lock::<phase::Entity>(phase.to_owned()).await?
        && !phase.artifacts.has(name)
    {
        phase.artifacts.note(name);
        tx.update(phase).await?;
    }
    Ok(())
}

/// Whether a phase has left a file, by its name in the agent protocol.
pub(crate) async fn has_left(cx: &Ctx, phase: &str, name: &str) -> Result<bool> {
    let phase = phase::Entity::find_by_id(phase).one(cx.read()).await?;
    Ok(phase.is_some_and(|phase| phase.artifacts.has(name)))
}

/// What there is of a file, by its name in the agent protocol.
pub async fn artifact(cx: &Ctx, phase: &str, name: &str) -> Result<Artifact> {
    let phase = phase::Entity::find_by_id(phase).one(cx.read()).await?.ok_or(Error::NotFound)?;
    if phase.artifacts.has(name) {
        return Ok(Artifact::There);
    }
    match phase.status {
        phase::Status::Finished => {}
        phase::Status::Running => return Ok(Artifact::Early),
        _ => return Ok(Artifact::Never),
    }
    let open = db::entity::job::Entity::find()
        .filter(db::entity::job::Column::RunId.eq(&phase.run_id))
        .filter(db::entity::job::Column::Kind.eq(db::entity::job::Kind::from(phase.kind)))
        .filter(db::entity::job::Column::Status.eq(db::entity::job::Status::Concluded))
        .one(cx.read())
        .await?;
    Ok(if open.is_some() { Artifact::Coming } else { Artifact::Never })
}
