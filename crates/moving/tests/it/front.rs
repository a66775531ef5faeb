//! Something in front of a server that answers as HCP Terraform does when it is asked too much or may not tell, and
//! that can fall silent.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Notify};

#[derive(Debug, Default)]
pub struct Front {
    pub address: String,
    behind: String,
    client: reqwest::Client,
    seen: AtomicUsize,
    /// Each of these is answered 429 first.
    pub every: AtomicUsize,
    /// Parts of paths that are answered 404.
    hidden: Vec<&'static str>,
    /// Falls silent at the request of this number, before or after it is obeyed.
    pub silent_at: AtomicUsize,
    pub silence: Notify,
}

impl Front {
    pub async fn of(behind: &str, hidden: &[&'static str]) -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let front = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            behind: behind.to_owned(),
            hidden: hidden.to_vec(),
            ..Self::default()
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&front));
        // Ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, router).await });
        front
    }

    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    pub fn be_silent_after(&self, requests: usize) {
        self.silent_at.store(self.seen() + requests, Ordering::SeqCst);
    }
}

async fn answer(State(front): State<Arc<Front>>, request: Request) -> Response {
    let number = front.seen.fetch_add(1, Ordering::SeqCst) + 1;
    let every = front.every.load(Ordering::SeqCst);
    if every > 0 && number % every == 0 {
        return (http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "").into_response();
    }
    if front.hidden.iter().any(|part| request.uri().path().contains(part)) {
        return http::StatusCode::NOT_FOUND.into_response();
    }
    let silent_at = front.silent_at.load(Ordering::SeqCst);
    let falls_silent = silent_at > 0 && number >= silent_at;
    if falls_silent && number % 2 == 0 {
        front.silence.notify_one();
        return std::future::pending().await;
    }
    let answer = forward(&front, request).await;
    if falls_silent {
        front.silence.notify_one();
        return std::future::pending().await;
    }
    answer
}

async fn forward(front: &Front, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut sent =
        front.client.request(parts.method, format!("{}{path}", front.behind)).body(body.to_vec());
    for name in ["authorization", "content-type"] {
        if let Some(value) = parts.headers.get(name) {
            sent = sent.header(name, value.clone());
        }
    }
    let answer = sent.send().await.unwrap();
    let status = answer.status();
    (status, Body::from(answer.bytes().await.unwrap())).into_response()
}
