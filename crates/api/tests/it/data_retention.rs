//! Data retention policies, and the data behind configurations and states

use std::time::Duration;

use domain::row::Workspace;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Answer, Blob, Client, Server};

use crate::{
    runs::{run, upload},
    states::push,
};

const ORGANIZATION: &str = "/organizations/acme/relationships/data-retention-policy";
const DAY: Duration = Duration::from_hours(24);

fn of(ws: &Workspace) -> String {
    format!("/workspaces/{}/relationships/data-retention-policy", ws.id)
}

fn delete_older(days: i64) -> Value {
    json!({ "data": { "type": "data-retention-policy-delete-olders",
        "attributes": { "delete-older-than-n-days": days } } })
}

fn dont_delete() -> Value {
    json!({ "data": { "type": "data-retention-policy-dont-deletes" } })
}

async fn related(client: &Client<'_>, path: &str) -> Value {
    let shown = client.get(path).await.is_ok();
    shown.data()["relationships"]["data-retention-policy"]["data"].clone()
}

fn kind(answer: &Answer) -> Value {
    answer.data()["type"].clone()
}

#[tokio::test]
async fn a_policy_is_set_changed_and_removed() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let shown = format!("/workspaces/{}", ws.id);
    for (path, shown) in [(of(&ws), shown.as_str()), (ORGANIZATION.into(), "/organizations/acme")] {
        owner.get(&path).await.is_not_found();
        owner.delete(&path).await.is_not_found();
        assert_eq!(related(&owner, shown).await, Value::Null);

        let set = owner.post(&path, delete_older(33)).await.is_ok();
        assert_eq!(set.attribute("delete-older-than-n-days"), 33);
        assert!(set.id().starts_with("drp-"));
        let named = related(&owner, shown).await;
        assert_eq!(named["type"], "data-retention-policy-delete-olders");
        assert_eq!(named["id"], set.id());

        let changed = owner.post(&path, dont_delete()).await.is_ok();
        assert_eq!(kind(&changed), "data-retention-policy-dont-deletes");
        assert_eq!(changed.id(), set.id());
        assert_eq!(related(&owner, shown).await["type"], kind(&changed));
        assert_eq!(kind(&owner.get(&path).await.is_ok()), kind(&changed));

        // What there was before there were two kinds.
        let legacy = json!({ "data": { "type": "data-retention-policies",
            "attributes": { "deleteOlderThanNDays": 45 } } });
        let legacy = owner.patch(&path, legacy).await.is_ok();
        assert_eq!(kind(&legacy), "data-retention-policies");
        assert_eq!(legacy.attribute("delete-older-than-n-days"), 45);
        let read = owner.get(&path).await.is_ok();
        assert_eq!(kind(&read), "data-retention-policy-delete-olders");

        owner.delete(&path).await.is_no_content();
        owner.get(&path).await.is_not_found();
        assert_eq!(related(&owner, shown).await, Value::Null);
    }
}

#[tokio::test]
async fn a_policy_without_a_sensible_number_of_days_is_refused() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let pointer = "/data/attributes/delete-older-than-n-days";
    for days in [json!(null), json!(0), json!(-1), json!(36_501), json!("soon")] {
        let mut body = delete_older(1);
        body["data"]["attributes"]["delete-older-than-n-days"] = days;
        owner.post(of(&ws), body).await.is_unprocessable(pointer);
    }
    let other = json!({ "data": { "type": "workspaces" } });
    owner.post(of(&ws), other).await.is_unprocessable("/data/type");
    owner.get(of(&ws)).await.is_not_found();
}

#[tokio::test]
async fn policies_are_set_by_those_who_administer() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    server.admin_of(&ws).post(of(&ws), delete_older(1)).await.is_ok();
    server.reader(&ws).get(of(&ws)).await.is_ok();
    server.writer(&ws).post(of(&ws), delete_older(1)).await.is_not_found();
    server.admin_of(&ws).post(ORGANIZATION, delete_older(1)).await.is_not_found();
}

/// Two configurations and two states, of which the second ones are current.
struct Old {
    configurations: [String; 2],
    states: [String; 2],
}

