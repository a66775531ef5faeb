//! What applies wait for in a history: the end of a freeze, and the yes of several people; and runs by the calendar.

use std::collections::{BTreeSet, HashSet};

use domain::{Timestamp, row::Workspace};
use serde_json::{Value, json};
use testkit::{Client, Server, world::resource};

use crate::agent::Job;

pub async fn prepare(owner: &Client<'_>, workspace: &Workspace, strict: bool, scheduled: bool) {
    if strict {
        let two = resource("workspaces", &json!({ "confirmations-required": 2 }));
        owner.patch(format!("/workspaces/{}", workspace.id), two).await.is_ok();
    }
    if scheduled {
        let new = resource("run-schedules", &json!({ "kind": "apply", "cron": "* * * * *" }));
        owner.post(format!("/workspaces/{}/run-schedules", workspace.id), new).await.is_created();
    }
}

/// A person in a team, whose rights in both workspaces come and go.
pub struct Another<'s> {
    server: &'s Server,
    client: Client<'s>,
    team: String,
    workspaces: Vec<String>,
}

impl<'s> Another<'s> {
    pub async fn of(server: &'s Server, workspaces: &[Workspace; 2]) -> Self {
        let client = server.writer(&workspaces[0]);
        client.user().await;
        let given = access(server, workspaces[0].id.as_str()).await;
        let team = given[0]["relationships"]["team"]["data"]["id"].as_str().unwrap().to_owned();
        let workspaces = workspaces.iter().map(|workspace| workspace.id.to_string()).collect();
        let another = Self { server, client, team, workspaces };
        another.give_rights().await;
        another
    }

    pub async fn confirm(&self, run: Option<&String>) {
        let Some(id) = run else { return };
        let path = format!("/runs/{id}/actions/apply");
        let answer = self.client.post(path, json!({})).await;
        assert!([202, 404, 409].contains(&answer.status.as_u16()), "{answer}");
    }

    pub async fn take_rights(&self) {
        for workspace in &self.workspaces {
            for given in access(self.server, workspace).await {
                let path = format!("/team-workspaces/{}", given["id"].as_str().unwrap());
                self.server.owner().delete(path).await.is_no_content();
            }
        }
    }

    pub async fn give_rights(&self) {
        for workspace in &self.workspaces {
            if access(self.server, workspace).await.is_empty() {
                let new = json!({ "data": { "type": "team-workspaces",
                    "attributes": { "access": "write" },
                    "relationships": {
                        "workspace": { "data": { "type": "workspaces", "id": workspace } },
                        "team": { "data": { "type": "teams", "id": self.team } },
                    } } });
                self.server.owner().post("/team-workspaces", new).await.is_created();
            }
        }
    }
}

async fn access(server: &Server, workspace: &str) -> Vec<Value> {
    let path = format!("/team-workspaces?filter[workspace][id]={workspace}");
    server.owner().get(path).await.is_ok().data().as_array().unwrap().clone()
}

pub async fn freeze(server: &Server, minutes: i64, begins_in: i64) {
    let starts = server.app.now().plus_seconds(begins_in * 60);
    let ends = starts.plus_seconds(minutes * 60);
    let new = json!({ "name": "freeze", "starts-at": starts, "ends-at": ends });
    let new = resource("freezes", &new);
    server.owner().post("/organizations/acme/freezes", new).await.is_created();
}

async fn freezes(server: &Server) -> Vec<Value> {
    let all = server.owner().get("/organizations/acme/freezes?page[size]=100").await.is_ok();
    all.data().as_array().unwrap().clone()
}

pub async fn thaw(server: &Server) {
    if let Some(last) = freezes(server).await.last() {
        let path = format!("/freezes/{}", last["id"].as_str().unwrap());
        server.owner().delete(path).await.is_no_content();
    }
}

/// Whether there was anything that held it up.
pub async fn let_through(server: &Server, run: &str) -> bool {
    let path = format!("/runs/{run}/actions/break-freeze");
    let answer = server.owner().post(path, json!({ "comment": "It burns." })).await;
    assert!([202, 409].contains(&answer.status.as_u16()), "{answer}");
    answer.status == 202
}

/// No apply goes to an agent in a freeze.
pub async fn may_begin(server: &Server, job: &Job<'_>, let_through: &HashSet<String>) {
    let is_frozen = |freeze: &Value| !freeze["attributes"]["frozen-until"].is_null();
    if job.is_apply() && !let_through.contains(job.run()) {
        assert!(
            !freezes(server).await.iter().any(is_frozen),
            "{} is applied in a freeze",
            job.run()
        );
    }
}

pub async fn status(server: &Server, run: &str) -> Value {
    server.owner().get(format!("/runs/{run}")).await.is_ok().attribute("status")
}

/// All have confirmed it whom its workspace asks for, if it asks for several.
pub async fn is_confirmed(server: &Server, run: &str) {
    let given = server.owner().get(format!("/runs/{run}/confirmations")).await.is_ok();
    let rule = given.json()["meta"]["confirmations"].clone();
    if rule["required"] != 1 {
        assert_eq!(rule["missing"], 0, "{run} is applied without the people whom it takes");
    }
}

/// Runs of the calendar, the oldest first.
pub async fn scheduled(owner: &Client<'_>, workspace: &Workspace) -> Vec<String> {
    ids(&runs_of_schedules(owner, workspace).await)
}

fn ids(runs: &[Value]) -> Vec<String> {
    runs.iter().rev().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

async fn runs_of_schedules(owner: &Client<'_>, workspace: &Workspace) -> Vec<Value> {
    let path = format!("/workspaces/{}/runs?page[size]=100", workspace.id);
    let all = owner.get(path).await.is_ok().data().as_array().unwrap().clone();
    let by_schedule = |run: &Value| run["attributes"]["trigger-reason"] == "schedule";
    all.into_iter().filter(by_schedule).collect()
}

/// Of a time that comes every minute there is no second run.
pub async fn each_time_came_once(owner: &Client<'_>, workspace: &Workspace) {
    let all = runs_of_schedules(owner, workspace).await;
    let minute = |run: &Value| {
        let at = run["attributes"]["created-at"].as_str().unwrap();
        Timestamp::parse(at).unwrap().0 / 60_000
    };
    let minutes: BTreeSet<_> = all.iter().map(minute).collect();
    assert_eq!(minutes.len(), all.len(), "a time came twice");
}
