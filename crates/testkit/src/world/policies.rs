//! A policy, two policy sets, and a run that waits for somebody to override what policies said.

use crate::{Blob, Client, Server};
use domain::{
    Json, StatusTimestamps,
    entity::{
        plan_export, policy::Kind, policy_check, policy_evaluation, policy_set_outcome, run,
        task_stage,
    },
    id::{PlanExportId, PolicyCheckId, PolicyEvaluationId, PolicySetOutcomeId, RunId, TaskStageId},
    row::Workspace,
};
use serde_json::{Value, json};

use super::{Names, Sent, related, resource};

pub async fn in_world(
    server: &Server,
    owner: &Client<'_>,
    ws: &Workspace,
) -> [(&'static str, String); 10] {
    let policy = owner.post("/organizations/acme/policies", policy("ports")).await.is_created();
    let code = format!("/policies/{}/upload", policy.id());
    owner.put(code, "package example\nrule := []").await.is_ok();
    let set =
        owner.post("/organizations/acme/policy-sets", policy_set("network")).await.is_created();
    let parameters = format!("/policy-sets/{}/parameters", set.id());
    let parameter = owner.post(parameters, resource("vars", &parameter())).await.is_created();
    let uploaded =
        owner.post("/organizations/acme/policy-sets", policy_set("storage")).await.is_created();
    let versions = format!("/policy-sets/{}/versions", uploaded.id());
    let version = owner.post(versions, ()).await.is_created();
    let new = related(
        resource("runs", &json!({ "is-destroy": true })),
        &json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } }),
    );
    let replay = "/organizations/acme/policy-replays";
    let replay = owner.post(replay, policy_replay()).await.is_created();
    let run = owner.post("/runs", new).await.is_created();
    let export = exported(server, run.related("plan").as_str().unwrap()).await;
    let run = run.id();
    let [stage, evaluation, outcome, check] = waiting(server, run.parse().unwrap()).await;
    [
        ("policy_id", policy.id()),
        ("policy_set_id", set.id()),
        ("policy_set_version_id", version.id()),
        ("parameter_id", parameter.id()),
        ("task_stage_id", stage),
        ("policy_evaluation_id", evaluation),
        ("policy_set_outcome_id", outcome),
        ("policy_check_id", check),
        ("plan_export_id", export),
        ("policy_replay_id", replay.id()),
    ]
}

