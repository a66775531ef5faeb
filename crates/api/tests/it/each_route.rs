//! What holds of every route: each is tried in a world of its own, in which all that it needs is there.

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use statehouse_api::Route;
use testkit::{
    Answer, Server,
    world::{Sent, World, Worlds, resource},
};

/// The routes, each with worlds of its own, several at a time.
async fn each_route<F: Future<Output = ()> + Send + 'static>(
    which: impl Fn(&Route) -> bool,
    what: impl Fn(Route, Worlds) -> F,
) -> usize {
    let worlds = Worlds::new().await;
    let routes: Vec<_> = statehouse_api::table().into_iter().filter(which).collect();
    let count = routes.len();
    stream::iter(routes)
        .map(|route| tokio::spawn(Box::pin(what(route, worlds.clone()))))
        .buffer_unordered(4)
        .for_each(|done| async { done.expect("the route is as the test says") })
        .await;
    count
}

async fn call(world: &World, route: &Route, body: Vec<u8>) -> Answer {
    world.allowed(route).raw(route.method.clone(), world.path(route), body).await
}

async fn ready(worlds: &Worlds, route: &Route) -> World {
    let mut world = worlds.world().await;
    Box::pin(world.prepare(route)).await;
    world
}

/// What an answer shows of a thing that was not changed.
fn settings(answer: &Answer) -> Value {
    let mut data = answer.data();
    if data.is_array() {
        return data;
    }
    if let Some(attributes) = data["attributes"].as_object_mut() {
        for moment in ["updated-at", "latest-change-at", "version-id"] {
            attributes.remove(moment);
        }
    }
    json!([data["attributes"], data["relationships"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_keeps_what_it_does_not_name() {
    let is_shown = |path: &str| {
        statehouse_api::table().iter().any(|it| it.method == Method::GET && it.path == path)
    };
    let count = each_route(
        |route| route.method == Method::PATCH && is_shown(route.path),
        async |route, worlds| {
            let world = ready(&worlds, &route).await;
            let Sent::Json(whole) = world.body(&route) else { return };
            // Limits are a list, to go back to an old state is no update, and the Go client's own suite holds servers to
            // it that mail goes to no users unless they are named again.
            let others = ["token-ttl-policies", "/state-versions", "notification-configurations"];
            let is_other = others.iter().any(|other| route.path.contains(other));
            if !whole["data"].is_object() || is_other {
                return;
            }
            call(&world, &route, whole.to_string().into()).await;
            let show = Route { method: Method::GET, ..route.clone() };
            let before = call(&world, &show, Vec::new()).await.is_ok();
            let attributes = whole["data"]["attributes"].as_object().cloned().unwrap_or_default();
            let mut partial: Vec<Value> =
                attributes.iter().map(|(name, value)| json!({ name.as_str(): value })).collect();
            partial.push(json!({}));
            for attributes in partial {
                let mut body = whole.clone();
                body["data"]["attributes"] = attributes.clone();
                body["data"].as_object_mut().unwrap().remove("relationships");
                let sent = body.to_string();
                let answer = call(&world, &route, sent.clone().into()).await;
                let after = call(&world, &show, Vec::new()).await.is_ok();
                assert_eq!(settings(&after), settings(&before), "{route:?} {sent} {answer}");
            }
        },
    )
    .await;
    assert!(count > 20, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_end_with_a_slash() {
    let count = each_route(
        |route| route.method == Method::GET,
        async |route, worlds| {
            let world = ready(&worlds, &route).await;
            let path = world.path(&route);
            let (address, query) = path.split_once('?').unwrap_or((&path, ""));
            let slashed = format!("{address}/?{query}");
            let client = world.allowed(&route);
            let plain = client.raw(Method::GET, &path, "").await;
            let slashed = client.raw(Method::GET, slashed, "").await;
            assert_eq!(slashed.status, plain.status, "{slashed}");
        },
    )
    .await;
    assert!(count > 100, "{count}");
    let server = Server::start().await;
    let new = resource("workspaces", &json!({ "name": "networking" }));
    server.owner().post("/organizations/acme/workspaces/", new).await.is_created();
    server
        .owner()
        .patch("/organizations/acme/workspaces/networking/", resource("", &json!({})))
        .await
        .is_ok();
    server.owner().get("/organizations/acme/workspaces//").await.is_not_found();
}

/// What these take may be left out, beside that of the routes that take nothing at all.
const OPTIONAL: [(&str, &str); 11] = [
    ("POST", "/api/v2/workspaces/{workspace_id}/actions/lock"),
    ("POST", "/api/v2/workspaces/{workspace_id}/configuration-versions"),
    ("POST", "/api/v2/runs/{run_id}/actions/apply"),
    ("POST", "/api/v2/runs/{run_id}/actions/discard"),
    ("POST", "/api/v2/runs/{run_id}/actions/cancel"),
    ("POST", "/api/v2/runs/{run_id}/actions/force-cancel"),
    ("POST", "/api/v2/policy-checks/{policy_check_id}/actions/override"),
    ("POST", "/api/v2/task-stages/{task_stage_id}/actions/override"),
    ("POST", "/api/v2/organizations/{organization_name}/authentication-token"),
    ("POST", "/api/v2/teams/{team_id}/authentication-token"),
    ("POST", "/api/v2/users/{user_id}/authentication-tokens"),
];

#[tokio::test(flavor = "multi_thread")]
async fn where_a_body_is_optional_none_and_an_empty_one_are_alike() {
    let count = each_route(
        |route| route.method != Method::GET && route.path.starts_with("/api/v2"),
        async |route, worlds| {
            let is_optional = OPTIONAL.contains(&(route.method.as_str(), route.path));
            if !is_optional && !matches!(worlds.world().await.body(&route), Sent::Nothing) {
                return;
            }
            for body in ["", "{}", " ", "null", r#"{"data":{}}"#] {
                let world = ready(&worlds, &route).await;
                let answer = call(&world, &route, body.into()).await;
                // Nobody listens where a notification would be verified, and nothing was applied that could be assessed.
                let may_be_refused = ["/actions/verify", "/actions/assess"]
                    .iter()
                    .any(|end| route.path.ends_with(end));
                assert!(answer.status.is_success() || may_be_refused, "{body:?} {answer}");
            }
        },
    )
    .await;
    assert!(count > 100, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_document_is_said_to_be_does_not_matter() {
    let count = each_route(
        |route| {
            let is_decided_by_type = route.path.contains("data-retention-policy");
            // Those who answer for a run task were told which type theirs has.
            let is_told = route.path.ends_with("/callback");
            route.path.starts_with("/api/v2") && !is_decided_by_type && !is_told
        },
        async |route, worlds| {
            let world = ready(&worlds, &route).await;
            let Sent::Json(mut sent) = world.body(&route) else { return };
            if !sent["data"]["type"].is_string() {
                return;
            }
            let right = call(&world, &route, sent.to_string().into()).await.status;
            sent["data"]["type"] = json!("organizations");
            let world = ready(&worlds, &route).await;
            let answer = call(&world, &route, sent.to_string().into()).await;
            assert_eq!(answer.status, right, "{sent} {answer}");
        },
    )
    .await;
    assert!(count > 100, "{count}");
}
