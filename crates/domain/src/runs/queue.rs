//! The queue: what runs next, decided from rows alone. Deciding twice is harmless, so it is done after every change,
//! after every restart and once a second. Each run is taken up by itself: what is held by somebody else, or cannot be
//! read, holds up nothing but itself.

use std::collections::BTreeMap;

use db::{
    entity::{
        configuration_version::Status as Uploaded,
        job, phase,
        run::{self, Status},
        tool_version::Engine,
    },
    id::RunId,
    sea_orm::{
        ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    },
};

use super::{
    candidates::{self, Candidate, Place, Wanted},
    confirmations, frozen,
    held::{Floor, Held},
    moves,
    stages::{self, QUEUED},
    status::Event,
    turns, unsaved,
};
use crate::{
    Ctx, Result, Tx, agent_pools,
    freezes::{self, Closed},
    locks,
    row::{Run, ToolVersion, Workspace},
    task_stages,
    tool_versions::{self, Wish},
    workspaces::{self, Executor},
};

/// How failures of this room are reported.
const CHORE: &str = "the queue";

/// What a run does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Plan,
    Apply,
    /// Something else comes first.
    Wait,
}

impl Step {
    fn phase(self) -> Option<phase::Kind> {
        match self {
            Self::Plan => Some(phase::Kind::Plan),
            Self::Apply => Some(phase::Kind::Apply),
            Self::Wait => None,
        }
    }
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
struct Facts {
    status: Status,
    /// Neither plan-only nor a saved plan that nobody has confirmed: takes its turn and the lock.
    takes_turn: bool,
    /// An earlier run of the workspace has the turn.
    behind_another: bool,
    lock: Lock,
    /// It is uploaded, or there is none to be had.
    has_configuration: bool,
    /// The state of an apply that is over may still come: nobody knows what there is.
    state_awaited: bool,
    slot_free: bool,
    /// Nothing is applied now.
    frozen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Free,
    Own,
    Others,
}

fn decide(facts: Facts) -> Step {
    // Whoever holds the lock has the turn, whatever was confirmed meanwhile.
    let own_turn = !facts.takes_turn
        || match facts.lock {
            Lock::Own => true,
            Lock::Free => !facts.behind_another,
            Lock::Others => false,
        };
    if !own_turn || !facts.slot_free || (facts.takes_turn && facts.state_awaited) {
        return Step::Wait;
    }
    match stages::awaited_phase(facts.status) {
        Some(phase::Kind::Plan) if facts.has_configuration => Step::Plan,
        Some(phase::Kind::Apply) if !facts.frozen => Step::Apply,
        _ => Step::Wait,
    }
}

/// Lets every unfinished run take the step that it can take now. What fails is reported and tried again with the next pass.
pub async fn advance_all(cx: &Ctx) -> Result<()> {
    let closed = Closed::now(cx).await?;
    frozen::put_back(cx, &closed).await?;
    let mut pass = Pass::begin(cx, closed).await?;
    for (status, _) in QUEUED {
        let mut after = None;
        while pass.has_room() {
            let since = after.as_ref().map(|last: &Candidate| (last.created_at, &last.id));
            let page = pass.candidates(status, since).await?;
            pass.take_up(&page).await?;
            if page.len() < candidates::PAGE {
                break;
            }
            after = page.into_iter().next_back();
        }
    }
    Ok(())
}

/// One look at all that waits.
struct Pass<'c> {
    cx: &'c Ctx,
    /// Phases that the site may still begin, counted once, before anything is locked.
    slots: u64,
    /// The pools that have an agent to speak of, with what these can do.
    present: agent_pools::Present,
    /// By what is asked for; nothing where no version is like that yet.
    tools: BTreeMap<(Status, String, Option<Engine>), Option<ToolVersion>>,
    unreadable: Vec<RunId>,
    closed: Closed,
}

/// What became of a candidate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Site,
    Pool,
    /// Somebody holds it, or it is not as it was read any more.
    No,
}

impl<'c> Pass<'c> {
    async fn begin(cx: &'c Ctx, closed: Closed) -> Result<Self> {
        let busy = busy(cx.read()).await?;
        Ok(Self {
            cx,
            slots: cx.settings().concurrency.saturating_sub(busy),
            present: agent_pools::present(cx).await?,
            tools: BTreeMap::new(),
            unreadable: Vec::new(),
            closed,
        })
    }

