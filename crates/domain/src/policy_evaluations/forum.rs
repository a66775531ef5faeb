//! Where policies are heard: in the task stage after the plan, or, those of Sentinel that are not for agents, in a
//! policy check.

use db::{
    entity::{
        policy::Kind,
        policy_evaluation as evaluation,
        run::Status,
        task_stage::{self as stage, Stage},
    },
    id::TaskStageId,
};

use super::{
    checks,
    code::Heard,
    members::{self, set_each},
    outcomes, verdict,
    verdict::Fate,
};
use crate::{
    Result, Tx,
    row::{PolicySet, TaskStage},
    runs::stages,
    task_stages::{Members, Standing},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forum {
    Evaluation,
    Check,
}

impl Forum {
    const ALL: [Self; 2] = [Self::Evaluation, Self::Check];

    /// The one that a set goes to.
    pub fn of(set: &PolicySet) -> Self {
        if set.kind == Kind::Opa || set.agent_enabled { Self::Evaluation } else { Self::Check }
    }

    pub fn stage(self) -> Stage {
        match self {
            Self::Evaluation => Stage::PostPlan,
            Self::Check => Stage::PolicyCheck,
        }
    }

    /// A run that is in it.
    pub fn status(self) -> Status {
        stages::line(self.stage()).running
    }

    /// The one that a run in this status is in.
    pub fn at(status: Status) -> Option<Self> {
        Self::ALL.into_iter().find(|forum| forum.status() == status)
    }

    /// The statuses of runs in any of them.
    pub fn statuses() -> impl Iterator<Item = Status> {
        Self::ALL.into_iter().map(Self::status)
    }

    /// Whether policies are to be asked in this stage; notes that somebody is about to.
    pub async fn begin(self, tx: &Tx, stage: &stage::Model) -> Result<bool> {
        let standings = match self {
            Self::Evaluation => members::Evaluations.standings(tx, stage).await?,
            Self::Check => checks::Checks.standings(tx, stage).await?,
        };
        if !standings.contains(&Standing::UnderWay) {
            return Ok(false);
        }
        if self == Self::Evaluation {
            let begin = |row: &evaluation::Model| {
                (row.status == evaluation::Status::Queued).then_some(evaluation::Status::Running)
            };
            set_each(tx, &stage.id, begin).await?;
        }
        Ok(true)
    }

    /// Writes down what was said.
    pub async fn keep(self, tx: &Tx, stage: &TaskStage, heard: &[Heard]) -> Result<()> {
        match self {
            Self::Evaluation => keep_evaluations(tx, &stage.id, heard).await,
            Self::Check => checks::keep(tx, stage, heard).await,
        }
    }
}

async fn keep_evaluations(tx: &Tx, stage: &TaskStageId, heard: &[Heard]) -> Result<()> {
    let open = [evaluation::Status::Queued, evaluation::Status::Running];
    for open in members::of(tx, stage).await?.into_iter().filter(|row| open.contains(&row.status)) {
        let own = || heard.iter().filter(|one| one.kind == open.kind).map(|one| &one.said);
        for (position, said) in own().enumerate() {
            outcomes::keep(tx, &open.id, position, said).await?;
        }
        if let Some(mut row) = tx.lock::<evaluation::Entity>(open.id.clone()).await? {
            row.result_count = db::Json(verdict::count(own().flat_map(|said| &said.outcomes)));
            row.can_be_overridden = verdict::fate(&own()) == Fate::Waits;
            members::set(tx, &mut row, verdict::evaluation(&own()));
            tx.update(row).await?;
        }
    }
    Ok(())
}
