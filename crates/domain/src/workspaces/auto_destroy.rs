//! Scheduled destruction: at a given time, or when the state has not changed for a while (Workspaces reference).

use db::entity::workspace::AutoDestroy;

use crate::{Error, Result, Timestamp, row::Workspace};

/// How runs that nobody asked for at that moment name their reason.
pub(crate) const REASON: &str = "auto_destroy";
/// The last second of the year 9999.
const LATEST: Timestamp = Timestamp(253_402_300_799_000);

/// Seconds in a duration such as `14d` or `8h`.
///
/// # Errors
/// Invalid for anything but one to four digits, not all of them 0, and a unit.
pub(crate) fn seconds(attribute: &'static str, text: &str) -> Result<i64> {
    let wrong = || {
        Error::invalid(
            attribute,
            "has an incorrect format, we expect up to 4 numeric digits and 1 unit ('d' or 'h')",
        )
    };
    let digits = text.strip_suffix(['d', 'h']).ok_or_else(wrong)?;
    if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    match digits.parse::<i64>() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(number) if text.ends_with('d') => Ok(number * 24 * 60 * 60),
        Ok(number) => Ok(number * 60 * 60),
    }
}

/// The time of destruction, if nothing happens from now on.
pub(crate) fn after(duration: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let seconds = seconds("auto-destroy-activity-duration", duration?).ok()?;
    Some(now.plus_seconds(seconds))
}

/// Uses up the time, in the transaction that queues the destroy run; says whether it still stood.
pub(crate) fn begin(workspace: &mut Workspace, at: Timestamp) -> bool {
    let stands = workspace.auto_destroy_at == Some(at);
    if stands {
        workspace.auto_destroy_at = None;
        workspace.auto_destroy_status = Some(AutoDestroy::Queued);
    }
    stands
}

/// Refuses a time that would destroy at once, or that no calendar shows. The time that stands already may be sent
/// again.
///
/// # Errors
/// Invalid for anything but a future time of a year with four digits.
pub(crate) fn check(at: Timestamp, current: Option<Timestamp>, now: Timestamp) -> Result<()> {
    if current == Some(at) {
        return Ok(());
    }
    if at <= now {
        return Err(Error::invalid(
            "auto-destroy-at",
            format!("must be in the future: it is {} now", now.iso8601()),
        ));
    }
    if at > LATEST {
        return Err(Error::invalid("auto-destroy-at", "must be before the year 10000"));
    }
    Ok(())
}

/// Gives the workspace another time, or none. Reminders of what would be over already are not due.
pub(crate) fn schedule(workspace: &mut Workspace, at: Option<Timestamp>, now: Timestamp) {
    workspace.auto_destroy_at = at;
    workspace.auto_destroy_reminded_at = Some(now);
}

/// The state has changed: the time begins anew, unless it `is_empty` and nothing is left to destroy.
pub(crate) fn note_activity(workspace: &mut Workspace, is_empty: bool, now: Timestamp) {
    let queued = workspace.auto_destroy_status == Some(AutoDestroy::Queued);
    if !is_empty {
        if !queued {
            workspace.auto_destroy_status = None;
        }
    } else if queued {
        workspace.auto_destroy_status = Some(AutoDestroy::Destroyed);
    }
    if let Some(duration) = workspace.auto_destroy_activity_duration.as_deref() {
        let at = after(Some(duration), now).filter(|_| !is_empty);
        schedule(workspace, at, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_days_or_hours() {
        assert_eq!(seconds("x", "14d").unwrap(), 14 * 86_400);
        assert_eq!(seconds("x", "9999h").unwrap(), 9_999 * 3_600);
        for wrong in ["", "d", "0d", "00h", "14", "14m", "12345d", "-1d", "+1d", "1.5d"] {
            assert!(seconds("x", wrong).is_err(), "{wrong}");
        }
    }
}
