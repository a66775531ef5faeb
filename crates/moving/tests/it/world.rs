//! An organization with one of everything, and odd names.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use testkit::{Client, Server};

pub const LINEAGE: &str = "7f9e8d6c-1a2b";

/// With whitespace that only a copy of the bytes keeps.
pub fn state(lineage: &str, serial: i64) -> String {
    format!(
        "{{ \"version\":4,\"terraform_version\":\"1.5.0\",\"serial\":{serial},\"lineage\":\"{lineage}\",\n\
         \"outputs\":{{\"n\":{{\"value\":{serial},\"type\":\"number\"}}}},\"resources\":[] }}\n"
    )
}

pub fn resource(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

fn related(mut document: Value, name: &str, data: &Value) -> Value {
    document["data"]["relationships"][name] = json!({ "data": data });
    document
}

async fn made(owner: &Client<'_>, path: &str, body: Value) -> String {
    owner.post(path, body).await.is_created().id()
}

pub async fn push(owner: &Client<'_>, workspace: &str, lineage: &str, serial: i64) {
    let content = state(lineage, serial);
    let attributes = json!({
        "serial": serial, "lineage": lineage, "md5": hex::encode(Md5::digest(&content)),
        "state": STANDARD.encode(&content),
    });
    owner.post(format!("/workspaces/{workspace}/actions/lock"), ()).await.is_ok();
    let path = format!("/workspaces/{workspace}/state-versions");
    owner.post(path, resource("state-versions", &attributes)).await.is_created();
    owner.post(format!("/workspaces/{workspace}/actions/unlock"), ()).await.is_ok();
}

fn org(rest: &str) -> String {
    format!("/organizations/{}/{rest}", Server::ORGANIZATION)
}

fn one(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id })
}

/// Fills the organization of a test.
pub async fn fill(server: &Server, workspaces: usize) {
    let owner = server.owner();
    let pool =
        made(&owner, &org("agent-pools"), resource("agent-pools", &json!({ "name": "büro" })))
            .await;
    let key = json!({ "name": "deploy", "value": "-----BEGIN X-----\nsecret\n-----END X-----\n" });
    let key = made(&owner, &org("ssh-keys"), resource("ssh-keys", &key)).await;
    let reserved = json!({ "key": "cost-center", "disable-overrides": true });
    made(&owner, &org("reserved-tag-keys"), resource("reserved-tag-keys", &reserved)).await;
    let team = json!({
        "name": "ops/net", "visibility": "organization",
        "organization-access": { "manage-workspaces": true, "read-projects": true },
    });
    let team = made(&owner, &org("teams"), resource("teams", &team)).await;
    let project = json!({
        "name": "Odd name_1", "description": "two\nlines",
        "default-execution-mode": "agent", "default-agent-pool-id": pool,
    });
    let project = made(&owner, &org("projects"), resource("projects", &project)).await;
    let bindings = json!({ "data": [
        { "type": "tag-bindings", "attributes": { "key": "env", "value": "prod" } },
    ] });
    owner.patch(format!("/projects/{project}/tag-bindings"), bindings).await.is_ok();
    let access = related(
        resource("team-projects", &json!({ "access": "maintain" })),
        "team",
        &one("teams", &team),
    );
    let access = related(access, "project", &one("projects", &project));
    made(&owner, "/team-projects", access).await;

    let ids = make_workspaces(&owner, workspaces, &project).await;
    belong_to(&owner, &ids[0], &team).await;
    link(&owner, &ids, &key, &pool).await;
    make_sets(&owner, &ids[0], &project).await;
    let invited = related(
        resource("organization-memberships", &json!({ "email": "new@example.com" })),
        "teams",
        &json!([one("teams", &team)]),
    );
    made(&owner, &org("organization-memberships"), invited).await;
}

async fn make_workspaces(owner: &Client<'_>, workspaces: usize, project: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for index in 0..workspaces {
        let attributes = json!({
            "name": format!("ws_{index}-X"), "description": format!("number {index}\n\"odd\" ${{x}} ü"),
            "auto-apply": index % 2 == 0, "working-directory": "deep/down",
            "terraform-version": "1.5.0", "queue-all-runs": true, "source-name": "a tool",
            "trigger-patterns": ["/modules/**/*"], "allow-destroy-plan": false,
            "execution-mode": if index == 1 { "local" } else { "remote" },
            "global-remote-state": index == 2,
        });
        let mut body = resource("workspaces", &attributes);
        if index > 0 {
            body = related(body, "project", &one("projects", project));
        }
        if index == 3 {
            body["data"]["attributes"].as_object_mut().unwrap().remove("execution-mode");
        }
        let id = made(owner, &org("workspaces"), body).await;
        for number in 0..3 {
            let variable = json!({
                "key": format!("key_{number}"), "value": format!(" spaces\nand = \"signs\" {number} "),
                "category": if number == 0 { "env" } else { "terraform" }, "hcl": false,
                "description": "what for",
            });
            made(owner, &format!("/workspaces/{id}/vars"), resource("vars", &variable)).await;
        }
        for serial in 1..=i64::try_from(index % 3).unwrap() {
            push(owner, &id, &format!("{LINEAGE}-{index}"), serial * 2).await;
        }
        ids.push(id);
    }
    ids
}

