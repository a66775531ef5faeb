//! Many requests at once, and how long each took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hyper::Method;
use tokio::task::JoinSet;

use super::client::Body;
use super::server::Server;

/// Keep-alive connections: enough to keep two cores busy, few enough to show latency.
pub const CONNECTIONS: usize = 8;

/// What a load did.
pub struct Load {
    pub a_second: f64,
    pub latencies: Latencies,
}

/// How long things took, in order.
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Sorts them. There must be at least one.
    pub fn new(mut all: Vec<Duration>) -> Result<Self> {
        if all.is_empty() {
            bail!("nothing was measured");
        }
        all.sort_unstable();
        Ok(Self(all))
    }

    /// The value that `percent` of all do not exceed (nearest rank).
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank - 1]
    }
}

/// Reads from the server as fast as it answers, for a while. `path` names the n-th request.
pub async fn reads(
    server: &Server,
    seconds: u64,
    path: impl Fn(usize) -> String + Clone + Send + 'static,
) -> Result<Load> {
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS {
        let (mut client, path) = (server.client().await?, path.clone());
        connections.spawn(async move {
            let (mut latencies, mut number) = (Vec::new(), first);
            while Instant::now() < end {
                let (path, sent) = (path(number), Instant::now());
                let (status, _) = client.send(Method::GET, &path, Body::Empty).await?;
                if !status.is_success() {
                    bail!("GET {path} answered {status}");
                }
                latencies.push(sent.elapsed());
                number += CONNECTIONS;
            }
            Ok(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(latencies) = connections.join_next().await {
        all.extend(latencies??);
    }
    let (count, seconds) = (u32::try_from(all.len())?, started.elapsed().as_secs_f64());
    Ok(Load { a_second: f64::from(count) / seconds, latencies: Latencies::new(all)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let millis = |n| Duration::from_millis(n);
        let all = Latencies::new((1..=200).rev().map(millis).collect()).unwrap();
        assert_eq!((all.percentile(50), all.percentile(99)), (millis(100), millis(198)));
        let one = Latencies::new(vec![millis(7)]).unwrap();
        assert_eq!((one.percentile(50), one.percentile(99)), (millis(7), millis(7)));
    }
}
