//! The Workspaces reference, row by row: what each parameter takes, what holds without it, and what is refused.

use domain::row::Workspace;
use serde_json::{Map, Value, json};
use testkit::{Answer, Server};

const PATH: &str = "/organizations/acme/workspaces";

fn body(attributes: &Value) -> Value {
    json!({ "data": { "type": "workspaces", "attributes": attributes } })
}

fn one(name: &str, value: &Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value.clone())]))
}

async fn create(server: &Server, mut attributes: Value) -> Answer {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    if attributes.get("name").is_none() {
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        attributes["name"] = json!(format!("ws-{count}"));
    }
    server.owner().post(PATH, body(&attributes)).await
}

async fn update(server: &Server, ws: &Workspace, attributes: &Value) -> Answer {
    server.owner().patch(format!("/workspaces/{}", ws.id), body(attributes)).await
}

/// What holds for an attribute, on create and on update alike.
struct Row {
    attribute: &'static str,
    default: Value,
    takes: Vec<Value>,
    refuses: Vec<Value>,
}

impl Row {
    async fn holds(self) {
        let server = Server::start().await;
        // Some values need an engine to be known, and an agent that has no other.
        server.execute(ENGINE).await;
        crate::agent::Agent::register_with_abilities(&server, "one", &json!({})).await;
        let name = self.attribute;
        let pointer = format!("/data/attributes/{name}");
        let shown = create(&server, json!({})).await.is_created();
        assert_eq!(shown.attribute(name), self.default, "the default of {name}");
        let ws = server.workspace("networking").await;
        for value in &self.takes {
            let made = create(&server, one(name, value)).await.is_created();
            assert_eq!(made.attribute(name), *value, "created with {name}");
            let changed = update(&server, &ws, &one(name, value)).await.is_ok();
            assert_eq!(changed.attribute(name), *value, "changed {name}");
            let kept = update(&server, &ws, &json!({})).await.is_ok();
            assert_eq!(kept.attribute(name), *value, "the previous value of {name}");
        }
        for value in &self.refuses {
            create(&server, one(name, value)).await.is_unprocessable(&pointer);
            update(&server, &ws, &one(name, value)).await.is_unprocessable(&pointer);
        }
    }
}

const ENGINE: &str = "INSERT INTO tool_versions (id, kind, version, official, enabled, beta, deprecated, created_at) \
    VALUES ('tool-1', 'terraform', '1.5.7', FALSE, TRUE, FALSE, FALSE, 0)";

macro_rules! rows {
    ($($test:ident: $attribute:literal, default $default:tt, takes $takes:tt, refuses $refuses:tt;)+) => {$(
        #[tokio::test]
        async fn $test() {
            let list = |value: Value| value.as_array().unwrap().clone();
            let row = Row {
                attribute: $attribute,
                default: json!($default),
                takes: list(json!($takes)),
                refuses: list(json!($refuses)),
            };
            row.holds().await;
        }
    )+};
}

rows! {
    allow_destroy_plan: "allow-destroy-plan", default true, takes [false, true], refuses ["perhaps", 1];
    confirmed_by_others: "confirmed-by-others", default false, takes [true, false], refuses ["perhaps", 1];
    confirmations_required: "confirmations-required", default 1, takes [2, 20, 1], refuses ["perhaps", 0, 21];
    assessments_enabled: "assessments-enabled", default false, takes [true, false], refuses ["perhaps", 1];
    auto_apply: "auto-apply", default false, takes [true, false], refuses ["perhaps", 1];
    auto_apply_run_trigger: "auto-apply-run-trigger", default false, takes [true, false], refuses ["perhaps"];
    auto_destroy_at: "auto-destroy-at", default null, takes ["2030-01-02T03:04:05.000Z", null], refuses ["tomorrow", 1];
    auto_destroy_activity_duration: "auto-destroy-activity-duration", default null,
        takes ["14d", "1h", "9999h", null], refuses ["0d", "14", "14m", "10000d", "-1d", "1.5d", 14];
    description: "description", default null, takes ["Cables", null], refuses [1, ["x"]];
    engine: "engine", default null, takes ["terraform", null], refuses ["opa", "pulumi", 1];
    execution_mode: "execution-mode", default "remote", takes ["local", "remote"], refuses ["somewhere", 1];
    file_triggers_enabled: "file-triggers-enabled", default true, takes [false, true], refuses ["perhaps"];
    global_remote_state: "global-remote-state", default false, takes [true, false], refuses ["perhaps"];
    operations: "operations", default true, takes [false, true], refuses ["perhaps"];
    queue_all_runs: "queue-all-runs", default false, takes [true, false], refuses ["perhaps"];
    speculative_enabled: "speculative-enabled", default true, takes [false, true], refuses ["perhaps"];
    structured_run_output_enabled: "structured-run-output-enabled", default false, takes [true, false], refuses ["x"];
    terraform_version: "terraform-version", default "1.5.7",
        takes ["1.5.7", "~> 1.5.0", "latest"], refuses ["1.5.8", "~> 2.0", "nonsense", 1];
    trigger_patterns: "trigger-patterns", default [], takes [["/a/**/*"], []], refuses ["/a", 7];
    trigger_prefixes: "trigger-prefixes", default [], takes [["/a", "/b"], []], refuses ["/a", 7];
    working_directory: "working-directory", default null, takes ["envs/prod"], refuses ["../x", "a/../../b", 1];
}

