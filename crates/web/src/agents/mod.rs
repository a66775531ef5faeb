//! `/app/{organization}/agents`: agents of the organization's own, in pools.

mod list;
mod show;

use domain::{
    In,
    row::{AgentPool, Organization},
};

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/agents", list::show)
        .post("/app/{organization_name}/agents", list::create)
        .get("/app/{organization_name}/agents/{agent_pool_id}", show::show)
        .post("/app/{organization_name}/agents/{agent_pool_id}", show::save)
        .post("/app/{organization_name}/agents/{agent_pool_id}/delete", show::delete)
        .post("/app/{organization_name}/agents/{agent_pool_id}/tokens", show::token)
        .post(
            "/app/{organization_name}/agents/{agent_pool_id}/tokens/{token_id}/revoke",
            show::revoke,
        )
}

pub fn list_path(organization: &str) -> String {
    format!("/app/{organization}/agents")
}

fn path(pool: &In<AgentPool, Organization>) -> String {
    format!("{}/{}", list_path(&pool.of.name), pool.id)
}
