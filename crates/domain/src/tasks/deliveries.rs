//! Messages to the outside, sent without waiting for anybody: each goes its own way, and a recipient who takes his time
//! has only so many of them under way.

use std::{collections::HashMap, time::Duration};

use db::entity::task;
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::JoinSet;

use super::{back_off, claim, put_off, settle, settle_with};
use crate::{Ctx, Result, Tx};

/// A message to the outside, as it is left in its task.
pub(crate) trait Errand: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Of its tasks.
    const KIND: &'static str;
    /// After so many it is given up; never without a number.
    const TRIES: Option<i64>;

    /// What passes until the next try, by the number of tries before the last one.
    fn pause(tries: i64) -> Duration {
        back_off(tries)
    }

    /// Whom it is for; those for one recipient wait for each other.
    fn recipient(&self) -> String;

    /// Sends it, outside of any transaction. `tries` came before this one.
    fn run(self, cx: &Ctx, tries: i64) -> impl Future<Output = Result<Went>> + Send;
}

/// How an errand went.
#[derive(Debug)]
pub(crate) enum Went {
    /// There is nothing left to do.
    Done,
    /// Not now, for no fault of its own; in so many seconds.
    NotYet(i64),
    /// It is tried again.
    Refused(String),
}

/// Has it done once this transaction is committed.
pub(crate) async fn later<E: Errand>(tx: &Tx, errand: &E) -> Result<()> {
    tx.later(E::KIND, errand).await
}

fn read<E: Errand>(task: &task::Model) -> Option<E> {
    serde_json::from_value(task.payload.0.clone()).ok()
}

async fn handle<E: Errand>(cx: &Ctx, task: &task::Model) -> Result<()> {
    let Some(errand) = read::<E>(task) else {
        return settle(cx, task, Err("it cannot be read"), Some(1)).await;
    };
    match errand.run(cx, task.attempts).await? {
        Went::Done => settle(cx, task, Ok::<(), String>(()), None).await,
        Went::NotYet(seconds) => put_off(cx, task, seconds).await,
        Went::Refused(why) => settle_with(cx, task, Err(why), E::TRIES, E::pause).await,
    }
}

/// What is under way of one kind.
#[derive(Debug)]
pub struct Deliveries {
    kind: &'static str,
    recipient: fn(&task::Model) -> String,
    handle: for<'a> fn(&'a Ctx, &'a task::Model) -> BoxFuture<'a, Result<()>>,
    under_way: JoinSet<String>,
    by_recipient: HashMap<String, usize>,
}

/// For one recipient; the others wait, not for long.
const AT_ONCE_EACH: usize = 16;
/// Over all of them.
const AT_ONCE: usize = 256;
/// Seconds until somebody looks again at what waits for a recipient who is busy.
const PUT_OFF_SECONDS: i64 = 1;

impl Deliveries {
    pub(crate) fn of<E: Errand>() -> Self {
        Self {
            kind: E::KIND,
            recipient: |task| read::<E>(task).map(|errand| errand.recipient()).unwrap_or_default(),
            handle: |cx, task| Box::pin(handle::<E>(cx, task)),
            under_way: JoinSet::new(),
            by_recipient: HashMap::new(),
        }
    }

    /// By which failures are reported.
    pub fn name(&self) -> &'static str {
        self.kind
    }

    /// Begins what is due and can begin.
    pub async fn begin(&mut self, cx: &Ctx) -> Result<()> {
        self.collect();
        if self.under_way.len() >= AT_ONCE {
            return Ok(());
        }
        let (kind, handle) = (self.kind, self.handle);
        for task in claim(cx, kind).await? {
            let recipient = (self.recipient)(&task);
            let busy = self.by_recipient.entry(recipient.clone()).or_default();
            if *busy >= AT_ONCE_EACH {
                put_off(cx, &task, PUT_OFF_SECONDS).await?;
                continue;
            }
            *busy += 1;
            let cx = cx.clone();
            self.under_way.spawn(async move {
                let handled = handle(&cx, &task).await;
                cx.troubles().settle(kind, task.id.as_str(), handled, cx.now());
                recipient
            });
        }
        Ok(())
    }

    /// Does what is due, and waits until it is done.
    pub async fn finish(&self, cx: &Ctx) -> Result<()> {
        let due = claim(cx, self.kind).await?;
        futures::future::try_join_all(due.iter().map(|task| (self.handle)(cx, task))).await?;
        Ok(())
    }

    fn collect(&mut self) {
        while let Some(done) = self.under_way.try_join_next() {
            let Ok(recipient) = done else {
                // Which one broke down is not known any more; its task comes again by itself.
                self.by_recipient.clear();
                continue;
            };
            if let Some(busy) = self.by_recipient.get_mut(&recipient) {
                *busy = busy.saturating_sub(1);
                if *busy == 0 {
                    self.by_recipient.remove(&recipient);
                }
            }
        }
    }
}