#[tokio::test]
async fn a_name_is_required_and_has_few_letters() {
    let server = Server::start().await;
    let ws = server.workspace("taken").await;
    create(&server, json!({ "name": "Net_work-1" })).await.is_created();
    let renamed = update(&server, &ws, &json!({ "name": "renamed" })).await.is_ok();
    assert_eq!(renamed.attribute("name"), "renamed");
    for wrong in ["", "net work", "net/work", "größe", &"x".repeat(91)] {
        let wrong = json!({ "name": wrong });
        create(&server, wrong.clone()).await.is_unprocessable("/data/attributes/name");
        update(&server, &ws, &wrong).await.is_unprocessable("/data/attributes/name");
    }
    create(&server, json!({ "name": null })).await.is_unprocessable("/data/attributes/name");
    create(&server, json!({ "name": "RENAMED" })).await.is_unprocessable("/data/attributes/name");
}

#[tokio::test]
async fn an_agent_pool_belongs_to_the_execution_mode_agent() {
    let server = Server::start().await;
    let pointer = "/data/attributes/agent-pool-id";
    let pool = "apool-9999999999999999";
    create(&server, json!({ "execution-mode": "agent" })).await.is_unprocessable(pointer);
    for with in [
        json!({ "execution-mode": "remote", "agent-pool-id": pool }),
        json!({ "execution-mode": "local", "agent-pool-id": pool }),
        json!({ "operations": true, "agent-pool-id": pool }),
        json!({ "execution-mode": "agent", "agent-pool-id": pool }),
        json!({ "execution-mode": "agent", "agent-pool-id": "nonsense" }),
    ] {
        create(&server, with).await.is_unprocessable(pointer);
    }
}

#[tokio::test]
async fn operations_and_execution_mode_exclude_each_other() {
    let server = Server::start().await;
    let both = json!({ "operations": true, "execution-mode": "remote" });
    create(&server, both).await.is_unprocessable("/data/attributes/operations");
    let local = create(&server, json!({ "operations": false })).await.is_created();
    assert_eq!(local.attribute("execution-mode"), "local");
}

#[tokio::test]
async fn a_setting_is_inherited_unless_it_is_overwritten() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let overwrites = |own: bool| json!({ "setting-overwrites": { "execution-mode": own } });
    let inherited = create(&server, json!({})).await.is_created();
    assert_eq!(inherited.attribute("setting-overwrites")["execution-mode"], false);
    let own = update(&server, &ws, &json!({ "execution-mode": "local" })).await.is_ok();
    assert_eq!(own.attribute("setting-overwrites")["execution-mode"], true);
    let given_back = update(&server, &ws, &overwrites(false)).await.is_ok();
    assert_eq!(given_back.attribute("execution-mode"), "remote");
    let refused = update(&server, &ws, &overwrites(true)).await;
    refused.is_unprocessable("/data/attributes/execution-mode");
}

#[tokio::test]
async fn a_source_is_shown_as_it_was_given() {
    let server = Server::start().await;
    let plain = create(&server, json!({})).await.is_created();
    assert_eq!(plain.attribute("source-name"), Value::Null);
    assert_eq!(plain.attribute("source-url"), Value::Null);
    assert_eq!(plain.attribute("source"), "tfe-api");
    let source = json!({ "source-name": "Portal", "source-url": "https://example.com/1" });
    let made = create(&server, source).await.is_created();
    assert_eq!(made.attribute("source-name"), "Portal");
    assert_eq!(made.attribute("source-url"), "https://example.com/1");
}

