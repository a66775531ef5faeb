//! `/workspaces/:id/vars` and `/vars`

use serde_json::{Value, json};
use testkit::{Answer, Server};

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "vars", "attributes": attributes } })
}

fn key_value(key: &str, value: &str) -> Value {
    body(json!({ "key": key, "value": value, "category": "terraform" }))
}

fn secret(value: &str) -> Value {
    body(json!({ "key": "password", "value": value, "category": "env", "sensitive": true }))
}

#[tokio::test]
async fn a_variable_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    let path = format!("/workspaces/{}/vars", ws.id);
    let made = writer.post(&path, key_value("region", "eu-central-1")).await.is_created();
    assert_eq!(made.related("configurable"), ws.id.as_str());
    assert_eq!(made.attribute("sensitive"), false);
    let one = format!("{path}/{}", made.id());
    assert_eq!(writer.get(&one).await.is_ok().data(), made.data());

    let changed = writer.patch(&one, body(json!({ "value": "eu-north-1" }))).await.is_ok();
    assert_eq!(changed.attribute("value"), "eu-north-1");
    assert_eq!(changed.attribute("key"), "region");
    assert_ne!(changed.attribute("version-id"), made.attribute("version-id"));

    writer.delete(&one).await.is_no_content();
    writer.get(&one).await.is_not_found();
}

#[tokio::test]
async fn lists_are_whole_and_in_order() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}/vars", ws.id);
    for number in (0..30).rev() {
        let new = key_value(&format!("v{number:02}"), "x");
        server.writer(&ws).post(&path, new).await.is_created();
    }
    let expected: Vec<Value> = (0..30).map(|number| json!(format!("v{number:02}"))).collect();
    for list in [path, format!("/workspaces/{}/all-vars", ws.id)] {
        assert_eq!(server.reader(&ws).get(&list).await.is_ok().attributes("key"), expected);
    }
}

#[tokio::test]
async fn a_secret_is_never_told_and_stays_a_secret() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    let path = format!("/workspaces/{}/vars", ws.id);
    let hides = |answer: Answer| {
        assert!(!answer.text().contains("hunter"), "{answer}");
        assert_eq!(answer.attribute("value"), Value::Null);
        assert_eq!(answer.attribute("sensitive"), true);
    };
    let made = writer.post(&path, secret("hunter2")).await.is_created();
    let one = format!("{path}/{}", made.id());
    hides(made);
    hides(writer.get(&one).await.is_ok());
    hides(writer.patch(&one, body(json!({ "value": "hunter3" }))).await.is_ok());
    hides(writer.patch(&one, body(json!({ "description": "of the database" }))).await.is_ok());
    assert!(!writer.get(&path).await.is_ok().text().contains("hunter"));

    let open = body(json!({ "sensitive": false }));
    writer.patch(&one, open).await.is_unprocessable("/data/attributes/sensitive");
    hides(writer.get(&one).await.is_ok());
}

#[tokio::test]
async fn a_variable_that_becomes_sensitive_hides_its_value() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}/vars", ws.id);
    let made = server.writer(&ws).post(&path, key_value("token", "hunter2")).await.is_created();
    let one = format!("{path}/{}", made.id());
    let hidden = body(json!({ "sensitive": true }));
    let hidden = server.writer(&ws).patch(&one, hidden).await.is_ok();
    assert_eq!(hidden.attribute("value"), Value::Null);
}

#[tokio::test]
async fn no_value_is_stored_in_the_clear() {
    use domain::entity::variable;
    use testkit::sea_orm::EntityTrait;

    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}/vars", ws.id);
    server.writer(&ws).post(&path, secret("hunter2")).await.is_created();
    server.writer(&ws).post(&path, key_value("token", "hunter2")).await.is_created();
    let rows = variable::Entity::find().all(server.db.read()).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.is_sealed && !row.value.contains("hunter2")));
}

#[tokio::test]
async fn keys_are_unique_within_a_category() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    let path = format!("/workspaces/{}/vars", ws.id);
    let new = |category: &str| body(json!({ "key": "region", "category": category }));
    let made = writer.post(&path, new("terraform")).await.is_created();
    assert_eq!(made.attribute("value"), "");
    let other = writer.post(&path, new("env")).await.is_created();
    let refused = writer.post(&path, new("env")).await.is_unprocessable("/data/attributes/key");
    assert_eq!(refused.error(), "Key has already been taken");
    let both = body(json!({ "category": "terraform" }));
    let one = format!("{path}/{}", other.id());
    writer.patch(&one, both).await.is_unprocessable("/data/attributes/key");
}

