//! How slowly a body may come: by the time that we have waited for it, and what has come meanwhile.

use std::time::Duration;

/// A body may rest for so long.
const REST: Duration = Duration::from_secs(30);
/// So long may be waited for a body altogether, whatever comes of it.
const GRACE: Duration = Duration::from_mins(1);
/// Beyond that, so many bytes must have come for each second of waiting.
const BYTES_A_SECOND: u64 = 4 << 10;

#[derive(Debug, Default)]
pub struct Pace {
    came: u64,
    waited: Duration,
}

impl Pace {
    /// How long may be waited for what comes next.
    pub fn patience(&self) -> Duration {
        let earned = Duration::from_secs(self.came / BYTES_A_SECOND);
        (GRACE + earned).saturating_sub(self.waited).min(REST)
    }

    /// Only time in which we were ready to read counts: our own slowness is nobody's fault.
    pub fn came(&mut self, bytes: u64, after: Duration) {
        self.came = self.came.saturating_add(bytes);
        self.waited = self.waited.saturating_add(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_now_and_then_gains_no_time() {
        let mut pace = Pace::default();
        for _ in 0..4 {
            assert!(!pace.patience().is_zero());
            pace.came(1, Duration::from_secs(15));
        }
        assert!(pace.patience().is_zero());
    }

    #[test]
    fn a_large_body_on_a_slow_line_passes() {
        let mut pace = Pace::default();
        for _ in 0..(100 << 20) / BYTES_A_SECOND {
            pace.came(BYTES_A_SECOND, Duration::from_secs(1));
            assert_eq!(pace.patience(), REST);
        }
    }
}
