//! Every route, called by every kind of caller. Whoever adds a route reads and accepts the difference in the snapshot.

use http::{Method, StatusCode};
use statehouse_api::Route;
use testkit::{
    Client,
    access::Table,
    world::{World, Worlds},
};

/// From the weakest on. Whoever may make or delete something spoils the world for those who follow, so it is made anew.
const CALLERS: [&str; 20] = [
    "nobody",
    "stranger",
    "foreigner",
    "member",
    "reader",
    "planner",
    "writer",
    "admin",
    "custom",
    "project reader",
    "project maintainer",
    "project admin",
    "workspace manager",
    "policy manager",
    "owner",
    "team token",
    "org token",
    "site admin",
    "agent",
    "engine",
];

fn client<'w>(world: &'w World, caller: &str) -> Client<'w> {
    match caller {
        "agent" => world.agent(),
        "engine" => world.engine(),
        person => world.server.person(&world.ws, person),
    }
}

async fn statuses(route: &Route, worlds: &Worlds) -> Vec<StatusCode> {
    let mut world = worlds.world().await;
    Box::pin(world.prepare(route)).await;
    let mut statuses = Vec::new();
    for caller in CALLERS {
        let caller = client(&world, caller);
        let path = world.path(route);
        let answer = caller.raw(route.method.clone(), path, world.body(route).bytes()).await;
        assert!(!answer.status.is_server_error(), "{answer}");
        statuses.push(answer.status);
        let is_harmless = route.method == Method::GET
            || (route.method == Method::PATCH && route.path.contains('{'));
        if answer.status.is_success() && !is_harmless {
            world = worlds.world().await;
            Box::pin(world.prepare(route)).await;
        }
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_caller_as_the_table_says() {
    let worlds = Worlds::new().await;
    let table = Table::of(&CALLERS, statehouse_api::table(), |route| {
        let worlds = worlds.clone();
        async move { Box::pin(statuses(&route, &worlds)).await }
    });
    let table = table.await;
    // What holds whatever the snapshot says.
    for (route, of) in table.guarded() {
        assert_eq!(of("nobody"), StatusCode::UNAUTHORIZED, "{route:?}");
        for outsider in ["stranger", "foreigner"] {
            let is_named = route.path.contains('{');
            assert!(!is_named || of(outsider) == StatusCode::NOT_FOUND, "{outsider}: {route:?}");
        }
    }
    insta::assert_snapshot!(table.drawn());
}

/// What a run task is given a token for is in the open here; all else is as if it were not there.
#[tokio::test]
async fn the_token_of_a_run_task_opens_only_what_it_was_asked_about() {
    let world = Worlds::new().await.world().await;
    let mut opened = Vec::new();
    for route in statehouse_api::table() {
        if route.guard == "Anyone" {
            continue;
        }
        let client = world.run_task();
        let path = world.path(&route);
        let body = world.body(&route).bytes();
        let answer = client.raw(route.method.clone(), path, body).await;
        if answer.status.is_success() || answer.status.is_redirection() {
            opened.push(format!("{} {}", route.method, route.path));
        }
    }
    opened.sort_unstable();
    assert_eq!(
        opened,
        [
            "GET /api/v2/configuration-versions/{configuration_version_id}/download",
            // Of which it has none.
            "GET /api/v2/github-app-installations",
            "GET /api/v2/github-app/installations",
            "GET /api/v2/organizations",
            "GET /api/v2/tasks/integrations",
            "PATCH /api/v2/task-results/{task_result_id}/callback",
        ]
    );
}
