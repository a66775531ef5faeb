//! Asking run tasks: a signed request, outside of transactions, tried again a few times. The answer comes back later, by
//! itself; see `callback.rs`.

use std::time::Duration;

use db::{
    entity::{
        configuration_version::{self, Status as Uploaded},
        task_result::{self as result, Status},
        user,
    },
    id::{RunTaskId, TaskResultId},
    sea_orm::EntityTrait,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{SEALED_KEY, SEALED_TOKEN, give_up, place, silence};
use crate::{
    Ctx, Result, configurations, connected_repositories,
    row::{Run, TaskResult},
    run_tasks::{self, Asked, Capabilities},
    tasks::{Deliveries, Errand, Went},
    workspaces,
};

/// Seconds between the tries, of which up to a quarter is left out at random.
const PAUSES: [u64; 4] = [2, 5, 15, 30];

#[derive(Serialize, Deserialize)]
pub(super) struct Asking {
    pub result: TaskResultId,
    pub task: RunTaskId,
}

impl Errand for Asking {
    const KIND: &'static str = "ask_run_task";
    /// The last one is about a minute after the first.
    const TRIES: Option<i64> = Some(5);

    fn pause(tries: i64) -> Duration {
        let full = PAUSES[usize::try_from(tries).unwrap_or_default().min(PAUSES.len() - 1)];
        // Whoever could take none of many is not asked by all of them at one moment.
        Duration::from_secs(full).mul_f64(1.0 - f64::from(rand::random::<u8>()) / 1024.0)
    }

    fn recipient(&self) -> String {
        self.task.to_string()
    }

    async fn run(self, cx: &Ctx, tries: i64) -> Result<Went> {
        let Some(Refusal { why, is_final }) = ask(cx, &self.result).await? else {
            return Ok(Went::Done);
        };
        if !is_final && Self::TRIES.is_some_and(|most| tries + 1 < most) {
            return Ok(Went::Refused(why));
        }
        let message = format!("The run task could not be asked: {why}.");
        Box::pin(give_up(cx, &self.result, message)).await?;
        Ok(Went::Done)
    }
}

/// Questions that are asked without waiting for anybody.
pub fn deliveries() -> Deliveries {
    Deliveries::of::<Asking>()
}

/// Why a service was not asked.
struct Refusal {
    why: String,
    /// It would be the same the next time.
    is_final: bool,
}

/// Asks; nothing where nobody waits for the answer any more.
async fn ask(cx: &Ctx, id: &TaskResultId) -> Result<Option<Refusal>> {
    let row = result::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let Some(row) = row.filter(|row| row.status == Status::Running) else { return Ok(None) };
    let Some((_, run)) = place(cx, &row).await? else { return Ok(None) };
    let Some(asked) = asked(cx, &row, &run).await? else { return Ok(None) };
    let open = |sealed| cx.keyring().open_text(SEALED_KEY, row.id.as_str(), sealed);
    let key = row.hmac_key.as_deref().map(open).transpose()?;
    let sent = run_tasks::post(cx, &row.task_url, key.as_ref(), &asked).await;
    let outcome =
        if sent.as_ref().is_ok_and(courier::Receipt::is_success) { "asked" } else { "refused" };
    metrics::counter!("statehouse_run_task_requests_total", "outcome" => outcome).increment(1);
    Ok(match sent {
        Ok(receipt) if receipt.is_success() => {
            silence::asked(cx, id).await?;
            None
        }
        Ok(receipt) => Some(Refusal {
            why: format!("it answered {}", receipt.status),
            is_final: (400..500).contains(&receipt.status) && !matches!(receipt.status, 408 | 429),
        }),
        Err(error) => Some(Refusal { why: error.to_string(), is_final: false }),
    })
}

/// What is asked, alike in every try.
async fn asked(cx: &Ctx, row: &TaskResult, run: &Run) -> Result<Option<Asked>> {
    let Some(token) = &row.token else { return Ok(None) };
    let token = cx.keyring().open_text(SEALED_TOKEN, row.id.as_str(), token)?;
    let Some(workspace) = workspaces::by_id(cx, &run.workspace_id).await? else { return Ok(None) };
    let configuration = match &run.configuration_version_id {
        Some(id) => configuration_version::Entity::find_by_id(id.clone()).one(cx.read()).await?,
        None => None,
    };
    let created_by = match &run.created_by_id {
        Some(id) => user::Entity::find_by_id(id.clone()).one(cx.read()).await?,
        None => None,
    };
    let commit = match &run.configuration_version_id {
        Some(id) => configurations::ingress(cx, id).await?,
        None => None,
    };
    let repository = match &commit {
        Some(commit) => connected_repositories::by_id(cx, &commit.repository_id).await?,
        None => None,
    };
    let sender = commit.as_ref().and_then(|commit| commit.sender_username.clone());
    let created_by = created_by.map(|user| user.username).or(sender);
    let download = configuration.as_ref().filter(|row| row.status == Uploaded::Uploaded);
    let api = |path: String| cx.url(format_args!("/api/v2/{path}"));
    let page = format!("/app/{}/workspaces/{}", workspace.organization_name, workspace.name);
    let has_plan = row.stage != db::entity::task_stage::Stage::PrePlan;
    Ok(Some(Asked {
        payload_version: 1,
        stage: row.stage.as_str(),
        access_token: token.expose_secret().to_owned(),
        capabilities: Capabilities::ALL,
        misspelt_capabilities: Capabilities::ALL,
        configuration_version_id: configuration.as_ref().map(|row| row.id.to_string()),
        configuration_version_download_url: download
            .map(|row| api(format!("configuration-versions/{}/download", row.id))),
        is_speculative: run.plan_only,
        organization_name: run.organization_name.clone(),
        plan_json_api_url: has_plan.then(|| api(format!("plans/{}/json-output", run.plan_id))),
        run_app_url: cx.url(format_args!("{page}/runs/{}", run.id)),
        run_created_at: run.created_at.iso8601(),
        run_created_by: created_by.unwrap_or_else(|| "statehouse".into()),
        run_id: run.id.to_string(),
        run_message: run.message.clone(),
        task_result_callback_url: api(format!("task-results/{}/callback", row.id)),
        task_result_enforcement_level: row.enforcement_level.as_str(),
        task_result_id: row.id.to_string(),
        vcs_repo_url: repository.and_then(|row| row.page_url),
        vcs_branch: commit.as_ref().map(|commit| commit.branch.clone()),
        vcs_commit_hash: commit.as_ref().map(|commit| commit.commit_sha.clone()),
        vcs_commit_url: commit.as_ref().and_then(|commit| commit.commit_url.clone()),
        vcs_pull_request_url: commit.and_then(|commit| commit.pull_request_url),
        workspace_app_url: cx.url(&page),
        workspace_id: workspace.id.to_string(),
        workspace_name: workspace.name,
        workspace_working_directory: Some(workspace.working_directory)
            .filter(|path| !path.is_empty()),
    }))
}
