//! What happens by itself in a history, at one of two servers or at both, one of which may be gone in the middle of it.

use std::{future::poll_fn, task::Poll, time::Duration};

use domain::{Ctx, Result, entity::workspace};
use proptest::prelude::*;

use super::World;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Chore {
    /// The queue does what it can.
    Advance,
    /// Policies are evaluated.
    Evaluate,
    /// Run tasks and the estimator are asked.
    Ask,
    /// Nothing is heard of any run task, for longer than is waited for it.
    GiveUp,
    /// The worker looks after stages.
    LookAtStages,
    /// What comes by the calendar is looked for.
    LookAtCalendar,
    /// Nobody hears of any agent for a while.
    Sweep,
}

/// Where it is done.
#[derive(Clone, Copy, Debug)]
pub enum How {
    AtOne,
    AtBoth,
    /// At one that is gone in the middle, after so many steps.
    Killed(usize),
    /// At one, while the other one is asked for something.
    Beside(Deed),
}

/// What people ask for, by the number of the run.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Confirm(usize),
    Discard(usize),
    Cancel(usize),
}

impl Deed {
    pub fn request(self) -> (usize, &'static str) {
        match self {
            Self::Confirm(run) => (run, "apply"),
            Self::Discard(run) => (run, "discard"),
            Self::Cancel(run) => (run, "cancel"),
        }
    }
}

pub fn chore() -> impl Strategy<Value = (Chore, How)> {
    let chore = prop_oneof![
        4 => Just(Chore::Advance),
        3 => Just(Chore::Evaluate),
        3 => Just(Chore::Ask),
        1 => Just(Chore::GiveUp),
        1 => Just(Chore::LookAtStages),
        2 => Just(Chore::LookAtCalendar),
        1 => Just(Chore::Sweep),
    ];
    let run = || 0..8_usize;
    let how = prop_oneof![
        4 => Just(How::AtOne),
        2 => Just(How::AtBoth),
        2 => steps().prop_map(How::Killed),
        1 => run().prop_map(|run| How::Beside(Deed::Confirm(run))),
        1 => run().prop_map(|run| How::Beside(Deed::Discard(run))),
        1 => run().prop_map(|run| How::Beside(Deed::Cancel(run))),
    ];
    (chore, how)
}

/// After how many of them something is gone; most chores have between ten and a hundred.
pub fn steps() -> impl Strategy<Value = usize> {
    prop_oneof![1..16_usize, 1..128_usize]
}

impl Chore {
    /// How long nothing else happens before it.
    pub fn after(self) -> Duration {
        match self {
            Self::GiveUp => Duration::from_mins(10),
            Self::Sweep => Duration::from_secs(61),
            _ => Duration::ZERO,
        }
    }

    pub async fn done(self, cx: &Ctx) {
        self.tried(cx).await.unwrap_or_else(|error| panic!("{self:?}: {error}"));
    }

    async fn tried(self, cx: &Ctx) -> Result<()> {
        match self {
            Self::Advance => domain::runs::advance_all(cx).await?,
            Self::Evaluate => {
                domain::policy_evaluations::evaluate_waiting(cx).await?;
            }
            Self::Ask => {
                domain::task_results::deliveries().finish(cx).await?;
                domain::cost_estimates::deliveries().finish(cx).await?;
            }
            Self::GiveUp => {
                domain::task_results::give_up_silent(cx).await?;
            }
            Self::LookAtStages => {
                domain::task_stages::advance_all(cx).await?;
            }
            Self::LookAtCalendar => domain::run_schedules::queue_due(cx).await?,
            Self::Sweep => {
                domain::agents::sweep(cx).await?;
            }
        }
        Ok(())
    }
}

/// Goes on for so many steps and then never again.
pub async fn killed<T>(world: &World<'_>, steps: usize, what: impl Future<Output = T>) {
    let mut what = Box::pin(what);
    let mut left = steps;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        what.as_mut().poll(cx).map(|_| ())
    })
    .await;
    drop(what);
    // What it has sent to the database goes its own way; a lock waits for it.
    let tx = world.server.db.write().await.unwrap();
    for row in &world.workspaces {
        tx.lock::<workspace::Entity>(row.id.clone()).await.unwrap();
    }
    tx.commit().await.unwrap();
}
