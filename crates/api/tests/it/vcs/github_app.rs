//! The GitHub App that a site is: who has installed it, who may use that, and what its one webhook tells.

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::github_app;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use testkit::{
    Answer,
    vcs_fake::{Delivery, push},
    world::resource,
};

use super::World;

const SECRET: &str = "what the webhook is signed with";

fn private_key() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

impl World {
    async fn tells(&self, delivery: &Delivery, secret: &str) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri("/webhooks/github-app");
        for (name, value) in delivery.headers(secret) {
            request = request.header(name, value);
        }
        let body = delivery.body.to_string().into();
        self.server.nobody().request(request.body(body).unwrap()).await
    }

    /// Makes the site a GitHub App; the id of its one installation.
    async fn becomes_an_app(&self) -> String {
        let (admin, cx) = (self.server.site_admin(), self.server.system());
        let settings = |attributes: Value| resource("general-settings", &attributes);
        let path = "/admin/general-settings";
        let refused =
            admin.patch(path, settings(json!({ "github-app-private-key": "none" }))).await;
        refused.is_unprocessable("/data/attributes/github-app-private-key");
        let key = private_key();
        let decided = json!({
            "github-app-id": "42", "github-app-private-key": key, "github-app-webhook-secret": SECRET,
            "github-app-http-url": self.fake.url, "github-app-api-url": format!("{}/api/v3", self.fake.url),
        });
        let decided = admin.patch(path, settings(decided)).await.is_ok();
        assert_eq!(decided.attribute("github-app-id"), "42");
        assert!(!decided.text().contains("PRIVATE KEY") && !decided.text().contains(SECRET));
        let everything = self.server.everything().await;
        assert!(!everything.contains(&key[100..150]) && !everything.contains(SECRET));

        github_app::refresh(&cx).await.unwrap();
        github_app::refresh(&cx).await.unwrap();
        let listed = admin.get("/github-app/installations").await.is_ok().data();
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        let id = listed[0]["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("ghain-"));
        let attributes = &listed[0]["attributes"];
        assert_eq!(attributes["name"], "acme-at-github");
        assert_eq!(attributes["installation-id"], 5);
        assert_eq!(attributes["installation-type"], "Organization");
        for (filter, count) in [
            ("filter[name]=acme-at-github", 1),
            ("filter[name]=other", 0),
            ("filter[installation_id]=5", 1),
            ("filter[installation_id]=6", 0),
        ] {
            let found =
                admin.get(format!("/github-app/installations?{filter}")).await.is_ok().data();
            assert_eq!(found.as_array().map(Vec::len), Some(count), "{filter}");
        }
        id
    }
}

fn of_installation(mut delivery: Delivery, repository: u64) -> Delivery {
    delivery.body["installation"] = json!({ "id": 5 });
    delivery.body["repository"]["id"] = json!(repository);
    delivery
}

