//! What happens in repositories, told by a provider that serves a real one.

mod commit_statuses;
mod connections;
mod github_app;
mod policies;
mod providers;
mod pull_requests;
mod pushes;
mod webhooks;

use domain::{connected_repositories, ingress};
use http::{Method, Request};
use serde_json::{Value, json};
use testkit::{
    Answer, Server,
    vcs_fake::{Delivery, Fake, News, TOKEN},
    world::{related, resource},
};

/// A server that is connected to a provider.
pub struct World {
    pub server: Server,
    pub fake: Fake,
    /// The id of what connects it.
    pub token: String,
}

impl World {
    pub async fn new() -> Self {
        Self::of("github_enterprise").await
    }

    pub async fn of(provider: &str) -> Self {
        let server = Server::start_with(|options| {
            options.courier.networks = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
        let fake = Fake::new(provider.parse().unwrap()).await;
        let api = fake.connection().api_url.to_string();
        let client = json!({
            "service-provider": provider, "http-url": fake.url, "api-url": api,
            "oauth-token-string": TOKEN,
        });
        let made = server
            .owner()
            .post("/organizations/acme/oauth-clients", resource("oauth-clients", &client))
            .await
            .is_created();
        let token = made.data()["relationships"]["oauth-tokens"]["data"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { server, fake, token }
    }

    pub fn repo(&self) -> Value {
        json!({ "identifier": self.fake.name().as_str(), "oauth-token-id": self.token })
    }

    /// A workspace that takes its files from the repository; its id. What follows from that is done.
    pub async fn workspace(&self, name: &str, mut attributes: Value) -> String {
        let mut repo = self.repo();
        if let Some(more) = attributes.get("vcs-repo").and_then(Value::as_object) {
            repo.as_object_mut().unwrap().extend(more.clone());
        }
        attributes["name"] = json!(name);
        attributes["vcs-repo"] = repo;
        let body = resource("workspaces", &attributes);
        let path = "/organizations/acme/workspaces";
        let made = self.server.owner().post(path, body).await.is_created();
        self.work().await;
        made.id()
    }

    /// Does what is due.
    pub async fn work(&self) {
        let cx = self.server.system();
        for _ in 0..2 {
            ingress::work(&cx).await.unwrap();
            connected_repositories::drop_unused(&cx).await.unwrap();
        }
    }

    /// Sends it to the hook that was made at the provider.
    pub async fn deliver(&self, delivery: &Delivery) -> Answer {
        let secret = self.fake.hook_for(delivery).secret;
        self.send(delivery, &delivery.headers(&secret)).await
    }

    pub async fn send(&self, delivery: &Delivery, headers: &[(&'static str, String)]) -> Answer {
        self.send_to(&self.fake.hook_for(delivery).url, delivery, headers).await
    }

    pub async fn send_to(
        &self,
        url: &str,
        delivery: &Delivery,
        headers: &[(&'static str, String)],
    ) -> Answer {
        let path = url.strip_prefix(self.server.url()).unwrap();
        let mut request = Request::builder().method(Method::POST).uri(path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let body = delivery.body.to_string().into();
        self.server.nobody().request(request.body(body).unwrap()).await
    }

    /// Something happens, is told in the provider's own words, and has its consequences.
    pub async fn news(&self, id: &str, news: News<'_>) {
        self.told(&self.fake.tells(id, news)).await;
    }

    /// The same, and what follows from it.
    pub async fn told(&self, delivery: &Delivery) {
        self.deliver(delivery).await.has_status(http::StatusCode::ACCEPTED);
        self.work().await;
    }

    /// The runs of a workspace, the newest first.
    pub async fn runs(&self, workspace: &str) -> Vec<Value> {
        let path = format!(
            "/workspaces/{workspace}/runs?include=configuration_version.ingress_attributes"
        );
        self.server.owner().get(path).await.is_ok().data().as_array().unwrap().clone()
    }

    /// Of the workspace's current configuration.
    pub async fn run_by_hand(&self, workspace: &str) -> Answer {
        let run = related(
            resource("runs", &json!({ "message": "by hand" })),
            &json!({ "workspace": { "data": { "type": "workspaces", "id": workspace } } }),
        );
        self.server.owner().post("/runs", run).await.is_created()
    }

    /// The commit that a run was made of.
    pub async fn ingress(&self, run: &Value) -> Answer {
        let version = run["relationships"]["configuration-version"]["data"]["id"].as_str().unwrap();
        let path = format!("/configuration-versions/{version}/ingress-attributes");
        self.server.owner().get(path).await.is_ok()
    }
}
