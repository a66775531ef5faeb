//! Every stage of a run, with members that stand in for those that come from elsewhere: they wait until they are told what
//! to say.

use domain::{
    Json,
    entity::{policy::Kind, policy_evaluation, run as run_row, task_stage},
    id::{PolicyEvaluationId, RunId, TaskStageId},
    row::Workspace,
};
use serde_json::json;
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

pub use task_stage::Stage;

/// Gives a run that has not begun one more stage, with one member.
pub async fn add(server: &Server, run: &str, stage: Stage) {
    let (now, id) = (server.app.now(), TaskStageId::fresh());
    let run: RunId = run.parse().unwrap();
    let tx = server.db.write().await.unwrap();
    let mut row = tx.lock::<run_row::Entity>(run.clone()).await.unwrap().unwrap();
    row.task_stages.push(id.clone());
    tx.update(row).await.unwrap();
    tx.insert(task_stage::Model {
        id: id.clone(),
        run_id: run,
        stage,
        status: task_stage::Status::Pending,
        leased_until: None,
        attempts: 0,
        status_timestamps: Json::default(),
        created_at: now,
        updated_at: now,
    })
    .await
    .unwrap();
    tx.insert(policy_evaluation::Model {
        id: PolicyEvaluationId::fresh(),
        task_stage_id: id,
        kind: Kind::Opa,
        status: policy_evaluation::Status::Pending,
        can_be_overridden: false,
        result_count: Json::default(),
        status_timestamps: Json::default(),
        created_at: now,
        updated_at: now,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// The member that is asked now says something, unless policies are; which stage it is in.
pub async fn answer(server: &Server, run: &str, agrees: bool) -> Option<Stage> {
    use testkit::sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
    let run: RunId = run.parse().unwrap();
    let tx = server.db.write().await.unwrap();
    let asked = task_stage::Entity::find()
        .filter(task_stage::Column::RunId.eq(run))
        .filter(task_stage::Column::Status.eq(task_stage::Status::Running))
        .filter(task_stage::Column::Stage.ne(Stage::PostPlan))
        .one(&*tx)
        .await
        .unwrap()?;
    let members = policy_evaluation::Entity::find()
        .filter(policy_evaluation::Column::TaskStageId.eq(&asked.id))
        .all(&*tx)
        .await
        .unwrap();
    for member in members {
        assert_eq!(member.status, policy_evaluation::Status::Queued, "its stage has begun");
        let row = tx.lock::<policy_evaluation::Entity>(member.id).await.unwrap();
        let mut row = row.unwrap();
        row.status = if agrees {
            policy_evaluation::Status::Passed
        } else {
            policy_evaluation::Status::Failed
        };
        tx.update(row).await.unwrap();
    }
    tx.commit().await.unwrap();
    domain::task_stages::advance_all(&server.system()).await.unwrap();
    Some(asked.stage)
}

async fn status(client: &Client<'_>, run: &str) -> String {
    let run = client.get(format!("/runs/{run}")).await.is_ok();
    run.attribute("status").as_str().unwrap().to_owned()
}

async fn statuses_of_stages(client: &Client<'_>, run: &str) -> Vec<serde_json::Value> {
    client.get(format!("/runs/{run}/task-stages")).await.is_ok().attributes("status")
}

/// A run with these stages.
async fn with(server: &Server, ws: &Workspace, stages: &[Stage]) -> String {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    let id = owner.post("/runs", run(ws, json!({ "auto-apply": true }))).await.is_created().id();
    for stage in stages {
        add(server, &id, *stage).await;
    }
    server.advance().await;
    id
}

#[tokio::test]
async fn a_run_goes_through_all_its_stages_in_their_order() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let stages = [Stage::PostApply, Stage::CostEstimation, Stage::PreApply, Stage::PrePlan];
    let id = with(&server, &ws, &stages).await;
    assert_eq!(status(&owner, &id).await, "pre_plan_running");
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.related("locked-by"), id, "it has its turn");
    server.advance().await;
    assert!(agent.claim().await.is_none(), "nothing is planned before");
    assert_eq!(answer(&server, &id, true).await, Some(Stage::PrePlan));
    assert_eq!(status(&owner, &id).await, "pre_plan_completed");
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&owner, &id).await, "cost_estimating");
    assert_eq!(answer(&server, &id, true).await, Some(Stage::CostEstimation));
    assert_eq!(status(&owner, &id).await, "confirmed");
    server.advance().await;
    assert_eq!(status(&owner, &id).await, "pre_apply_running");
    assert!(agent.claim().await.is_none(), "nothing is applied before");
    assert_eq!(answer(&server, &id, true).await, Some(Stage::PreApply));
    assert_eq!(status(&owner, &id).await, "pre_apply_completed");
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&owner, &id).await, "post_apply_running");
    assert_eq!(answer(&server, &id, true).await, Some(Stage::PostApply));
    let run = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "applied");
    let times = run.attribute("status-timestamps");
    for reached in [
        "pre-plan-running",
        "pre-plan-completed",
        "planned",
        "cost-estimating",
        "cost-estimated",
        "confirmed",
        "pre-apply-running",
        "pre-apply-completed",
        "post-apply-running",
        "post-apply-completed",
        "applied",
    ] {
        assert!(times[format!("{reached}-at")].is_string(), "{reached}: {times}");
    }
    let listed = owner.get(format!("/runs/{id}/task-stages")).await.is_ok();
    assert_eq!(listed.attributes("stage").len(), 3, "an estimate is no task stage");
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.attribute("locked"), false);
}

