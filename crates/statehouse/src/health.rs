//! `/_health_check`, as load balancers ask Terraform Enterprise.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use http::StatusCode;
use serde::Deserialize;

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

/// When it was known, and what.
type Looking = Shared<BoxFuture<'static, (Instant, Outcomes)>>;

struct Checks {
    patience: Duration,
    all: Vec<Check>,
    last: Mutex<Option<Looking>>,
}

#[derive(Debug, Deserialize)]
struct How {
    #[serde(default)]
    full: String,
}

/// Answers `OK` as soon as requests are answered at all; with `?full=1` each check is made, and the
/// answer is 503 if one failed.
pub fn router(checks: Vec<Check>) -> Router {
    router_within(PATIENCE, checks)
}

fn router_within(patience: Duration, all: Vec<Check>) -> Router {
    let checks = Checks { patience, all, last: Mutex::default() };
    Router::new().route("/_health_check", get(answer)).with_state(Arc::new(checks))
}

async fn answer(State(checks): State<Arc<Checks>>, Query(how): Query<How>) -> Response {
    if !matches!(how.full.as_str(), "1" | "true") {
        return "OK".into_response();
    }
    let (_, outcomes) = checks.looking().await;
    let healthy = outcomes.iter().all(|(_, up)| *up);
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |up| if up { "UP" } else { "DOWN" };
    let body: serde_json::Map<_, _> =
        outcomes.into_iter().map(|(name, up)| (name.to_owned(), word(up).into())).collect();
    (status, Json(body)).into_response()
}

impl Checks {
    /// One looks for all who ask meanwhile, and to the end even if the first of them goes away: else the next would begin
    /// anew, and whoever came behind impatient ones wait for each of them.
    fn looking(&self) -> Looking {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(looking) = &*last
            && looking.peek().is_none_or(|(at, _)| at.elapsed() < KEPT_FOR)
        {
            return looking.clone();
        }
        let (patience, all) = (self.patience, self.all.clone());
        let task = tokio::spawn(async move {
            let each =
                all.iter().map(|check| async move { (check.name, check.is_up(patience).await) });
            let outcomes = join_all(each).await;
            (Instant::now(), outcomes)
        });
        let failed = |_| (Instant::now(), vec![("checks", false)]);
        let looking = task.map(move |done| done.unwrap_or_else(failed)).boxed().shared();
        *last = Some(looking.clone());
        looking
    }
}

impl Check {
    async fn is_up(&self, patience: Duration) -> bool {
        let name = self.name;
        match tokio::time::timeout(patience, (self.ask)()).await {
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
    use tokio::sync::Semaphore;
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
    async fn what_does_not_answer_in_time_is_down() {
        let never = Check::new("database", std::future::pending);
        let router = router_within(Duration::from_millis(10), vec![never]);
        let ask = Request::get("/_health_check?full=1").body(Body::empty()).unwrap();
        let answer = router.oneshot(ask).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_look_to_whoever_waits_behind() {
        let (begun, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (begins, ends) = (begun.clone(), may_end.clone());
        let router = router(vec![Check::new("database", move || {
            begins.add_permits(1);
            let ends = ends.clone();
            async move { Ok(ends.acquire().await.map(drop)?) }
        })]);
        let ask = || {
            let ask = Request::get("/_health_check?full=1").body(Body::empty()).unwrap();
            tokio::spawn(router.clone().oneshot(ask))
        };
        let impatient = ask();
        begun.acquire().await.unwrap().forget();
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());
        let patient = ask();
        may_end.add_permits(1);
        assert_eq!(patient.await.unwrap().unwrap().status(), StatusCode::OK);
        assert_eq!(begun.available_permits(), 0, "it was begun once");
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