async fn fill(server: &Server, ws: &Workspace) -> Old {
    let owner = server.owner();
    let configurations = [upload(&owner, ws, false).await, upload(&owner, ws, false).await];
    push(&owner, ws, 1).await;
    push(&owner, ws, 2).await;
    let listed = owner.get(format!("/workspaces/{}/state-versions", ws.id)).await.is_ok();
    let id = |at: usize| listed.data()[at]["id"].as_str().unwrap().to_owned();
    Old { configurations, states: [id(1), id(0)] }
}

async fn statuses(client: &Client<'_>, old: &Old) -> Vec<String> {
    let mut statuses = Vec::new();
    let configurations = old.configurations.iter().map(|id| ("configuration-versions", id));
    for (kind, id) in configurations.chain(old.states.iter().map(|id| ("state-versions", id))) {
        let shown = client.get(format!("/{kind}/{id}")).await.is_ok();
        statuses.push(shown.attribute("status").as_str().unwrap().to_owned());
    }
    statuses
}

#[tokio::test]
async fn old_data_is_made_unreadable_then_deleted_and_never_what_is_current() {
    let server = Server::start().await;
    server.stop_clock();
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let old = fill(&server, &ws).await;
    owner.post(of(&ws), delete_older(30)).await.is_ok();
    let delete = async || domain::retention::delete_due(&server.system()).await.unwrap();

    server.pass(DAY * 29);
    assert_eq!(delete().await, 0);
    server.pass(DAY * 2);
    assert_eq!(delete().await, 2);
    assert_eq!(
        statuses(&owner, &old).await,
        ["backing_data_soft_deleted", "uploaded", "backing_data_soft_deleted", "finalized"]
    );
    let download = format!("/state-versions/{}/download", old.states[0]);
    owner.get(&download).await.is_not_found();
    server.pass(DAY * 6);
    assert_eq!(delete().await, 0);
    server.pass(DAY * 2);
    assert_eq!(delete().await, 2);
    assert_eq!(delete().await, 0);
    let gone = "backing_data_permanently_deleted";
    assert_eq!(statuses(&owner, &old).await, [gone, "uploaded", gone, "finalized"]);
    domain::cleanup::work(&server.system()).await.unwrap();
    assert_eq!(stored(&server, &old).await, [false, true, false, true]);
}

async fn stored(server: &Server, old: &Old) -> [bool; 4] {
    let configurations = old.configurations.iter().map(|id| (Blob::Configuration, id));
    let states = old.states.iter().map(|id| (Blob::State, id));
    let mut stored = Vec::new();
    for (kind, id) in configurations.chain(states) {
        stored.push(server.has_blob(kind, id).await);
    }
    stored.try_into().unwrap()
}

#[tokio::test]
async fn a_workspaces_policy_stands_above_its_organizations() {
    let server = Server::start().await;
    server.stop_clock();
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let kept = server.workspace("kept").await;
    let (old, safe) = (fill(&server, &ws).await, fill(&server, &kept).await);
    owner.post(ORGANIZATION, delete_older(10)).await.is_ok();
    owner.post(of(&kept), dont_delete()).await.is_ok();
    let effective = async |ws: &Workspace| {
        let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
        shown.attribute("effective-state-version-retention-desc")
    };
    assert_eq!(effective(&ws).await, "Deleted after 10 days");
    assert_eq!(effective(&kept).await, "Never deleted");
    server.pass(DAY * 11);
    domain::retention::delete_due(&server.system()).await.unwrap();
    assert_eq!(statuses(&owner, &old).await[0], "backing_data_soft_deleted");
    assert_eq!(statuses(&owner, &safe).await[0], "uploaded");
}

#[tokio::test]
async fn what_a_run_still_needs_is_kept() {
    let server = Server::start().await;
    server.stop_clock();
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let first = upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    upload(&owner, &ws, false).await;
    owner.post(of(&ws), delete_older(1)).await.is_ok();
    server.pass(DAY * 2);
    assert_eq!(domain::retention::delete_due(&server.system()).await.unwrap(), 0);
    let path = format!("/configuration-versions/{first}/actions/soft_delete_backing_data");
    let refused = owner.post(path, ()).await.has_status(StatusCode::BAD_REQUEST);
    assert!(refused.error().contains("transition not allowed"), "{refused}");
}

