//! Moments and durations.

use domain::Timestamp;
use maud::{Markup, html};

/// In UTC, as text; with script, how long ago.
pub fn time(at: Timestamp) -> Markup {
    let exact = at.iso8601();
    let shown = chrono::DateTime::from_timestamp_millis(at.0)
        .map_or_else(|| exact.clone(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    html! { time datetime=(exact) title=(shown) data-ago { (shown) } }
}

/// `38 s`, `1 min 52 s`, `2 h 4 min`, `3 days`.
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let pair = |large: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{large} {unit}")
        } else {
            format!("{large} {unit} {small} {small_unit}")
        }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => pair(minutes, "min", seconds % 60, "s"),
        3_600..172_800 => pair(hours, "h", minutes % 60, "min"),
        _ => format!("{days} days"),
    }
}
