//! Repositories through their connections: what can be picked, what is shown, and what is told when something goes wrong.

use std::time::Duration;

use domain::ingress;
use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Server,
    vcs_fake::{self, Mood, Origin, push},
};

use super::World;
use testkit::world::resource;

impl World {
    /// Level and words of what was told to those who look after connections, the newest first.
    pub async fn events(&self) -> Vec<String> {
        let path = "/organizations/acme/vcs-events?page[size]=100";
        let told = self.server.owner().get(path).await.is_ok().data();
        let line = |event: &Value| {
            let text = |name: &str| event["attributes"][name].as_str().unwrap().to_owned();
            format!("{}: {}", text("level"), text("message"))
        };
        told.as_array().unwrap().iter().map(line).collect()
    }

    /// The one that was told at this very time, an error of the one connection that there is.
    async fn events_are_found_by_what_is_asked_for(&self) {
        let owner = self.server.owner();
        let list = "/organizations/acme/vcs-events";
        let all = owner.get(list).await.is_ok().data();
        let at =
            |index: usize, name: &str| all[index]["attributes"][name].as_str().unwrap().to_owned();
        let index = (0..all.as_array().unwrap().len()).find(|index| at(*index, "level") == "error");
        let index = index.unwrap();
        let (error, time) = (&all[index]["id"], at(index, "created-at"));
        let client = all[index]["relationships"]["oauth-client"]["data"]["id"].as_str().unwrap();
        for (filter, is_there) in [
            ("filter[levels]=error".to_owned(), true),
            ("filter[levels]=info,error".to_owned(), true),
            ("filter[levels]=info".to_owned(), false),
            (format!("filter[oauth_client_external_ids]={client}"), true),
            (format!("filter[oauth_client_external_ids]=oc-{}", "x".repeat(16)), false),
            (format!("filter[from]={time}"), true),
            ("filter[from]=2999-01-01T00:00:00Z".to_owned(), false),
            (format!("filter[to]={time}"), true),
            ("filter[to]=2001-01-01T00:00:00Z".to_owned(), false),
        ] {
            let found = owner.get(format!("{list}?{filter}")).await.is_ok().data();
            let is_found = found.as_array().unwrap().iter().any(|one| one["id"] == *error);
            assert_eq!(is_found, is_there, "{filter}: {found}");
        }
        for wrong in ["filter[levels]=loud", "filter[from]=yesterday"] {
            owner.get(format!("{list}?{wrong}")).await.has_status(http::StatusCode::BAD_REQUEST);
        }
    }
}

#[tokio::test]
async fn what_can_be_connected_is_asked_of_the_provider_before_it_is() {
    let world = World::new().await;
    let origin = &world.fake.origin;
    origin.write("services/web/main.tf", "a");
    origin.write("services/db/main.tf", "a");
    origin.push("Services");
    let owner = world.server.owner();
    let asked = |what: &str, more: &str| {
        let token = &world.token;
        format!("/organizations/acme/vcs/{what}?oauth_token_id={token}&identifier=acme/infra{more}")
    };
    let found = owner.get(asked("repo", "")).await.is_ok();
    assert_eq!(found.data()["type"], "vcs-repo-check");
    assert_eq!(found.attribute("exists"), true);
    assert_eq!(found.attribute("identifier"), "acme/infra");
    let none = owner.get(asked("repo", "-not")).await.is_ok();
    assert_eq!(none.attribute("exists"), false);
    for (more, expected) in [
        ("", vec!["services"]),
        ("&branch=main&path=services", vec!["services/db", "services/web"]),
        ("&branch=feat", vec![]),
        ("&branch=v1", vec![]),
        (&*format!("&branch={}", world.fake.head), vec![]),
    ] {
        let tree = owner.get(asked("tree", more)).await.is_ok().data();
        let folders: Vec<&str> =
            tree.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(folders, expected, "{more}");
        assert!(tree.as_array().unwrap().iter().all(|one| one["type"] == "vcs-tree"));
    }
    owner.get(asked("tree", "&branch=nowhere")).await.is_not_found();
    owner.get(asked("tree", "-not")).await.is_not_found();
    owner.get(asked("repo", "/../x")).await.has_status(http::StatusCode::BAD_REQUEST);
    for (organization, count) in [("", 1), ("ACME", 1), ("acm", 0), ("other", 0)] {
        let path =
            format!("/oauth-tokens/{}/authorized-repos?organization={organization}", world.token);
        let found = owner.get(&path).await.is_ok().data();
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{path}");
    }
    for path in ["vcs/repo?identifier=acme/infra", "vcs/tree?identifier=acme/infra"] {
        let path = format!("/organizations/acme/{path}");
        owner.get(&path).await.has_status(http::StatusCode::BAD_REQUEST);
        owner.get(format!("{path}&oauth_token_id=ot-nothing")).await.is_not_found();
    }
    let stranger = world.server.stranger();
    stranger.get(asked("repo", "")).await.is_not_found();
}

