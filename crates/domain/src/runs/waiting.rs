//! Why a run that waits does not go on, where nobody sees it from the runs before it: for want of who executes it.

use db::{
    entity::{phase, run::Status, tool_version::Engine},
    id::AgentPoolId,
};

use super::{queue, stages};
use crate::{
    Ctx, In, Result, agent_pools, agents, configurations,
    row::Run,
    tool_versions::{self, Wish},
    workspaces::Executor,
};

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
        Executor::Site => nobody_can(cx, run, None).await?,
        Executor::Nobody(why) => Some(why.to_owned()),
        Executor::Pool(id) if agents::is_anybody_there(cx, &id).await? => {
            nobody_can(cx, run, Some(id)).await?
        }
        Executor::Pool(id) => {
            let pool = agent_pools::by_id(cx, &id).await?;
            let name = pool.map(|pool| pool.name).unwrap_or_default();
            Some(format!(
                "No agent of the agent pool “{name}” is there. The run goes on when one is."
            ))
        }
    })
}

/// What is said where agents are there, and none of them can do it.
async fn nobody_can(cx: &Ctx, run: &In<Run>, pool: Option<AgentPoolId>) -> Result<Option<String>> {
    let (present, kind) = (agents::present(cx).await?, stages::awaited_phase(run.status));
    let (Some(there), Some(kind)) = (present.get(&pool), kind) else { return Ok(None) };
    let version = run.terraform_version.as_ref().unwrap_or(&run.of.terraform_version);
    let wish = Wish { version, engine: run.engine.or(run.of.engine) };
    let tool = match kind {
        phase::Kind::Plan => tool_versions::resolve(cx, wish).await?,
        phase::Kind::Apply => tool_versions::given(cx, wish).await?,
    };
    let Some(tool) = tool else { return Ok(None) };
    if there.iter().any(|able| able.can(kind.into(), &tool)) {
        return Ok(None);
    }
    let engine = tool.kind.engine().map_or("the engine", Engine::title);
    Ok(Some(format!(
        "No agent that is there can execute it: none has {engine} {}, or can get it for its machine. The run goes on \
         when one can.",
        tool.version
    )))
}
