//! `/plans/:id/json-output`, `/plans/:id/json-schema` and their like: what an agent has brought of a plan, and to whom it is shown

use serde_json::json;
use testkit::Server;

use crate::{
    agent::Agent,
    runs::{run, upload},
};

/// What each address leads to, by the name of the file in the agent's protocol.
const DOCUMENTS: [(&str, &str); 3] = [
    ("json-output", "json-plan"),
    ("json-output-redacted", "json-plan-redacted"),
    ("json-schema", "provider-schemas"),
];

#[tokio::test]
async fn what_the_agent_has_brought_is_shown_by_plan_and_by_run() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let plan = format!("/plans/{}", made.related("plan").as_str().unwrap());
    let of_run = format!("/runs/{}/plan", made.id());
    for place in [&plan, &of_run] {
        for (document, _) in DOCUMENTS {
            owner.get(format!("{place}/{document}")).await.is_no_content();
        }
    }
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("finished", true).await;
    for (_, file) in DOCUMENTS {
        let content = json!({ "of": file }).to_string();
        assert_eq!(job.artifact(file, &content).await, 204);
    }
    job.finish().await;
    let links = owner.get(&plan).await.is_ok().data()["links"].clone();
    for place in [&plan, &of_run] {
        for (document, file) in DOCUMENTS {
            let path = format!("{place}/{document}");
            let address = owner.get(&path).await.redirects();
            let shown = server.nobody().get(address).await.is_ok();
            assert_eq!(shown.json(), json!({ "of": file }));
            assert_eq!(shown.header("content-type"), "application/json");
            assert!(links[document].as_str().unwrap().ends_with(&format!("{plan}/{document}")));
            server.member().get(&path).await.is_not_found();
        }
    }
}

#[tokio::test]
async fn a_plan_that_failed_has_no_documents() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("errored", false).await;
    for (document, _) in DOCUMENTS {
        owner.get(format!("/runs/{}/plan/{document}", made.id())).await.is_no_content();
    }
}

#[tokio::test]
async fn what_a_plan_has_left_and_is_gone_is_said_to_be_damaged_and_not_empty() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    let plan = owner.get(format!("/runs/{}/plan", job.run())).await.is_ok();
    let log = plan.attribute("log-read-url").as_str().unwrap().to_owned();
    assert_eq!(server.nobody().get(&log).await.is_ok().text(), "", "it is early");
    job.log(0, "\u{2}planned\r\n\u{3}").await;
    job.outcome("errored", false).await;
    assert_eq!(job.artifact("json-plan-redacted", "{}").await, 204);
    let document = format!("/plans/{}/json-output-redacted", plan.id());
    let document = owner.get(document).await.redirects();
    job.finish().await;
    assert!(server.nobody().get(&log).await.is_ok().text().contains("planned"));
    for behind in ["?limit=0", "?offset=9999", "?offset=9999&limit=1"] {
        assert_eq!(server.nobody().get(format!("{log}{behind}")).await.is_ok().text(), "");
    }
    server.lose_log(&plan.id()).await;
    server.lose_blob(testkit::Blob::PlanJsonRedacted, &plan.id()).await;
    let ranges = ["", "?limit=65536&offset=0", "?limit=0", "?offset=9999", "?offset=9999&limit=1"];
    let logs = ranges.map(|range| format!("{log}{range}"));
    for path in logs.into_iter().chain([document]) {
        let refused = server.nobody().get(&path).await;
        assert_eq!(refused.status, http::StatusCode::INTERNAL_SERVER_ERROR, "{refused}");
        assert_eq!(refused.json()["errors"][0]["title"], protocol::DAMAGED);
    }
}