    fn has_pools(&self) -> bool {
        self.present.keys().any(Option::is_some)
    }

    /// Whether anything at all could begin.
    fn has_room(&self) -> bool {
        self.slots > 0 || self.has_pools()
    }

    fn wanted(&self, status: Status) -> Wanted<'_> {
        Wanted {
            status,
            of_site: self.slots > 0,
            of_pools: self.has_pools(),
            workspace: None,
            unreadable: &self.unreadable,
            closed: &self.closed,
        }
    }

    async fn candidates(
        &self,
        status: Status,
        after: Option<(crate::Timestamp, &RunId)>,
    ) -> Result<Vec<Candidate>> {
        self.find(self.wanted(status), after).await
    }

    async fn find(
        &self,
        wanted: Wanted<'_>,
        after: Option<(crate::Timestamp, &RunId)>,
    ) -> Result<Vec<Candidate>> {
        let backend = self.cx.read().get_database_backend();
        let query = candidates::query(backend, wanted, after);
        Ok(Candidate::find_by_statement(query).all(self.cx.read()).await?)
    }

    async fn take_up(&mut self, page: &[Candidate]) -> Result<()> {
        let permitted = candidates::permitted(self.cx, page).await?;
        for candidate in page {
            let mut next = Some(candidate.clone());
            while let Some(candidate) = next.take() {
                let may = match candidate.place() {
                    Place::Site => self.slots > 0,
                    Place::Pool(pool) => {
                        self.present.contains_key(&Some(pool))
                            && permitted.contains(&candidate.workspace_id)
                    }
                    Place::Nowhere => false,
                };
                if may {
                    next = self.try_one(&candidate).await?;
                }
            }
        }
        Ok(())
    }

    /// Lets one candidate take its step. Where it cannot be read, somebody else of its workspace may be next.
    async fn try_one(&mut self, candidate: &Candidate) -> Result<Option<Candidate>> {
        let about = candidate.id.as_str();
        match Box::pin(self.step(candidate)).await {
            Ok(taken) => {
                self.slots = self.slots.saturating_sub(u64::from(taken == Taken::Site));
                self.cx.troubles().over(CHORE, about);
                Ok(None)
            }
            Err(error) => {
                self.cx.troubles().note(CHORE, about, &error, self.cx.now());
                if !error.is_unreadable() {
                    return Ok(None);
                }
                self.unreadable.push(candidate.id.clone());
                for (status, _) in QUEUED {
                    let wanted =
                        Wanted { workspace: Some(&candidate.workspace_id), ..self.wanted(status) };
                    let found = self.find(wanted, None).await?;
                    let mut readable =
                        found.into_iter().filter(|found| !self.unreadable.contains(&found.id));
                    if let Some(next) = readable.next() {
                        return Ok(Some(next));
                    }
                }
                Ok(None)
            }
        }
    }

    async fn step(&mut self, candidate: &Candidate) -> Result<Taken> {
        let tool = self.tool(candidate).await?.filter(|tool| self.is_at_hand(tool, candidate));
        // Queued, it would keep a slot from those who could use it. `waiting.rs` says what it waits for.
        let Some(tool) = tool else { return Ok(Taken::No) };
        let Some(floor) = Floor::lock_if_free(self.cx, &candidate.workspace_id).await? else {
            return Ok(Taken::No);
        };
        let Some(mut run) = floor.hold_if_free(&candidate.id).await? else {
            return Ok(Taken::No);
        };
        let (step, executor) = match self.decided(&mut run).await {
            Ok(Some(decided)) => decided,
            Ok(None) => {
                run.commit().await?;
                return Ok(Taken::No);
            }
            // The next candidate may be of the same workspace.
            Err(error) => {
                run.let_go().await;
                return Err(error);
            }
        };
        let Some(kind) = step.phase() else {
            run.let_go().await;
            return Ok(Taken::No);
        };
        // What comes before the phase needs no slot.
        let before = stages::part_before(kind);
        let Some(run) = task_stages::begin(run, before).await? else { return Ok(Taken::No) };
        match step {
            Step::Wait => Ok(Taken::No),
            Step::Apply => begin(run, phase::Kind::Apply, &executor).await,
            Step::Plan => {
                let version = run.terraform_version.as_ref();
                let version = version.unwrap_or(&run.workspace().terraform_version);
                let engine = run.engine.or(run.workspace().engine);
                if candidate.wish() != (Wish { version, engine }) {
                    run.let_go().await;
                    return Ok(Taken::No);
                }
                let mut run = run;
                // From here on the run keeps its engine, whatever becomes of the workspace's setting.
                run.engine = tool.kind.engine();
                run.terraform_version = Some(tool.version);
                begin(run, phase::Kind::Plan, &executor).await
            }
        }
    }

    /// What the run does next, and where; nothing where people have to be asked again.
    async fn decided(&self, run: &mut Held) -> Result<Option<(Step, Executor)>> {
        if confirmations::ask_again(run).await? {
            return Ok(None);
        }
        let executor = executor_of(run.tx().db(), run.workspace(), run).await?;
        let step = decide(facts(run, self.cx, &executor, &self.unreadable).await?);
        Ok(Some((step, executor)))
    }

    /// What it is planned with, or was: that one counts even if it has been disabled since.
    async fn tool(&mut self, candidate: &Candidate) -> Result<Option<ToolVersion>> {
        let wish = candidate.wish();
        let key = (candidate.status, wish.version.to_owned(), wish.engine);
        if let Some(known) = self.tools.get(&key) {
            return Ok(known.clone());
        }
        let tool = match stages::awaited_phase(candidate.status) {
            Some(phase::Kind::Apply) => tool_versions::given(self.cx, wish).await?,
            _ => tool_versions::resolve(self.cx, wish).await?,
        };
        self.tools.insert(key, tool.clone());
        Ok(tool)
    }

    /// Whether some agent there could do it with this tool. Where nobody is, somebody may come who can.
    fn is_at_hand(&self, tool: &ToolVersion, candidate: &Candidate) -> bool {
        let (place, phase) = (candidate.place(), stages::awaited_phase(candidate.status));
        let Some(kind) = phase.map(job::Kind::from) else { return false };
        let pool = match place {
            Place::Pool(pool) => Some(pool),
            Place::Site | Place::Nowhere => None,
        };
        match self.present.get(&pool) {
            Some(there) => there.iter().any(|able| able.can(kind, tool)),
            None => tool.url.is_some(),
        }
    }
}

