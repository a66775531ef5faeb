//! Work that goes on beside the listeners for as long as the process serves.

use std::future::{Future, pending};

use anyhow::{Context, Result};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub struct Task {
    name: &'static str,
    stop: CancellationToken,
    handle: JoinHandle<Result<()>>,
}

impl Task {
    /// Starts what `work` makes; it ends when its token is cancelled.
    pub fn start<F>(name: &'static str, work: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let handle = tokio::spawn(work(stop.clone()));
        Self { name, stop, handle }
    }

    /// Ends only if the task did, though nobody asked it to.
    pub async fn failed(task: Option<&mut Self>) -> anyhow::Error {
        let Some(task) = task else { return pending().await };
        match (&mut task.handle).await {
            Ok(Ok(())) => anyhow::anyhow!("the {} ended by itself", task.name),
            Ok(Err(e)) => e.context(format!("the {} failed", task.name)),
            Err(e) => anyhow::Error::new(e).context(format!("the {} failed", task.name)),
        }
    }

    /// Asks the task to end and waits for it.
    pub async fn finish(self) -> Result<()> {
        self.stop.cancel();
        self.handle.await.context("panicked").flatten().with_context(|| self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_unasked_has_failed() {
        let mut broken = Task::start("queue", |_| async { anyhow::bail!("no database") });
        let why = format!("{:#}", Task::failed(Some(&mut broken)).await);
        assert_eq!(why, "the queue failed: no database");
        let mut ended = Task::start("queue", |_| async { Ok(()) });
        let why = Task::failed(Some(&mut ended)).await.to_string();
        assert_eq!(why, "the queue ended by itself");
    }

    #[tokio::test]
    async fn a_task_is_waited_for() {
        let (done, is_done) = std::sync::mpsc::channel();
        let task = Task::start("queue", |stop| async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            done.send(()).map_err(Into::into)
        });
        task.finish().await.unwrap();
        is_done.try_recv().unwrap();
    }
}