#[tokio::test]
async fn by_hand_data_is_deleted_restored_and_deleted_for_good() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let old = fill(&server, &ws).await;
    for (kind, [id, current]) in
        [("configuration-versions", &old.configurations), ("state-versions", &old.states)]
    {
        let act = async |id: &str, action: &str| {
            owner.post(format!("/{kind}/{id}/actions/{action}_backing_data"), ()).await
        };
        let refused = async |id: &str, action: &str| {
            let answer = act(id, action).await.has_status(StatusCode::BAD_REQUEST);
            assert!(answer.error().contains("transition not allowed"), "{answer}");
        };
        let download = format!("/{kind}/{id}/download");
        let is_there = async || !owner.get(&download).await.status.is_client_error();
        // An address that somebody was given before shows nothing either.
        let given = owner.get(format!("/state-versions/{}", old.states[0])).await.is_ok();
        let given = given.attribute("hosted-state-download-url");

        refused(current, "soft_delete").await;
        refused(id, "permanently_delete").await;
        act(id, "soft_delete").await.is_no_content();
        assert!(!is_there().await);
        if kind == "state-versions" {
            owner.get(given.as_str().unwrap()).await.is_not_found();
        }
        refused(id, "soft_delete").await;
        act(id, "restore").await.is_no_content();
        assert!(is_there().await);
        act(id, "soft_delete").await.is_no_content();
        act(id, "permanently_delete").await.is_no_content();
        assert!(!is_there().await);
        refused(id, "restore").await;
        act("cv-9999999999999999", "restore").await.is_not_found();
    }
}

#[tokio::test]
async fn blobs_that_never_got_a_row_are_deleted_once_they_are_old() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let old = fill(&server, &ws).await;
    let orphans = [
        (Blob::State, "sv-lost"),
        (Blob::Configuration, "cv-lost"),
        (Blob::Plan, "plan-lost"),
        (Blob::PlanExport, "pe-lost"),
        (Blob::PolicyCode, "polcode-lost"),
        (Blob::PolicySet, "polsetver-lost"),
    ];
    for (kind, id) in orphans {
        server.put_blob(kind, id).await;
    }
    let sweep = async |age| domain::cleanup::sweep_orphans(&server.system(), age).await.unwrap();
    assert_eq!(sweep(DAY).await, 0);
    assert_eq!(sweep(Duration::ZERO).await, 6);
    for (kind, id) in orphans {
        assert!(!server.has_blob(kind, id).await);
    }
    assert_eq!(stored(&server, &old).await, [true; 4]);
}

#[tokio::test]
async fn a_policy_that_would_delete_other_data_than_it_says_is_refused() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let path = of(&ws);
    for (name, right, wrong) in [
        ("deleteStateVersions", json!(true), json!(false)),
        ("deleteConfigurationVersions", json!(true), json!(false)),
        ("deleteRunDataAndLogs", json!(false), json!(true)),
        ("stateVersionsDeleteAfterNDays", json!(33), json!(90)),
        ("configurationVersionsDeleteAfterNDays", json!(33), json!(90)),
        ("runDataAndLogsDeleteAfterNDays", json!(null), json!(33)),
        ("stateVersionsKeepLatestCount", json!(null), json!(5)),
        ("configurationVersionsKeepLatestCount", json!(null), json!(5)),
        ("runDataKeepLatestCount", json!(null), json!(5)),
    ] {
        let with = |value: Value| {
            let mut body = delete_older(33);
            body["data"]["attributes"][name] = value;
            body
        };
        let refused = owner.post(&path, with(wrong)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        owner.get(&path).await.is_not_found();
        owner.post(&path, with(right)).await.is_ok();
        owner.delete(&path).await.is_no_content();
    }
    let shown = owner.post(&path, delete_older(33)).await.is_ok();
    let back = json!({ "data": shown.data() });
    owner.patch(&path, back).await.is_ok();
    let mut none = dont_delete();
    none["data"]["attributes"] = json!({ "delete-older-than-n-days": 33 });
    let refused = owner.patch(&path, none).await;
    refused.is_unprocessable("/data/attributes/delete-older-than-n-days");
}
