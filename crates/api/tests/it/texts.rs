//! Every text that any route takes, with what hides or disguises something in it. A new route is part of this by its
//! body in `World`; a new attribute that is in no body is a line until its field says otherwise (`jsonapi::prose`,
//! `jsonapi::verbatim`), which the tests of that crate hold to.

use std::{collections::BTreeMap, fmt::Write};

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use statehouse_api::Route;
use testkit::world::{Sent, World, Worlds};

/// What is put into the middle of a text.
const STRANGE: [(&str, &str); 4] = [
    ("line breaks", "\n"),
    ("control characters", "\u{1b}"),
    ("zero-width characters", "\u{200b}"),
    ("direction marks", "\u{202e}"),
];

/// Drawn as Latin letters: nothing that people choose by its name may have them.
const LOOK_ALIKES: [&str; 3] = ["adm\u{131}n", "\u{430}dmin", "\u{251}dmin"];

/// Where the texts of a body are, but for its types and ids.
fn texts(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::String(_) => into.push(at.to_owned()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(members) => {
            for (name, member) in
                members.iter().filter(|(name, _)| !matches!(name.as_str(), "type" | "id"))
            {
                texts(member, &format!("{at}/{name}"), into);
            }
        }
        _ => {}
    }
}

fn with(body: &Value, place: &str, text: String) -> Vec<u8> {
    let mut body = body.clone();
    *body.pointer_mut(place).unwrap() = json!(text);
    body.to_string().into()
}

/// In the middle, where trimming does not help.
fn spoiled(text: &str, by: &str) -> String {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    format!("{}{by}{}", &text[..middle], &text[middle..])
}

/// What each text of the route takes, by its place.
async fn taken(route: &Route, worlds: &Worlds) -> BTreeMap<String, Vec<&'static str>> {
    let mut taken: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut world = worlds.world().await;
    let Sent::Json(valid) = world.body(route) else { return taken };
    let mut places = Vec::new();
    texts(&valid, "", &mut places);
    for place in places {
        let text = valid.pointer(&place).unwrap().as_str().unwrap();
        let send = async |world: &World, text: String| {
            let path = world.path(route);
            let body = with(&valid, &place, text);
            let answer = world.allowed(route).raw(route.method.clone(), path, body).await;
            assert!(!answer.status.is_server_error(), "{place}: {answer}");
            answer
        };
        let answer = send(&world, spoiled(text, "\0")).await;
        assert!(answer.status.is_client_error(), "a null character at {place}: {answer}");
        for (what, by) in STRANGE {
            if send(&world, spoiled(text, by)).await.status.is_success() {
                taken.entry(place.clone()).or_default().push(what);
                world = worlds.world().await;
            }
        }
        // What is taken away may have been named before there was a rule.
        let names_something = place.ends_with("/name") || place.ends_with("/key");
        if names_something && route.method != Method::DELETE {
            for name in LOOK_ALIKES {
                if send(&world, name.to_owned()).await.status.is_success() {
                    taken.entry(place.clone()).or_default().push(name);
                    world = worlds.world().await;
                }
            }
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_hide_and_disguise_nothing_but_where_they_are_values() {
    let mut routes = statehouse_api::table();
    routes.retain(|route| route.method != Method::GET);
    routes.sort_by_key(|route| (route.path, route.method.to_string()));
    let worlds = Worlds::new().await;
    let all: Vec<_> = stream::iter(routes)
        .map(|route| {
            let worlds = worlds.clone();
            tokio::spawn(async move { (Box::pin(taken(&route, &worlds)).await, route) })
        })
        .buffered(4)
        .map(|done| done.expect("see the failure above"))
        .collect()
        .await;
    let mut table = String::new();
    for (taken, route) in &all {
        for (place, what) in taken {
            let alike: Vec<_> = what.iter().filter(|what| LOOK_ALIKES.contains(what)).collect();
            assert!(alike.is_empty(), "{route:?} takes {alike:?} at {place}");
        }
        for (place, what) in taken {
            writeln!(table, "{} {} {place}: {}", route.method, route.path, what.join(", "))
                .unwrap();
        }
    }
    // Whoever adds a text that takes more than a line reads this before accepting it.
    insta::assert_snapshot!(table);
}