#[tokio::test]
async fn a_connection_is_made_in_the_organization_that_a_document_names() {
    let world = World::new().await;
    let owner = world.server.owner();
    let client = |more: Value| {
        let mut attributes = json!({
            "service-provider": "github", "oauth-token-string": "ghp_secret",
        });
        attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resource("oauth-clients", &attributes)
    };
    let made = owner.post("/oauth-clients", client(json!({ "organization-id": "acme" }))).await;
    assert_eq!(made.is_created().related("organization"), "acme");
    let rows = world.server.row_counts().await;
    let pointer = "/data/attributes/organization-id";
    for wrong in [json!({}), json!({ "organization-id": "nowhere" })] {
        owner.post("/oauth-clients", client(wrong)).await.is_unprocessable(pointer);
    }
    let stranger = world.server.stranger();
    let sent = client(json!({ "organization-id": "acme" }));
    stranger.post("/oauth-clients", sent).await.is_unprocessable(pointer);
    let elsewhere = client(json!({ "organization-id": "other" }));
    owner.post("/organizations/acme/oauth-clients", elsewhere).await.is_unprocessable(pointer);
    assert_eq!(world.server.row_counts().await["oauth_clients"], rows["oauth_clients"]);
}

#[tokio::test]
async fn what_is_known_of_a_repository_is_shown_where_it_is_connected() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({})).await;
    let owner = world.server.owner();
    let shown = owner.get(format!("/workspaces/{workspace}")).await.is_ok().attribute("vcs-repo");
    let hook = world.fake.shared.hooks.lock().unwrap().values().next().cloned().unwrap();
    let expected = json!({
        "identifier": "acme/infra", "display-identifier": "acme/infra", "branch": "",
        "ingress-submodules": false, "oauth-token-id": world.token,
        "github-app-installation-id": null, "service-provider": "github_enterprise",
        "repository-http-url": format!("{}/acme/infra", world.fake.url),
        "source-directory": null, "tag-prefix": null, "tags": false, "tags-regex": null,
        "webhook-url": hook["config"]["url"],
    });
    assert_eq!(shown, expected);
    let listed = owner.get("/organizations/acme/workspaces").await.is_ok().data();
    assert_eq!(listed[0]["attributes"]["vcs-repo"], expected);
    let set = resource("policy-sets", &json!({ "name": "set", "vcs-repo": world.repo() }));
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created();
    assert_eq!(set.attribute("vcs-repo"), expected);
}

#[tokio::test]
async fn what_goes_wrong_is_told_once_to_those_who_look_after_connections() {
    let world = World::new().await;
    world.server.stop_clock();
    world.fake.is(Mood::Unhooked);
    let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
    let told = world.events().await;
    let refused = "error: No webhook could be made for acme/infra: the provider does not allow it: not yours.";
    assert!(told.contains(&refused.to_owned()), "{told:?}");
    world.events_are_found_by_what_is_asked_for().await;
    assert_eq!(world.runs(&workspace).await.len(), 1, "it works all the same");
    // The first look remembers where the branches are; later ones find what nobody has told.
    let cx = world.server.system();
    ingress::look(&cx).await.unwrap();
    world.fake.origin.write("main.tf", "b");
    let second = world.fake.origin.push("Two").to_string();
    world.server.pass(Duration::from_hours(2));
    ingress::look(&cx).await.unwrap();
    world.work().await;
    let runs = world.runs(&workspace).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(world.ingress(&runs[0]).await.attribute("commit-sha"), second);

    world.fake.is(Mood::Well);
    ingress::look(&cx).await.unwrap();
    world.server.pass(Duration::from_hours(2));
    ingress::look(&cx).await.unwrap();
    assert_eq!(world.fake.shared.hooks.lock().unwrap().len(), 1, "it is made as soon as it may be");
    assert!(world.events().await.contains(&"info: A webhook was made for acme/infra.".to_owned()));
    // Somebody knows the address and not the secret, and tries for a while.
    let delivery = push("d-1", "main", None, Some(&second));
    for _ in 0..20 {
        world.send(&delivery, &delivery.headers("guessed")).await.is_unauthorized();
    }
    let told = world.events().await;
    let refusals = told.iter().filter(|line| line.contains("A webhook was refused")).count();
    assert_eq!(refusals, 1, "{told:?}");
}

