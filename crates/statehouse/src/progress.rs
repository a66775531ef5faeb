//! How far a long command is, on standard error: one line that changes on a terminal, else a line now and then.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::backup::{Progress, Step};

/// Something that is told of steps.
pub fn shown() -> Arc<Progress> {
    let terminal = std::io::stderr().is_terminal();
    let every = Duration::from_millis(if terminal { 200 } else { 10_000 });
    let last = Mutex::new(Instant::now());
    Arc::new(move |step: Step| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < every {
            return;
        }
        *last = Instant::now();
        let bytes = if step.bytes > 0 { format!(", {}", size(step.bytes)) } else { String::new() };
        let line = format!("{} {}{bytes}", step.done, step.what);
        let mut stderr = std::io::stderr().lock();
        // Who does not listen need not be told.
        if terminal {
            write!(stderr, "\r\x1b[K{line}\r").ok();
        } else {
            writeln!(stderr, "{line}").ok();
        }
    })
}

/// Bytes, for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut left, mut rest, mut unit) = (bytes, 0, "bytes");
    for larger in UNITS {
        if left < 1000 {
            break;
        }
        (left, rest, unit) = (left / 1000, left % 1000 / 100, larger);
    }
    if unit == "bytes" { format!("{left} {unit}") } else { format!("{left}.{rest} {unit}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_for_people() {
        let sizes = [0, 999, 1000, 1_550_000, 7_000_000_000_000].map(super::size);
        assert_eq!(sizes, ["0 bytes", "999 bytes", "1.0 kB", "1.5 MB", "7.0 TB"]);
    }
}
