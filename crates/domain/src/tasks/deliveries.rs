//! Messages to the outside, sent without waiting for anybody: each goes its own way, and a recipient who takes his time
//! has only so many of them under way.

use std::collections::HashMap;

use db::entity::task;
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use super::{claim, put_off};
use crate::{Ctx, Result};

/// One kind of messages.
#[derive(Debug)]
pub(crate) struct Errand {
    /// Of the tasks that they are left as.
    pub kind: &'static str,
    /// Whom a task is for.
    pub recipient: fn(&task::Model) -> String,
    /// Sends it, and settles the task.
    pub handle: for<'a> fn(&'a Ctx, &'a task::Model) -> BoxFuture<'a, Result<()>>,
}

/// What is under way of one kind.
#[derive(Debug)]
pub struct Deliveries {
    errand: &'static Errand,
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
    pub(crate) fn of(errand: &'static Errand) -> Self {
        Self { errand, under_way: JoinSet::new(), by_recipient: HashMap::new() }
    }

    /// By which failures are reported.
    pub fn name(&self) -> &'static str {
        self.errand.kind
    }

    /// Begins what is due and can begin.
    pub async fn begin(&mut self, cx: &Ctx) -> Result<()> {
        self.collect();
        if self.under_way.len() >= AT_ONCE {
            return Ok(());
        }
        let errand = self.errand;
        for task in claim(cx, errand.kind).await? {
            let recipient = (errand.recipient)(&task);
            let busy = self.by_recipient.entry(recipient.clone()).or_default();
            if *busy >= AT_ONCE_EACH {
                put_off(cx, &task, PUT_OFF_SECONDS).await?;
                continue;
            }
            *busy += 1;
            let cx = cx.clone();
            self.under_way.spawn(async move {
                let handled = (errand.handle)(&cx, &task).await;
                cx.troubles().settle(errand.kind, task.id.as_str(), handled, cx.now());
                recipient
            });
        }
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

/// Sends what is due of one kind, and waits until it was.
pub(crate) async fn work(cx: &Ctx, errand: &Errand) -> Result<()> {
    let due = claim(cx, errand.kind).await?;
    let all = due.iter().map(|task| (errand.handle)(cx, task));
    futures::future::try_join_all(all).await?;
    Ok(())
}
