//! A push to the branch of a workspace becomes a configuration and a run.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};
use testkit::{
    vcs_fake::{push, tag},
    world::resource,
};

use super::World;

/// The files of the archive of a configuration version.
async fn files(world: &World, version: &str) -> BTreeMap<String, String> {
    let path = format!("/configuration-versions/{version}/download");
    let to = world.server.owner().get(path).await.redirects();
    let archive = world.server.nobody().get(to).await.is_ok();
    let gzip = flate2::read::GzDecoder::new(&archive.bytes()[..]);
    let mut tar = tar::Archive::new(gzip);
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        (path, content)
    };
    tar.entries().unwrap().map(read).collect()
}

fn version_of(run: &Value) -> String {
    let id = &run["relationships"]["configuration-version"]["data"]["id"];
    id.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_push_runs_the_commit_that_it_brings() {
    let world = World::new().await;
    let owner = world.server.owner();
    let workspace = world.workspace("networking", json!({})).await;
    assert!(world.runs(&workspace).await.is_empty());
    // What the branch has is there from the beginning, and is what somebody runs by hand.
    let origin = &world.fake.origin;
    origin.write("main.tf", "b");
    let (before, early) = (world.fake.head.to_string(), origin.push("Too early").to_string());
    world.told(&push("d-0", "main", Some(&before), Some(&early))).await;
    assert!(world.runs(&workspace).await.is_empty(), "nobody has run it yet");
    let by_hand = world.run_by_hand(&workspace).await;
    let first = world.ingress(&by_hand.data()).await;
    assert_eq!(first.attribute("commit-sha"), before);
    assert_eq!(first.attribute("commit-message"), "a message");
    assert_eq!(first.attribute("branch"), "main");

    origin.write("modules/vpc/main.tf", "c");
    let after = origin.push("Add a network\n\nIt was asked for.").to_string();
    world.told(&push("d-1", "main", Some(&early), Some(&after))).await;
    let runs = world.runs(&workspace).await;
    assert_eq!(runs.len(), 2);
    let attributes = &runs[0]["attributes"];
    assert_eq!(attributes["message"], "Add a network");
    assert_eq!(attributes["source"], "tfe-configuration-version");
    assert_eq!(attributes["trigger-reason"], "matched");
    assert_eq!(attributes["plan-only"], false);
    assert_eq!(runs[0]["relationships"]["created-by"]["data"], Value::Null);
    let version = version_of(&runs[0]);
    let shown = owner.get(format!("/configuration-versions/{version}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "uploaded");
    assert_eq!(shown.attribute("source"), "github");
    assert_eq!(shown.attribute("speculative"), false);
    assert_eq!(shown.attribute("changed-files"), json!(["modules/vpc/main.tf"]));
    let ingress = world.ingress(&runs[0]).await;
    for (name, expected) in [
        ("commit-sha", json!(after)),
        ("commit-message", json!("Add a network\n\nIt was asked for.")),
        ("commit-url", json!(format!("https://git.example/acme/infra/commit/{after}"))),
        ("compare-url", json!("https://git.example/acme/infra/compare")),
        ("identifier", json!("acme/infra")),
        ("branch", json!("main")),
        ("on-default-branch", json!(true)),
        ("is-pull-request", json!(false)),
        ("sender-username", json!("ann")),
        ("tag", Value::Null),
    ] {
        assert_eq!(ingress.attribute(name), expected, "{name}");
    }
    let found = format!("/workspaces/{workspace}/runs?search[commit]={}", &after[..12]);
    let found = owner.get(found).await.is_ok().data();
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    assert_eq!(found[0]["id"], runs[0]["id"]);
    let path =
        format!("/workspaces/{workspace}?include=current_configuration_version.ingress_attributes");
    let included = owner.get(path).await.is_ok().json()["included"].clone();
    let included = included.as_array().unwrap();
    assert!(
        included.iter().any(|one| one["type"] == "ingress-attributes" && one["id"] == ingress.id())
    );

    let expected = [("main.tf", "b"), ("modules/vpc/main.tf", "c")];
    let expected = expected.map(|(path, content)| (path.to_owned(), content.to_owned()));
    assert_eq!(files(&world, &version).await, BTreeMap::from(expected));
    // A push to a branch that nobody follows, and one that was deleted.
    world.told(&push("d-2", "other", None, Some(&after))).await;
    world.told(&push("d-3", "main", Some(&after), None)).await;
    assert_eq!(world.runs(&workspace).await.len(), 2);
}

#[tokio::test]
async fn a_workspace_with_a_repository_takes_configurations_of_others_only_to_try_them() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({})).await;
    let owner = world.server.owner();
    let path = format!("/workspaces/{workspace}/configuration-versions");
    let create =
        |attributes: Value| owner.post(&path, resource("configuration-versions", &attributes));
    create(json!({})).await.is_unprocessable("/data/attributes/speculative");
    create(json!({ "speculative": true })).await.is_created();
    let alone = json!({ "data": { "type": "workspaces", "attributes": { "vcs-repo": null } } });
    owner.patch(format!("/workspaces/{workspace}"), alone).await.is_ok();
    create(json!({})).await.is_created();
}

#[tokio::test]
async fn of_twenty_workspaces_those_run_whose_files_have_changed() {
    let world = World::new().await;
    let mut by_name = BTreeMap::new();
    for number in 0..20 {
        let name = format!("service-{number:02}");
        let rule = match number % 4 {
            0 => json!({ "working-directory": format!("services/{number:02}") }),
            1 => json!({ "trigger-prefixes": [format!("/services/{number:02}"), "modules"] }),
            2 => json!({ "trigger-patterns": [format!("/services/{number:02}/**/*.tf")] }),
            _ => {
                json!({ "working-directory": format!("services/{number:02}"), "file-triggers-enabled": false })
            }
        };
        let mut attributes = json!({ "queue-all-runs": true });
        attributes.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        by_name.insert(name.clone(), world.workspace(&name, attributes).await);
    }
    let origin = &world.fake.origin;
    origin.write("services/04/main.tf", "a");
    origin.write("services/06/deep/down/main.tf", "a");
    origin.write("services/10/README.md", "a");
    origin.write("modules/vpc/main.tf", "a");
    let (before, after) = (world.fake.head.to_string(), origin.push("Several").to_string());
    world.told(&push("d-1", "main", Some(&before), Some(&after))).await;
    let mut ran = Vec::new();
    for (name, workspace) in &by_name {
        if world.runs(workspace).await.len() == 2 {
            ran.push(name[8..].to_owned());
        }
    }
    // The modules are those of every fourth one; where files do not matter each push counts.
    let expected = ["01", "03", "04", "05", "06", "07", "09", "11", "13", "15", "17", "19"];
    assert_eq!(ran, expected);
    let fetched = world.server.row_counts().await["configuration_versions"];
    assert_eq!(fetched, 20 + 12);
}

#[tokio::test]
async fn a_tag_runs_those_workspaces_that_wait_for_tags_and_nothing_else_does() {
    let world = World::new().await;
    let attributes = json!({
        "queue-all-runs": true, "file-triggers-enabled": false,
        "vcs-repo": { "tags-regex": "^v\\d+\\.\\d+$" },
    });
    let tagged = world.workspace("tagged", attributes).await;
    let branch = world.workspace("branch", json!({ "queue-all-runs": true })).await;
    assert!(world.runs(&tagged).await.is_empty());
    let origin = &world.fake.origin;
    origin.write("main.tf", "b");
    let (before, after) = (world.fake.head.to_string(), origin.push("Two").to_string());
    world.told(&push("d-1", "main", Some(&before), Some(&after))).await;
    assert!(world.runs(&tagged).await.is_empty());
    assert_eq!(world.runs(&branch).await.len(), 2);
    origin.git(&["tag", "-a", "-m", "the second", "v2.0"]);
    origin.git(&["tag", "nightly"]);
    origin.git(&["push", "-q", "origin", "v2.0", "nightly"]);
    let object = origin.git(&["rev-parse", "v2.0"]);
    assert_ne!(object, after, "an annotated tag is an object of its own");
    world.told(&tag("d-2", "v2.0", &object)).await;
    world.told(&tag("d-3", "nightly", &after)).await;
    let runs = world.runs(&tagged).await;
    assert_eq!(runs.len(), 1);
    let ingress = world.ingress(&runs[0]).await;
    assert_eq!(ingress.attribute("tag"), "v2.0");
    assert_eq!(ingress.attribute("commit-sha"), after);
    assert_eq!(world.runs(&branch).await.len(), 2);
}

#[tokio::test]
async fn what_a_repository_does_to_break_out_is_told_and_runs_nothing() {
    let world = World::new().await;
    let attributes = json!({ "queue-all-runs": true, "vcs-repo": { "ingress-submodules": true } });
    let workspace = world.workspace("networking", attributes).await;
    let origin = &world.fake.origin;
    origin.link("passwd", "/etc/passwd");
    origin.write("--upload-pack=touch x", "harmless");
    let (before, linked) = (world.fake.head.to_string(), origin.push("A link").to_string());
    world.told(&push("d-1", "main", Some(&before), Some(&linked))).await;
    let runs = world.runs(&workspace).await;
    let names: Vec<String> = files(&world, &version_of(&runs[0])).await.into_keys().collect();
    assert_eq!(names, ["--upload-pack=touch x", "main.tf"]);

    let commit = world.fake.head.clone();
    origin.submodule("sub", "http://169.254.169.254/latest/meta-data", &commit);
    let submodule = origin.push_index("A neighbour").to_string();
    world.told(&push("d-2", "main", Some(&linked), Some(&submodule))).await;
    let owner = world.server.owner();
    let runs = world.runs(&workspace).await;
    let version = owner.get(format!("/configuration-versions/{}", version_of(&runs[0]))).await;
    assert_eq!(version.is_ok().attribute("status"), "errored");
    domain::runs::end_hopeless(&world.server.system()).await.unwrap();
    let runs = world.runs(&workspace).await;
    assert_eq!(runs[0]["attributes"]["status"], "errored");
}

#[tokio::test]
async fn a_manual_run_fetches_what_is_not_there_any_more() {
    let world = World::new().await;
    let owner = world.server.owner();
    let workspace = world.workspace("networking", json!({})).await;
    let place = owner.get(format!("/workspaces/{workspace}")).await.is_ok();
    let current = place.related("current-configuration-version").as_str().unwrap().to_owned();
    // As if the repository had not been there when it was wanted.
    let tx = world.server.db.write().await.unwrap();
    let id: domain::id::ConfigurationVersionId = current.parse().unwrap();
    let mut row =
        tx.lock::<domain::entity::configuration_version::Entity>(id).await.unwrap().unwrap();
    row.status = domain::entity::configuration_version::Status::Errored;
    tx.update(row).await.unwrap();
    tx.commit().await.unwrap();
    world.run_by_hand(&workspace).await;
    let version = owner.get(format!("/configuration-versions/{current}")).await.is_ok();
    assert_eq!(version.attribute("status"), "fetching");
    world.work().await;
    let version = owner.get(format!("/configuration-versions/{current}")).await.is_ok();
    assert_eq!(version.attribute("status"), "uploaded");
}
