//! Carries requests as they are, and remembers their addresses.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use statehouse_vcs::provider::Http;

#[derive(Debug)]
pub struct Carrier {
    client: reqwest::Client,
    pub addresses: Mutex<Vec<String>>,
}

impl Carrier {
    pub fn new() -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { client, addresses: Mutex::default() }
    }
}

#[async_trait]
impl Http for Carrier {
    async fn send(&self, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>, String> {
        self.addresses.lock().unwrap().push(request.uri().to_string());
        let (parts, body) = request.into_parts();
        let sent = self
            .client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        let mut response = Response::builder().status(sent.status());
        *response.headers_mut().unwrap() = sent.headers().clone();
        let body = sent.bytes().await.map_err(|error| error.without_url().to_string())?;
        assert!(body.len() <= limit);
        Ok(response.body(body).unwrap())
    }
}
