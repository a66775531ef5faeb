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
/// Between the first two tries; each further one is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Who sends the requests of an organization's policies; nobody, unless its owners have said so.
pub(super) async fn of(cx: &Ctx, organization: &str) -> Result<Option<Arc<dyn Http>>> {
    let found = organizations::by_name(cx, organization).await?.ok_or(Error::NotFound)?;
    let by_courier = || {
        let (courier, runtime) = (cx.courier().clone(), Handle::current());
        Arc::new(ByCourier { courier, runtime, pause: PAUSE }) as Arc<dyn Http>
    };
    Ok(found.policy_http_enabled.then(by_courier))
}

#[derive(Debug)]
struct ByCourier {
    courier: Courier,
    runtime: Handle,
    pause: Duration,
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
        let mut pause = self.pause;
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
            pause = (pause * 2).min(LONGEST_PAUSE);
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
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        sync::mpsc,
    };

    use super::*;

    /// Gives these answers, one after the other; brings what it was asked.
    async fn site(answers: Vec<String>) -> (String, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                let head = format!(
                    "HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                // Some tests do not care.
                let _ = tell.send(String::from_utf8_lossy(&request[..length]).into_owned());
                stream.shutdown().await.unwrap();
                let _ = stream.read_to_end(&mut request).await;
            }
        });
        (url, told)
    }

    fn by_courier() -> ByCourier {
        let networks = vec!["127.0.0.0/8".parse().unwrap()];
        let courier = Courier::new(courier::Settings { networks, mail: None }).unwrap();
        ByCourier { courier, runtime: Handle::current(), pause: Duration::ZERO }
    }

    fn post(url: &str, retries: u8) -> HttpRequest {
        HttpRequest {
            method: HttpMethod::Post,
            url: url.to_owned(),
            headers: [("Authorization".to_owned(), "Basic abc".to_owned())].into(),
            body: b"hi".to_vec(),
            timeout: Duration::from_mins(1),
            within: Duration::from_mins(1),
            retries,
            verify: true,
        }
    }

    #[tokio::test]
    async fn a_redirect_is_followed_and_what_lets_one_in_stays_where_it_belongs() {
        let (there, mut asked) = site(vec!["200 OK\r\nX-A: b\r\nX-A: c".into()]).await;
        let (here, _) = site(vec![format!("302 Go\r\nlocation: {there}x")]).await;
        let answer = by_courier().sent(&post(&here, 0)).await.unwrap();
        assert_eq!(
            (answer.status, &*answer.body, &*answer.headers["X-A"]),
            (200, &b"ok"[..], "b, c")
        );
        let asked = asked.recv().await.unwrap().to_lowercase();
        assert!(asked.starts_with("get /x ") && !asked.contains("basic abc"), "{asked}");

        let (round, _) = site(vec!["307 Go\r\nlocation: /".into(); 20]).await;
        let refused = by_courier().sent(&post(&round, 0)).await.unwrap_err();
        assert!(refused.contains("more than 10 redirects"), "{refused}");
    }

    #[tokio::test]
    async fn a_site_that_is_down_is_asked_as_often_as_the_policy_says() {
        for (retries, status) in [(2, 200), (1, 503)] {
            let answers = ["503 Down", "503 Down", "200 OK"].map(str::to_owned);
            let (url, mut asked) = site(answers.into()).await;
            assert_eq!(by_courier().sent(&post(&url, retries)).await.unwrap().status, status);
            let asked = asked.recv().await.unwrap().to_lowercase();
            assert!(asked.starts_with("post / ") && asked.contains("basic abc"), "{asked}");
        }
        let (url, _) = site(vec!["501 Never".into(), "200 OK".into()]).await;
        assert_eq!(by_courier().sent(&post(&url, 5)).await.unwrap().status, 501);
    }

    #[test]
    fn headers_are_named_as_policies_know_them() {
        for (name, known) in [("content-type", "Content-Type"), ("etag", "Etag"), ("x--a", "X--A")]
        {
            assert_eq!(as_policies_know_it(name), known);
        }
    }
}
