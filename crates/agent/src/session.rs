//! What holds an agent and a job together: the lease, and the orders to stop.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Cancel, HEARTBEAT_SECONDS, Job};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::server::{CallError, Server};
use crate::steps::{Step, Steps};

/// Why a phase must end early; a later reason outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    No,
    /// The agent shuts down and has waited long enough.
    Shutdown,
    /// The phase took longer than its workspace allows.
    Timeout,
    /// It uses more of the machine than a phase may.
    Memory,
    Processes,
    Space,
    /// The disk of the job directories is nearly full.
    Disk,
    /// Somebody canceled the run.
    Canceled,
    /// Somebody canceled it and will not wait.
    Killed,
    /// The server gave the job to somebody else or ended it.
    Gone,
}

/// A claimed job. Heartbeats go out for as long as this lives.
pub(crate) struct Session {
    pub job: Job,
    pub server: Arc<Server>,
    pub steps: Steps,
    stop: watch::Receiver<Stop>,
    sender: watch::Sender<Stop>,
    keeper: AbortHandle,
}

impl Session {
    pub fn new(
        job: Job,
        server: Arc<Server>,
        shutdown: CancellationToken,
        grace: Duration,
    ) -> Self {
        let (sender, stop) = watch::channel(Stop::No);
        let limit = match job.timeout_seconds {
            0 => Duration::from_hours(30 * 24),
            seconds => Duration::from_secs(seconds),
        };
        let keeper = Keeper {
            server: server.clone(),
            job: job.id.clone(),
            stop: sender.clone(),
            deadline: Instant::now() + limit,
            shutdown,
            grace,
        };
        let keeper = tokio::spawn(keeper.keep()).abort_handle();
        let steps = Steps::starting_with(Step::Fetch);
        Self { job, server, steps, stop, sender, keeper }
    }

    /// The step before ends here.
    pub fn begin(&self, step: Step) {
        let (job, run) = (&self.job.id, &self.job.run_id);
        tracing::debug!(job, run, step = step.as_str(), "{} of {run}", step.as_str());
        self.steps.begin(step);
    }

    /// Where things stand.
    pub fn stop(&self) -> Stop {
        *self.stop.borrow()
    }

    /// Waits for a reason that outweighs `known`.
    pub async fn outweighed(&self, known: Stop) -> Stop {
        let mut stop = self.stop.clone();
        // It cannot be closed: we hold the sender ourselves.
        let higher = stop.wait_for(|stop| *stop > known).await.map(|stop| *stop);
        match higher {
            Ok(stop) => stop,
            Err(_) => std::future::pending().await,
        }
    }

    /// Work that may simply be dropped when the phase must end.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            stop = self.outweighed(Stop::No) => Err(stop),
            done = work => Ok(done),
        }
    }

    /// Notes when a call's answer was that the job is not ours.
    pub fn notice<T>(&self, answer: Result<T, CallError>) -> Result<T, CallError> {
        if matches!(answer, Err(CallError::Gone)) {
            self.raise(Stop::Gone);
        }
        answer
    }

    /// Notes a reason to end.
    pub fn raise(&self, reason: Stop) {
        raise(&self.sender, reason);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

struct Keeper {
    server: Arc<Server>,
    job: String,
    stop: watch::Sender<Stop>,
    deadline: Instant,
    shutdown: CancellationToken,
    grace: Duration,
}

impl Keeper {
    async fn keep(self) {
        let period = Duration::from_secs(HEARTBEAT_SECONDS);
        let mut beat = interval_at(Instant::now() + period, period);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let last_call = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(self.grace).await;
        };
        tokio::pin!(last_call);
        let (mut late, mut closing) = (false, false);
        loop {
            tokio::select! {
                _ = beat.tick() => self.beat().await,
                () = sleep_until(self.deadline), if !late => {
                    late = true;
                    raise(&self.stop, Stop::Timeout);
                }
                () = &mut last_call, if !closing => {
                    closing = true;
                    raise(&self.stop, Stop::Shutdown);
                }
            }
        }
    }

    async fn beat(&self) {
        match self.server.heartbeat(&self.job).await {
            Ok(orders) => match orders.cancel {
                Cancel::No => {}
                Cancel::Graceful => raise(&self.stop, Stop::Canceled),
                Cancel::Force => raise(&self.stop, Stop::Killed),
            },
            Err(CallError::Gone) => raise(&self.stop, Stop::Gone),
            // The server restarts, or the network is away. The engine goes on: what it does to
            // the world cannot be undone by stopping it here.
            Err(error) => tracing::warn!(job = self.job, %error, "no heartbeat"),
        }
    }
}

fn raise(sender: &watch::Sender<Stop>, to: Stop) {
    sender.send_if_modified(|stop| {
        let higher = to > *stop;
        *stop = to.max(*stop);
        higher
    });
}
