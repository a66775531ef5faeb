//! The queue: what runs next in a workspace, decided from rows alone. Deciding twice is harmless, so it is done
//! after every change, after every restart and once a second.

use blobs::LogId;
use db::{
    entity::{configuration_version, job, phase, run, workspace},
    id::{JobId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{moves, status::Event};
use crate::{
    Ctx, Result, Tx, agents,
    row::{ConfigurationVersion, Run, Workspace},
    tool_versions,
    workspaces::{self, Executor},
};

/// What a run does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Plan,
    Apply,
    /// Its configuration can never be had.
    Fail,
    /// Something else comes first.
    Wait,
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
struct Facts {
    status: run::Status,
    /// Neither plan-only nor a saved plan that nobody has confirmed: takes its turn and the lock.
    takes_turn: bool,
    /// An earlier run of the workspace has the turn.
    behind_another: bool,
    lock: Lock,
    configuration: Configuration,
    slot_free: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Free,
    Own,
    Others,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Configuration {
    Ready,
    Coming,
    Lost,
}

fn decide(facts: Facts) -> Step {
    let own_turn = !facts.takes_turn || (!facts.behind_another && facts.lock != Lock::Others);
    match facts.status {
        run::Status::Pending if facts.configuration == Configuration::Lost => Step::Fail,
        run::Status::Pending
            if facts.configuration == Configuration::Ready && own_turn && facts.slot_free =>
        {
            Step::Plan
        }
        run::Status::Confirmed if facts.slot_free && own_turn => Step::Apply,
        _ => Step::Wait,
    }
}

/// Lets every unfinished run take the steps that it can take now.
pub async fn advance_all(cx: &Ctx) -> Result<()> {
    let waiting: Vec<WorkspaceId> = run::Entity::find()
        .select_only()
        .column(run::Column::WorkspaceId)
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::Status.is_in([run::Status::Pending, run::Status::Confirmed]))
        .group_by(run::Column::WorkspaceId)
        .order_by_asc(run::Column::CreatedAt.min())
        .into_tuple()
        .all(cx.read())
        .await?;
    for workspace in waiting {
        advance(cx, &workspace).await?;
    }
    Ok(())
}

async fn advance(cx: &Ctx, id: &WorkspaceId) -> Result<()> {
    let mut tx = cx.write().await?;
    let Some(mut workspace) = tx.lock::<workspace::Entity>(id.clone()).await? else {
        return Ok(());
    };
    let runs = run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(id))
        .filter(run::Column::IsFinal.eq(false))
        .order_by_asc(run::Column::Number)
        .all(tx.db())
        .await?;
    let executor = workspaces::executor(tx.db(), &workspace).await?;
    let mut moved = false;
    let mut hopeless = Vec::new();
    let mut turn_taken = false;
    for row in runs {
        let takes_turn = takes_turn(&row);
        if takes_turn && !turn_taken && workspace.current_run_id.as_ref() != Some(&row.id) {
            // Even while it cannot start: where the current run is pending, the command line says that it waits
            // for somebody's lock.
            moves::make_current(&mut workspace, &row);
            moved = true;
        }
        let step = if matches!(row.status, run::Status::Pending | run::Status::Confirmed) {
            decide(Facts {
                status: row.status,
                takes_turn,
                behind_another: turn_taken,
                lock: lock_of(&workspace, &row),
                configuration: configuration_of(&tx, &row).await?,
                slot_free: slot_free(cx, &tx, &executor).await?,
            })
        } else {
            Step::Wait
        };
        turn_taken |= takes_turn;
        if step == Step::Wait {
            continue;
        }
        let Some(mut run) = tx.lock::<run::Entity>(row.id).await? else { continue };
        match step {
            Step::Plan => {
                let wish = run.terraform_version.clone();
                let wish = wish.unwrap_or_else(|| workspace.terraform_version.clone());
                let Some(tool) = tool_versions::resolve(cx, &wish).await? else {
                    if !tool_versions::any(cx).await? {
                        continue;
                    }
                    let why = format!("Version {wish} of the engine is not known to this server.");
                    hopeless.push((run.into_inner(), why));
                    continue;
                };
                // Queued, it would keep a slot from those who could use it.
                if !agents::is_at_hand(cx, &tool, executor.pool()).await? {
                    continue;
                }
                // From here on the run keeps its engine, whatever becomes of the workspace's setting.
                run.terraform_version = Some(tool.version);
                moves::happen(&mut tx, &mut workspace, &mut run, Event::PlanQueued).await?;
                queue_job(&mut tx, &run, phase::Kind::Plan, &executor).await?;
            }
            Step::Apply => {
                moves::happen(&mut tx, &mut workspace, &mut run, Event::ApplyQueued).await?;
                queue_job(&mut tx, &run, phase::Kind::Apply, &executor).await?;
            }
            Step::Fail => {
                let why = "The configuration of this run could not be had.".to_owned();
                hopeless.push((run.into_inner(), why));
                continue;
            }
            Step::Wait => continue,
        }
        tx.update(run).await?;
        moved = true;
    }
    if moved {
        tx.update(workspace).await?;
        tx.commit().await?;
    } else {
        drop(tx);
    }
    for (run, why) in hopeless {
        give_up(cx, &run, &why).await?;
    }
    Ok(())
}

/// Ends a run that can never be planned, saying why where people look: in the log, which is there before the end is.
async fn give_up(cx: &Ctx, run: &Run, why: &str) -> Result<()> {
    let log = LogId::new(run.plan_id.as_str())?;
    let note = format!("\u{2}{why}\r\n\u{3}");
    cx.blobs().append_log(&log, 0, note.into()).await?;
    let mut tx = cx.write().await?;
    let (mut workspace, mut run) = moves::lock(&tx, run).await?;
    if run.status == run::Status::Pending {
        moves::fail(&mut tx, &mut workspace, &mut run, phase::Kind::Plan, why).await?;
        tx.update(run).await?;
        tx.update(workspace).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Saved plans wait aside until they are confirmed; then they take their turn like any other.
fn takes_turn(run: &Run) -> bool {
    let beside = run.plan_only
        || (run.save_plan
            && !matches!(
                run.status,
                run::Status::Confirmed | run::Status::ApplyQueued | run::Status::Applying
            ));
    !beside
}

fn lock_of(workspace: &Workspace, run: &Run) -> Lock {
    if workspace.lock_kind.is_none() {
        Lock::Free
    } else if workspaces::is_held_by_run(workspace, &run.id) {
        Lock::Own
    } else {
        Lock::Others
    }
}

async fn configuration_of(tx: &Tx, run: &Run) -> Result<Configuration> {
    use configuration_version::Status as S;
    let Some(id) = &run.configuration_version_id else { return Ok(Configuration::Ready) };
    let row: Option<ConfigurationVersion> =
        configuration_version::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    Ok(match row.map(|row| row.status) {
        Some(S::Uploaded) => Configuration::Ready,
        Some(S::Pending | S::Fetching) => Configuration::Coming,
        Some(
            S::Errored | S::Archived | S::BackingDataSoftDeleted | S::BackingDataPermanentlyDeleted,
        )
        | None => Configuration::Lost,
    })
}

/// Whether one more phase may be under way on this site, or in the pool that has to execute it. While none is, runs
/// stay pending and confirmed, which is what makes the command line say what it waits for (CLI protocol, gotcha 33).
async fn slot_free(cx: &Ctx, tx: &Tx, executor: &Executor) -> Result<bool> {
    use job::Status as S;
    match executor {
        Executor::Site => {}
        // Its agents take what they can; those who wait for them are in nobody's way.
        Executor::Pool(pool) => return agents::is_anybody_there(cx, pool).await,
        Executor::Nobody(_) => return Ok(false),
    }
    let busy = job::Entity::find()
        .filter(job::Column::Status.is_in([S::Queued, S::Claimed, S::Started]))
        .filter(job::Column::AgentPoolId.is_null())
        .count(tx.db())
        .await?;
    Ok(busy < cx.settings().concurrency)
}

async fn queue_job(tx: &mut Tx, run: &Run, kind: phase::Kind, executor: &Executor) -> Result<()> {
    if let Some(mut phase) = moves::phase_of(tx, &run.id, kind).await? {
        moves::set_phase(tx, &mut phase, phase::Status::Queued);
        tx.update(phase).await?;
    }
    tx.insert(job::Model {
        id: JobId::fresh(),
        run_id: run.id.clone(),
        workspace_id: run.workspace_id.clone(),
        phase: kind,
        status: job::Status::Queued,
        agent_pool_id: executor.pool().cloned(),
        agent_id: None,
        leased_until: None,
        attempts: 0,
        token_hash: None,
        created_at: tx.now(),
    })
    .await?;
    tx.ring_for_jobs();
    Ok(())
}

/// How many runs of the organization come before this one; 0 for one that waits no longer.
pub async fn position_in_queue(cx: &Ctx, run: &Run) -> Result<u64> {
    if run.status != run::Status::Pending {
        return Ok(0);
    }
    let before = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::OrganizationName.eq(&run.organization_name))
        .filter(run::Column::Status.eq(run::Status::Pending))
        .filter(run::Column::CreatedAt.lt(run.created_at))
        .count(cx.read())
        .await?;
    Ok(before + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> impl Strategy<Value = Facts> {
        (
            proptest::sample::select(run::Status::ALL),
            any::<(bool, bool, bool)>(),
            proptest::sample::select(&[Lock::Free, Lock::Own, Lock::Others][..]),
            proptest::sample::select(
                &[Configuration::Ready, Configuration::Coming, Configuration::Lost][..],
            ),
        )
            .prop_map(
                |(status, (takes_turn, behind_another, slot_free), lock, configuration)| Facts {
                    status,
                    takes_turn,
                    behind_another,
                    lock,
                    configuration,
                    slot_free,
                },
            )
    }

    proptest! {
        #[test]
        fn nothing_starts_against_anothers_lock_or_turn(facts in facts()) {
            let step = decide(facts);
            if facts.takes_turn && (facts.behind_another || facts.lock == Lock::Others) {
                prop_assert!(!matches!(step, Step::Plan | Step::Apply));
            }
        }

        #[test]
        fn nothing_starts_without_a_slot(facts in facts()) {
            prop_assert!(facts.slot_free || !matches!(decide(facts), Step::Plan | Step::Apply));
        }

        #[test]
        fn an_apply_is_queued_only_for_a_confirmed_run(facts in facts()) {
            prop_assert!(decide(facts) != Step::Apply || facts.status == run::Status::Confirmed);
        }

        #[test]
        fn whoever_could_move_does(facts in facts()) {
            let free = Facts {
                behind_another: false,
                lock: Lock::Free,
                configuration: Configuration::Ready,
                slot_free: true,
                ..facts
            };
            let moves = matches!(free.status, run::Status::Pending | run::Status::Confirmed);
            prop_assert_eq!(decide(free) != Step::Wait, moves);
            prop_assert!(!super::super::status::is_final(free.status) || !moves);
        }
    }
}