#[tokio::test]
async fn prefixes_and_patterns_exclude_each_other() {
    let server = Server::start().await;
    let both = json!({ "trigger-prefixes": ["/a"], "trigger-patterns": ["/b/*"] });
    create(&server, both).await.is_unprocessable("/data/attributes/trigger-patterns");
    let prefixes = json!({ "name": "one-or-other", "trigger-prefixes": ["/a"] });
    let made = create(&server, prefixes).await.is_created();
    let patterns = body(&json!({ "trigger-patterns": ["/b/*"] }));
    let path = format!("/workspaces/{}", made.id());
    let changed = server.owner().patch(path, patterns).await.is_ok();
    assert_eq!(changed.attribute("trigger-prefixes"), json!([]));
    assert_eq!(changed.attribute("trigger-patterns"), json!(["/b/*"]));
}

#[tokio::test]
async fn a_workspace_is_made_in_the_default_project_or_in_another() {
    let server = Server::start().await;
    let default = server.workspace("networking").await.project_id;
    let other = server.project("Storage").await;
    let with = |name: &str, project: &str| {
        let mut body = body(&json!({ "name": name }));
        body["data"]["relationships"] =
            json!({ "project": { "data": { "type": "projects", "id": project } } });
        body
    };
    let plain = create(&server, json!({})).await.is_created();
    assert_eq!(plain.related("project"), default.as_str());
    let made = server.owner().post(PATH, with("made", other.id.as_str())).await.is_created();
    assert_eq!(made.related("project"), other.id.as_str());
    let refused = server.owner().post(PATH, with("lost", "prj-9999999999999999")).await;
    refused.is_unprocessable("/data/relationships/project");

    let path = format!("/workspaces/{}", plain.id());
    let moved = server.owner().patch(&path, with("moved", other.id.as_str())).await.is_ok();
    assert_eq!(moved.related("project"), other.id.as_str());
}

// The list.

async fn names(server: &Server, query: &str) -> Vec<Value> {
    server.owner().get(format!("{PATH}?{query}")).await.is_ok().attributes("name")
}

async fn tagged(server: &Server, name: &str, tags: &[&str]) -> Workspace {
    let change = domain::workspaces::Change {
        name: Some(name.into()),
        tags: Some(tags.iter().map(|tag| domain::tags::Binding::flat(*tag)).collect()),
        ..Default::default()
    };
    server.workspace_with(change).await
}

#[tokio::test]
async fn a_page_has_twenty_unless_it_is_said_otherwise() {
    let server = Server::start().await;
    for index in 10..32 {
        server.workspace(&format!("ws-{index}")).await;
    }
    assert_eq!(names(&server, "").await.len(), 20);
    assert_eq!(names(&server, "page[number]=2").await, ["ws-30", "ws-31"]);
    assert_eq!(names(&server, "page[size]=2&page[number]=2").await, ["ws-12", "ws-13"]);
    server.owner().get(format!("{PATH}?page[size]=x")).await.is_bad_request();
}

#[tokio::test]
async fn tags_are_searched_and_excluded() {
    let server = Server::start().await;
    tagged(&server, "both", &["blue", "green"]).await;
    tagged(&server, "blue", &["blue"]).await;
    tagged(&server, "none", &[]).await;
    assert_eq!(names(&server, "search[tags]=blue").await, ["blue", "both"]);
    assert_eq!(names(&server, "search[tags]=blue,green").await, ["both"]);
    assert_eq!(names(&server, "search[exclude-tags]=green").await, ["blue", "none"]);
    assert_eq!(names(&server, "search[exclude-tags]=green,blue").await, ["none"]);
    assert_eq!(names(&server, "search[tags]=blue&search[exclude-tags]=green").await, ["blue"]);
}

#[tokio::test]
async fn a_project_restricts_the_list() {
    let server = Server::start().await;
    let project = server.workspace("networking").await.project_id;
    let other = server.project("Storage").await;
    assert_eq!(names(&server, &format!("filter[project][id]={project}")).await, ["networking"]);
    let none = names(&server, &format!("filter[project][id]={}", other.id)).await;
    assert_eq!(none, Vec::<Value>::new());
    server.owner().get(format!("{PATH}?filter[project][id]=x")).await.is_bad_request();
}

#[tokio::test]
async fn the_status_of_the_current_run_restricts_the_list() {
    let server = Server::start().await;
    server.workspace("idle").await;
    let ws = server.workspace("busy").await;
    let agent = crate::agent::Agent::register(&server).await;
    crate::runs::upload(&server.owner(), &ws, false).await;
    let run = crate::runs::run(&ws, json!({}));
    server.owner().post("/runs", run).await.is_created();
    server.advance().await;
    let planning = agent.must_claim().await;
    planning.start().await;
    assert_eq!(names(&server, "filter[current-run][status]=planning").await, ["busy"]);
    let either = "filter[current-run][status]=applied,planning";
    assert_eq!(names(&server, either).await, ["busy"]);
    let none = names(&server, "filter[current-run][status]=applied").await;
    assert_eq!(none, Vec::<Value>::new());
    server.owner().get(format!("{PATH}?filter[current-run][status]=x")).await.is_bad_request();
    assert_eq!(names(&server, "sort=-current-run.created-at").await, ["busy", "idle"]);
    assert_eq!(names(&server, "sort=current-run.created-at").await, ["busy", "idle"]);
}

