//! Closing ourselves in, for work that reaches nothing: it hears by standard input and tells by standard output.

use crate::{Limits, calls, fence, privileges};

/// Takes from this process what only other work needs, for ever: files, the network, other programs. To be called
/// before there is a second thread.
///
/// Layers that this machine does not have are left out: what is worked on cannot ask for any of it by itself.
///
/// # Errors
/// If it cannot be kept to its limits.
pub fn only_compute(limits: &Limits) -> anyhow::Result<()> {
    limits.set()?;
    privileges::give_up(true)?;
    let _ = fence::Rules::nothing().close();
    let _ = calls::refuse_ways_out();
    Ok(())
}
