//! `import "http"`: builds requests; who sends them is given by the world.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::{Key, Object, Value};
use crate::world::{HttpMethod, HttpRequest, HttpResponse};

/// How requests are sent. Every change makes a new one.
#[derive(Clone)]
pub(crate) struct Client {
    accepted: BTreeSet<i64>,
    retries: u8,
    timeout: u8,
    verify: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self { accepted: [200].into(), retries: 1, timeout: 10, verify: true }
    }
}

pub(crate) struct Response(pub HttpResponse);

pub(super) const SPACE: Space = Space {
    name: "http",
    natives: &[
        Native::new("http.accept_status_codes", 1, 1, accept_status_codes),
        Native::new("http.get", 1, 1, |interp, args| send(interp, args, Some(HttpMethod::Get))),
        Native::new("http.post", 1, 1, |interp, args| send(interp, args, Some(HttpMethod::Post))),
        Native::new("http.request", 1, 1, request),
        Native::new("http.send", 1, 1, |interp, args| send(interp, args, None)),
        Native::new("http.with_retries", 1, 1, with_retries),
        Native::new("http.with_timeout", 1, 1, with_timeout),
        Native::new("http.without_certificate_verification", 0, 0, |interp, args| {
            Ok(made(interp, Client { verify: false, ..client(&args) }))
        }),
    ],
    values: &[
        ("accepted_status_codes", |interp| Ok(accepted(interp, &Client::default()))),
        ("certificate_verification", |_| Ok(Value::Bool(true))),
        ("client", |interp| Ok(interp.heap.object(Object::Client(Client::default())))),
        ("methodGet", |_| Ok(Value::Text(b"GET"))),
        ("methodPost", |_| Ok(Value::Text(b"POST"))),
        ("retries", |_| Ok(Value::Int(Client::default().retries.into()))),
        ("timeout", |_| Ok(Value::Int(Client::default().timeout.into()))),
    ],
};

/// The same functions, of a client.
pub(crate) const CLIENT: &[Native] = SPACE.natives;

pub(crate) const REQUEST: &[Native] = &[
    Native::new("request.with_basic_auth", 2, 2, with_basic_auth),
    Native::new("request.with_body", 1, 1, with_body),
    Native::new("request.with_header", 2, 2, with_header),
];

pub(crate) fn client_member<'a>(
    interp: &Interp<'a>,
    client: &Client,
    name: &str,
) -> Option<Value<'a>> {
    Some(match name {
        "accepted_status_codes" => accepted(interp, client),
        "certificate_verification" => Value::Bool(client.verify),
        "retries" => Value::Int(client.retries.into()),
        "timeout" => Value::Int(client.timeout.into()),
        _ => return None,
    })
}

pub(crate) fn request_member<'a>(
    interp: &Interp<'a>,
    request: &HttpRequest,
    name: &str,
) -> Option<Value<'a>> {
    Some(match name {
        "url" => interp.heap.str(&request.url),
        "method" => interp.heap.str(request.method.as_str()),
        "headers" => headers(interp, &request.headers),
        "body" => interp.heap.text(&*request.body),
        _ => return None,
    })
}

pub(crate) fn response_member<'a>(
    interp: &Interp<'a>,
    Response(response): &Response,
    name: &str,
) -> Option<Value<'a>> {
    Some(match name {
        "status_code" => Value::Int(response.status.into()),
        "headers" => headers(interp, &response.headers),
        "body" => interp.heap.text(&*response.body),
        _ => return None,
    })
}

fn headers<'a>(interp: &Interp<'a>, headers: &BTreeMap<String, String>) -> Value<'a> {
    let entry = |(name, value): (&String, &String)| {
        (Key::Text(interp.heap.bytes(name.as_bytes())), interp.heap.str(value))
    };
    interp.heap.map(headers.iter().map(entry))
}

fn accepted<'a>(interp: &Interp<'a>, client: &Client) -> Value<'a> {
    interp.heap.list(client.accepted.iter().map(|code| Value::Int(*code)).collect())
}

/// The client that a function belongs to; the import itself is the default one.
fn client(args: &Args<'_, '_>) -> Client {
    match args.receiver {
        Some(Object::Client(client)) => client.clone(),
        _ => Client::default(),
    }
}

fn made<'a>(interp: &Interp<'a>, client: Client) -> Value<'a> {
    interp.heap.charge(client.accepted.len() * 64);
    interp.heap.object(Object::Client(client))
}

