//! How fast the server is there, and what it takes while nothing happens.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::Sizes;
use super::load::Latencies;
use super::report::{Report, megabytes, millis};
use super::server::Launch;

/// Starts on fresh data, then again and again on the same.
pub async fn measure(
    report: &mut Report,
    program: &Path,
    engine: &Path,
    sizes: &Sizes,
) -> Result<()> {
    let (mut first, mut later, mut rest) = (Vec::new(), Vec::new(), 0);
    let launch = Launch::of(program).executing(engine);
    for _ in 0..sizes.starts {
        let server = launch.start().await?;
        first.push(server.cold_start);
        let data = server.data.clone();
        drop(server);
        let server = launch.clone().again(data).start().await?;
        later.push(server.cold_start);
        if later.len() == sizes.starts {
            tokio::time::sleep(Duration::from_secs(5)).await;
            rest = server.memory()?;
        }
    }
    let (first, later) =
        (Latencies::new(first)?.percentile(50), Latencies::new(later)?.percentile(50));
    report.add(
        "cold start on an empty data folder, to the first answer (median)",
        &millis(first),
        "≤ 300 ms",
    );
    report.add("cold start on existing data (median)", &millis(later), "≤ 300 ms");
    report.add("memory at rest, 5 s after the start", &megabytes(rest), "≤ 40 MB");
    Ok(())
}