#[tokio::test]
async fn a_site_that_is_a_github_app_runs_what_is_pushed_where_it_is_installed() {
    let world = World::new().await;
    let (owner, admin, cx) =
        (world.server.owner(), world.server.site_admin(), world.server.system());
    let before = push("d-0", "main", None, Some(world.fake.head.as_str()));
    world.tells(&before, SECRET).await.is_not_found();

    let id = world.becomes_an_app().await;

    // Nobody uses it who may not: whose it is only GitHub knows.
    let one = format!("/github-app/installation/{id}");
    let link = format!("/organizations/acme/github-app-installations/{id}/link-account");
    let repo = json!({ "identifier": "acme/infra", "github-app-installation-id": id });
    let attributes = json!({ "name": "networking", "queue-all-runs": true, "vcs-repo": repo });
    let (workspaces, workspace) =
        ("/organizations/acme/workspaces", resource("workspaces", &attributes));
    assert_eq!(owner.get("/github-app/installations").await.is_ok().data(), json!([]));
    owner.get(&one).await.is_not_found();
    let pointer = "/data/attributes/vcs-repo/github-app-installation-id";
    owner.post(workspaces, workspace.clone()).await.is_unprocessable(pointer);
    owner.post(&link, ()).await.has_status(StatusCode::FORBIDDEN);
    let repos = format!("/organizations/acme/github-app-installations/{id}/repos");
    owner.get(&repos).await.is_not_found();
    admin.post(&link, ()).await.is_no_content();
    admin.post(&link, ()).await.is_no_content();
    for path in ["/github-app/installations", "/organizations/acme/github-app-installations"] {
        assert_eq!(owner.get(path).await.is_ok().data()[0]["id"], json!(id), "{path}");
    }
    assert_eq!(owner.get(&one).await.is_ok().id(), id);
    world.server.foreigner().get(&one).await.is_not_found();
    for path in [&repos, &format!("/github-app-installations/{id}/repos")] {
        let found = owner.get(path).await.is_ok().data();
        assert_eq!(found[0]["attributes"]["identifier"], "acme/infra");
        assert_eq!(found[0]["attributes"]["installation-id"], json!(id));
    }

    let workspace = owner.post(workspaces, workspace).await.is_created().id();
    world.work().await;
    assert!(world.fake.shared.hooks.lock().unwrap().is_empty(), "the app has its own");
    assert_eq!(world.runs(&workspace).await.len(), 1);
    let shown = owner.get(format!("/workspaces/{workspace}")).await.is_ok().attribute("vcs-repo");
    assert_eq!(shown["github-app-installation-id"], json!(id));
    assert_eq!(shown["service-provider"], "github_enterprise");
    world.fake.origin.write("main.tf", "b");
    let (from, to) = (world.fake.head.to_string(), world.fake.origin.push("Two").to_string());
    let pushed = of_installation(push("d-1", "main", Some(&from), Some(&to)), 7);
    world.tells(&pushed, "guessed").await.is_unauthorized();
    let elsewhere = of_installation(push("d-2", "main", Some(&from), Some(&to)), 8);
    for _ in 0..3 {
        world.tells(&elsewhere, SECRET).await.has_status(StatusCode::ACCEPTED);
        world.tells(&pushed, SECRET).await.has_status(StatusCode::ACCEPTED);
    }
    assert_eq!(world.server.row_counts().await["webhook_deliveries"], 1);
    world.work().await;
    let runs = world.runs(&workspace).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(world.ingress(&runs[0]).await.attribute("commit-sha"), to);

    // It is removed there: the connection says so, and nothing else breaks.
    admin.delete(&link).await.has_status(StatusCode::CONFLICT);
    world.fake.shared.installations.lock().unwrap().clear();
    let removed = Delivery {
        id: "d-3".into(),
        event: "installation",
        body: json!({ "action": "deleted", "installation": { "id": 5 } }),
        ..pushed
    };
    world.tells(&removed, SECRET).await.has_status(StatusCode::ACCEPTED);
    github_app::work(&cx).await.unwrap();
    assert_eq!(admin.get("/github-app/installations").await.is_ok().data(), json!([]));
    assert_eq!(owner.get(&one).await.is_ok().attribute("status"), "removed");
    world.fake.origin.write("main.tf", "c");
    let third = world.fake.origin.push("Three").to_string();
    let pushed = of_installation(push("d-4", "main", Some(&to), Some(&third)), 7);
    world.tells(&pushed, SECRET).await.has_status(StatusCode::ACCEPTED);
    world.work().await;
    assert_eq!(world.runs(&workspace).await.len(), 2);
    let told = owner.get("/organizations/acme/vcs-events").await.is_ok().text();
    assert!(told.contains("is not installed there any more"), "{told}");
    let alone = resource("workspaces", &json!({ "vcs-repo": null }));
    owner.patch(format!("/workspaces/{workspace}"), alone).await.is_ok();
    world.work().await;
    admin.delete(&link).await.is_no_content();
    let me = owner.get("/account/details").await.is_ok().id();
    let tokens = format!("/users/{me}/github-app-oauth-tokens");
    assert_eq!(owner.get(tokens).await.is_ok().data(), json!([]));
}
