//! Requests that policies send, where the owners of their organization let them: by the courier, who knows which networks
//! may be reached.

use std::{sync::Arc, time::Duration};

use ::policy::sentinel::{Http, HttpMethod, HttpRequest, HttpResponse};
use bytes::Bytes;
use courier::Courier;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use tokio::{runtime::Handle, time};
use url::Url;

use crate::{Ctx, Error, Result, organizations};

/// Bytes of an answer.
const BODY_LIMIT: usize = 4 << 20;
const REDIRECTS: usize = 10;
/// Between the first two tries; each further pause is twice as long, up to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Who sends the requests of an organization's policies; nobody, unless its owners have said so.
pub(super) async fn of(cx: &Ctx, organization: &str) -> Result<Option<Arc<dyn Http>>> {
    let found = organizations::by_name(cx, organization).await?.ok_or(Error::NotFound)?;
    let by_courier = || {
        let (courier, runtime) = (cx.courier().clone(), Handle::current());
        Arc::new(ByCourier { courier, runtime }) as Arc<dyn Http>
    };
    Ok(found.policy_http_enabled.then(by_courier))
}

#[derive(Debug)]
struct ByCourier {
    courier: Courier,
    runtime: Handle,
}

impl Http for ByCourier {
    /// For threads that may wait.
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        self.runtime.block_on(async {
            let late = |_| Err("there was no answer in time".to_owned());
            time::timeout(request.within, self.sent(request)).await.unwrap_or_else(late)
        })
    }
}

impl ByCourier {
    async fn sent(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        if !request.verify {
            return Err("certificates are always verified here".to_owned());
        }
        let (mut pause, longest) = PAUSES;
        let mut tries = request.retries;
        loop {
            let answer = time::timeout(request.timeout, self.followed(request)).await;
            let is_final = match &answer {
                Ok(Ok(answer)) => answer.status().as_u16() < 500 || answer.status() == 501,
                Ok(Err(_)) => true,
                Err(_) => false,
            };
            if is_final || tries == 0 {
                let late = |_| "there was no answer in time".to_owned();
                return Ok(read(&answer.map_err(late)??));
            }
            tries -= 1;
            time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// The answer behind all redirects, each of which goes by the courier's rules.
    async fn followed(&self, request: &HttpRequest) -> Result<Response<Bytes>, String> {
        let mut url = Url::parse(&request.url).map_err(|error| error.to_string())?;
        let mut next = built(request)?;
        for _ in 0..=REDIRECTS {
            let (method, headers) = (next.method().clone(), next.headers().clone());
            let body = next.body().clone();
            let carried = self.courier.carry(next, BODY_LIMIT).await;
            let answer = carried.map_err(|error| error.to_string())?;
            let place = answer.headers().get(header::LOCATION).and_then(|at| at.to_str().ok());
            let (true, Some(place)) = (answer.status().is_redirection(), place) else {
                return Ok(answer);
            };
            let from = url.origin();
            url = url.join(place).map_err(|error| error.to_string())?;
            next = Request::new(Bytes::new());
            *next.uri_mut() = url.as_str().parse().map_err(|_| format!("{place} is no address"))?;
            *next.headers_mut() = headers;
            if url.origin() != from {
                next.headers_mut().remove(header::AUTHORIZATION);
            }
            if matches!(answer.status().as_u16(), 307 | 308) {
                (*next.method_mut(), *next.body_mut()) = (method, body);
            }
        }
        Err(format!("there were more than {REDIRECTS} redirects"))
    }
}

fn built(request: &HttpRequest) -> Result<Request<Bytes>, String> {
    let mut built = Request::new(Bytes::from(request.body.clone()));
    *built.method_mut() = match request.method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
    };
    *built.uri_mut() = request.url.parse().map_err(|_| "that is no address".to_owned())?;
    for (name, value) in &request.headers {
        let wrong = || format!("{name} is no header");
        let key = HeaderName::try_from(name).map_err(|_| wrong())?;
        let value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        built.headers_mut().insert(key, value);
    }
    Ok(built)
}

fn read(answer: &Response<Bytes>) -> HttpResponse {
    let mut headers = std::collections::BTreeMap::<String, String>::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let all = headers.entry(as_policies_know_it(name.as_str())).or_default();
        *all = if all.is_empty() { value.into_owned() } else { format!("{all}, {value}") };
    }
    HttpResponse { status: answer.status().as_u16(), headers, body: answer.body().to_vec() }
}

/// `Content-Type`: each word with a capital letter.
fn as_policies_know_it(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_named_as_policies_know_them() {
        for (name, known) in [("content-type", "Content-Type"), ("etag", "Etag"), ("x--a", "X--A")]
        {
            assert_eq!(as_policies_know_it(name), known);
        }
    }
}