#[tokio::test]
async fn a_token_that_is_revoked_is_told_and_what_was_missed_runs_with_the_next_one() {
    let world = World::new().await;
    world.server.stop_clock();
    let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
    let cx = world.server.system();
    ingress::look(&cx).await.unwrap();
    let calls = || world.fake.shared.calls.lock().unwrap().len();
    world.fake.is(Mood::Revoked);
    let origin = &world.fake.origin;
    origin.write("main.tf", "b");
    let (before, after) = (world.fake.head.to_string(), origin.push("Two").to_string());
    world.told(&push("d-1", "main", Some(&before), Some(&after))).await;
    let asked = calls();
    for _ in 0..5 {
        world.server.pass(Duration::from_mins(1));
        world.work().await;
    }
    assert_eq!(calls(), asked, "nobody asks again and again");
    assert_eq!(world.runs(&workspace).await.len(), 1);
    let told = world.events().await;
    let expected = "error: What happened in acme/infra could not be worked off: the repository does not accept the \
                    credentials of this connection.";
    assert!(told.contains(&expected.to_owned()), "{told:?}");

    // Somebody gives another one, and the push is not lost.
    world.fake.is(Mood::Well);
    let client = world.server.owner().get(format!("/oauth-tokens/{}", world.token)).await.is_ok();
    let client = client.related("oauth-client").as_str().unwrap().to_owned();
    let change = json!({ "oauth-token-string": vcs_fake::TOKEN });
    let path = format!("/oauth-clients/{client}");
    world.server.owner().patch(path, resource("oauth-clients", &change)).await.is_ok();
    ingress::look(&cx).await.unwrap();
    world.work().await;
    let runs = world.runs(&workspace).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(world.ingress(&runs[0]).await.attribute("commit-sha"), after);
}

#[tokio::test]
async fn two_hundred_deliveries_at_once_are_all_kept_and_run_a_commit_once() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
    world.fake.origin.write("main.tf", "b");
    let before = world.fake.head.to_string();
    let after = world.fake.origin.push("Two").to_string();
    let deliveries: Vec<_> = (0..200)
        .map(|number| {
            let mut one = push(&format!("d-{number}"), "main", Some(&before), Some(&after));
            one.body["number"] = json!(number);
            one
        })
        .collect();
    let answers = join_all(deliveries.iter().map(|one| world.deliver(one))).await;
    for answer in answers {
        answer.has_status(http::StatusCode::ACCEPTED);
    }
    assert_eq!(world.server.row_counts().await["webhook_deliveries"], 200);
    world.work().await;
    assert_eq!(world.runs(&workspace).await.len(), 2);
    let told = world.events().await;
    let skipped = format!("info: Processing skipped for duplicate commit SHA {after}.");
    assert!(told.contains(&skipped), "{told:?}");
}

#[tokio::test]
async fn plain_git_is_looked_at_from_time_to_time() {
    let server = Server::start_with(|options| {
        options.courier.networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    server.stop_clock();
    let git = vcs_fake::Server::new().await;
    let origin = Origin::new(git.root(), "acme/infra");
    origin.write("main.tf", "a");
    origin.push("One");
    let owner = server.owner();
    let client = json!({ "service-provider": "git", "http-url": git.of("acme/infra") });
    let made = owner
        .post("/organizations/acme/oauth-clients", resource("oauth-clients", &client))
        .await
        .is_created();
    let token = made.data()["relationships"]["oauth-tokens"]["data"][0]["id"].clone();
    let workspace = |name: &str, more: Value| {
        let mut repo = json!({ "identifier": "acme/infra", "oauth-token-id": token });
        repo.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let attributes = json!({
            "name": name, "queue-all-runs": true, "file-triggers-enabled": false, "vcs-repo": repo,
        });
        owner.post("/organizations/acme/workspaces", resource("workspaces", &attributes))
    };
    let branch = workspace("branch", json!({})).await.is_created().id();
    let tagged = workspace("tagged", json!({ "tags-regex": "^v" })).await.is_created().id();
    let cx = server.system();
    let runs = async |of: &str| {
        ingress::look(&cx).await.unwrap();
        ingress::work(&cx).await.unwrap();
        ingress::work(&cx).await.unwrap();
        let listed = owner.get(format!("/workspaces/{of}/runs")).await.is_ok().data();
        listed.as_array().unwrap().len()
    };
    assert_eq!(runs(&branch).await, 1, "the first look starts nothing, being connected does");
    assert_eq!(runs(&tagged).await, 0);
    origin.write("main.tf", "b");
    origin.push("Two");
    assert_eq!(runs(&branch).await, 1, "its time has not come");
    server.pass(Duration::from_mins(6));
    assert_eq!(runs(&branch).await, 2);
    origin.git(&["tag", "v1"]);
    origin.git(&["push", "-q", "origin", "v1"]);
    server.pass(Duration::from_mins(6));
    assert_eq!(runs(&tagged).await, 1);
    assert_eq!(runs(&branch).await, 2);
}
