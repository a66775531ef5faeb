//! Why a run that waits does not go on, where nobody sees it from the runs before it: for want of who executes it.

use db::entity::run::Status;

use super::{queue, stages};
use crate::{Ctx, In, Result, agent_pools, agents, configurations, row::Run, workspaces::Executor};

/// A sentence for people, or nothing if there is somebody.
pub async fn waits_for(cx: &Ctx, run: &In<Run>) -> Result<Option<String>> {
    if stages::awaited_phase(run.status).is_none() {
        return Ok(None);
    }
    if let Some(id) = &run.configuration_version_id
        && run.status == Status::Pending
        && configurations::is_missing(cx, id).await?
    {
        return Ok(Some(
            "Its configuration has not been uploaded. If it does not come within an hour, the run ends; \
             others do not wait for it."
                .into(),
        ));
    }
    Ok(match queue::executor_of(cx.read(), &run.of, &run.row).await? {
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