async fn begin(mut run: Held, kind: phase::Kind, executor: &Executor) -> Result<Taken> {
    run.happen(match kind {
        phase::Kind::Plan => Event::PlanQueued,
        phase::Kind::Apply => Event::ApplyQueued,
    })
    .await?;
    let (tx, _, row) = run.parts();
    queue_job(tx, row, kind, executor).await?;
    run.commit().await?;
    Ok(if executor.pool().is_some() { Taken::Pool } else { Taken::Site })
}

/// Whose agents execute the next phase: an apply stays where its plan was made.
pub(super) async fn executor_of(
    db: &impl ConnectionTrait,
    workspace: &Workspace,
    run: &Run,
) -> Result<Executor> {
    if stages::awaited_phase(run.status) == Some(phase::Kind::Apply) {
        let planned = job::Entity::find()
            .filter(job::Column::RunId.eq(&run.id))
            .filter(job::Column::Kind.eq(job::Kind::Plan))
            .one(db)
            .await?;
        return workspaces::executor_again(db, workspace, planned).await;
    }
    workspaces::executor(db, workspace).await
}

/// What is so now that nobody else can change it.
async fn facts(run: &Held, cx: &Ctx, executor: &Executor, unreadable: &[RunId]) -> Result<Facts> {
    let tx = run.tx();
    let slot_free = match executor {
        Executor::Site => busy(tx.db()).await? < cx.settings().concurrency,
        // Its agents take what they can; those who wait for them are in nobody's way.
        Executor::Pool(_) => true,
        Executor::Nobody(_) => false,
    };
    Ok(Facts {
        status: run.status,
        takes_turn: turns::takes_turn(run),
        behind_another: turns::is_behind(tx, &run.id, unreadable).await?,
        lock: lock_of(run.workspace(), run),
        has_configuration: has_configuration(tx, run).await?,
        state_awaited: unsaved::awaited_in(tx.db(), &run.workspace_id, tx.now()).await?.is_some(),
        slot_free,
        frozen: stages::awaited_phase(run.status) == Some(phase::Kind::Apply)
            && freezes::holds_up(tx.db(), run, run.workspace(), tx.now()).await?.is_some(),
    })
}

