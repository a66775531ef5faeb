//! The tasks of repositories, side by side: one that takes its time holds up nobody but its own repository.

use std::{collections::HashSet, convert::Infallible, time::Duration};

use db::{entity::task, id::TaskId};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::{deliveries, fetching, policies};
use crate::{
    Ctx, Result,
    configurations::{FETCH, FETCH_HEAD},
    connected_repositories::{self, CONNECTED, DELIVERY, HOOK, UNHOOK},
    policy_sets::{CONNECTED_SET, FETCH_POLICIES},
    tasks,
};

/// Over all repositories.
const AT_ONCE: usize = 16;
/// What a provider refused is asked for about a day long.
const TRIES: i64 = 30;
const KINDS: [&str; 8] =
    [HOOK, DELIVERY, CONNECTED, CONNECTED_SET, FETCH_HEAD, FETCH, FETCH_POLICIES, UNHOOK];
/// How often a task under way says that it is; longer than a claim lasts it is not silent.
const SIGN: Duration = Duration::from_secs(30);
const SIGN_SECONDS: i64 = 120;

/// What has become of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Done,
    /// Somebody else has the repository; the task comes again soon.
    Later,
    /// Tried again, with growing pauses.
    Failed(String),
}

impl From<Result<(), String>> for Became {
    fn from(outcome: Result<(), String>) -> Self {
        outcome.map_or_else(Self::Failed, |()| Self::Done)
    }
}

/// The tasks that this server is at.
#[derive(Debug, Default)]
pub struct Work {
    under_way: JoinSet<TaskId>,
    known: HashSet<TaskId>,
}

impl Work {
    /// Begins what is due and can begin.
    pub async fn begin(&mut self, cx: &Ctx) -> Result<()> {
        while let Some(done) = self.under_way.try_join_next() {
            match done {
                Ok(id) => drop(self.known.remove(&id)),
                // Which one broke down is not known; its task comes again by itself.
                Err(_) => self.known.clear(),
            }
        }
        for kind in KINDS {
            if self.under_way.len() >= AT_ONCE {
                return Ok(());
            }
            for task in tasks::claim(cx, kind).await? {
                if !self.known.insert(task.id.clone()) {
                    continue;
                }
                let cx = cx.clone();
                self.under_way.spawn(async move {
                    let handled = Box::pin(handle(&cx, &task)).await;
                    cx.troubles().settle("repositories", task.id.as_str(), handled, cx.now());
                    task.id
                });
            }
        }
        Ok(())
    }
}

/// Does what is due, one after the other, and waits until it was done.
pub async fn work(cx: &Ctx) -> Result<()> {
    for kind in KINDS {
        for task in tasks::claim(cx, kind).await? {
            Box::pin(handle(cx, &task)).await?;
        }
    }
    Ok(())
}

async fn handle(cx: &Ctx, task: &task::Model) -> Result<()> {
    let done = tokio::select! {
        done = Box::pin(do_it(cx, task)) => done,
        never = signs(cx, task) => match never {},
    };
    match done {
        Became::Later => tasks::put_off(cx, task, 1).await,
        Became::Done => tasks::settle(cx, task, Ok::<_, String>(()), None).await,
        Became::Failed(why) => tasks::settle(cx, task, Err(why), Some(TRIES)).await,
    }
}

async fn signs(cx: &Ctx, task: &task::Model) -> Infallible {
    loop {
        tokio::time::sleep(SIGN).await;
        if let Err(error) = tasks::put_off(cx, task, SIGN_SECONDS).await {
            tracing::warn!(task = %task.id, "cannot say that it is under way: {}", error.chain());
        }
    }
}

async fn do_it(cx: &Ctx, task: &task::Model) -> Became {
    match task.kind.as_str() {
        DELIVERY => match read(task) {
            Ok(delivered) => Box::pin(deliveries::work_off(cx, &delivered)).await,
            Err(why) => Became::Failed(why),
        },
        FETCH => match read(task) {
            Ok(commit) => fetching::fetch(cx, &commit, task.attempts).await.into(),
            Err(why) => Became::Failed(why),
        },
        FETCH_HEAD => match read(task) {
            Ok(head) => fetching::fetch_head(cx, &head, task.attempts).await.into(),
            Err(why) => Became::Failed(why),
        },
        CONNECTED => match read(task) {
            Ok(workspace) => fetching::connected(cx, &workspace, &task.id).await.into(),
            Err(why) => Became::Failed(why),
        },
        CONNECTED_SET => match read(task) {
            Ok(set) => policies::connected(cx, &set, task.attempts).await.into(),
            Err(why) => Became::Failed(why),
        },
        FETCH_POLICIES => match read(task) {
            Ok(version) => policies::fetch(cx, &version, task.attempts).await.into(),
            Err(why) => Became::Failed(why),
        },
        HOOK => match read(task) {
            Ok(id) => connected_repositories::set_up(cx, &id).await.into(),
            Err(why) => Became::Failed(why),
        },
        _ => match read(task) {
            Ok(left) => connected_repositories::take_down(cx, &left).await.into(),
            Err(why) => Became::Failed(why),
        },
    }
}

fn read<T: DeserializeOwned>(task: &task::Model) -> Result<T, String> {
    serde_json::from_value(task.payload.0.clone()).map_err(|error| error.to_string())
}
