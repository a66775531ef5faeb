//! Why a run that waits does not go on, where nobody sees it from the runs before it: for want of who executes it.

use db::entity::run::Status;

use crate::{
    Ctx, In, Result, agent_pools, agents,
    row::Run,
    workspaces::{self, Executor},
};

/// A sentence for people, or nothing if there is somebody.
pub async fn waits_for(cx: &Ctx, run: &In<Run>) -> Result<Option<String>> {
    if !matches!(run.status, Status::Pending | Status::Confirmed) {
        return Ok(None);
    }
    Ok(match workspaces::executor(cx.read(), &run.of).await? {
        Executor::Site => None,
        Executor::Nobody(why) => Some(why.to_owned()),
        Executor::Pool(id) if agents::is_anybody_there(cx, &id).await? => None,
        Executor::Pool(id) => {
            let pool = agent_pools::by_id(cx, &id).await?;
            let name = pool.map(|pool| pool.name).unwrap_or_default();
            Some(format!(
                "No agent of the agent pool “{name}” is there. The run goes on when one is."
            ))
        }
    })
}
