//! Every route, called by every kind of caller. Whoever adds a route reads and accepts the difference in the snapshot.

use std::fmt::Write;

use domain::entity::team_project::Access;
use futures::{StreamExt, stream};
use http::{Method, StatusCode};
use statehouse_api::Route;
use testkit::Client;

use crate::world::{World, Worlds};

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
    let World { server, ws, .. } = world;
    match caller {
        "nobody" => server.nobody(),
        "stranger" => server.stranger(),
        "foreigner" => server.foreigner(),
        "member" => server.member(),
        "reader" => server.reader(ws),
        "planner" => server.planner(ws),
        "writer" => server.writer(ws),
        "admin" => server.admin_of(ws),
        "custom" => server.custom_in(ws),
        "project reader" => server.in_project_of(ws, Access::Read),
        "project maintainer" => server.in_project_of(ws, Access::Maintain),
        "project admin" => server.in_project_of(ws, Access::Admin),
        "workspace manager" => server.workspace_manager(),
        "policy manager" => server.policy_manager(),
        "owner" => server.owner(),
        "team token" => server.team_token(ws),
        "org token" => server.organization_token(),
        "site admin" => server.site_admin(),
        "agent" => world.agent(),
        "engine" => world.engine(),
        other => panic!("nobody knows {other}"),
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
    let mut routes = statehouse_api::table();
    routes.sort_by_key(|route| (route.path, route.method.to_string()));
    let worlds = Worlds::new().await;
    let all: Vec<_> = stream::iter(routes)
        .map(|route| {
            let worlds = worlds.clone();
            tokio::spawn(async move { (Box::pin(statuses(&route, &worlds)).await, route) })
        })
        .buffered(4)
        .map(|done| done.expect("no caller got a 5xx"))
        .collect()
        .await;
    let mut table = String::new();
    for (statuses, route) in &all {
        never_lets_outsiders_in(route, statuses);
        writeln!(table, "{} {}  [{}]", route.method, route.path, route.guard).unwrap();
        for status in
            [200, 201, 202, 204, 302, 307, 400, 401, 403, 404, 405, 409, 410, 412, 413, 422]
        {
            let who: Vec<_> = CALLERS
                .iter()
                .zip(statuses)
                .filter(|(_, got)| got.as_u16() == status)
                .map(|(caller, _)| *caller)
                .collect();
            if !who.is_empty() {
                writeln!(table, "  {status} {}", who.join(", ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

/// What holds whatever the snapshot says.
fn never_lets_outsiders_in(route: &Route, statuses: &[StatusCode]) {
    if route.guard == "Anyone" {
        return;
    }
    let of = |name: &str| statuses[CALLERS.iter().position(|caller| *caller == name).unwrap()];
    assert_eq!(of("nobody"), StatusCode::UNAUTHORIZED, "{route:?}");
    if route.path.contains('{') {
        for outsider in ["stranger", "foreigner"] {
            assert_eq!(of(outsider), StatusCode::NOT_FOUND, "{outsider}: {route:?}");
        }
    }
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
            "GET /api/v2/organizations",
            "GET /api/v2/tasks/integrations",
            "PATCH /api/v2/task-results/{task_result_id}/callback",
        ]
    );
}
