//! A moment, to the second and in UTC.

use domain::Timestamp;
use maud::{Markup, html};

pub fn time(at: Timestamp) -> Markup {
    let exact = at.iso8601();
    let shown = chrono::DateTime::from_timestamp_millis(at.0)
        .map_or_else(|| exact.clone(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    html! { time datetime=(exact) { (shown) } }
}
