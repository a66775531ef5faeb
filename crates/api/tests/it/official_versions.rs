//! The official releases that the server knows by itself, and what a synchronisation makes of them.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use axum::{Router, http::Uri};
use domain::{
    Site, can,
    entity::tool_version::Kind,
    tool_versions::{self, Outcome, Sources},
};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::Server;
use tokio::net::TcpListener;

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const PATH: &str = "/admin/terraform-versions";
/// In the built-in list.
const LISTED: &str = "1.9.8";
/// In nobody's.
const NEW: &str = "1.999.0";

/// Answers as the projects' own servers do.
struct Mirror {
    address: String,
}

impl Mirror {
    async fn with(files: HashMap<String, String>) -> Self {
        let files = Arc::new(files);
        let answer = move |uri: Uri| async move {
            let found = files.get(uri.path()).cloned();
            found.map_or((StatusCode::NOT_FOUND, String::new()), |text| (StatusCode::OK, text))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { address }
    }

    /// Two known and two new releases of Terraform, and one of OpenTofu.
    async fn usual() -> Self {
        let builds =
            json!([{ "os": "linux", "arch": "amd64" }, { "os": "linux", "arch": "arm64" }]);
        let terraform = [LISTED, "1.9.7", NEW, "1.999.1-beta1", "1.0.0-rc1", "0.15.5"];
        let terraform: HashMap<_, _> =
            terraform.map(|version| (version, json!({ "builds": builds }))).into();
        let tofu = json!({ "versions": [
            { "id": NEW, "files": [format!("tofu_{NEW}_linux_amd64.zip")] },
            { "id": "1.998.0", "files": ["tofu_1.998.0_windows_amd64.zip"] },
        ] });
        let sums = |program: &str, version: &str| {
            let line = |arch, digit: &str| {
                format!("{}  {program}_{version}_linux_{arch}.zip\n", digit.repeat(64))
            };
            line("amd64", "a") + &line("arm64", "b")
        };
        let mut files: HashMap<String, String> = HashMap::new();
        for version in [NEW, "1.999.1-beta1"] {
            let path = format!("/terraform/{version}/terraform_{version}_SHA256SUMS");
            files.insert(path, sums("terraform", version));
        }
        files.insert(format!("/tofu/v{NEW}/tofu_{NEW}_SHA256SUMS"), sums("tofu", NEW));
        files.insert("/terraform/index.json".into(), json!({ "versions": terraform }).to_string());
        files.insert("/tofu.json".into(), tofu.to_string());
        Self::with(files).await
    }

    fn sources(&self) -> Sources {
        Sources {
            terraform: format!("{}/terraform", self.address),
            tofu_index: format!("{}/tofu.json", self.address),
            tofu: format!("{}/tofu", self.address),
        }
    }
}

/// A server that knows what the binary knows.
async fn informed(sources: Sources) -> Server {
    let server = Server::start_with(|options| options.settings.releases = sources).await;
    tool_versions::know_official(&server.system()).await.unwrap();
    server
}

async fn synchronise(server: &Server) -> Outcome {
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    tool_versions::synchronise(&cx, &site).await.unwrap()
}

async fn take_built_in(server: &Server) -> Outcome {
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    tool_versions::take_built_in(&cx, &site).await.unwrap()
}

async fn version(server: &Server, version: &str) -> Value {
    let path = format!("{PATH}?filter[version]={version}");
    server.site_admin().get(path).await.is_ok().data()[0].clone()
}

async fn change(server: &Server, version: &Value, attributes: Value) {
    let path = format!("{PATH}/{}", version["id"].as_str().unwrap());
    let body = json!({ "data": { "type": "terraform-versions", "attributes": attributes } });
    server.site_admin().patch(path, body).await.is_ok();
}

fn create(version: &str) -> Value {
    json!({ "data": { "type": "terraform-versions", "attributes": {
        "version": version, "url": "https://here.example.com/t.zip", "sha": "c".repeat(64),
    } } })
}

#[tokio::test]
async fn what_is_only_listed_is_shown_and_used_by_nobody() {
    let server = informed(Sources::default()).await;
    let shown = version(&server, LISTED).await;
    let attributes = &shown["attributes"];
    assert_eq!(attributes["official"], true);
    assert_eq!(attributes["enabled"], false);
    assert_eq!(
        attributes["url"],
        "https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_linux_amd64.zip",
    );
    assert_eq!(attributes["archs"].as_array().unwrap().len(), 2);

    // As long as no engine is known, none is refused, and nothing is chosen.
    assert_eq!(server.workspace("first").await.terraform_version, "latest");
    tool_versions::learn(&server.system(), &[(Kind::Terraform, "1.5.0".into())]).await.unwrap();
    let ws = server.workspace("second").await;
    assert_eq!(ws.terraform_version, "1.5.0");
    Agent::register_with_abilities(&server, "one", &json!({})).await;
    let path = format!("/workspaces/{}", ws.id);
    let wish = |version: &str| json!({ "data": { "type": "workspaces", "attributes": { "terraform-version": version } } });
    let refused = server.owner().patch(&path, wish(LISTED)).await;
    refused.is_unprocessable("/data/attributes/terraform-version");
    server.owner().patch(&path, wish("~> 1.5.0")).await.is_ok();

    change(&server, &shown, json!({ "enabled": true })).await;
    server.owner().patch(&path, wish(LISTED)).await.is_ok();
    // It stays as an administrator wants it, at the next start too.
    tool_versions::know_official(&server.system()).await.unwrap();
    assert_eq!(version(&server, LISTED).await["attributes"]["enabled"], true);
}

#[tokio::test]
async fn what_is_only_listed_gives_way_to_what_is_here() {
    let server = informed(Sources::default()).await;
    tool_versions::learn(&server.system(), &[(Kind::Terraform, LISTED.into())]).await.unwrap();
    let learned = version(&server, LISTED).await;
    assert_eq!(learned["attributes"]["enabled"], true);
    assert_eq!(learned["attributes"]["official"], false);
    // Where it is, is told to people; agents have it themselves.
    assert_eq!(
        learned["attributes"]["url"],
        "https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_linux_amd64.zip",
    );
    assert_eq!(learned["attributes"]["sha"].as_str().unwrap().len(), 64);
    assert_eq!(learned["attributes"]["archs"].as_array().unwrap().len(), 2);
    tool_versions::learn(&server.system(), &[(Kind::Terraform, "1.9.8-ours".into())])
        .await
        .unwrap();
    let unknown = version(&server, "1.9.8-ours").await;
    assert_eq!(unknown["attributes"]["url"], Value::Null);
    assert_eq!(unknown["attributes"]["archs"], json!([]));

    let made = server.site_admin().post(PATH, create("1.9.7")).await.is_created();
    assert_eq!(made.attribute("url"), "https://here.example.com/t.zip");
    server
        .site_admin()
        .post(PATH, create("1.9.7"))
        .await
        .is_unprocessable("/data/attributes/version");
    tool_versions::know_official(&server.system()).await.unwrap();
    assert_eq!(version(&server, "1.9.7").await["id"], made.id());
}

#[tokio::test]
async fn a_synchronisation_makes_releases_usable_and_adds_new_ones() {
    let mirror = Mirror::usual().await;
    let server = informed(mirror.sources()).await;
    let outcome = synchronise(&server).await;
    assert_eq!(outcome.problems, Vec::<String>::new());
    assert_eq!(outcome.changed, ["Terraform 1.9.8", "Terraform 1.9.7"]);
    let new = ["Terraform 1.999.1-beta1", "Terraform 1.999.0", "OpenTofu 1.999.0"];
    assert_eq!(outcome.added, new);

    let listed = version(&server, LISTED).await;
    assert_eq!(listed["attributes"]["enabled"], true);
    let sha = "186e0145f5e5f2eb97cbd785bc78f21bae4ef15119349f6ad4fa535b83b10df8";
    assert_eq!(listed["attributes"]["sha"], sha);
    let added = version(&server, NEW).await;
    let url = format!("{}/terraform/{NEW}/terraform_{NEW}_linux_amd64.zip", mirror.address);
    for (name, value) in [
        ("official", json!(true)),
        ("enabled", json!(true)),
        ("beta", json!(false)),
        ("url", json!(url)),
        ("sha", json!("a".repeat(64))),
    ] {
        assert_eq!(added["attributes"][name], value, "{name}");
    }
    assert_eq!(version(&server, "1.999.1-beta1").await["attributes"]["beta"], true);
    assert_eq!(version(&server, "0.15.5").await, Value::Null);
    assert_eq!(server.workspace("networking").await.terraform_version, NEW);

    assert_eq!(synchronise(&server).await, Outcome::default());
}

#[tokio::test]
async fn agents_download_what_was_synchronised() {
    let mirror = Mirror::usual().await;
    let server = informed(mirror.sources()).await;
    synchronise(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    let agent = Agent::register(&server).await;
    server.advance().await;
    let job = agent.must_claim().await;
    let url = format!("{}/terraform/{NEW}/terraform_{NEW}_linux_amd64.zip", mirror.address);
    let engine =
        json!({ "kind": "terraform", "version": NEW, "url": url, "sha256": "a".repeat(64) });
    assert_eq!(job.json["engine"], engine);
}

#[tokio::test]
async fn what_administrators_decided_stays() {
    let mirror = Mirror::usual().await;
    let server = informed(mirror.sources()).await;
    change(&server, &version(&server, LISTED).await, json!({ "enabled": false })).await;
    let own = server.site_admin().post(PATH, create(NEW)).await.is_created();
    let outcome = synchronise(&server).await;
    assert_eq!(outcome.changed, ["Terraform 1.9.7"]);
    assert_eq!(version(&server, LISTED).await["attributes"]["enabled"], false);
    let kept = version(&server, NEW).await;
    assert_eq!(kept["id"], own.id());
    assert_eq!(kept["attributes"]["url"], "https://here.example.com/t.zip");
}

#[tokio::test]
async fn agents_elsewhere_can_get_what_one_of_them_has_at_hand() {
    let mirror = Mirror::usual().await;
    let server = informed(mirror.sources()).await;
    tool_versions::learn(&server.system(), &[(Kind::Terraform, NEW.into())]).await.unwrap();
    synchronise(&server).await;
    let found = version(&server, NEW).await;
    assert_eq!(found["attributes"]["official"], true);
    assert_eq!(found["attributes"]["sha"], "a".repeat(64));
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_rest_is_taken() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let mirror = Mirror::usual().await;
    let server = informed(Sources { tofu_index: gone.clone(), ..mirror.sources() }).await;
    let outcome = synchronise(&server).await;
    let [problem] = &outcome.problems[..] else { panic!("{outcome:?}") };
    assert!(problem.contains("OpenTofu") && problem.contains(&gone), "{problem}");
    assert_eq!(version(&server, NEW).await["attributes"]["enabled"], true);

    let index = json!({ "versions": { NEW: { "builds": [{ "os": "linux", "arch": "amd64" }] } } });
    let sums = format!("/terraform/{NEW}/terraform_{NEW}_SHA256SUMS");
    for (answer, said) in [
        (vec![], "status 404"),
        (vec![("/terraform/index.json", "<html>".to_owned())], "no list of releases"),
        (vec![("/terraform/index.json", index.to_string())], "status 404"),
        (
            vec![("/terraform/index.json", index.to_string()), (&sums, "nothing".to_owned())],
            "no checksum",
        ),
    ] {
        let files = answer.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        let mirror = Mirror::with(files).await;
        let server = informed(mirror.sources()).await;
        let outcome = synchronise(&server).await;
        assert!(outcome.problems[0].contains(said), "{said}: {outcome:?}");
        assert_eq!((outcome.added.len(), outcome.changed.len()), (0, 0));
        assert_eq!(version(&server, NEW).await, Value::Null);
    }
}

#[tokio::test]
async fn the_built_in_list_can_be_taken_without_a_network() {
    let sources =
        Sources { terraform: "https://mirror.example.com/tf".into(), ..Sources::default() };
    let server = informed(sources).await;
    let outcome = take_built_in(&server).await;
    assert_eq!((outcome.added.len(), outcome.problems.len()), (0, 0));
    assert!(outcome.changed.iter().any(|changed| changed == "OpenTofu 1.9.1"), "{outcome:?}");
    let shown = version(&server, LISTED).await;
    assert_eq!(shown["attributes"]["enabled"], true);
    assert_eq!(
        shown["attributes"]["url"],
        "https://mirror.example.com/tf/1.9.8/terraform_1.9.8_linux_amd64.zip",
    );
    assert_eq!(take_built_in(&server).await, Outcome::default());
}

#[tokio::test]
async fn a_version_that_is_found_several_times_at_once_is_learned_once() {
    let server = Server::start().await;
    let found = |version: &str| (Kind::Terraform, version.to_owned());
    let twice = [found("1.99.1"), found("1.99.1"), found("1.99.0")];
    let cx = server.system();
    for learned in join_all((0..8).map(|_| tool_versions::learn(&cx, &twice))).await {
        learned.unwrap();
    }
    let list = server.site_admin().get("/admin/terraform-versions?search[version]=1.99").await;
    assert_eq!(list.is_ok().attributes("version"), ["1.99.1", "1.99.0"]);
}