#[tokio::test]
async fn what_no_engine_and_no_shell_takes_is_refused() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}/vars", ws.id);
    for (attributes, culprit) in [
        (json!({ "category": "env" }), "key"),
        (json!({ "key": " ", "category": "env" }), "key"),
        (json!({ "key": " a", "category": "env" }), "key"),
        (json!({ "key": "a\n", "category": "terraform" }), "key"),
        (json!({ "key": "a b", "category": "terraform" }), "key"),
        (json!({ "key": "a-b", "category": "env" }), "key"),
        (json!({ "key": "a" }), "category"),
        (json!({ "key": "a", "category": "policy-set" }), "category"),
        (json!({ "key": "a", "category": "env", "hcl": true }), "hcl"),
        (json!({ "key": "a", "category": "env", "value": "x".repeat(300_000) }), "value"),
        (json!({ "key": "a", "category": "env", "description": "x".repeat(513) }), "description"),
    ] {
        let pointer = format!("/data/attributes/{culprit}");
        server.writer(&ws).post(&path, body(attributes)).await.is_unprocessable(&pointer);
    }
    assert_eq!(server.writer(&ws).get(&path).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn arguments_that_move_the_state_or_change_the_run_are_refused_by_name() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let set =
        json!({ "data": { "type": "varsets", "attributes": { "name": "all", "global": true } } });
    let set = owner.post("/organizations/acme/varsets", set).await.is_created().id();
    let mine = format!("/workspaces/{}/vars", ws.id);
    let shared = format!("/varsets/{set}/relationships/vars");
    let new = |key: &str, category: &str, value: &str| {
        body(json!({ "key": key, "category": category, "value": value }))
    };
    for (key, value, argument) in [
        ("TF_CLI_ARGS", "-destroy", "-destroy"),
        ("TF_CLI_ARGS_apply", "-state=x", "-state"),
        ("TF_CLI_ARGS_apply", "-parallelism=2 '--state-out' x", "-state-out"),
        ("TF_CLI_ARGS_init", r"-back\end-config=path=x", "-backend-config"),
        ("TF_CLI_ARGS_plan", "-loc\"k\"=false", "-lock"),
        ("TF_CLI_ARGS_workspace_select", "-chdir ..", "-chdir"),
    ] {
        for path in [&mine, &shared] {
            let refused = owner.post(path, new(key, "env", value)).await;
            let refused = refused.is_unprocessable("/data/attributes/value");
            let named = format!("Value of {key} gives the engine the argument {argument}: ");
            assert!(refused.error().starts_with(&named), "{refused}");
        }
        // A variable of Terraform's own may be called anything, but cannot become another.
        let made = owner.post(&mine, new(key, "terraform", value)).await.is_created().id();
        let one = format!("{mine}/{made}");
        let turned = owner.patch(&one, body(json!({ "category": "env" }))).await;
        turned.is_unprocessable("/data/attributes/value");
        owner.delete(&one).await.is_no_content();
    }
    let made = owner.post(&mine, new("TF_CLI_ARGS_plan", "env", "-parallelism=5")).await;
    let one = format!("{mine}/{}", made.is_created().id());
    let changed = owner.patch(&one, body(json!({ "value": "-parallelism=5 -state x" }))).await;
    changed.is_unprocessable("/data/attributes/value");
    assert_eq!(owner.get(&one).await.is_ok().attribute("value"), "-parallelism=5");
    let renamed = new("INNOCENT", "env", "-state=x");
    let id = owner.post(&mine, renamed).await.is_created().id();
    let renamed = owner.patch(format!("{mine}/{id}"), body(json!({ "key": "TF_CLI_ARGS" }))).await;
    renamed.is_unprocessable("/data/attributes/value");
}

#[tokio::test]
async fn a_value_is_no_larger_than_the_kernel_takes() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = format!("/workspaces/{}/vars", ws.id);
    let new = |key: &str, category: &str, bytes: usize| {
        body(json!({ "key": key, "category": category, "value": "x".repeat(bytes) }))
    };
    owner.post(&path, new("LARGE", "env", 131_065)).await.is_created();
    let refused = owner.post(&path, new("LARGER", "env", 131_065)).await;
    let refused = refused.is_unprocessable("/data/attributes/value");
    assert!(refused.error().starts_with("Value of LARGER has 131073 bytes"), "{refused}");
    // Terraform's own variables travel in a file.
    owner.post(&path, new("file", "terraform", 200_000)).await.is_created();
}

