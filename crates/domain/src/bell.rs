//! The bell that rings after commits, here and at the other servers, so that nobody has to wait for the next look. A
//! hint, never the truth.

use std::time::Duration;

use tokio::sync::watch;

use crate::{App, Happened, parts::READERS};

/// What somebody may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Some run may go on.
    Queue,
    /// A job may be claimable.
    Jobs,
    /// Something happened that is read by somebody.
    Events,
    /// Something was left for later.
    Tasks,
    /// Something that pages show as it happens.
    Pages,
}

impl Topic {
    const ALL: [Self; 5] = [Self::Queue, Self::Jobs, Self::Events, Self::Tasks, Self::Pages];

    /// As servers name it to each other.
    fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Jobs => "jobs",
            Self::Events => "events",
            Self::Tasks => "tasks",
            Self::Pages => "pages",
        }
    }

    fn concerns(self, happened: Happened) -> bool {
        match self {
            Self::Queue => lets_runs_go_on(happened),
            Self::Jobs => matches!(
                happened,
                Happened::RunPlanQueued
                    | Happened::RunApplyQueued
                    | Happened::AssessmentQueued
                    | Happened::JobHandedOutAgain
            ),
            Self::Events => READERS.iter().any(|it| !it.is_patient && (it.wants)(happened)),
            Self::Tasks => false,
            Self::Pages => is_shown_live(happened),
        }
    }
}

/// What the page of a run tells of.
fn is_shown_live(happened: Happened) -> bool {
    use Happened as H;
    lets_runs_go_on(happened)
        || matches!(
            happened,
            H::RunCancelRequested
                | H::RunChangedTaskEnforcements
                | H::RunCommented
                | H::RunPoliciesOverridden
                | H::WorkspaceLocked
        )
}

fn lets_runs_go_on(happened: Happened) -> bool {
    use Happened as H;
    happened.status().is_some()
        || matches!(
            happened,
            H::AgentPoolCreated
                | H::AgentPoolUpdated
                | H::AgentRegistered
                | H::ConfigurationErrored
                | H::ConfigurationUploaded
                | H::FreezeDeleted
                | H::FreezeUpdated
                | H::OrganizationUpdated
                | H::ProjectUpdated
                | H::RunApplyPutBack
                | H::RunCreated
                | H::RunFreezeBroken
                | H::ToolVersionCreated
                | H::ToolVersionUpdated
                | H::WorkspaceDeleted
                | H::WorkspaceForceUnlocked
                | H::WorkspaceMoved
                | H::WorkspaceUnlocked
                | H::WorkspaceUpdated
        )
}

/// Some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topics([bool; Topic::ALL.len()]);

impl Topics {
    const EVERYTHING: Self = Self([true; Topic::ALL.len()]);

    pub fn add(&mut self, topic: Topic) {
        self.0[topic as usize] = true;
    }

    /// All that an event concerns.
    pub fn add_of(&mut self, happened: Happened) {
        for topic in Topic::ALL.into_iter().filter(|topic| topic.concerns(happened)) {
            self.add(topic);
        }
    }

    fn join(&mut self, other: Self) {
        other.iter().for_each(|topic| self.add(topic));
    }

    fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.0[*topic as usize])
    }

    fn is_empty(self) -> bool {
        self == Self::default()
    }
}

#[derive(Debug, Default)]
pub struct Bell {
    /// How often it has rung for each topic.
    rings: [watch::Sender<u64>; Topic::ALL.len()],
    /// What the other servers have not been told yet.
    untold: watch::Sender<Topics>,
}

/// Somebody who misses no ring, even while busy; nobody can take it from them.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Listener {
    /// Until the bell has rung since the last time, or the time is up.
    pub async fn wait(&mut self, at_most: Duration) {
        drop(tokio::time::timeout(at_most, self.0.changed()).await);
    }
}

impl Bell {
    /// Something was committed here.
    pub(crate) fn ring(&self, topics: Topics) {
        if !topics.is_empty() {
            self.ring_here(topics);
            self.untold.send_modify(|untold| untold.join(topics));
        }
    }

