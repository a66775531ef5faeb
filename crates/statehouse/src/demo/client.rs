//! The few calls of the HTTP API that the demo and other commands make. They get no shortcut into the server.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};
use url::Url;

use super::engine::Engine;

/// The first user, made as on Terraform Enterprise: with a token that only this machine may fetch.
#[derive(Debug)]
pub struct Account {
    pub name: String,
    pub password: String,
    pub token: String,
}

impl Account {
    /// <https://developer.hashicorp.com/terraform/enterprise/deploy/initial-admin-user>
    pub async fn first(url: &Url) -> Result<Self> {
        let http = http()?;
        let answer = http.get(url.join("admin/retrieve-iact")?).send().await?;
        let iact = accepted(answer).await?.text().await?;
        let (name, password) =
            ("demo".to_owned(), format!("{:024x}", rand::random::<u128>() >> 32));
        let mut address = url.join("admin/initial-admin-user")?;
        address.query_pairs_mut().append_pair("token", iact.trim());
        let user = json!({"username": name, "email": "demo@example.com", "password": password});
        let answer = http.post(address).json(&user).send().await?;
        let created: Value = accepted(answer).await?.json().await?;
        let token = text(&created, "/token")?;
        // The initial token belongs to the bootstrap; people get one of their own.
        let client = Client::new(url, &token)?;
        let me = client.get("account/details").await?;
        let id = text(&me, "/data/id")?;
        let minted = client
            .post(
                &format!("users/{id}/authentication-tokens"),
                &json!({"data": {
                    "type": "authentication-tokens",
                    "attributes": {"description": "for the demo's terraform"},
                }}),
            )
            .await?;
        Ok(Self { name, password, token: text(&minted, "/data/attributes/token")? })
    }
}

fn http() -> Result<reqwest::Client> {
    let patience = Duration::from_secs(30);
    Ok(reqwest::Client::builder().connect_timeout(patience).timeout(patience).build()?)
}

#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

/// Where the demo's run takes place.
#[derive(Debug)]
pub struct Place {
    pub workspace: String,
}

impl Client {
    pub fn new(url: &Url, token: &str) -> Result<Self> {
        let base = url.join("api/v2/")?;
        Ok(Self { http: http()?, base, token: token.to_owned() })
    }

    pub async fn create_organization(&self, name: &str) -> Result<()> {
        let attributes = json!({"name": name, "email": "demo@example.com"});
        let body = json!({"data": {"type": "organizations", "attributes": attributes}});
        self.post("organizations", &body).await.map(drop)
    }

    /// Answers the project's id.
    pub async fn create_project(&self, organization: &str, name: &str) -> Result<String> {
        let body = json!({"data": {"type": "projects", "attributes": {"name": name}}});
        let made = self.post(&format!("organizations/{organization}/projects"), &body).await?;
        text(&made, "/data/id")
    }

    pub async fn create_workspace(
        &self,
        organization: &str,
        project: &str,
        name: &str,
        engine: &Engine,
    ) -> Result<Place> {
        let body = json!({"data": {
            "type": "workspaces",
            "attributes": {"name": name, "terraform-version": engine.version},
            "relationships": {"project": {"data": {"type": "projects", "id": project}}},
        }});
        let made = self.post(&format!("organizations/{organization}/workspaces"), &body).await?;
        Ok(Place { workspace: text(&made, "/data/id")? })
    }

    /// The id and the status of the workspace's current run.
    pub async fn current_run(&self, place: &Place) -> Result<(String, String)> {
        let workspace = self.get(&format!("workspaces/{}", place.workspace)).await?;
        let id = text(&workspace, "/data/relationships/current-run/data/id")?;
        let run = self.get(&format!("runs/{id}")).await?;
        Ok((id, text(&run, "/data/attributes/status")?))
    }

    /// Downloads the current state as the CLI does, and gives out its outputs.
    pub async fn state_outputs(&self, place: &Place) -> Result<Map<String, Value>> {
        let path = format!("workspaces/{}/current-state-version", place.workspace);
        let version = self.get(&path).await?;
        let address = text(&version, "/data/attributes/hosted-state-download-url")?;
        let answer = self.http.get(address).bearer_auth(&self.token).send().await?;
        let state: Value = accepted(answer).await?.json().await?;
        state["outputs"].as_object().cloned().context("the state has no outputs")
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self
            .http
            .request(method.clone(), self.base.join(path)?)
            .bearer_auth(&self.token)
            .header("Accept", "application/vnd.api+json");
        if let Some(body) = body {
            request =
                request.header("Content-Type", "application/vnd.api+json").body(body.to_string());
        }
        let answer = async { anyhow::Ok(accepted(request.send().await?).await?.json().await?) };
        answer.await.with_context(|| format!("{method} {path}"))
    }
}

async fn accepted(answer: reqwest::Response) -> Result<reqwest::Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    bail!("the server answered {status}: {}", answer.text().await.unwrap_or_default())
}

pub fn text(document: &Value, pointer: &str) -> Result<String> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("the answer has no {pointer}"))
}
