//! `/_health_check`, as load balancers ask Terraform Enterprise.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::{BoxFuture, join_all};
use http::StatusCode;
use serde::Deserialize;

/// A check that takes longer has failed: who asks has a time limit too.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing that this server cannot work without.
#[derive(Clone)]
pub struct Check {
    pub name: &'static str,
    pub ask: Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>,
}

#[derive(Debug, Deserialize)]
struct How {
    #[serde(default)]
    full: String,
}

/// Answers `OK` as soon as requests are answered at all; with `?full=1` each check is made, and the
/// answer is 503 if one failed.
pub fn router(checks: Vec<Check>) -> Router {
    Router::new().route("/_health_check", get(answer)).with_state(checks.into())
}

async fn answer(State(checks): State<Arc<[Check]>>, Query(how): Query<How>) -> Response {
    if !matches!(how.full.as_str(), "1" | "true") {
        return "OK".into_response();
    }
    let outcomes = join_all(checks.iter().map(|check| async {
        let outcome = tokio::time::timeout(PATIENCE, (check.ask)()).await;
        let up = match outcome {
            Ok(Ok(())) => true,
            Ok(Err(e)) => {
                tracing::error!(check = check.name, "{} is down: {e:#}", check.name);
                false
            }
            Err(_) => {
                tracing::error!(check = check.name, "{} does not answer", check.name);
                false
            }
        };
        (check.name, up)
    }))
    .await;
    let healthy = outcomes.iter().all(|(_, up)| *up);
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |up| if up { "UP" } else { "DOWN" };
    let body: serde_json::Map<_, _> =
        outcomes.into_iter().map(|(name, up)| (name.to_owned(), word(up).into())).collect();
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt;

    async fn ask(path: &str, database_up: bool) -> (StatusCode, String) {
        let check = |name, up: bool| Check {
            name,
            ask: Arc::new(move || {
                Box::pin(async move { if up { Ok(()) } else { anyhow::bail!("gone") } })
            }),
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
}
