//! How a run goes through its stages. Each step is decided from rows, in the transaction that learns that it may be taken:
//! nobody ever sees a run that has passed a stage and waits for nothing. Deciding twice is harmless.

use db::{
    entity::{
        phase, run,
        task_stage::{self as stage, Stage, Status},
    },
    id::RunId,
    sea_orm::{EntityTrait, Select},
};

use super::{
    members::{Verdict, fold},
    of, of_run, prepare, set_status,
};
use crate::{
    Ctx, Result,
    parts::MEMBERS,
    row::TaskStage,
    runs::{
        held::{Floor, Held},
        moves::{goes_on_by_itself, unnoticed_for},
        stages::{self, Part},
        status::{self, Event},
        turns,
    },
};

/// How failures of this room are reported.
const CHORE: &str = "stages";
/// How many runs are looked at in one go.
const LOOKED_AT: u64 = 1000;

/// Lets runs go on whose members have spoken. Nearly always whoever hears a member has done so already; after a crash, or
/// where somebody forgot, this does it.
pub async fn advance_all(cx: &Ctx) -> Result<usize> {
    let waiting: Vec<RunId> = at_work(LOOKED_AT).into_tuple().all(cx.read()).await?;
    let mut moved = 0;
    for id in waiting {
        let looked = Box::pin(look_at(cx, &id)).await;
        moved +=
            usize::from(cx.troubles().settle(CHORE, id.as_str(), looked, cx.now()) == Some(true));
    }
    Ok(moved)
}

/// Runs whose members are at work, the oldest first.
pub(crate) fn at_work(limit: u64) -> Select<run::Entity> {
    let lines = stages::WAY.iter().filter(|line| stages::phase_of(line.stage).is_none());
    turns::in_statuses(lines.map(|line| line.running), limit)
}

async fn look_at(cx: &Ctx, id: &RunId) -> Result<bool> {
    let Some(run) = run::Entity::find_by_id(id.clone()).one(cx.read()).await? else {
        return Ok(false);
    };
    let Some(floor) = Floor::lock_if_free(cx, &run.workspace_id).await? else { return Ok(false) };
    let Some(mut held) = floor.hold_if_free(id).await? else { return Ok(false) };
    let is_changed = settle(&mut held).await?;
    if is_changed {
        held.commit().await?;
    } else {
        held.let_go().await;
    }
    Ok(is_changed)
}

/// It is the run's turn: begins the first stage that it has in this part, and keeps that. Gives the run back if there is
/// none.
pub(crate) async fn begin(mut held: Held, part: Part) -> Result<Option<Held>> {
    if stages::begins_at(part) != Some(held.status) || held.task_stages.is_empty() {
        return Ok(Some(held));
    }
    let Some(stage) = stages::first_of(part, ahead(&held).await?) else { return Ok(Some(held)) };
    held.happen(Event::Begun(stage)).await?;
    settle(&mut held).await?;
    held.commit().await?;
    Ok(None)
}

/// A phase has come to a good end: on to what follows it.
pub(crate) async fn phase_passed(held: &mut Held, kind: phase::Kind) -> Result<()> {
    let stage = stages::of_phase(kind);
    if kind == phase::Kind::Plan {
        // Policies may have been attached since the run was made.
        prepare(held, &[Part::Plan]).await?;
    }
    pass(held, stage).await?;
    settle(held).await?;
    Ok(())
}

/// Asks the members of the stage that the run is in, and lets the run do what they say, as far as it gets; says whether
/// anything has changed.
pub(crate) async fn settle(held: &mut Held) -> Result<bool> {
    let mut is_changed = false;
    while let Some(line) = stages::running_at(held.status) {
        let Some(found) = of(held.tx(), &held.id, line.stage).await? else {
            // Whatever stood there is gone, and with it what it would have said.
            held.happen(Event::Failed).await?;
            return Ok(true);
        };
        let Asked { verdict, has_begun } = ask(held, &found).await?;
        is_changed |= has_begun;
        if verdict == Verdict::Open && found.status == Status::Running {
            return Ok(is_changed);
        }
        // What stops an apply is held back until the command line looks; the next round comes soon.
        if line.stage == Stage::PreApply
            && matches!(verdict, Verdict::Waits | Verdict::Fails | Verdict::Errs)
            && !unnoticed_for(held, held.tx().now()).is_zero()
        {
            return Ok(is_changed);
        }
        is_changed = true;
        if let Some(mut row) = held.tx().lock::<stage::Entity>(found.id).await? {
            set_status(held.tx(), &mut row, verdict.status());
            held.tx().update(row).await?;
        }
        match verdict {
            Verdict::Open => return Ok(true),
            Verdict::Waits if line.awaited.is_some() => {
                let has_changes = held.has_changes;
                held.happen(Event::DecisionNeeded { has_changes }).await?;
            }
            Verdict::Waits | Verdict::Fails | Verdict::Errs if line.is_binding => {
                held.happen(Event::Failed).await?;
            }
            _ => pass(held, line.stage).await?,
        }
    }
    Ok(is_changed)
}

/// A stage is over, and the run goes on to the next one, or to the end of this part of its way.
pub(super) async fn pass(held: &mut Held, stage: Stage) -> Result<()> {
    let then = stages::next_of(stage, ahead(held).await?);
    let has_changes = held.has_changes;
    held.happen(Event::Passed { stage, then, has_changes }).await?;
    // In the same moment, so that no command line ever sees a plan that nobody will confirm.
    let waits = status::is_confirmable(held.status) && !held.save_plan;
    if waits && goes_on_by_itself(held.workspace(), held) {
        held.happen(Event::Confirmed).await?;
    }
    Ok(())
}

/// The stages that have not begun.
async fn ahead(held: &Held) -> Result<impl Iterator<Item = Stage> + use<>> {
    let rows = of_run(held.tx(), &held.id).await?;
    Ok(rows.into_iter().filter(|row| row.status == Status::Pending).map(|row| row.stage))
}

struct Asked {
    verdict: Verdict,
    /// Members have begun just now.
    has_begun: bool,
}

/// One kind of members after the other, until one has not spoken yet or is against it for good.
async fn ask(held: &Held, stage: &TaskStage) -> Result<Asked> {
    let (mut worst, mut has_begun) = (Verdict::Passes, false);
    for kind in MEMBERS {
        let mut standings = kind.standings(held.tx(), stage).await?;
        if standings.contains(&super::Standing::Waits) {
            kind.begin(held, stage).await?;
            has_begun = true;
            standings = kind.standings(held.tx(), stage).await?;
        }
        worst = worst.max(fold(standings));
        if worst > Verdict::Waits {
            break;
        }
    }
    Ok(Asked { verdict: worst, has_begun })
}
