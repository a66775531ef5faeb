//! Requests as one of the kinds of callers.

use std::net::{IpAddr, SocketAddr};

use axum::{body::Body, extract::ConnectInfo};
use bytes::Bytes;
use domain::{Ctx, row::User};
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt;

use crate::{Answer, Server, contract::contract, people::Who};

const JSON_API: &str = "application/vnd.api+json";

/// Somebody who calls the server. The calls go straight to its router.
///
/// Paths are below `/api/v2`, except those that begin with `/api/`, `/agent/`, `/_` or `/.`, which are taken as they are, as
/// are the absolute addresses in answers. For pages of the web there is [`Client::page`].
#[derive(Clone, Debug)]
pub struct Client<'s> {
    server: &'s Server,
    who: Who,
    headers: Vec<(HeaderName, HeaderValue)>,
    address: Option<IpAddr>,
}

impl<'s> Client<'s> {
    pub(crate) fn new(server: &'s Server, who: Who) -> Self {
        Self { server, who, headers: Vec::new(), address: None }
    }

    /// With a further header on each request.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("a header of a test can be sent");
        self.headers.push((HeaderName::from_static(name), value));
        self
    }

    /// From this address, as over a socket.
    pub fn at(mut self, address: &str) -> Self {
        self.address = Some(address.parse().expect("an address of a test can be read"));
        self
    }

    pub async fn get(&self, path: impl AsRef<str>) -> Answer {
        self.send(Method::GET, &below_api(path.as_ref()), None).await
    }

    /// `()` sends no body at all.
    pub async fn post(&self, path: impl AsRef<str>, body: impl Serialize) -> Answer {
        self.send(Method::POST, &below_api(path.as_ref()), json(body)).await
    }

    pub async fn patch(&self, path: impl AsRef<str>, body: impl Serialize) -> Answer {
        self.send(Method::PATCH, &below_api(path.as_ref()), json(body)).await
    }

    pub async fn put(&self, path: impl AsRef<str>, body: impl Into<Bytes>) -> Answer {
        self.send(Method::PUT, &below_api(path.as_ref()), Some(body.into())).await
    }

    pub async fn delete(&self, path: impl AsRef<str>) -> Answer {
        self.send(Method::DELETE, &below_api(path.as_ref()), None).await
    }

    pub async fn delete_with(&self, path: impl AsRef<str>, body: impl Serialize) -> Answer {
        self.send(Method::DELETE, &below_api(path.as_ref()), json(body)).await
    }

    /// A page of the web, by its whole path.
    pub async fn page(&self, path: impl AsRef<str>) -> Answer {
        self.send(Method::GET, path.as_ref(), None).await
    }

    /// Any method with any bytes, the path being whole; without bytes there is no body.
    pub async fn raw(
        &self,
        method: Method,
        path: impl AsRef<str>,
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send(method, path.as_ref(), Some(body.into()).filter(|body| !body.is_empty())).await
    }

    /// A request made elsewhere, as it is but for the token and the address.
    pub async fn request(&self, mut request: Request<Body>) -> Answer {
        if let Some(address) = self.address {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 40_000))));
        }
        if let Some(identity) = self.server.identity(&self.who).await {
            let bearer = format!("Bearer {}", identity.token);
            let bearer = bearer.parse().expect("tokens are plain text");
            request.headers_mut().entry(AUTHORIZATION).or_insert(bearer);
        }
        let method = request.method().clone();
        // The contract knows addresses without the slash that some clients put at their ends.
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let asked = format!("{} {} as {:?}", request.method(), request.uri(), self.who);
        let response = self
            .server
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => panic!("{asked}: the body ended early: {error}"),
        };
        let answer = Answer::new(asked, parts, body);
        if let Some(contract) = contract()
            && let Err(differences) = contract.check(&method, &path, answer.status, answer.bytes())
        {
            panic!("not as published:\n{differences}{answer}");
        }
        answer
    }

    /// This caller, for verbs of the domain.
    pub async fn cx(&self) -> Ctx {
        match self.server.identity(&self.who).await {
            None => self.server.app.anyone(),
            Some(identity) => domain::accounts::authenticate(&self.server.app, &identity.token)
                .await
                .expect("the token of a test is valid"),
        }
    }

    /// The token that this caller shows.
    pub async fn token(&self) -> String {
        self.server.identity(&self.who).await.expect("nobody has no token").token
    }

    /// The cookie of a new session of this person.
    pub async fn session(&self) -> String {
        self.server.session(&self.user().await).await
    }

    /// The person behind this caller.
    pub async fn user(&self) -> User {
        let identity = self.server.identity(&self.who).await;
        identity.and_then(|identity| identity.user).expect("this caller is no person")
    }

    async fn send(&self, method: Method, address: &str, body: Option<Bytes>) -> Answer {
        let path = address.strip_prefix(self.server.url()).unwrap_or(address);
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, JSON_API);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.unwrap_or_default()));
        self.request(request.expect("a path that can be asked for")).await
    }
}

fn below_api(path: &str) -> String {
    let whole = ["/api/", "/agent/", "/_", "/.", "http://", "https://"];
    if whole.iter().any(|start| path.starts_with(start)) {
        path.to_owned()
    } else {
        format!("/api/v2/{}", path.trim_start_matches('/'))
    }
}

fn json(body: impl Serialize) -> Option<Bytes> {
    match serde_json::to_value(body).expect("bodies of tests are plain data") {
        Value::Null => None,
        value => Some(value.to_string().into()),
    }
}