/// As if mocks had been made of a plan.
async fn exported(server: &Server, plan: &str) -> String {
    let (id, now) = (PlanExportId::fresh(), server.app.now());
    server.put_blob(Blob::PlanExport, id.as_str()).await;
    let tx = server.db.write().await.unwrap();
    tx.insert(plan_export::Model {
        id: id.clone(),
        plan_id: plan.parse().unwrap(),
        data_type: plan_export::DataType::SentinelMockBundle,
        status: plan_export::Status::Finished,
        error_message: None,
        status_timestamps: Json::default(),
        created_at: now,
        expires_at: now.plus_seconds(60 * 60),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

/// As if policies had been evaluated, which takes an agent.
async fn waiting(server: &Server, run_id: RunId) -> [String; 4] {
    let now = server.app.now();
    let at = StatusTimestamps::default;
    let tx = server.db.write().await.unwrap();
    let mut run = tx.lock::<run::Entity>(run_id.clone()).await.unwrap().unwrap();
    run.status = run::Status::PostPlanAwaitingDecision;
    run.has_changes = true;
    let stage = TaskStageId::fresh();
    run.task_stages.push(stage.clone());
    tx.update(run).await.unwrap();
    tx.insert(task_stage::Model {
        id: stage.clone(),
        run_id: run_id.clone(),
        stage: task_stage::Stage::PostPlan,
        status: task_stage::Status::AwaitingOverride,
        leased_until: None,
        attempts: 1,
        status_timestamps: at(),
        created_at: now,
        updated_at: now,
    })
    .await
    .unwrap();
    let evaluation = PolicyEvaluationId::fresh();
    tx.insert(policy_evaluation::Model {
        id: evaluation.clone(),
        task_stage_id: stage.clone(),
        kind: Kind::Opa,
        status: policy_evaluation::Status::Failed,
        can_be_overridden: true,
        result_count: Json::default(),
        status_timestamps: at(),
        created_at: now,
        updated_at: now,
    })
    .await
    .unwrap();
    let outcome = PolicySetOutcomeId::fresh();
    let place = "policy_set_outcomes.outcomes";
    tx.insert(policy_set_outcome::Model {
        outcomes: server.keyring.seal(place, outcome.as_str(), b"[]"),
        id: outcome.clone(),
        policy_evaluation_id: evaluation.clone(),
        position: 0,
        policy_set_name: "network".into(),
        policy_set_description: None,
        policy_tool_version: "latest".into(),
        overridable: true,
        error: None,
        result_count: Json::default(),
    })
    .await
    .unwrap();
    let check = PolicyCheckId::fresh();
    let findings = br#"{"sentinel":{"schema-version":1,"data":{}},"log":"Nothing to ask"}"#;
    tx.insert(policy_check::Model {
        id: check.clone(),
        run_id,
        status: policy_check::Status::Errored,
        output: None,
        counts: Some(Json::default()),
        said: Some(server.keyring.seal("policy_checks.said", check.as_str(), findings)),
        status_timestamps: at(),
        created_at: now,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    [stage.to_string(), evaluation.to_string(), outcome.to_string(), check.to_string()]
}

fn policy(name: &str) -> Value {
    resource(
        "policies",
        &json!({
            "name": name, "description": "No open ports", "kind": "opa",
            "query": "data.example.rule", "enforcement-level": "mandatory",
        }),
    )
}

fn policy_replay() -> Value {
    let files = json!({ "draft.sentinel": "main = true" });
    resource("policy-replays", &json!({ "kind": "sentinel", "files": files, "plans": 3 }))
}

fn policy_set(name: &str) -> Value {
    resource("policy-sets", &json!({ "name": name, "kind": "opa" }))
}

fn parameter() -> Value {
    json!({ "key": "limit", "value": "3", "category": "policy-set", "sensitive": true })
}

/// What the operations on policies and policy sets take.
pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
    let many =
        |kind: &str, id: &str| Sent::Json(json!({ "data": [{ "type": kind, "id": names[id] }] }));
    Some(match (method, path) {
        (
            "DELETE",
            "/policies/{policy_id}"
            | "/policy-sets/{policy_set_id}"
            | "/policy-sets/{policy_set_id}/parameters/{parameter_id}",
        )
        | (
            "POST",
            "/policy-sets/{policy_set_id}/versions"
            | "/policy-replays/{policy_replay_id}/actions/cancel",
        ) => Sent::Nothing,
        ("POST", "/organizations/{organization_name}/policies") => Sent::Json(policy("disks")),
        ("PATCH", "/policies/{policy_id}") => attributes(
            "policies",
            json!({
                "description": "Closed", "query": "data.example.deny",
                "enforce": [{ "path": "ports.rego", "mode": "advisory" }],
            }),
        ),
        ("PUT", "/policies/{policy_id}/upload") => Sent::Bytes(b"package example\nrule := []"),
        ("POST", "/organizations/{organization_name}/policy-sets") => {
            let one = |kind: &str, id: &str| json!({ "data": [{ "type": kind, "id": names[id] }] });
            Sent::Json(related(
                resource(
                    "policy-sets",
                    &json!({
                        "name": "cables", "description": "Of copper", "kind": "opa",
                        "overridable": true, "policy-tool-version": "1.2.0",
                        "policy-update-patterns": ["**/*.rego"],
                    }),
                ),
                &json!({
                    "policies": one("policies", "policy_id"),
                    "workspaces": one("workspaces", "workspace_id"),
                    "workspace-exclusions": one("workspaces", "neighbour"),
                }),
            ))
        }
        ("PATCH", "/policy-sets/{policy_set_id}") => {
            attributes("policy-sets", json!({ "name": "wires", "overridable": true }))
        }
        ("POST" | "DELETE", "/policy-sets/{policy_set_id}/relationships/policies") => {
            many("policies", "policy_id")
        }
        (
            "POST" | "DELETE",
            "/policy-sets/{policy_set_id}/relationships/workspaces"
            | "/policy-sets/{policy_set_id}/relationships/workspace-exclusions",
        ) => many("workspaces", "workspace_id"),
        (
            "POST" | "DELETE",
            "/policy-sets/{policy_set_id}/relationships/projects"
            | "/policy-sets/{policy_set_id}/relationships/project-exclusions",
        ) => many("projects", "project_id"),
        ("POST" | "DELETE", "/policy-sets/{policy_set_id}/tag-selectors") => {
            Sent::Json(json!({ "data": [
                { "tag-key": "colour", "tag-value": "blue", "is-exclude": false },
            ] }))
        }
        ("POST", "/organizations/{organization_name}/policy-replays") => {
            Sent::Json(policy_replay())
        }
        ("POST", "/policy-sets/{policy_set_id}/parameters") => {
            attributes("vars", json!({ "key": "size", "value": "9", "category": "policy-set" }))
        }
        ("PATCH", "/policy-sets/{policy_set_id}/parameters/{parameter_id}") => {
            attributes("vars", json!({ "value": "4", "description": "Of ports" }))
        }
        (
            "POST",
            "/task-stages/{task_stage_id}/actions/override"
            | "/policy-checks/{policy_check_id}/actions/override",
        ) => Sent::Json(json!({ "comment": "because" })),
        _ => return None,
    })
}