#[tokio::test]
async fn a_run_with_more_than_fits_into_an_environment_names_the_largest() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = format!("/workspaces/{}/vars", ws.id);
    for number in 0..15 {
        let new = json!({ "key": format!("LARGE_{number}"), "category": "env",
            "value": "x".repeat(if number == 7 { 131_001 } else { 131_000 }) });
        owner.post(&path, body(new)).await.is_created();
    }
    let run = json!({ "data": { "type": "runs", "attributes": { "is-destroy": true },
        "relationships": { "workspace": { "data": { "type": "workspaces", "id": ws.id } } } } });
    let refused = owner.post("/runs", &run).await;
    let refused = refused.is_unprocessable("/data/relationships/workspace");
    assert!(refused.error().starts_with("The value of LARGE_7 is one too many"), "{refused}");
}

#[tokio::test]
async fn a_variable_is_only_found_in_its_own_workspace() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let other = server.workspace("storage").await;
    let path = format!("/workspaces/{}/vars", ws.id);
    let id = server.owner().post(&path, key_value("region", "x")).await.is_created().id();
    let elsewhere = format!("/workspaces/{}/vars/{id}", other.id);
    server.owner().get(&elsewhere).await.is_not_found();
    server.owner().delete(&elsewhere).await.is_not_found();
    server.owner().get(format!("{path}/{id}")).await.is_ok();
}

#[tokio::test]
async fn old_clients_name_the_workspace_in_filters_and_relationships() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    let mut new = key_value("region", "x");
    new["data"]["relationships"] =
        json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } });
    let made = writer.post("/vars", &new).await.is_created();
    let list = "/vars?filter[organization][name]=acme&filter[workspace][name]=networking";
    assert_eq!(writer.get(list).await.is_ok().data(), json!([made.data()]));
    writer.get("/vars?filter[organization][name]=acme").await.is_bad_request();
    server.foreigner().get(list).await.is_not_found();
    let relation = "/data/relationships/workspace";
    server.foreigner().post("/vars", &new).await.is_unprocessable(relation);
    server.reader(&ws).post("/vars", &new).await.is_unprocessable(relation);

    let one = format!("/vars/{}", made.id());
    let changed = writer.patch(&one, body(json!({ "value": "y" }))).await.is_ok();
    assert_eq!(changed.attribute("value"), "y");
    server.foreigner().delete(&one).await.is_not_found();
    writer.delete(&one).await.is_no_content();
    assert_eq!(writer.get(list).await.is_ok().data(), json!([]));
}

/// It would stand in a file with others, and overrule what a priority set has decided.
#[tokio::test]
async fn an_hcl_value_defines_no_variable_beside_its_own() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let attributes = |value: &str| {
        json!({ "data": { "type": "vars", "attributes": {
            "key": "x", "category": "terraform", "hcl": true, "sensitive": true, "value": value } } })
    };
    let path = format!("/workspaces/{}/vars", ws.id);
    let owner = server.owner();
    let refused = owner.post(&path, attributes("1\nregion = \"EVIL\"")).await;
    refused.is_unprocessable("/data/attributes/value");
    let made = owner.post(&path, attributes("[\n  1,\n]")).await.is_created().id();
    let changed = owner.patch(format!("{path}/{made}"), attributes("\"a\"\nb = 3")).await;
    changed.is_unprocessable("/data/attributes/value");
}

#[tokio::test]
async fn an_environment_variable_that_is_the_agents_is_refused_by_name() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let set = body(json!({ "name": "set" }));
    let set = owner.post("/organizations/acme/varsets", set).await.is_created().id();
    let [mine, of_set] =
        [format!("/workspaces/{}/vars", ws.id), format!("/varsets/{set}/relationships/vars")];
    let new =
        |key: &str, category: &str| body(json!({ "key": key, "value": "x", "category": category }));
    let rows = server.row_counts().await;
    for key in [
        "TF_WORKSPACE",
        "TF_DATA_DIR",
        "TF_INPUT",
        "TF_IN_AUTOMATION",
        "TF_PLUGIN_CACHE_DIR",
        "TFC_RUN_ID",
        "TOFU_WORKSPACE",
        "TOFU_DATA_DIR",
    ] {
        for path in [&mine, &of_set] {
            let refused = owner.post(path, new(key, "env")).await;
            let refused = refused.is_unprocessable("/data/attributes/key");
            assert!(refused.error().contains(key), "{refused}");
        }
    }
    assert_eq!(server.row_counts().await, rows);
    // What is no environment variable is none of the engine's settings.
    let made = owner.post(&mine, new("TF_DATA_DIR", "terraform")).await.is_created().id();
    let moved = owner.patch(format!("{mine}/{made}"), body(json!({ "category": "env" }))).await;
    moved.is_unprocessable("/data/attributes/key");
    let made = owner.post(&mine, new("TF_LOG", "env")).await.is_created().id();
    let renamed =
        owner.patch(format!("{mine}/{made}"), body(json!({ "key": "TF_DATA_DIR" }))).await;
    renamed.is_unprocessable("/data/attributes/key");
}
