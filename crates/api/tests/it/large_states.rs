//! States with very many outputs.

use domain::states::keep_late_outputs;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::Server;

use crate::states::{lock, versions, whole};

fn state(serial: i64, outputs: usize, value: &str) -> String {
    let named = (0..outputs).map(|number| {
        let sensitive = number == 1;
        (
            format!("o{number:05}"),
            json!({ "value": value, "type": "string", "sensitive": sensitive }),
        )
    });
    let outputs: serde_json::Map<String, Value> = named.collect();
    json!({
        "version": 4, "terraform_version": "1.9.0", "serial": serial, "lineage": "many",
        "outputs": outputs, "resources": [],
    })
    .to_string()
}

#[tokio::test]
async fn very_many_outputs_are_there_when_all_of_them_are_and_hold_nobody_up() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let made = owner.post(versions(&ws), whole(1, &state(1, 1_203, "x"))).await.is_created();
    assert_eq!(made.attribute("status"), "finalized");
    assert_eq!(made.attribute("resources-processed"), false);
    let current = format!("/workspaces/{}/current-state-version-outputs", ws.id);
    let list = format!("/state-versions/{}/outputs", made.id());
    let show = format!("/state-versions/{}", made.id());
    for path in [&current, &list, &format!("{show}?include=outputs")] {
        let early = owner.get(path).await;
        assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE, "{early}");
        assert!(early.headers.contains_key("retry-after"), "{early}");
    }
    // What is broken off goes on where it was.
    server.execute(
        "INSERT INTO state_version_outputs (id, state_version_id, name, sensitive, kind, detailed_type, value) \
         SELECT 'wsout-0123456789abcdef', id, 'o00000', FALSE, 'string', '\"string\"', '' FROM state_versions"
    ).await;
    keep_late_outputs(&server.system()).await.unwrap();
    server.execute("DELETE FROM state_version_outputs WHERE name = 'o00000'").await;

    let shown = owner.get(&show).await.is_ok();
    assert_eq!(shown.attribute("resources-processed"), true);
    let named = &shown.json()["data"]["relationships"]["outputs"];
    assert_eq!((&named["data"], named["links"]["related"].is_string()), (&Value::Null, true));
    let all = owner.get(&current).await.is_ok();
    assert_eq!(all.data().as_array().unwrap().len(), 1_202);
    assert_eq!(all.data()[0]["attributes"]["value"], Value::Null, "sensitive");
    assert_eq!(all.data()[1]["attributes"]["value"], "x");
    let page = owner.get(format!("{current}?page[size]=1&page[number]=2")).await.is_ok();
    assert_eq!(page.attributes("name"), ["o00002"]);
    assert_eq!(page.json()["meta"]["pagination"]["total-count"], 1_202);
    for path in [show, format!("/workspaces/{}", ws.id)] {
        let included = owner.get(format!("{path}?include=outputs")).await.is_ok();
        assert_eq!(included.json()["included"].as_array().unwrap().len(), 1_202);
    }

    // Of more than are answered at once a page is asked for.
    server.execute("UPDATE state_versions SET output_count = 10001").await;
    for path in [current.clone(), format!("/state-versions/{}?include=outputs", made.id())] {
        let refused = owner.get(path).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused}");
        assert!(refused.error().contains("by pages"), "{refused}");
    }
    owner.get(format!("{current}?page[size]=1")).await.is_ok();
}

#[tokio::test]
async fn a_very_large_output_comes_by_itself() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let large = "x".repeat(3 << 20);
    let made = owner.post(versions(&ws), whole(1, &state(1, 1, &large))).await.is_created();
    assert_eq!(made.attribute("resources-processed"), false);
    keep_late_outputs(&server.system()).await.unwrap();
    let all = owner.get(format!("/workspaces/{}/current-state-version-outputs", ws.id)).await;
    assert_eq!(all.is_ok().data()[0]["attributes"]["value"], large);
    // A version that nobody has any more is not waited for.
    owner.post(versions(&ws), whole(2, &state(2, 1, &large))).await.is_created();
    server.execute("DELETE FROM state_versions").await;
    keep_late_outputs(&server.system()).await.unwrap();
    assert!(server.tasks("late-outputs").await.is_empty());
}