    fn ring_here(&self, topics: Topics) {
        for topic in topics.iter() {
            self.rings[topic as usize].send_modify(|rings| *rings = rings.wrapping_add(1));
        }
    }

    /// A listener made before looking for something hears of what comes in between.
    pub fn listen(&self, topic: Topic) -> Listener {
        Listener(self.rings[topic as usize].subscribe())
    }
}

/// Tells the other servers on this database when the bell rings, and rings it when they do. Never ends.
pub async fn with_others(app: &App) {
    tokio::join!(tell(app), hear(app));
}

async fn tell(app: &App) {
    let mut rung = app.bell().untold.subscribe();
    loop {
        let mut topics = Topics::default();
        app.bell().untold.send_if_modified(|untold| {
            topics = std::mem::take(untold);
            false
        });
        if topics.is_empty() {
            // The bell goes with the server.
            drop(rung.changed().await);
            continue;
        }
        if app.db().is_postgres() {
            let words: Vec<_> = topics.iter().map(Topic::word).collect();
            let said = app.db().hint(&format!("{} {}", app.server(), words.join(" "))).await;
            if let Err(error) = said {
                tracing::debug!("the other servers were not told: {error}");
            }
        }
    }
}

async fn hear(app: &App) {
    let mut hints = app.db().hints();
    loop {
        let said = hints.next().await;
        app.bell().ring_here(match &said {
            Some(said) => topics_in(said, app.server().as_str()),
            None => Topics::EVERYTHING,
        });
    }
}

/// What another server has said; words of a newer one may be unknown.
fn topics_in(said: &str, own: &str) -> Topics {
    let mut topics = Topics::default();
    let mut words = said.split(' ');
    if words.next().is_some_and(|server| server != own) {
        for word in words {
            Topic::ALL
                .into_iter()
                .filter(|topic| topic.word() == word)
                .for_each(|it| topics.add(it));
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn topics(all: &[Topic]) -> Topics {
        let mut topics = Topics::default();
        for topic in all {
            topics.add(*topic);
        }
        topics
    }

    #[test]
    fn everybody_hears_a_ring_that_came_while_he_was_busy() {
        let bell = Bell::default();
        let (mut one, mut two) = (bell.listen(Topic::Queue), bell.listen(Topic::Queue));
        assert!(one.0.changed().now_or_never().is_none());
        bell.ring(topics(&[Topic::Queue]));
        bell.ring(topics(&[Topic::Queue]));
        assert!(one.0.changed().now_or_never().is_some());
        assert!(one.0.changed().now_or_never().is_none());
        assert!(two.0.changed().now_or_never().is_some());
    }

    #[test]
    fn nobody_is_woken_by_what_is_for_others() {
        let bell = Bell::default();
        let mut queue = bell.listen(Topic::Queue);
        bell.ring(topics(&[Topic::Jobs, Topic::Tasks]));
        assert!(queue.0.changed().now_or_never().is_none());
    }

    #[test]
    fn servers_understand_each_other_and_do_not_listen_to_themselves() {
        let said = "server-1 queue jobs colours";
        assert_eq!(topics_in(said, "server-2"), topics(&[Topic::Queue, Topic::Jobs]));
        assert!(topics_in(said, "server-1").is_empty());
        assert!(topics_in("", "server-1").is_empty());
    }

    #[test]
    fn a_run_that_moves_wakes_the_queue_and_a_variable_wakes_nobody() {
        let woken = |happened| {
            let mut topics = Topics::default();
            topics.add_of(happened);
            topics
        };
        // Statuses of commits and pages follow each step.
        let queued = [Topic::Queue, Topic::Jobs, Topic::Events, Topic::Pages];
        assert_eq!(woken(Happened::RunPlanQueued), topics(&queued));
        let applied = [Topic::Queue, Topic::Events, Topic::Pages];
        assert_eq!(woken(Happened::RunApplied), topics(&applied));
        assert!(woken(Happened::VariableUpdated).is_empty());
    }
}