fn lock_of(workspace: &Workspace, run: &Run) -> Lock {
    if workspace.lock_kind.is_none() {
        Lock::Free
    } else if locks::is_held_by_run(workspace, &run.id) {
        Lock::Own
    } else {
        Lock::Others
    }
}

async fn has_configuration(tx: &Tx, run: &Run) -> Result<bool> {
    let Some(id) = &run.configuration_version_id else { return Ok(true) };
    let row =
        db::entity::configuration_version::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    Ok(row.is_some_and(|row| row.status == Uploaded::Uploaded))
}

/// Phases that the site's own agents have, or are to have. While all slots are taken, runs stay pending and confirmed,
/// which is what makes the command line say what it waits for (CLI protocol, gotcha 33).
pub(super) async fn busy(db: &impl ConnectionTrait) -> Result<u64> {
    use job::Status as S;
    Ok(job::Entity::find()
        .filter(job::Column::Status.is_in([S::Queued, S::Claimed, S::Started]))
        .filter(job::Column::AgentPoolId.is_null())
        .filter(job::Column::Kind.ne(job::Kind::Assessment))
        .count(db)
        .await?)
}

async fn queue_job(tx: &mut Tx, run: &Run, kind: phase::Kind, executor: &Executor) -> Result<()> {
    if let Some(mut phase) = moves::phase_of(tx, &run.id, kind).await? {
        moves::set_phase(tx, &mut phase, phase::Status::Queued);
        tx.update(phase).await?;
    }
    let job = job::Model::queued(kind.into(), &run.id, &run.workspace_id, tx.now());
    tx.insert(job::Model { agent_pool_id: executor.pool().cloned(), ..job }).await?;
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
            any::<(bool, bool, bool, bool, bool)>(),
            proptest::sample::select(&[Lock::Free, Lock::Own, Lock::Others][..]),
            any::<bool>(),
        )
            .prop_map(|(status, flags, lock, has)| {
                let (takes_turn, behind_another, slot_free, state_awaited, frozen) = flags;
                Facts {
                    status,
                    takes_turn,
                    behind_another,
                    lock,
                    has_configuration: has,
                    state_awaited,
                    slot_free,
                    frozen,
                }
            })
    }

    proptest! {
        #[test]
        fn nothing_starts_against_anothers_lock_or_turn(facts in facts()) {
            let step = decide(facts);
            let behind = facts.behind_another && facts.lock == Lock::Free;
            if facts.takes_turn && (behind || facts.lock == Lock::Others) {
                prop_assert_eq!(step, Step::Wait);
            }
        }

        #[test]
        fn whoever_holds_the_lock_waits_for_nobody(facts in facts()) {
            let holder = Facts { lock: Lock::Own, slot_free: true, ..facts };
            let alone = Facts { behind_another: false, ..holder };
            prop_assert_eq!(decide(holder), decide(alone));
        }

        #[test]
        fn nothing_that_changes_things_starts_before_it_is_known_what_there_is(facts in facts()) {
            if facts.takes_turn && facts.state_awaited {
                prop_assert_eq!(decide(facts), Step::Wait);
            }
        }

        #[test]
        fn nothing_starts_without_a_slot(facts in facts()) {
            prop_assert!(facts.slot_free || decide(facts) == Step::Wait);
        }

        #[test]
        fn an_apply_is_queued_only_for_a_confirmed_run(facts in facts()) {
            let confirmed = [Status::Confirmed, Status::PreApplyCompleted];
            prop_assert!(decide(facts) != Step::Apply || confirmed.contains(&facts.status));
        }

        #[test]
        fn nothing_is_applied_in_a_freeze(facts in facts()) {
            prop_assert!(!facts.frozen || decide(facts) != Step::Apply);
        }

        #[test]
        fn whoever_could_move_does(facts in facts()) {
            let free = Facts {
                behind_another: false,
                lock: Lock::Free,
                has_configuration: true,
                state_awaited: false,
                slot_free: true,
                frozen: false,
                ..facts
            };
            let moves = stages::awaited_phase(free.status).is_some();
            prop_assert_eq!(decide(free) != Step::Wait, moves);
            prop_assert!(!super::super::status::is_final(free.status) || !moves);
        }
    }
}