#[tokio::test]
async fn what_is_refused_before_the_plan_is_never_planned() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let id = with(&server, &ws, &[Stage::PrePlan, Stage::PreApply]).await;
    let next = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    assert_eq!(status(&owner, &next).await, "pending", "another one has the turn");
    answer(&server, &id, false).await;
    assert_eq!(status(&owner, &id).await, "errored");
    let mut stages = statuses_of_stages(&owner, &id).await;
    stages.sort_by_key(ToString::to_string);
    assert_eq!(stages, ["failed", "unreachable"]);
    let plan = owner.get(format!("/runs/{id}/plan")).await.is_ok();
    assert_eq!(plan.attribute("status"), "unreachable");
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), next, "the next one has its turn");
}

#[tokio::test]
async fn what_is_refused_before_the_apply_is_never_applied() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let id = with(&server, &ws, &[Stage::PreApply]).await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    assert_eq!(status(&owner, &id).await, "pre_apply_running");
    answer(&server, &id, false).await;
    assert_eq!(status(&owner, &id).await, "errored");
    server.advance().await;
    assert!(agent.claim().await.is_none());
}

#[tokio::test]
async fn what_was_applied_stays_applied_whatever_comes_after() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    for (name, canceled) in [("refused", false), ("canceled", true)] {
        let ws = server.workspace(name).await;
        let id = with(&server, &ws, &[Stage::PostApply]).await;
        agent.must_claim().await.execute().await;
        server.advance().await;
        agent.must_claim().await.execute().await;
        assert_eq!(status(&owner, &id).await, "post_apply_running");
        if canceled {
            owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
        } else {
            answer(&server, &id, false).await;
        }
        assert_eq!(status(&owner, &id).await, "applied");
        let expected = if canceled { "canceled" } else { "failed" };
        assert_eq!(statuses_of_stages(&owner, &id).await, [expected]);
    }
}

#[tokio::test]
async fn an_estimate_that_fails_stops_nobody() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let id = with(&server, &ws, &[Stage::CostEstimation]).await;
    agent.must_claim().await.execute().await;
    answer(&server, &id, false).await;
    assert_eq!(status(&owner, &id).await, "confirmed");
}

#[tokio::test]
async fn a_stage_that_has_lost_its_row_is_not_passed() {
    use testkit::sea_orm::EntityTrait;
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let id = with(&server, &ws, &[Stage::PreApply]).await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let tx = server.db.write().await.unwrap();
    task_stage::Entity::delete_many().exec(&*tx).await.unwrap();
    tx.commit().await.unwrap();
    domain::task_stages::advance_all(&server.system()).await.unwrap();
    assert_eq!(status(&owner, &id).await, "errored");
}
