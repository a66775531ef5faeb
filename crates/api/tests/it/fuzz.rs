//! Random requests, in the shapes of the published contract where it is at hand, and of the short one and of our own
//! documents always: every one of them is answered, none of them by an error of the server's. A failure names the seed to repeat it with.

use futures::future::join_all;
use http::Method;
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};
use statehouse_api::Route;
use testkit::{
    contract::contract,
    world::{Sent, World, Worlds},
};

use crate::short_contract;

/// For each operation. `FUZZ_REQUESTS` asks for more.
const REQUESTS: u32 = 5;
const AT_ONCE: usize = 4;
const DEPTH: u32 = 4;

/// What clients were seen to send, and what they should not.
const TEXTS: [&str; 16] = [
    "",
    " ",
    "x",
    "networking",
    "\0",
    "ü\u{202e}🙈",
    "../../etc/passwd",
    "-1",
    "1.9.0",
    "~> 1.1",
    "2026-02-30T00:00:00Z",
    "2026-11-22T10:00:00+05:00",
    "14d",
    "ws-1111111111111111",
    "%",
    "a_b'\"\\;--",
];
const QUERIES: [&str; 12] = [
    "page[number]",
    "page[size]",
    "include",
    "sort",
    "search[name]",
    "search[wildcard-name]",
    "search[tags]",
    "filter[status]",
    "filter[organization][name]",
    "filter[tagged][0][key]",
    "filter[project][id]",
    "q",
];

fn text(rng: &mut impl Rng) -> String {
    match rng.random_range(0..20) {
        0 => "x".repeat(rng.random_range(200..70_000)),
        1 => (0..12).map(|_| rng.random::<char>()).collect(),
        _ => TEXTS[rng.random_range(0..TEXTS.len())].to_owned(),
    }
}

fn anything(rng: &mut impl Rng, depth: u32) -> Value {
    match rng.random_range(0..if depth == 0 { 7 } else { 9 }) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(rng.random::<i64>()),
        3 => json!(rng.random_range(-2..300)),
        4 => json!(f64::MAX),
        5 | 6 => json!(text(rng)),
        7 => (0..rng.random_range(0..4)).map(|_| anything(rng, depth - 1)).collect(),
        _ => (0..rng.random_range(0..4)).map(|_| (text(rng), anything(rng, depth - 1))).collect(),
    }
}

/// Something that a schema describes, for the most part. `all` has the schemas that it refers to.
fn like(schema: &Value, all: &Value, rng: &mut impl Rng, depth: u32) -> Value {
    if depth == 0 || rng.random_ratio(1, 20) {
        return anything(rng, 1);
    }
    if let Some(name) = schema["$ref"].as_str() {
        let found = all.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
        return like(found, all, rng, depth);
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[rng.random_range(0..choices.len())].clone();
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[word].as_array() {
            return like(&choices[rng.random_range(0..choices.len())], all, rng, depth);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| like(part, all, rng, depth));
        return parts.fold(json!({}), |whole, part| match (whole, part) {
            (Value::Object(mut whole), Value::Object(part)) => {
                whole.extend(part);
                whole.into()
            }
            (_, part) => part,
        });
    }
    match schema["type"].as_str() {
        Some("string") => json!(text(rng)),
        Some("boolean") => json!(rng.random::<bool>()),
        Some("integer" | "number") => json!(rng.random_range(-5..100_000)),
        Some("array") => {
            let items = 0..rng.random_range(0..4);
            items.map(|_| like(&schema["items"], all, rng, depth - 1)).collect()
        }
        Some("object") => {
            let mut object = Map::new();
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                // Data, attributes and type are what the rest hangs on.
                let kept = ["data", "attributes", "type"].contains(&name.as_str());
                if rng.random_ratio(if kept { 19 } else { 10 }, 20) {
                    let deeper = if kept { depth } else { depth - 1 };
                    object.insert(name.clone(), like(member, all, rng, deeper));
                }
            }
            object.into()
        }
        _ => anything(rng, 1),
    }
}

/// Replaces one of the values of a document.
fn spoil(document: &mut Value, rng: &mut impl Rng) {
    let mut inner: Vec<&mut Value> = match document {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    if inner.is_empty() || rng.random_ratio(1, 5) {
        *document = anything(rng, 2);
    } else {
        let chosen = rng.random_range(0..inner.len());
        spoil(inner.swap_remove(chosen), rng);
    }
}

fn query(rng: &mut impl Rng) -> String {
    let pairs = 0..rng.random_range(0..4);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for _ in pairs {
        let value = text(rng).chars().take(300).collect::<String>();
        query.append_pair(QUERIES[rng.random_range(0..QUERIES.len())], &value);
    }
    query.finish()
}

/// The schema of what the published operation of that path takes.
fn published(route: &Route) -> Option<Value> {
    let shape = |path: &str| -> Vec<String> {
        path.split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned())
            .collect()
    };
    let contract = contract()?;
    let mut same = contract.operations().iter().filter(|it| it.method == route.method);
    contract.request(same.find(|it| shape(&it.path) == shape(route.path))?)
}

/// Tries routes one after the other in one world, which is made anew when a request has changed it.
async fn fuzzed(routes: Vec<Route>, requests: u32, worlds: Worlds) {
    let mut world = worlds.world().await;
    for route in routes {
        world = fuzz(&route, requests, world, &worlds).await;
    }
}

async fn fuzz(route: &Route, requests: u32, mut world: World, worlds: &Worlds) -> World {
    let schemas = [published(route), short_contract::request(&route.method, route.path)];
    let schemas: Vec<_> = schemas.into_iter().flatten().collect();
    for seed in 0..requests {
        let mut rng = SmallRng::seed_from_u64(seed.into());
        let schema = schemas.choose(&mut rng);
        let body = match (schema, world.body(route)) {
            (Some(schema), _) if rng.random_ratio(2, 3) => {
                like(schema, schema, &mut rng, DEPTH).to_string()
            }
            (_, Sent::Json(mut own)) => {
                spoil(&mut own, &mut rng);
                own.to_string()
            }
            _ if route.method == Method::GET => String::new(),
            _ => anything(&mut rng, 3).to_string(),
        };
        let path = world.path(route);
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}{}", query(&mut rng));
        let answer = world.allowed(route).raw(route.method.clone(), &path, body.clone()).await;
        assert!(!answer.status.is_server_error(), "seed {seed}: {body}\n{answer}");
        if answer.status.is_success() && route.method != Method::GET {
            world = worlds.world().await;
        }
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_makes_the_server_fail() {
    let requests = std::env::var("FUZZ_REQUESTS");
    let requests = requests.map_or(REQUESTS, |it| it.parse().expect("FUZZ_REQUESTS is a number"));
    let worlds = Worlds::new().await;
    let table = statehouse_api::table();
    let parts = table.chunks(table.len().div_ceil(AT_ONCE)).map(<[Route]>::to_vec);
    let tried = parts.map(|part| tokio::spawn(Box::pin(fuzzed(part, requests, worlds.clone()))));
    for done in join_all(tried).await {
        done.expect("every request was answered");
    }
}
