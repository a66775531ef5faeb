//! Many at once, and few connections to the database: nobody waits for what somebody else waits for.

use futures::future::join_all;
use http::Method;
use testkit::world::Worlds;

const AT_ONCE: usize = 64;

/// Whatever holds a transaction, and reads something beside it.
const CALLS: [(Method, &str); 12] = [
    (Method::POST, "/agent/v1/register"),
    (Method::POST, "/agent/v1/jobs/{job_id}/start"),
    (Method::POST, "/agent/v1/jobs/{job_id}/heartbeat"),
    (Method::PUT, "/agent/v1/jobs/{job_id}/artifacts/{artifact}"),
    (Method::POST, "/agent/v1/jobs/{job_id}/outcome"),
    (Method::POST, "/agent/v1/jobs/{job_id}/finish"),
    (Method::POST, "/api/v2/runs"),
    (Method::POST, "/api/v2/organizations/{organization_name}/projects"),
    (Method::PATCH, "/api/v2/projects/{project_id}"),
    (Method::PATCH, "/api/v2/workspaces/{workspace_id}"),
    (Method::POST, "/api/v2/policy-sets/{policy_set_id}/versions"),
    (Method::PATCH, "/api/v2/policy-sets/{policy_set_id}"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_at_once_of_each_call_are_all_answered() {
    let world = Worlds::new().await.world().await;
    let table = statehouse_api::table();
    for (method, path) in CALLS {
        let route = table
            .iter()
            .find(|route| route.method == method && route.path == path)
            .unwrap_or_else(|| panic!("there is no {method} {path}"));
        let calls = (0..AT_ONCE).map(|_| {
            let (path, body) = (world.path(route), world.body(route).bytes());
            let asked = world.allowed(route);
            let method = method.clone();
            async move { asked.raw(method, path, body).await }
        });
        for answer in join_all(calls).await {
            assert!(!answer.status.is_server_error(), "{answer}");
        }
    }
}