fn accept_status_codes<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut codes = BTreeSet::new();
    for item in args.list(0)?.items(interp.heap) {
        match interp.force(item)? {
            Value::Int(code) => codes.insert(code),
            _ => return Err(args.unfit(0, "lists of ints")),
        };
    }
    Ok(made(interp, Client { accepted: codes, ..client(&args) }))
}

fn between(args: &Args<'_, '_>, least: u8, most: u8) -> Eval<u8> {
    let value = u8::try_from(args.int(0)?).ok();
    value.filter(|value| (least..=most).contains(value)).ok_or_else(|| {
        Fault::new(format!("{} wants an int from {least} to {most}", args.native.name))
    })
}

fn with_retries<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let retries = between(&args, 0, 10)?;
    Ok(made(interp, Client { retries, ..client(&args) }))
}

fn with_timeout<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let timeout = between(&args, 1, 30)?;
    Ok(made(interp, Client { timeout, ..client(&args) }))
}

fn to(url: &str) -> HttpRequest {
    HttpRequest {
        method: HttpMethod::Get,
        url: url.to_owned(),
        headers: [("Accept".to_owned(), "*/*".to_owned())].into(),
        body: Vec::new(),
        timeout: Duration::ZERO,
        within: Duration::ZERO,
        retries: 0,
        verify: true,
    }
}

fn request<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    kept(interp, to(args.str(0)?))
}

/// The bytes of what a policy put into a request.
fn size(request: &HttpRequest) -> usize {
    let headers = request.headers.iter().map(|(name, value)| name.len() + value.len() + 64);
    request.url.len() + request.body.len() + headers.sum::<usize>()
}

fn kept<'a>(interp: &mut Interp<'a>, request: HttpRequest) -> Eval<Value<'a>> {
    interp.heap.charge(size(&request));
    interp.spend(1)?;
    Ok(interp.heap.object(Object::Request(request)))
}

/// A changed copy of the request that a function belongs to.
fn changed<'a>(
    interp: &mut Interp<'a>,
    args: &Args<'_, 'a>,
    change: impl FnOnce(&mut HttpRequest),
) -> Eval<Value<'a>> {
    let Object::Request(request) = args.object()? else {
        return Err(Fault::new(format!("{} needs a request", args.native.name)));
    };
    interp.room(size(request))?;
    let mut request = request.clone();
    change(&mut request);
    kept(interp, request)
}

fn with_header<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let (name, value) = (args.str(0)?, args.str(1)?);
    changed(interp, &args, |request| {
        request.headers.insert(name.to_owned(), value.to_owned());
    })
}

fn with_basic_auth<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let pair = [args.text(0)?, args.text(1)?].join(&b':');
    let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    changed(interp, &args, |request| {
        request.headers.insert("Authorization".to_owned(), value);
    })
}

fn with_body<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let body = args.text(0)?;
    interp.room(body.len())?;
    changed(interp, &args, |request| body.clone_into(&mut request.body))
}

/// Sends a request, by the method given or its own.
fn send<'a>(
    interp: &mut Interp<'a>,
    args: Args<'_, 'a>,
    method: Option<HttpMethod>,
) -> Eval<Value<'a>> {
    let client = client(&args);
    let mut request = match args.value(0) {
        Value::Object(Object::Request(request)) => request.clone(),
        Value::Text(_) => to(args.str(0)?),
        _ => return Err(args.unfit(0, "strings and requests")),
    };
    request.method = method.unwrap_or(request.method);
    // The policy's own time goes on meanwhile.
    request.within = interp.time_left();
    request.timeout = Duration::from_secs(client.timeout.into()).min(request.within);
    request.retries = client.retries;
    request.verify = client.verify;
    let Some(http) = interp.world.http.clone() else {
        return Err(Fault::new("import \"http\" is off here: policies do not reach the network"));
    };
    let response = http.send(&request).map_err(|error| Fault::new(format!("http: {error}")))?;
    interp.look_at_the_clock()?;
    let size = response.body.len();
    interp.room(size)?;
    interp.heap.charge(size);
    if !client.accepted.contains(&response.status.into()) {
        let text = format!("http: {} answered with status code {}", request.url, response.status);
        return Err(Fault::new(text));
    }
    Ok(interp.heap.object(Object::Response(Response(response))))
}
