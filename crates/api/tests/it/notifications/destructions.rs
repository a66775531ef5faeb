//! What people are told of scheduled destructions.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::Server;

use super::{Heard, Recipient, deliver, generic, loopback, of};

#[tokio::test]
async fn scheduled_destructions_tell_what_became_of_them() {
    let server = Server::start_with(loopback).await;
    let now = server.stop_clock();
    let owner = server.owner();
    let (ended, refused) = (server.workspace("ended").await, server.workspace("refused").await);
    let recipient = Recipient::new().await;
    for ws in [&ended, &refused] {
        let new = generic(&recipient.url, true, &["workspace:auto_destroy_run_results"]);
        owner.post(of(ws), new).await.is_created();
        let mode = if ws.name == "refused" { "local" } else { "remote" };
        let at = now.plus_seconds(60).iso8601();
        let change = json!({ "auto-destroy-at": at, "execution-mode": mode });
        let change = json!({ "data": { "type": "workspaces", "attributes": change } });
        owner.patch(format!("/workspaces/{}", ws.id), change).await.is_ok();
    }
    server.pass(Duration::from_secs(61));
    domain::destructions::destroy_due(&server.system()).await.unwrap();
    let runs = owner.get(format!("/workspaces/{}/runs", ended.id)).await.is_ok();
    let run = runs.data()[0]["id"].as_str().unwrap().to_owned();
    owner.post(format!("/runs/{run}/actions/cancel"), json!({})).await.is_accepted();
    deliver(&server).await;
    let heard = recipient.heard().await;
    let results = |name: &str| {
        let mut said = heard.iter().map(Heard::json);
        said.find(|said| said["details"]["workspace_name"] == name).unwrap()
    };
    let said = results("ended");
    assert_eq!(said["payload_version"], "2");
    assert_eq!(said["trigger"], "workspace:auto_destroy_run_results");
    assert_eq!(said["details"]["run_external_id"], run);
    assert_eq!(said["details"]["run_status"], "canceled");
    let said = results("refused");
    assert_eq!(said["details"]["run_external_id"], Value::Null);
    assert!(said["details"]["run_create_error_message"].as_str().unwrap().contains("local"));
}

#[tokio::test]
async fn people_are_reminded_of_a_destruction_a_day_and_half_a_day_ahead() {
    let server = Server::start_with(loopback).await;
    let now = server.stop_clock();
    let owner = server.owner();
    let (far, near) = (server.workspace("far").await, server.workspace("near").await);
    let recipient = Recipient::new().await;
    let destroy_in = async |ws: &Workspace, hours: i64| {
        let at = now.plus_seconds(hours * 3600).iso8601();
        let change = json!({ "auto-destroy-at": at });
        let change = json!({ "data": { "type": "workspaces", "attributes": change } });
        owner.patch(format!("/workspaces/{}", ws.id), change).await.is_ok();
    };
    for ws in [&far, &near] {
        let new = generic(&recipient.url, true, &["workspace:auto_destroy_reminder"]);
        owner.post(of(ws), new).await.is_created();
    }
    destroy_in(&far, 30).await;
    // For what comes so soon, it is too late to remind anybody.
    destroy_in(&near, 6).await;
    let reminders = async || {
        let heard = recipient.heard().await;
        let said = heard.iter().map(Heard::json);
        said.filter(|said| said["trigger"].is_string()).collect::<Vec<_>>()
    };
    let heard_after = async |hours: u64| {
        server.pass(Duration::from_hours(hours));
        for _ in 0..2 {
            domain::destructions::remind_due(&server.system()).await.unwrap();
        }
        deliver(&server).await;
        reminders().await.len()
    };
    assert_eq!(heard_after(0).await, 0);
    assert_eq!(heard_after(5).await, 0);
    assert_eq!(heard_after(2).await, 1);
    assert_eq!(heard_after(8).await, 1);
    assert_eq!(heard_after(4).await, 2);
    assert_eq!(heard_after(1).await, 2);
    for said in reminders().await {
        assert_eq!(said["trigger"], "workspace:auto_destroy_reminder");
        assert_eq!(said["details"]["trigger_type"], "reminder");
        assert_eq!(said["details"]["workspace_name"], "far");
        let at = now.plus_seconds(30 * 3600).iso8601();
        assert_eq!(said["details"]["auto_destroy_at"], at);
    }
}
