//! Figures for Prometheus.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http::HeaderMap};
use http::{StatusCode, header};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub const REQUESTS: &str = "statehouse_http_requests_total";
pub const REQUEST_SECONDS: &str = "statehouse_http_request_duration_seconds";

/// From a read served out of memory to a long poll.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// What a proxy adds to a request: with one of these the peer is not the client.
const FORWARDED: &[&str] =
    &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Starts counting. Once per process.
pub fn start() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .install_recorder()
        .context("starting metrics")?;
    metrics::describe_counter!(REQUESTS, "Requests answered, by method, route and status.");
    metrics::describe_histogram!(
        REQUEST_SECONDS,
        metrics::Unit::Seconds,
        "Time until the head of the answer, by method and route."
    );
    Ok(handle)
}

/// Histograms collect samples until somebody reads them; nobody may ever ask, so we do.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut tick = tokio::time::interval(Duration::from_secs(10));
    loop {
        tick.tick().await;
        handle.run_upkeep();
    }
}

/// `/metrics` for whoever reaches a listener of its own.
pub fn open(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(render)).with_state(handle)
}

/// `/metrics` on the main listener: only for this machine, and not through a proxy on it.
pub fn local(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(render_locally)).with_state(handle)
}

async fn render(State(handle): State<PrometheusHandle>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

async fn render_locally(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    handle: State<PrometheusHandle>,
) -> Response {
    if peer.ip().to_canonical().is_loopback() && !FORWARDED.iter().any(|h| headers.contains_key(*h))
    {
        render(handle).await
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

    async fn asked_by(peer: [u8; 4], header: Option<&str>) -> StatusCode {
        let handle = PrometheusBuilder::new().build_recorder().handle();
        let mut request = Request::get("/metrics");
        if let Some(name) = header {
            request = request.header(name, "203.0.113.9");
        }
        local(handle)
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
        assert_eq!(asked_by([127, 0, 0, 1], Some("x-forwarded-for")).await, StatusCode::NOT_FOUND);
    }
}
