//! How slowly a body may come or go: by the time that we have waited for the client, and what has moved meanwhile.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;

#[derive(Debug)]
pub struct Pace {
    rest: Duration,
    grace: Duration,
    bytes_a_second: u64,
    moved: u64,
    waited: Duration,
}

impl Pace {
    /// Of a request's body.
    pub fn coming(limits: Limits) -> Self {
        Self::with(limits.coming, limits)
    }

    /// Of an answer's.
    pub fn going(limits: Limits) -> Self {
        Self::with(limits.going, limits)
    }

    fn with(rest: Duration, Limits { grace, bytes_a_second, .. }: Limits) -> Self {
        Self { rest, grace, bytes_a_second, moved: 0, waited: Duration::ZERO }
    }

    fn earned(&self) -> Duration {
        Duration::from_secs(self.moved / self.bytes_a_second)
    }

    /// Since when the client keeps us waiting, now that it is its turn: single bytes change little of it.
    pub fn waits_since(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.waited.saturating_sub(self.earned())).unwrap_or(now)
    }

    /// How long may be waited for what moves next.
    pub fn patience(&self) -> Duration {
        (self.grace + self.earned()).saturating_sub(self.waited).min(self.rest)
    }

    /// Only time in which it was the client's turn counts: our own slowness is nobody's fault.
    pub fn moved(&mut self, bytes: u64, after: Duration) {
        self.moved = self.moved.saturating_add(bytes);
        self.waited = self.waited.saturating_add(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_now_and_then_gains_no_time() {
        let mut pace = Pace::coming(Limits::default());
        for _ in 0..4 {
            assert!(!pace.patience().is_zero());
            pace.moved(1, Duration::from_secs(15));
        }
        assert!(pace.patience().is_zero());
    }

    #[test]
    fn a_large_body_on_a_slow_line_passes_either_way() {
        let limits = Limits::default();
        for (mut pace, rest) in
            [(Pace::coming(limits), limits.coming), (Pace::going(limits), limits.grace)]
        {
            for _ in 0..(100 << 20) / limits.bytes_a_second {
                pace.moved(limits.bytes_a_second, Duration::from_secs(1));
                assert_eq!(pace.patience(), rest);
            }
        }
    }
}
