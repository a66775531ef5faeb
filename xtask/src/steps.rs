//! The steps of a chore: one line when each starts and ends, a table and a verdict at the end.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How many tests a step ran, as the test runners counted them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

enum Outcome {
    Passed(Option<Tally>),
    Failed(Option<Tally>, String),
    /// An earlier step did not give what this one needs: as bad as a failure.
    NotRun(String),
}

struct Done {
    name: String,
    outcome: Outcome,
    took: Duration,
}

impl Done {
    fn tally(&self) -> Option<Tally> {
        match self.outcome {
            Outcome::Passed(tally) | Outcome::Failed(tally, _) => tally,
            Outcome::NotRun(_) => None,
        }
    }

    fn passed(&self) -> bool {
        matches!(self.outcome, Outcome::Passed(_))
    }

    fn verdict(&self) -> String {
        let with = |word: &str, tally: Option<Tally>| match tally {
            Some(tally) => format!("{word}: {tally}"),
            None => word.to_owned(),
        };
        match &self.outcome {
            Outcome::Passed(tally) => with("ok", *tally),
            Outcome::Failed(tally, why) => format!("{} ({why})", with("FAILED", *tally)),
            Outcome::NotRun(why) => format!("NOT RUN ({why})"),
        }
    }
}

/// The steps so far. [`Steps::finish`] says how it went.
pub struct Steps {
    started: Instant,
    done: Vec<Done>,
    unshown: BTreeSet<String>,
}

impl Steps {
    pub fn new() -> Self {
        Self { started: Instant::now(), done: Vec::new(), unshown: BTreeSet::new() }
    }

    /// What this machine could not show, for the summary: neither a failure nor a silence.
    pub fn unshown(&mut self, what: impl Into<String>) {
        self.unshown.insert(what.into());
    }

    /// Runs a step that gives something to later ones; `None` when it failed.
    pub async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Option<T> {
        let (took, result) = self.timed(name, work).await;
        let (outcome, value) = match result {
            Ok(value) => (Outcome::Passed(None), Some(value)),
            Err(error) => (Outcome::Failed(None, format!("{error:#}")), None),
        };
        self.record(name, took, outcome);
        value
    }

    /// Runs a step of tests. One that ran no test has failed: somebody lost them.
    pub async fn tests(&mut self, name: &str, work: impl Future<Output = Result<Tally>>) {
        let (took, result) = self.timed(name, work).await;
        let outcome = match result {
            Ok(tally) if tally.failed > 0 => {
                Outcome::Failed(Some(tally), "see its output above".into())
            }
            Ok(tally) if tally.passed == 0 => Outcome::Failed(Some(tally), "ran no test".into()),
            Ok(tally) => Outcome::Passed(Some(tally)),
            Err(error) => Outcome::Failed(None, format!("{error:#}")),
        };
        self.record(name, took, outcome);
    }

    /// Records a step that could not start.
    pub fn not_run(&mut self, name: &str, why: &str) {
        self.record(name, Duration::ZERO, Outcome::NotRun(why.to_owned()));
    }

    async fn timed<T>(&self, name: &str, work: impl Future<Output = T>) -> (Duration, T) {
        println!("── {} · {name}", clock(self.started.elapsed()));
        let started = Instant::now();
        let result = work.await;
        (started.elapsed(), result)
    }

    fn record(&mut self, name: &str, took: Duration, outcome: Outcome) {
        let done = Done { name: name.to_owned(), outcome, took };
        let now = clock(self.started.elapsed());
        println!("── {now} · {name}: {} · {}", done.verdict(), clock(took));
        self.done.push(done);
    }

    /// Prints the table and the closing line; an error if any step did not pass.
    pub fn finish(self) -> Result<()> {
        let width = self.done.iter().map(|done| done.name.chars().count()).max().unwrap_or(0);
        println!("\n── {} · summary", clock(self.started.elapsed()));
        for done in &self.done {
            println!("{:width$}  {:>7}  {}", done.name, clock(done.took), done.verdict());
        }
        for what in &self.unshown {
            println!("not shown here: {what}");
        }
        println!();
        let bad = self.done.iter().filter(|done| !done.passed()).count();
        if let Some(total) = total(&self.done) {
            println!("{total}");
        }
        if bad > 0 {
            bail!("{bad} of {} steps did not pass", self.done.len());
        }
        Ok(())
    }
}

/// The sum of all counted tests; `None` when the chore has no tests.
fn total(done: &[Done]) -> Option<Tally> {
    done.iter().filter_map(Done::tally).reduce(|mut sum, tally| {
        sum += tally;
        sum
    })
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(outcomes: Vec<Outcome>) -> Steps {
        let mut steps = Steps::new();
        for outcome in outcomes {
            steps.record("a step", Duration::ZERO, outcome);
        }
        steps
    }

    #[test]
    fn a_step_that_could_not_run_fails_the_chore() {
        assert!(finished(vec![Outcome::Passed(None)]).finish().is_ok());
        let steps = finished(vec![Outcome::Passed(None), Outcome::NotRun("no engine".into())]);
        assert!(steps.finish().is_err());
    }

    #[tokio::test]
    async fn tests_that_ran_nothing_have_failed() {
        let mut steps = Steps::new();
        steps.tests("nothing", async { Ok(Tally::default()) }).await;
        assert!(steps.finish().is_err());
    }

    #[test]
    fn the_total_counts_every_step() {
        let tally = |passed, failed| Tally { passed, failed, skipped: 1 };
        let steps = finished(vec![
            Outcome::Passed(Some(tally(3, 0))),
            Outcome::Failed(Some(tally(1, 2)), "see above".into()),
            Outcome::NotRun("no engine".into()),
        ]);
        let total = total(&steps.done).unwrap();
        assert_eq!(total.to_string(), "4 passed, 2 failed, 2 skipped");
    }

    #[test]
    fn time_reads_as_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_millis(61_250)), "1:01.2");
    }
}
