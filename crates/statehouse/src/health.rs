//! `/_health_check`, as load balancers ask Terraform Enterprise.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::Mutex;

/// A check that takes longer has failed: who asks has a time limit too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Each check writes, and anybody may ask: who asks sooner gets the answer of who asked before.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// One thing that this server cannot work without.
#[derive(Clone)]
pub struct Check {
    pub name: &'static str,
    pub ask: Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>,
}

impl Check {
    pub fn new<F>(name: &'static str, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        Self { name, ask: Arc::new(move || ask().boxed()) }
    }
}

type Outcomes = Vec<(&'static str, bool)>;

struct Checks {
    all: Vec<Check>,
    last: Mutex<Option<(Instant, Outcomes)>>,
}

#[derive(Debug, Deserialize)]
struct How {
    #[serde(default)]
    full: String,
}

/// Answers `OK` as soon as requests are answered at all; with `?full=1` each check is made, and the
/// answer is 503 if one failed.
pub fn router(checks: Vec<Check>) -> Router {
    let checks = Checks { all: checks, last: Mutex::default() };
    Router::new().route("/_health_check", get(answer)).with_state(Arc::new(checks))
}

async fn answer(State(checks): State<Arc<Checks>>, Query(how): Query<How>) -> Response {
    if !matches!(how.full.as_str(), "1" | "true") {
        return "OK".into_response();
    }
    let outcomes = checks.outcomes().await;
    let healthy = outcomes.iter().all(|(_, up)| *up);
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |up| if up { "UP" } else { "DOWN" };
    let body: serde_json::Map<_, _> =
        outcomes.into_iter().map(|(name, up)| (name.to_owned(), word(up).into())).collect();
    (status, Json(body)).into_response()
}

impl Checks {
    async fn outcomes(&self) -> Outcomes {
        let mut last = self.last.lock().await;
        if let Some((at, outcomes)) = &*last
            && at.elapsed() < KEPT_FOR
        {
            return outcomes.clone();
        }
        let outcomes =
            join_all(self.all.iter().map(|check| async { (check.name, check.is_up().await) }))
                .await;
        *last = Some((Instant::now(), outcomes.clone()));
        outcomes
    }
}

impl Check {
    async fn is_up(&self) -> bool {
        let name = self.name;
        match tokio::time::timeout(PATIENCE, (self.ask)()).await {
            Ok(Ok(())) => return true,
            Ok(Err(e)) => tracing::error!(check = name, "{name} is down: {e:#}"),
            Err(_) => tracing::error!(check = name, "{name} does not answer"),
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt;

    async fn ask(path: &str, database_up: bool) -> (StatusCode, String) {
        let check = |name, up: bool| {
            Check::new(name, move || async move { if up { Ok(()) } else { anyhow::bail!("gone") } })
        };
        let response = router(vec![check("blobs", true), check("database", database_up)])
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_quick_check_only_says_that_requests_are_answered() {
        assert_eq!(ask("/_health_check", false).await, (StatusCode::OK, "OK".to_owned()));
    }

    #[tokio::test]
    async fn the_full_check_names_what_is_down() {
        let (status, body) = ask("/_health_check?full=1", true).await;
        assert_eq!((status, &*body), (StatusCode::OK, r#"{"blobs":"UP","database":"UP"}"#));
        let (status, body) = ask("/_health_check?full=1", false).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, r#"{"blobs":"UP","database":"DOWN"}"#);
    }

    #[tokio::test]
    async fn whoever_asks_often_does_not_make_us_write_often() {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = asked.clone();
        let router = router(vec![Check::new("database", move || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async { Ok(()) }
        })]);
        let started = Instant::now();
        for _ in 0..20 {
            let ask = Request::get("/_health_check?full=1").body(Body::empty()).unwrap();
            assert_eq!(router.clone().oneshot(ask).await.unwrap().status(), StatusCode::OK);
        }
        let most = 1 + usize::try_from(started.elapsed().as_secs()).unwrap();
        let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
        assert!((1..=most).contains(&asked), "{asked}");
    }
}
