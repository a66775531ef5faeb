//! How far a job has come, and how long each step of it took: a line of the log for whoever asks where the time went.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What an agent does for a job, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Telling the server, and getting what the job needs.
    Fetch,
    /// Making the configuration ready.
    Settle,
    Init,
    /// The plan or the apply itself.
    Engine,
    /// Bringing to the server what must not be lost.
    Keep,
    Log,
    Outcome,
    /// What shows what the engine has made; before the outcome, where the run waits for it.
    Documents,
    Finish,
}

impl Step {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Settle => "settle",
            Self::Init => "init",
            Self::Engine => "engine",
            Self::Keep => "keep",
            Self::Log => "log",
            Self::Outcome => "outcome",
            Self::Documents => "documents",
            Self::Finish => "finish",
        }
    }
}

/// The steps of one job, each of which ends when the next begins.
pub(crate) struct Steps(Mutex<Vec<(Step, Instant)>>);

impl Steps {
    pub fn starting_with(first: Step) -> Self {
        Self(Mutex::new(vec![(first, Instant::now())]))
    }

    pub fn begin(&self, step: Step) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((step, Instant::now()));
    }

    fn durations(&self) -> Vec<(Step, Duration)> {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        begun.push((Step::Finish, Instant::now()));
        begun.windows(2).map(|pair| (pair[0].0, pair[1].1.duration_since(pair[0].1))).collect()
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (step, took) in self.durations() {
            write!(f, "{gap}{} {} ms", step.as_str(), took.as_millis())?;
            gap = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_ends_when_the_next_begins() {
        let steps = Steps::starting_with(Step::Fetch);
        steps.begin(Step::Init);
        let names: Vec<_> = steps.durations().iter().map(|(step, _)| *step).collect();
        assert_eq!(names, [Step::Fetch, Step::Init]);
        let said = steps.to_string();
        assert!(said.starts_with("fetch ") && said.contains(" ms, init "), "{said}");
    }
}
