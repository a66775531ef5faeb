//! What the server itself writes at the end of a log where no agent can: worth a try, and never a reason for a run to
//! stay as it is.

use std::time::Duration;

use crate::Result;

/// How long a store of blobs may take; it may be full or away for days.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what is said, as the end of a log is there before the end of its run is; then the run goes on whether it
/// could be said or not: the message of its phase says the same.
pub(crate) async fn or_pass_on(said: impl Future<Output = Result<()>>) {
    match tokio::time::timeout(PATIENCE, said).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a log has no end"),
        Err(_) => tracing::warn!("a log has no end: its store does not answer"),
    }
}
