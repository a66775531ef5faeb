//! A workspace and one of its runs, locked in the one order that cannot deadlock and saved together: the transaction is
//! inside, so that nobody can keep one of them and forget the other.

use db::{
    Locked,
    entity::{
        run::{self, Status},
        workspace,
    },
    sea_orm::EntityTrait,
};

use super::{moves, saved_plans, status::Event};
use crate::{
    Ctx, Error, Result, Tx,
    id::{RunId, WorkspaceId},
    row::{Run, Workspace},
};

/// A locked workspace in which runs move.
#[derive(Debug)]
#[must_use = "nothing is kept without `commit`"]
pub(crate) struct Floor {
    tx: Tx,
    /// Wide rows lie outside the futures that hold them: those are deep enough as it is.
    workspace: Box<Locked<workspace::Entity>>,
}

impl Floor {
    pub async fn lock(cx: &Ctx, id: &WorkspaceId) -> Result<Self> {
        let tx = cx.write().await?;
        let workspace = tx.lock::<workspace::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
        Ok(Self { tx, workspace: Box::new(workspace) })
    }

    /// The same without waiting for anybody: `None` if another transaction holds the workspace, or it is gone.
    pub async fn lock_if_free(cx: &Ctx, id: &WorkspaceId) -> Result<Option<Self>> {
        let tx = cx.write().await?;
        let Some(found) = tx.claim(workspace::Entity::find_by_id(id.clone())).await?.pop() else {
            tx.roll_back().await;
            return Ok(None);
        };
        Ok(Some(Self { tx, workspace: Box::new(found) }))
    }

    pub fn parts(&mut self) -> (&mut Tx, &mut Workspace) {
        (&mut self.tx, &mut self.workspace)
    }

    /// Takes up a run of this workspace.
    pub async fn hold(self, run: &RunId) -> Result<Held> {
        let run = self.tx.lock::<run::Entity>(run.clone()).await?.ok_or(Error::NotFound)?;
        Ok(Held { floor: self, run: Box::new(run) })
    }

    /// The same without waiting for anybody.
    pub async fn hold_if_free(self, run: &RunId) -> Result<Option<Held>> {
        let mut found = self.tx.claim(run::Entity::find_by_id(run.clone())).await;
        if let Some(run) = found.as_mut().ok().and_then(Vec::pop) {
            return Ok(Some(Held { floor: self, run: Box::new(run) }));
        }
        // Others of the workspace may be looked at next.
        self.tx.roll_back().await;
        found?;
        Ok(None)
    }

    pub async fn commit(self) -> Result<Workspace> {
        let workspace = self.tx.update(*self.workspace).await?;
        self.tx.commit().await?;
        Ok(workspace)
    }
}

/// A run in its locked workspace. Reads as the run.
#[derive(Debug)]
#[must_use = "nothing is kept without `commit`"]
pub(crate) struct Held {
    floor: Floor,
    run: Box<Locked<run::Entity>>,
}

impl std::ops::Deref for Held {
    type Target = Run;
    fn deref(&self) -> &Run {
        &self.run
    }
}

impl std::ops::DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

impl Held {
    pub async fn lock(cx: &Ctx, run: &Run) -> Result<Self> {
        Floor::lock(cx, &run.workspace_id).await?.hold(&run.id).await
    }

    /// For what is written beside the run and its workspace.
    pub fn tx(&self) -> &Tx {
        &self.floor.tx
    }

    pub fn workspace(&self) -> &Workspace {
        &self.floor.workspace
    }

    pub fn parts(&mut self) -> (&mut Tx, &mut Workspace, &mut Run) {
        (&mut self.floor.tx, &mut self.floor.workspace, &mut self.run)
    }

    /// Lets an event happen to the run.
    ///
    /// # Errors
    /// Conflict where it cannot happen in the run's status.
    pub async fn happen(&mut self, event: Event) -> Result<()> {
        let (tx, workspace, run) = self.parts();
        Box::pin(moves::happen(tx, workspace, run, event)).await?;
        if run.status == Status::PlannedAndSaved {
            Box::pin(saved_plans::saved(tx, workspace, run)).await?;
        }
        Ok(())
    }

    /// Done with this run; another one of the workspace may follow.
    pub async fn leave(self) -> Result<Floor> {
        self.floor.tx.update(*self.run).await?;
        Ok(self.floor)
    }

    /// Keeps nothing, and returns once others can hold it.
    pub async fn let_go(self) {
        self.floor.tx.roll_back().await;
    }

    pub async fn commit(self) -> Result<Run> {
        let run = self.floor.tx.update(*self.run).await?;
        self.floor.commit().await?;
        Ok(run)
    }
}
