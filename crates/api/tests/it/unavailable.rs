//! Without its database the server says that it cannot answer now, and nothing else.

use http::StatusCode;
use testkit::world::Worlds;

#[tokio::test]
async fn every_route_says_503_and_when_to_ask_again() {
    let world = Worlds::new().await.world().await;
    let routes = statehouse_api::table();
    for route in &routes {
        // Tokens are made while that is possible.
        world.allowed(route).token().await;
    }
    world.server.app.close().await;
    let mut open = Vec::new();
    for route in &routes {
        let asked = world.allowed(route);
        let body = world.body(route).bytes();
        let answer = asked.raw(route.method.clone(), world.path(route), body).await;
        if route.guard == "Anyone" && !answer.status.is_server_error() {
            open.push(format!("{} {}", route.method, route.path));
            continue;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        assert_eq!(answer.headers["retry-after"], "5", "{answer}");
    }
    // What needs no database, or is refused before one is asked.
    insta::assert_debug_snapshot!(open);
}