async fn belong_to(owner: &Client<'_>, first: &str, team: &str) {
    let secret = json!({ "key": "password", "value": "hunter2", "category": "terraform", "sensitive": true });
    made(owner, &format!("/workspaces/{first}/vars"), resource("vars", &secret)).await;
    let tags = json!({ "data": [{ "type": "tags", "attributes": { "name": "flat" } }] });
    owner.post(format!("/workspaces/{first}/relationships/tags"), tags).await.is_no_content();
    let bindings = json!({ "data": [
        { "type": "tag-bindings", "attributes": { "key": "team", "value": "net" } },
    ] });
    owner
        .post(format!("/workspaces/{first}/relationships/tag-bindings"), bindings)
        .await
        .is_no_content();
    let access = json!({
        "access": "custom", "runs": "plan", "variables": "read", "state-versions": "read-outputs",
        "workspace-locking": true,
    });
    let access = related(resource("team-workspaces", &access), "team", &one("teams", team));
    let access = related(access, "workspace", &one("workspaces", first));
    made(owner, "/team-workspaces", access).await;
    for name in ["chat", "chat"] {
        let notification = json!({
            "name": name, "destination-type": "slack", "url": "https://example.com/hook",
            "enabled": false, "triggers": ["run:completed", "run:errored"],
        });
        let path = format!("/workspaces/{first}/notification-configurations");
        made(owner, &path, resource("notification-configurations", &notification)).await;
    }
    let retention = json!({ "data": {
        "type": "data-retention-policy-delete-olders", "attributes": { "delete-older-than-n-days": 9000 },
    } });
    owner
        .post(format!("/workspaces/{first}/relationships/data-retention-policy"), retention)
        .await
        .is_ok();
}

async fn link(owner: &Client<'_>, ids: &[String], key: &str, pool: &str) {
    let first = &ids[0];
    let consumers = json!({ "data": [one("workspaces", &ids[1])] });
    let path = format!("/workspaces/{first}/relationships/remote-state-consumers");
    owner.post(path, consumers).await.is_no_content();
    let trigger = related(
        json!({ "data": { "type": "run-triggers" } }),
        "sourceable",
        &one("workspaces", first),
    );
    made(owner, &format!("/workspaces/{}/run-triggers", ids[1]), trigger).await;
    let assigned = resource("workspaces", &json!({ "id": key }));
    owner.patch(format!("/workspaces/{first}/relationships/ssh-key"), assigned).await.is_ok();
    let allowed = related(
        resource("agent-pools", &json!({})),
        "allowed-workspaces",
        &json!([one("workspaces", first)]),
    );
    owner.patch(format!("/agent-pools/{pool}"), allowed).await.is_ok();
}

async fn make_sets(owner: &Client<'_>, first: &str, project: &str) {
    let set = related(
        resource("varsets", &json!({ "name": "Überall", "description": "d", "priority": true })),
        "workspaces",
        &json!([one("workspaces", first)]),
    );
    let set =
        made(owner, &org("varsets"), related(set, "projects", &json!([one("projects", project)])))
            .await;
    let variable = json!({ "key": "region", "value": "eu", "category": "terraform", "hcl": false });
    made(owner, &format!("/varsets/{set}/relationships/vars"), resource("vars", &variable)).await;
    let owned = related(
        resource("varsets", &json!({ "name": "owned" })),
        "parent",
        &one("projects", project),
    );
    made(owner, &org("varsets"), owned).await;

    let policy =
        json!({ "name": "no-public", "kind": "sentinel", "enforcement-level": "soft-mandatory" });
    let policy = made(owner, &org("policies"), resource("policies", &policy)).await;
    owner.put(format!("/policies/{policy}/upload"), "main = rule { true }\n").await.is_ok();
    let set = related(
        resource("policy-sets", &json!({ "name": "rules", "kind": "sentinel", "global": false })),
        "policies",
        &json!([one("policies", &policy)]),
    );
    let set = related(set, "workspaces", &json!([one("workspaces", first)]));
    let set = made(owner, &org("policy-sets"), set).await;
    let parameter = json!({ "key": "limit", "value": "5", "category": "policy-set" });
    made(owner, &format!("/policy-sets/{set}/parameters"), resource("vars", &parameter)).await;
}
