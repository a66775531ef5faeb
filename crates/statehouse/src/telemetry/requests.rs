//! Each request gets an id, one line in the log, and an answer even if its handler panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use entrance::REQUEST_ID;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::Instrument;

use super::{metrics, redact};

/// Must be laid over the routes, not around the router: only there is the route known.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let id = id.to_str().unwrap_or_default().to_owned();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned());
    let path = redact::path(request.uri().path(), route.as_deref());
    let route = route.unwrap_or_else(|| "-".to_owned());

    let span = tracing::info_span!(
        "request",
        otel.name = %format!("{method} {route}"),
        otel.kind = "server",
        id,
        %method,
        route,
        status = tracing::field::Empty,
    );
    let answer = AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|panic| panicked(&*panic, &id));
    let status = response.status().as_u16();
    span.record("status", status);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }

    let elapsed = started.elapsed();
    let verb = known(&method);
    let labels = [("method", verb.to_owned()), ("route", route.clone())];
    ::metrics::histogram!(metrics::REQUEST_SECONDS, &labels).record(elapsed);
    ::metrics::counter!(
        metrics::REQUESTS,
        "method" => verb, "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    let ms = (elapsed.as_secs_f64() * 10_000.0).round() / 10.0;
    // Outside the span, whose fields would stand in the line a second time.
    if status < 400 && is_routine(&route) {
        tracing::debug!(parent: None, %method, path, status, ms, id, "request");
    } else {
        tracing::info!(parent: None, %method, path, status, ms, id, "request");
    }
    response
}

/// Of the methods that anything here answers: callers can make up others without end, and each would be kept.
fn known(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// What machines ask every few seconds, all day long: a line for each would hide the others. Refusals are never routine.
fn is_routine(route: &str) -> bool {
    matches!(
        route,
        "/agent/v1/jobs/claim"
            | "/agent/v1/jobs/{job_id}/heartbeat"
            | "/agent/v1/jobs/{job_id}/log"
            | "/_health_check"
            | "/api/v2/ping"
            | "/metrics"
    )
}

/// The client's own id if it is harmless in a log, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        (1..=128).contains(&value.len())
            && value.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    headers.get(REQUEST_ID).filter(harmless).cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&format!("{:032x}", rand::random::<u128>()))
            .expect("hexadecimal digits are a header value")
    })
}

fn panicked(panic: &(dyn Any + Send), id: &str) -> Response {
    let why = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(id, why, "a handler panicked [{id}]: {why}");
    let body = serde_json::json!({"errors": [{
        "status": "500",
        "title": "internal server error",
        "detail": format!("The server failed to answer. Its log says why, at request {id}."),
    }]});
    let content_type = [(header::CONTENT_TYPE, "application/vnd.api+json")];
    (StatusCode::INTERNAL_SERVER_ERROR, content_type, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    async fn broken() {
        panic!("a bug");
    }

    fn house() -> Router {
        Router::new()
            .route("/fine", get(|| async {}))
            .route("/_health_check", get(|| async {}))
            .route("/api/v2/ping", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/broken", get(broken))
            .layer(axum::middleware::from_fn(observe))
    }

    async fn answer(given: Option<&str>, path: &str) -> Response {
        let mut request = Request::get(path);
        if let Some(id) = given {
            request = request.header(REQUEST_ID, id);
        }
        house().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn id(response: &Response) -> &str {
        response.headers()[REQUEST_ID].to_str().unwrap()
    }

    #[tokio::test]
    async fn a_request_keeps_its_own_id_if_it_is_harmless() {
        assert_eq!(id(&answer(Some("abc-1.2"), "/fine").await), "abc-1.2");
        assert_eq!(id(&answer(Some("forged \" line"), "/fine").await).len(), 32);
        assert_eq!(id(&answer(Some(&"a".repeat(129)), "/fine").await).len(), 32);
        assert_eq!(id(&answer(None, "/fine").await).len(), 32);
    }

    #[tokio::test]
    async fn an_address_that_nobody_knows_is_observed_too() {
        let response = answer(None, "/nowhere").await;
        assert_eq!((response.status(), id(&response).len()), (StatusCode::NOT_FOUND, 32));
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error_document_with_the_requests_id() {
        let response = answer(Some("abc"), "/broken").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.api+json");
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["status"], "500");
        assert!(body["errors"][0]["detail"].as_str().unwrap().contains("request abc"));
        assert!(!body.to_string().contains("a bug"));
    }

    /// What is logged, in memory.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_request_is_one_line_that_says_each_thing_once() {
        let lines = Lines::default();
        let to = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_writer(move || to.clone())
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .finish();
        let guard = tracing::subscriber::set_default(log);
        answer(Some("abc"), "/fine").await;
        // Asked all day long.
        answer(Some("quiet"), "/_health_check").await;
        // A refusal is never routine.
        answer(Some("refused"), "/api/v2/ping").await;
        drop(guard);
        let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let line = said.lines().find(|line| line.contains("abc")).unwrap();
        for part in ["/fine", "GET", "200", "abc"] {
            assert_eq!(line.matches(part).count(), 1, "{part}: {line}");
        }
        assert!(!said.contains("quiet") && said.contains("refused"), "{said}");
        assert_eq!(said.lines().count(), 2, "{said}");
    }

    #[tokio::test]
    async fn methods_that_callers_make_up_are_counted_together() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let counted = recorder.handle();
        let guard = ::metrics::set_default_local_recorder(&recorder);
        for method in ["BREW", "X-1", "X-2", "get", "GET"] {
            let request = Request::builder().method(method).uri("/fine").body(Body::empty());
            house().oneshot(request.unwrap()).await.unwrap();
        }
        drop(guard);
        let said = counted.render();
        assert!(said.contains("method=\"GET\"") && said.contains("method=\"other\""), "{said}");
        for made_up in ["BREW", "X-1", "X-2", "\"get\""] {
            assert!(!said.contains(made_up), "{said}");
        }
    }
}
