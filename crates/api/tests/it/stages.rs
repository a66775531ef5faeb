//! Every stage of a run, with members that stand in for those that come from elsewhere: they wait until they are told what
//! to say.

use std::time::Duration;

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

/// What befalls a stage that is at work.
#[derive(Clone, Copy, Debug)]
enum Befalls {
    Refused,
    Canceled,
    /// Its row is gone.
    Lost,
}

impl Befalls {
    async fn happen(self, server: &Server, run: &str) {
        match self {
            Self::Refused => {
                answer(server, run, false).await;
            }
            Self::Canceled => {
                let cancel = format!("/runs/{run}/actions/cancel");
                server.owner().post(cancel, json!({})).await.is_accepted();
            }
            Self::Lost => {
                use testkit::sea_orm::EntityTrait;
                let tx = server.db.write().await.unwrap();
                task_stage::Entity::delete_many().exec(&*tx).await.unwrap();
                tx.commit().await.unwrap();
                domain::task_stages::advance_all(&server.system()).await.unwrap();
            }
        }
    }
}

/// Executes what there is to execute until the run is over, while this befalls its stages; how many phases it had.
async fn to_its_end(server: &Server, agent: &Agent<'_>, run: &str, befalls: Befalls) -> usize {
    let mut phases = 0;
    for _ in 0..10 {
        server.advance().await;
        if let Some(job) = agent.claim().await {
            job.execute().await;
            phases += 1;
        }
        let mut now = status(&server.owner(), run).await;
        if now.ends_with("_running") || now == "cost_estimating" {
            befalls.happen(server, run).await;
            // Before an apply, a refusal is held back until command lines look.
            server.pass(Duration::from_secs(3));
            domain::task_stages::advance_all(&server.system()).await.unwrap();
            now = status(&server.owner(), run).await;
        }
        if ["applied", "errored", "canceled"].contains(&now.as_str()) {
            return phases;
        }
    }
    panic!("{run} comes to no end")
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
async fn each_stage_stops_a_run_where_it_is_and_an_estimate_never() {
    use Befalls::{Canceled, Lost, Refused};
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let failed: &[&str] = &["failed"];
    for (number, (stages, befalls, phases, ends, shown)) in [
        (&[Stage::PrePlan][..], Refused, 0, "errored", failed),
        (&[Stage::PrePlan, Stage::PreApply], Refused, 0, "errored", &["failed", "unreachable"]),
        (&[Stage::PrePlan], Canceled, 0, "canceled", &["canceled"]),
        (&[Stage::PrePlan], Lost, 0, "errored", &[]),
        (&[Stage::CostEstimation], Refused, 2, "applied", &[]),
        (&[Stage::PreApply], Refused, 1, "errored", failed),
        (&[Stage::PreApply], Canceled, 1, "canceled", &["canceled"]),
        (&[Stage::PreApply], Lost, 1, "errored", &[]),
        // What was applied stays applied, whatever comes after.
        (&[Stage::PostApply], Refused, 2, "applied", failed),
        (&[Stage::PostApply], Canceled, 2, "applied", &["canceled"]),
    ]
    .into_iter()
    .enumerate()
    {
        let case = format!("{stages:?} {befalls:?}");
        let ws = server.workspace(&format!("number-{number}")).await;
        let id = with(&server, &ws, stages).await;
        let next = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
        server.advance().await;
        assert_eq!(status(&owner, &next).await, "pending", "{case}: another one has the turn");
        assert_eq!(to_its_end(&server, &agent, &id, befalls).await, phases, "{case}");
        assert_eq!(status(&owner, &id).await, ends, "{case}");
        let mut found = statuses_of_stages(&owner, &id).await;
        found.sort_by_key(ToString::to_string);
        assert_eq!(found, shown, "{case}");
        let plan = owner.get(format!("/runs/{id}/plan")).await.is_ok();
        assert_eq!(plan.attribute("status") == "unreachable", phases == 0, "{case}");
        server.advance().await;
        let job = agent.must_claim().await;
        assert_eq!(job.run(), next, "{case}: the next one has its turn");
        job.execute().await;
    }
}
