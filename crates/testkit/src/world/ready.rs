//! What has to have happened before somebody's call of some operations can succeed at all.

use std::time::Duration;

use api::Route;
use domain::{
    Site, accounts, can,
    entity::{agent, phase, policy_check, run, task_stage, workspace},
};
use http::Method;
use serde_json::json;

use super::{World, resource, retention, runs::run_in};

/// The member's, before it is changed.
pub const PASSWORD: &str = "correct horse battery";

impl World {
    pub async fn prepare(&mut self, route: &Route) {
        let path = route.path.strip_prefix("/api/v2").unwrap_or(route.path);
        match (route.method.as_str(), path) {
            (
                "POST",
                "/workspaces/{workspace_id}/actions/unlock"
                | "/workspaces/{workspace_id}/actions/force-unlock",
            )
            | ("POST" | "PATCH", "/workspaces/{workspace_id}/state-versions") => {
                let lock = format!("/workspaces/{}/actions/lock", self.ws.id);
                self.server.owner().post(lock, ()).await.is_ok();
            }
            ("PATCH", "/account/password") => self.set_password().await,
            ("DELETE", "/agents/{agent_id}") => self.end_agent().await,
            ("POST", "/policy-checks/{policy_check_id}/actions/override") => {
                self.fail_check_softly().await;
            }
            ("POST", "/plan-exports") => self.bring_plan().await,
            ("POST", "/runs/{run_id}/actions/apply") => self.plan().await,
            ("POST", "/runs/{run_id}/actions/force-execute") => {
                self.plan().await;
                let waiting = self.server.owner().post("/runs", run_in(self.ws.id.as_str())).await;
                self.names.insert("run_id", waiting.is_created().id());
            }
            ("POST", "/runs/{run_id}/actions/force-cancel") => self.wait_for_a_cancel().await,
            (
                "POST",
                "/organization-memberships/{organization_membership_id}/actions/invite-again",
            ) => {
                let new =
                    resource("organization-memberships", &json!({ "email": "new@example.com" }));
                let path = "/organizations/acme/organization-memberships";
                let invited = self.server.owner().post(path, new).await.is_created();
                self.names.insert("organization_membership_id", invited.id());
            }
            ("POST", "/admin/users/{user_id}/actions/confirm-email") => {
                let claim = resource("users", &json!({ "email": "renamed@example.com" }));
                self.server.member().patch("/account/update", claim).await.is_ok();
            }
            ("POST", "/admin/users/{user_id}/actions/disable_two_factor") => {
                let id = &self.names["user_id"];
                let sql = format!("UPDATE users SET second_factor_at = 1 WHERE id = '{id}'");
                self.server.execute(&sql).await;
            }
            ("GET", "/applies/{apply_id}/errored-state") => self.fail_to_save().await,
            _ => {
                let owner = self.server.owner();
                retention::prepare(&owner, &self.names, route.method == Method::POST, path).await;
            }
        }
    }

    async fn set_password(&self) {
        let cx = self.server.system();
        let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
        let member = self.names["user_id"].parse().unwrap();
        accounts::reset_password(&cx, &site, &member, PASSWORD.to_owned().into()).await.unwrap();
    }

    async fn end_agent(&self) {
        let tx = self.server.db.write().await.unwrap();
        let id = self.names["agent_id"].parse::<domain::id::AgentId>().unwrap();
        let mut agent = tx.lock::<agent::Entity>(id).await.unwrap().unwrap();
        agent.has_exited = true;
        tx.update(agent).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// As if there were an engine for Sentinel.
    async fn fail_check_softly(&self) {
        let tx = self.server.db.write().await.unwrap();
        let id = self.names["policy_check_id"].parse::<domain::id::PolicyCheckId>().unwrap();
        let mut check = tx.lock::<policy_check::Entity>(id).await.unwrap().unwrap();
        let mut run = tx.lock::<run::Entity>(check.run_id.clone()).await.unwrap().unwrap();
        check.status = policy_check::Status::SoftFailed;
        run.status = run::Status::PolicyOverride;
        let now = self.server.app.now();
        tx.insert(task_stage::Model {
            id: domain::id::TaskStageId::fresh(),
            run_id: run.id.clone(),
            stage: task_stage::Stage::PolicyCheck,
            status: task_stage::Status::AwaitingOverride,
            leased_until: None,
            attempts: 1,
            status_timestamps: domain::Json::default(),
            created_at: now,
            updated_at: now,
        })
        .await
        .unwrap();
        tx.update(check).await.unwrap();
        tx.update(run).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// As if an agent had planned the world's run, which now holds its workspace and waits for a yes.
    async fn plan(&self) {
        let tx = self.server.db.write().await.unwrap();
        let id = self.names["run_id"].parse::<domain::id::RunId>().unwrap();
        let mut run = tx.lock::<run::Entity>(id.clone()).await.unwrap().unwrap();
        let mut ws = tx.lock::<workspace::Entity>(run.workspace_id.clone()).await.unwrap().unwrap();
        run.status = run::Status::Planned;
        run.has_changes = true;
        ws.lock_kind = Some(workspace::LockKind::Run);
        ws.lock_holder_id = Some(id.to_string());
        tx.update(run).await.unwrap();
        tx.update(ws).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// As if an agent had brought the JSON of the world's plan.
    async fn bring_plan(&self) {
        let tx = self.server.db.write().await.unwrap();
        let mut plan =
            tx.lock::<phase::Entity>(self.names["plan_id"].clone()).await.unwrap().unwrap();
        plan.status = phase::Status::Finished;
        plan.artifacts.push("json-plan".into());
        tx.update(plan).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The engine of the world's run does not stop, although it was asked to a while ago.
    async fn wait_for_a_cancel(&self) {
        self.server.stop_clock();
        let cancel = format!("/runs/{}/actions/cancel", self.names["run_id"]);
        self.server.owner().post(cancel, json!({})).await.is_accepted();
        self.server.pass(Duration::from_secs(61));
    }

    /// As if an engine could not have saved its state, and had left it with its agent.
    async fn fail_to_save(&self) {
        let tx = self.server.db.write().await.unwrap();
        let id = self.names["apply_id"].clone();
        let mut apply = tx.lock::<phase::Entity>(id).await.unwrap().unwrap();
        apply.artifacts.push("errored-state".into());
        tx.update(apply).await.unwrap();
        tx.commit().await.unwrap();
    }
}
