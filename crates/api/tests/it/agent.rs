//! An agent of a few lines that speaks the agent protocol, for tests that are about the server's side of it.

use serde_json::{Value, json};
use testkit::{Client, Server};

/// The version that it says to have.
pub const ENGINE: &str = "1.15.5";

pub struct Agent<'s> {
    client: Client<'s>,
    id: String,
    instance: String,
}

impl<'s> Agent<'s> {
    pub async fn register(server: &'s Server) -> Self {
        Self::register_as(server, "one").await
    }

    /// The same instance again is the same agent after a restart.
    pub async fn register_as(server: &'s Server, instance: &str) -> Self {
        let client = server.bearer(server.app.embedded_agent_token().expose());
        let mut agent = Self { client, id: String::new(), instance: instance.to_owned() };
        agent.introduce().await;
        agent
    }

    /// One that says all of this of itself, beside its name.
    pub async fn register_with_abilities(server: &'s Server, instance: &str, body: &Value) -> Self {
        let client = server.bearer(server.app.embedded_agent_token().expose());
        let mut all =
            json!({ "name": "test", "version": "0", "instance": instance, "engines": [] });
        for (name, value) in body.as_object().unwrap() {
            all[name] = value.clone();
        }
        let answer = client.post("/agent/v1/register", all).await.is_ok();
        let id = answer.json()["agent_id"].as_str().unwrap().to_owned();
        Self { client, id, instance: instance.to_owned() }
    }

    /// An agent of the pool that the token is for.
    pub async fn register_with(server: &'s Server, token: &str) -> Self {
        let mut agent = Self {
            client: server.bearer(token),
            id: String::new(),
            instance: token[..14].to_owned(),
        };
        agent.introduce().await;
        agent
    }

    pub async fn introduce(&mut self) {
        let body = json!({
            "name": "test", "version": "0", "instance": self.instance,
            "engines": [{ "kind": "terraform", "version": ENGINE }], "address": "10.1.2.3",
        });
        let answer = self.client.post("/agent/v1/register", body).await.is_ok();
        answer.json()["agent_id"].as_str().unwrap().clone_into(&mut self.id);
    }

    /// The next job, if there is one now.
    pub async fn claim(&self) -> Option<Job<'_>> {
        let body = json!({ "agent_id": self.id, "wait_seconds": 0 });
        let answer = self.client.post("/agent/v1/jobs/claim", body).await;
        (answer.status == 200).then(|| Job { client: &self.client, json: answer.json() })
    }

    /// What the server says to a claim that does not wait.
    pub async fn status_of_claim(&self) -> u16 {
        let body = json!({ "agent_id": self.id, "wait_seconds": 0 });
        self.client.post("/agent/v1/jobs/claim", body).await.status.as_u16()
    }

    pub async fn leave(&self) {
        let body = json!({ "agent_id": self.id });
        self.client.post("/agent/v1/leave", body).await.is_no_content();
    }

    /// The next job, which there must be.
    pub async fn must_claim(&self) -> Job<'_> {
        self.claim().await.expect("a job is waiting")
    }

    /// A job by an id that was had before.
    pub fn old_job(&self, json: Value) -> Job<'_> {
        Job { client: &self.client, json }
    }
}

pub struct Job<'a> {
    client: &'a Client<'a>,
    pub json: Value,
}

impl Job<'_> {
    pub fn run(&self) -> &str {
        self.json["run_id"].as_str().unwrap()
    }

    pub fn is_apply(&self) -> bool {
        self.json["phase"] == "apply"
    }

    fn path(&self, what: &str) -> String {
        format!("/agent/v1/jobs/{}/{what}", self.json["id"].as_str().unwrap())
    }

    async fn post(&self, what: &str, body: Value) -> u16 {
        self.client.post(self.path(what), body).await.status.as_u16()
    }

    pub async fn start(&self) -> u16 {
        self.post("start", json!({})).await
    }

    /// What the server wants of a job that is under way.
    pub async fn cancel_order(&self) -> String {
        let answer = self.client.post(self.path("heartbeat"), json!({})).await.is_ok();
        answer.json()["cancel"].as_str().unwrap().to_owned()
    }

    pub async fn log(&self, offset: usize, text: &str) -> u16 {
        let path = self.path(&format!("log?offset={offset}"));
        self.client.put(path, text.to_owned()).await.status.as_u16()
    }

    pub async fn save_state(&self, serial: u64, resources: usize) -> u16 {
        let instances: Vec<_> = (0..resources).map(|_| json!({ "attributes": {} })).collect();
        let state = json!({
            "version": 4, "terraform_version": ENGINE, "serial": serial, "lineage": "one",
            "outputs": {}, "resources": [{
                "mode": "managed", "type": "terraform_data", "name": "a",
                "provider": "provider[\"terraform.io/builtin/terraform\"]", "instances": instances,
            }],
        });
        self.client.put(self.path("state"), state.to_string()).await.status.as_u16()
    }

    /// Offers a state after the apply is over.
    pub async fn recover(&self, state: &str) -> testkit::Answer {
        self.client.put(self.path("recovered-state"), state.to_owned()).await
    }

    /// Reports that the apply has failed and its state is still with the agent.
    pub async fn end_without_state(&self) -> u16 {
        let body = json!({
            "result": "errored", "message": "The state could not be saved.", "has_changes": false,
            "counts": {}, "generated_configuration": false, "state_pending": true,
        });
        self.post("outcome", body).await
    }

    pub async fn outcome(&self, result: &str, has_changes: bool) -> u16 {
        let body = json!({
            "result": result, "message": null, "has_changes": has_changes,
            "counts": { "additions": 1, "changes": 0, "destructions": 0, "imports": 0 },
            "generated_configuration": false,
        });
        self.post("outcome", body).await
    }

    /// Ends a plan with changes, and says what it has used and was kept apart by.
    pub async fn outcome_with(&self, peaks: &Value, layers: &[&str]) -> u16 {
        let body = json!({
            "result": "finished", "message": null, "has_changes": true, "counts": { "additions": 1 },
            "generated_configuration": false, "peaks": peaks, "layers": layers,
        });
        self.post("outcome", body).await
    }

    /// An outcome in all its members.
    pub async fn report(&self, outcome: &Value) -> u16 {
        self.post("outcome", outcome.clone()).await
    }

    pub async fn artifact(&self, name: &str, content: &str) -> u16 {
        let path = self.path(&format!("artifacts/{name}"));
        self.client.put(path, content.to_owned()).await.status.as_u16()
    }

    pub async fn finish(&self) -> u16 {
        self.post("finish", json!({})).await
    }

    /// The whole phase at once, ending well.
    pub async fn execute(&self) {
        assert_eq!(self.start().await, 204);
        assert_eq!(self.log(0, "\u{2}line one\r\n\u{3}").await, 200);
        assert_eq!(self.outcome("finished", true).await, 204);
        assert_eq!(self.finish().await, 204);
    }
}

#[tokio::test]
async fn messages_of_agents_have_the_limits_of_every_document() {
    let world = testkit::world::Worlds::new().await.world().await;
    let routes = statehouse_api::table();
    let messages = routes.iter().filter(|route| {
        route.path.starts_with("/agent/v1/")
            && matches!(world.body(route), testkit::world::Sent::Json(_))
    });
    let mut tried = 0;
    for route in messages {
        let body = format!("{{\"name\":\"{}\"}}", "x".repeat(1_500_000));
        let answer = world.agent().raw(route.method.clone(), world.path(route), body).await;
        answer.is_too_large();
        tried += 1;
    }
    assert_eq!(tried, 4, "register, claim, leave and outcome");
}
