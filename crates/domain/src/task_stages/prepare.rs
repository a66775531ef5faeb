//! The rows of the stages that a run will go through: made as soon as that is known, since command lines look for them
//! before they follow the run.

use db::{
    Json,
    entity::task_stage::{Stage, Status},
    id::TaskStageId,
};

use super::{is_shown, of};
use crate::{
    Result, Tx,
    parts::MEMBERS,
    row::{Run, TaskStage, Workspace},
    runs::{
        held::Held,
        stages::{Part, WAY, phase_of},
    },
};

/// A stage that members may want to have in a run; it comes to be when the first of them asks for it.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub tx: &'a Tx,
    pub workspace: &'a Workspace,
    pub run: &'a mut Run,
    pub stage: Stage,
    made: Option<TaskStage>,
}

impl Place<'_> {
    /// Its row.
    pub async fn row(&mut self) -> Result<&TaskStage> {
        let row = match self.made.take() {
            Some(row) => row,
            None => match of(self.tx, &self.run.id, self.stage).await? {
                Some(row) => row,
                None => self.make().await?,
            },
        };
        Ok(self.made.insert(row))
    }

    async fn make(&mut self) -> Result<TaskStage> {
        let now = self.tx.now();
        let row = TaskStage {
            id: TaskStageId::fresh(),
            run_id: self.run.id.clone(),
            stage: self.stage,
            status: Status::Pending,
            leased_until: None,
            attempts: 0,
            status_timestamps: Json::default(),
            created_at: now,
            updated_at: now,
        };
        if is_shown(self.stage) {
            self.run.task_stages.push(row.id.clone());
        }
        Ok(self.tx.insert(row).await?)
    }
}

/// Makes what a run needs in these parts of its way and does not have yet.
pub(crate) async fn prepare(held: &mut Held, parts: &[Part]) -> Result<()> {
    let (tx, workspace, run) = held.parts();
    let (tx, workspace): (&Tx, &Workspace) = (tx, workspace);
    for line in WAY {
        if !parts.contains(&line.part) || phase_of(line.stage).is_some() {
            continue;
        }
        let mut place = Place { tx, workspace, run: &mut *run, stage: line.stage, made: None };
        for kind in MEMBERS {
            kind.prepare(&mut place).await?;
        }
    }
    Ok(())
}
