//! Figures for Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http::HeaderMap};
use crypto::{ExposeSecret, SecretString, constant_time_eq};
use http::{StatusCode, header};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::figures::{Names, Rows};

pub const REQUESTS: &str = "statehouse_http_requests_total";
pub const REQUEST_SECONDS: &str = "statehouse_http_request_duration_seconds";

const PHASES: &str = "statehouse_phase_duration_seconds";

const COUNTERS: &[(&str, &str)] = &[
    (REQUESTS, "Requests answered, by method, route and status."),
    ("statehouse_connections_refused_total", "Connections refused because all places were taken."),
    (
        "statehouse_connections_dismissed_total",
        "Connections closed because they kept the server waiting while all places were taken.",
    ),
    ("statehouse_run_transitions_total", "Runs that came into a status, by status."),
    ("statehouse_run_task_requests_total", "Questions to run tasks, by outcome."),
    ("statehouse_notifications_total", "Notifications sent, by kind and outcome."),
    ("statehouse_database_commits_total", "Transactions that keep something."),
    ("statehouse_background_work_total", "Turns of background work, by work and outcome."),
];
const GAUGES: &[(&str, &str)] = &[
    ("statehouse_build_info", "1, by the version that runs."),
    ("statehouse_connections_open", "Connections from clients that are open."),
];
const HISTOGRAMS: &[(&str, &str)] = &[
    (REQUEST_SECONDS, "Time until the head of the answer, by method and route."),
    (PHASES, "Time from start to end of plans and applies, by phase and status."),
    ("statehouse_database_wait_duration_seconds", "Waiting for a connection, by pool."),
    ("statehouse_database_statement_duration_seconds", "Statements in the database."),
    (
        "statehouse_blob_operation_duration_seconds",
        "Calls to the blob store, by operation and outcome.",
    ),
];

/// From a read served out of memory to a long poll.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// From a plan of nothing to an apply that takes all day.
const PHASE_SECONDS: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 7200.0, 28800.0];

/// What a proxy adds to a request: with one of these the peer is not the client.
const FORWARDED: &[&str] =
    &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Starts counting. Once per process.
pub fn start() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Full(PHASES.to_owned()), PHASE_SECONDS)?
        .install_recorder()
        .context("starting metrics")?;
    describe();
    Ok(handle)
}

fn describe() {
    for (name, help) in COUNTERS {
        metrics::describe_counter!(*name, *help);
    }
    for (name, help) in GAUGES {
        metrics::describe_gauge!(*name, *help);
    }
    for (name, help) in HISTOGRAMS {
        metrics::describe_histogram!(*name, metrics::Unit::Seconds, *help);
    }
    metrics::gauge!("statehouse_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    // What never happened is 0, and not unknown.
    metrics::counter!("statehouse_connections_refused_total").absolute(0);
    metrics::counter!("statehouse_connections_dismissed_total").absolute(0);
    metrics::gauge!("statehouse_connections_open").set(0);
}

/// Histograms collect samples until somebody reads them; nobody may ever ask, so we do.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut tick = tokio::time::interval(Duration::from_secs(10));
    loop {
        tick.tick().await;
        handle.run_upkeep();
    }
}

/// What `/metrics` is written from, and for whom.
#[derive(Clone, Debug)]
pub struct Source {
    counted: PrometheusHandle,
    rows: Option<Arc<Rows>>,
    token: Option<SecretString>,
}

impl Source {
    pub fn new(counted: PrometheusHandle, rows: Option<Rows>, token: Option<SecretString>) -> Self {
        Self { counted, rows: rows.map(Arc::new), token }
    }

    async fn render(&self, names: Names) -> Response {
        let mut text = self.counted.render();
        if let Some(rows) = &self.rows {
            text.push_str(&rows.render(names).await);
        }
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
    }

    /// Whether the right token was brought; `None` if there was none.
    fn knows(&self, headers: &HeaderMap) -> Option<bool> {
        let given = headers.get(header::AUTHORIZATION)?.as_bytes();
        let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
        let token = self.token.as_ref();
        Some(token.is_some_and(|token| constant_time_eq(given, token.expose_secret())))
    }
}

/// `/metrics` for whoever reaches a listener of its own.
pub fn open(source: Source) -> Router {
    Router::new().route("/metrics", get(render)).with_state(source)
}

/// `/metrics` on the main listener: for whoever brings the token, else only for this machine, and not through a proxy
/// on it.
pub fn local(source: Source) -> Router {
    Router::new().route("/metrics", get(render_locally)).with_state(source)
}

/// Without the token nobody learns names: runs, which are others' code, reach this listener as well.
async fn render(State(source): State<Source>, headers: HeaderMap) -> Response {
    match source.knows(&headers) {
        Some(true) => source.render(Names::Told).await,
        None => source.render(Names::Untold).await,
        Some(false) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn render_locally(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    source: State<Source>,
) -> Response {
    let is_local = peer.ip().to_canonical().is_loopback()
        && !FORWARDED.iter().any(|h| headers.contains_key(*h));
    if is_local || source.knows(&headers) == Some(true) {
        render(source, headers).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::extract::connect_info::MockConnectInfo;
    use http::Request;
    use tower::ServiceExt;

    const TOKEN: &str = "a-token-of-prometheus";

    fn source(token: Option<&str>) -> Source {
        let handle = PrometheusBuilder::new().build_recorder().handle();
        Source::new(handle, None, token.map(Into::into))
    }

    async fn asked_by(peer: [u8; 4], header: Option<(&str, &str)>) -> StatusCode {
        let mut request = Request::get("/metrics");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        local(source(Some(TOKEN)))
            .layer(MockConnectInfo(SocketAddr::from((peer, 4000))))
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
            .status()
    }

    #[tokio::test]
    async fn the_main_listener_shows_metrics_to_this_machine_only() {
        assert_eq!(asked_by([127, 0, 0, 1], None).await, StatusCode::OK);
        assert_eq!(asked_by([203, 0, 113, 9], None).await, StatusCode::NOT_FOUND);
        let forwarded = Some(("x-forwarded-for", "203.0.113.9"));
        assert_eq!(asked_by([127, 0, 0, 1], forwarded).await, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn whoever_brings_the_token_may_come_from_anywhere() {
        let right = format!("Bearer {TOKEN}");
        let right = Some(("authorization", right.as_str()));
        assert_eq!(asked_by([203, 0, 113, 9], right).await, StatusCode::OK);
        for wrong in ["Bearer wrong", "Bearer ", TOKEN] {
            let wrong = Some(("authorization", wrong));
            assert_eq!(asked_by([203, 0, 113, 9], wrong).await, StatusCode::NOT_FOUND);
            assert_eq!(asked_by([127, 0, 0, 1], wrong).await, StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn names_are_told_to_nobody_where_there_is_no_token() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(header::AUTHORIZATION, http::HeaderValue::from_static(value))])
        };
        assert_eq!(source(None).knows(&headers("Bearer ")), Some(false));
        assert_eq!(source(Some(TOKEN)).knows(&headers("Bearer a-token-of-prometheus")), Some(true));
        assert_eq!(source(Some(TOKEN)).knows(&HeaderMap::new()), None);
    }
}
