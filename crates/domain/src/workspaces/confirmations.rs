//! How many people have to confirm the runs of a workspace, and whether they may do so for themselves.

use crate::{Error, Result, row::Workspace};

/// People.
const LIMIT: i64 = 20;

/// What a workspace asks for.
#[derive(Clone, Copy, Debug)]
pub struct ConfirmationRule {
    /// People.
    pub required: usize,
    /// One of them must be another than who has queued the run.
    pub by_others: bool,
}

impl ConfirmationRule {
    /// Said of what would apply by itself.
    pub(crate) const NOT_BY_ITSELF: &str = "cannot be switched on where several people, or others than who has queued \
        a run, have to confirm it";

    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self {
            required: usize::try_from(workspace.confirmations_required).unwrap_or(usize::MAX),
            by_others: workspace.confirmed_by_others,
        }
    }

    /// Whether anything but the next yes is needed.
    pub(crate) fn is_strict(self) -> bool {
        self.required > 1 || self.by_others
    }
}

/// What applies by itself is confirmed by nobody.
///
/// # Errors
/// Invalid where both are wanted.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    if !(1..=LIMIT).contains(&workspace.confirmations_required) {
        let why = format!("must be a whole number from 1 to {LIMIT}");
        return Err(Error::invalid("confirmations-required", why));
    }
    if !ConfirmationRule::of(workspace).is_strict() {
        return Ok(());
    }
    for (attribute, is_on) in [
        ("auto-apply", workspace.auto_apply),
        ("auto-apply-run-trigger", workspace.auto_apply_run_trigger),
    ] {
        if is_on {
            return Err(Error::invalid(attribute, ConfirmationRule::NOT_BY_ITSELF));
        }
    }
    Ok(())
}