#[tokio::test]
async fn the_list_is_sorted_as_it_is_asked_for() {
    let server = Server::start().await;
    server.stop_clock();
    for name in ["b", "c", "a"] {
        server.workspace(name).await;
        server.pass(std::time::Duration::from_secs(1));
    }
    for (sort, order) in [
        ("name", ["a", "b", "c"]),
        ("-name", ["c", "b", "a"]),
        ("latest-change-at", ["b", "c", "a"]),
        ("-latest-change-at", ["a", "c", "b"]),
    ] {
        assert_eq!(names(&server, &format!("sort={sort}")).await, order, "{sort}");
    }
    server.owner().get(format!("{PATH}?sort=colour")).await.is_bad_request();
}

// What is only read.

#[tokio::test]
async fn performance_is_that_of_the_last_runs() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = crate::agent::Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    crate::runs::upload(&owner, &ws, false).await;
    let path = format!("/workspaces/{}", ws.id);
    let seconds = std::time::Duration::from_secs;
    let attributes = [
        "plan-duration-average",
        "apply-duration-average",
        "run-failures",
        "policy-check-failures",
        "workspace-kpis-run-count",
        "workspace-kpis-runs-count",
    ];
    let measured = async || {
        let shown = owner.get(&path).await.is_ok();
        attributes.map(|name| shown.attribute(name))
    };
    assert_eq!(measured().await, [(); 6].map(|()| Value::Null));

    let phase = async |takes: u64, result: &str| {
        server.advance().await;
        let job = agent.must_claim().await;
        job.start().await;
        server.pass(seconds(takes));
        job.outcome(result, true).await;
        job.finish().await;
    };
    let queue = async || {
        let run = crate::runs::run(&ws, json!({}));
        owner.post("/runs", run).await.is_created().id()
    };
    let applied = queue().await;
    phase(20, "finished").await;
    assert_eq!(measured().await[4], Value::Null);
    owner.post(format!("/runs/{applied}/actions/apply"), ()).await.is_accepted();
    phase(30, "finished").await;
    let expected = [json!(20_000), json!(30_000), json!(0), json!(0), json!(1), json!(1)];
    assert_eq!(measured().await, expected);

    queue().await;
    phase(40, "errored").await;
    let expected = [json!(30_000), json!(30_000), json!(1), json!(0), json!(2), json!(2)];
    assert_eq!(measured().await, expected);
}

#[tokio::test]
async fn related_resources_are_included_by_their_documented_names() {
    let server = Server::start().await;
    let agent = crate::agent::Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let configuration = crate::runs::upload(&owner, &ws, false).await;
    let run = crate::runs::run(&ws, json!({}));
    let run = owner.post("/runs", run).await.is_created();
    server.advance().await;
    agent.must_claim().await.start().await;
    let included = async |path: &str| {
        let shown = owner.get(format!("/workspaces/{}?include={path}", ws.id)).await.is_ok();
        let mut found: Vec<(String, String)> = Vec::new();
        for object in shown.json()["included"].as_array().cloned().unwrap_or_default() {
            let text = |name: &str| object[name].as_str().unwrap().to_owned();
            found.push((text("type"), text("id")));
        }
        found
    };
    let plan = run.related("plan").as_str().unwrap().to_owned();
    for (path, kind, id) in [
        ("organization", "organizations", Server::ORGANIZATION.to_owned()),
        ("project", "projects", ws.project_id.to_string()),
        ("current_configuration_version", "configuration-versions", configuration.clone()),
        ("current_run", "runs", run.id()),
        ("current_run.plan", "plans", plan),
        ("current_run.configuration_version", "configuration-versions", configuration),
        ("locked_by", "runs", run.id()),
    ] {
        let found = included(path).await;
        assert!(found.contains(&(kind.to_owned(), id)), "{path}: {found:?}");
    }
}

#[tokio::test]
async fn whoever_has_locked_a_workspace_is_included() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = format!("/workspaces/{}", ws.id);
    owner.post(format!("{path}/actions/lock"), ()).await.is_ok();
    let shown = owner.get(format!("{path}?include=locked_by")).await.is_ok();
    assert_eq!(shown.json()["included"][0]["attributes"]["username"], "owner");
}
