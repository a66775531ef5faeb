//! One of everything that a path can name, and a body for everything that can be sent: what the tests of all routes
//! are generated from.

mod policies;
mod pools;
mod retention;
mod teams;
mod tools;
mod variable_sets;

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{entity::token, row::Workspace};
use http::Method;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use statehouse_api::Route;
use testkit::{
    Client, Server, Snapshot,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

const STATE: &str = r#"{"version":4,"terraform_version":"1.9.0","serial":1,"lineage":"7f9e8d6c-1a2b","outputs":{"colour":{"value":"blue","type":"string"}},"resources":[]}"#;
const ARCHIVE: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";

pub struct World {
    pub server: Server,
    pub known: Known,
}

/// What there is in a world.
#[derive(Clone)]
pub struct Known {
    pub ws: Workspace,
    /// What stands for each parameter of a path.
    names: BTreeMap<&'static str, String>,
    upload_secret: String,
    agent_id: String,
    engine_token: String,
}

/// What a request sends.
#[derive(Clone, Debug)]
pub enum Sent {
    Nothing,
    Json(Value),
    Bytes(&'static [u8]),
}

/// Worlds that are all alike, each with a server of its own.
#[derive(Clone)]
pub struct Worlds(Arc<(Known, Snapshot)>);

impl Worlds {
    pub async fn new() -> Self {
        let (server, known) = Box::pin(Known::made()).await;
        Self(Arc::new((known, server.snapshot().await)))
    }

    /// One that nobody has done anything to.
    pub async fn world(&self) -> World {
        let (known, snapshot) = &*self.0;
        World { server: snapshot.server().await, known: known.clone() }
    }
}

impl Known {
    async fn made() -> (Server, Self) {
        let server = Server::start().await;
        let ws = server.workspace("networking").await;
        let neighbour = server.workspace("neighbour").await;
        let spare = server.workspace("spare").await;
        let member = server.member().user().await;
        let token = token::Entity::find()
            .filter(token::Column::UserId.eq(&member.id))
            .one(server.db.read())
            .await
            .unwrap()
            .unwrap();
        let of_ws = |rest: &str| format!("/workspaces/{}/{rest}", ws.id);
        let owner = server.owner();

        let new = resource("vars", &json!({ "key": "region", "category": "terraform" }));
        let variable = owner.post(of_ws("vars"), new).await.is_created();

        let new = resource("configuration-versions", &json!({ "auto-queue-runs": false }));
        let announced = owner.post(of_ws("configuration-versions"), &new).await.is_created();
        let configuration = owner.post(of_ws("configuration-versions"), &new).await.is_created();
        let upload = configuration.attribute("upload-url");
        server.nobody().put(upload.as_str().unwrap(), ARCHIVE).await.is_ok();
        let archive = format!("/configuration-versions/{}/download", configuration.id());
        let archive = owner.get(archive).await.redirects();

        let run = owner.post("/runs", run_in(&ws)).await.is_created();

        owner.post(of_ws("actions/lock"), ()).await.is_ok();
        let state = owner.post(of_ws("state-versions"), state(1)).await.is_created();
        owner.post(of_ws("actions/unlock"), ()).await.is_ok();
        let outputs = owner.get(format!("/state-versions/{}/outputs", state.id())).await.is_ok();

        let teams = teams::in_world(&owner, &ws, &member.username).await;
        let new = resource("ssh-keys", &ssh_key());
        let ssh_key = owner.post("/organizations/acme/ssh-keys", new).await.is_created();
        let new = resource("reserved-tag-keys", &json!({ "key": "stage" }));
        let reserved = owner.post("/organizations/acme/reserved-tag-keys", new).await.is_created();
        owner.patch(of_ws("tag-bindings"), tag_bindings()).await.is_ok();
        let tags = owner.get("/organizations/acme/tags").await.is_ok();

        let secret = |url: &str| url.rsplit('/').next().unwrap().to_owned();
        let text = |value: Value| value.as_str().unwrap().to_owned();
        let mut names = BTreeMap::from([
            ("organization_name", Server::ORGANIZATION.to_owned()),
            ("project_id", ws.project_id.to_string()),
            ("workspace_id", ws.id.to_string()),
            ("workspace_name", ws.name.clone()),
            ("variable_id", variable.id()),
            ("configuration_version_id", configuration.id()),
            ("run_id", run.id()),
            ("plan_id", text(run.related("plan"))),
            ("apply_id", text(run.related("apply"))),
            ("state_version_id", state.id()),
            ("state_version_output_id", text(outputs.data()[0]["id"].clone())),
            ("user_id", member.id.to_string()),
            ("token_id", token.id.to_string()),
            ("ssh_key_id", ssh_key.id()),
            ("reserved_tag_key_id", reserved.id()),
            ("tag_id", text(tags.data()[0]["id"].clone())),
            ("neighbour", neighbour.id.to_string()),
            ("spare", spare.id.to_string()),
            ("job_id", "job-1111111111111111".to_owned()),
            ("artifact", "plan-json".to_owned()),
            ("secret", secret(&archive)),
            ("run_event_id", run_event(&owner, &run.id()).await),
        ]);
        names.extend(teams);
        names.extend(variable_sets::in_world(&owner, &ws, &neighbour, &run.id()).await);
        names.extend(pools::in_world(&server).await);
        names.extend(tools::in_world(&server).await);
        names.extend(policies::in_world(&server, &owner, &ws).await);
        let agent = server.bearer(server.app.embedded_agent_token().expose());
        let register = agent.raw(Method::POST, "/agent/v1/register", register().to_string()).await;
        let agent_id = text(register.is_ok().json()["agent_id"].clone());
        let upload_secret = secret(&text(announced.attribute("upload-url")));
        let engine = server.engine(&run.id().parse().unwrap(), &ws).await;
        let engine_token = engine.token().await;
        (server, Self { ws, names, upload_secret, agent_id, engine_token })
    }
}

impl World {
    /// Somebody who may call every route but those of agents and those of one's own account.
    pub fn allowed(&self, route: &Route) -> Client<'_> {
        match route.guard {
            "WorkAsAgent" => self.agent(),
            "ManageSite" => self.server.site_admin(),
            "ManageUserTokens" | "ManageToken" => self.server.member(),
            _ => self.server.owner(),
        }
    }

    pub fn agent(&self) -> Client<'_> {
        self.server.bearer(self.server.app.embedded_agent_token().expose())
    }

    /// The engine inside the world's run.
    pub fn engine(&self) -> Client<'_> {
        self.server.bearer(&self.known.engine_token)
    }

    /// The path of a route with all its parameters.
    pub fn path(&self, route: &Route) -> String {
        self.path_with(route, "", "")
    }

    /// The same with one parameter exchanged.
    pub fn path_with(&self, route: &Route, exchanged: &str, by: &str) -> String {
        let mut path = route.path.to_owned();
        for parameter in parameters(route.path) {
            let value = match parameter {
                _ if parameter == exchanged => by,
                "secret" if route.method == Method::PUT => &self.known.upload_secret,
                _ => self.known.names.get(parameter).unwrap_or_else(|| {
                    panic!("{}: say in World what stands for {{{parameter}}}", route.path)
                }),
            };
            path = path.replace(&format!("{{{parameter}}}"), value);
        }
        match (&route.method, route.path) {
            (&Method::PUT, "/agent/v1/jobs/{job_id}/log") => path + "?offset=0",
            (&Method::GET, "/api/v2/vars" | "/api/v2/state-versions") => {
                path + "?filter[organization][name]=acme&filter[workspace][name]=networking"
            }
            (&Method::GET, "/api/v2/workspaces/{workspace_id}/run-triggers") => {
                path + "?filter[run-trigger][type]=inbound"
            }
            (&Method::GET, "/api/v2/runs") => format!("{path}?workspace_id={}", self.known.ws.id),
            (&Method::GET, "/api/v2/team-workspaces") => {
                format!("{path}?filter[workspace][id]={}", self.known.ws.id)
            }
            (&Method::GET, "/api/v2/team-projects") => {
                format!("{path}?filter[project][id]={}", self.known.ws.project_id)
            }
            _ => path,
        }
    }

    /// What the operation takes.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub fn body(&self, route: &Route) -> Sent {
        let ws = &self.known.ws;
        let of_ws = json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } });
        let path = route.path.strip_prefix("/api/v2").unwrap_or(route.path);
        let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
        match (route.method.as_str(), path) {
            ("GET", _)
            | (
                "DELETE",
                "/organizations/{organization_name}"
                | "/projects/{project_id}"
                | "/organizations/{organization_name}/workspaces/{workspace_name}"
                | "/workspaces/{workspace_id}"
                | "/workspaces/{workspace_id}/vars/{variable_id}"
                | "/vars/{variable_id}"
                | "/authentication-tokens/{token_id}"
                | "/ssh-keys/{ssh_key_id}"
                | "/reserved-tag-keys/{reserved_tag_key_id}"
                | "/reserved-tags/{reserved_tag_key_id}",
            )
            | (
                "POST",
                "/organizations/{organization_name}/workspaces/{workspace_name}/actions/safe-delete"
                | "/workspaces/{workspace_id}/actions/safe-delete"
                | "/workspaces/{workspace_id}/actions/unlock"
                | "/workspaces/{workspace_id}/actions/force-unlock"
                | "/runs/{run_id}/actions/force-execute"
                | "/agent/v1/jobs/{job_id}/start"
                | "/agent/v1/jobs/{job_id}/heartbeat"
                | "/agent/v1/jobs/{job_id}/finish",
            ) => Sent::Nothing,
            ("POST", "/organizations") => attributes(
                "organizations",
                json!({ "name": "newcomer", "email": "new@example.com", "session-timeout": 20 }),
            ),
            ("PATCH" | "PUT", "/organizations/{organization_name}") => {
                attributes("organizations", json!({ "email": "other@example.com" }))
            }
            ("POST", "/organizations/{organization_name}/projects") => {
                attributes("projects", json!({ "name": "Storage", "description": "Disks" }))
            }
            ("PATCH", "/projects/{project_id}") => {
                attributes("projects", json!({ "description": "Disks" }))
            }
            ("POST", "/organizations/{organization_name}/workspaces") => Sent::Json(related(
                resource(
                    "workspaces",
                    &json!({
                        "name": "storage", "auto-apply": true, "working-directory": "envs",
                        "terraform-version": "1.9.0", "trigger-prefixes": ["modules"],
                    }),
                ),
                &json!({ "project": { "data": { "type": "projects", "id": ws.project_id } } }),
            )),
            (
                "PATCH",
                "/organizations/{organization_name}/workspaces/{workspace_name}"
                | "/workspaces/{workspace_id}",
            ) => attributes("workspaces", json!({ "description": "Cables", "auto-apply": true })),
            ("POST", "/workspaces/{workspace_id}/actions/lock") => {
                Sent::Json(json!({ "reason": "by hand" }))
            }
            ("POST" | "DELETE", "/workspaces/{workspace_id}/relationships/tags") => Sent::Json(
                json!({ "data": [{ "type": "tags", "attributes": { "name": "blue" } }] }),
            ),
            (
                "PATCH" | "POST",
                "/workspaces/{workspace_id}/tag-bindings"
                | "/workspaces/{workspace_id}/relationships/tag-bindings"
                | "/projects/{project_id}/tag-bindings"
                | "/projects/{project_id}/relationships/tag-bindings",
            ) => Sent::Json(tag_bindings()),
            ("DELETE", "/organizations/{organization_name}/tags") => Sent::Json(
                json!({ "data": [{ "type": "tags", "id": self.known.names["tag_id"] }] }),
            ),
            (
                "POST",
                "/tags/{tag_id}/relationships/workspaces"
                | "/projects/{project_id}/relationships/workspaces",
            ) => Sent::Json(json!({ "data": [{ "type": "workspaces", "id": ws.id }] })),
            ("POST", "/organizations/{organization_name}/reserved-tag-keys") => {
                attributes("reserved-tag-keys", json!({ "key": "env", "disable-overrides": true }))
            }
            (
                "PATCH",
                "/reserved-tag-keys/{reserved_tag_key_id}" | "/reserved-tags/{reserved_tag_key_id}",
            ) => attributes("reserved-tag-keys", json!({ "disable-overrides": true })),
            ("POST", "/workspaces/{workspace_id}/configuration-versions") => {
                attributes("configuration-versions", json!({ "auto-queue-runs": false }))
            }
            ("POST", "/workspaces/{workspace_id}/vars") => attributes("vars", variable()),
            ("POST", "/vars") => Sent::Json(related(resource("vars", &variable()), &of_ws)),
            ("PATCH", "/workspaces/{workspace_id}/vars/{variable_id}" | "/vars/{variable_id}") => {
                attributes("vars", json!({ "value": "changed", "hcl": false }))
            }
            ("POST", "/runs") => Sent::Json(run_in(ws)),
            (
                "POST",
                "/runs/{run_id}/actions/apply"
                | "/runs/{run_id}/actions/discard"
                | "/runs/{run_id}/actions/cancel"
                | "/runs/{run_id}/actions/force-cancel",
            ) => Sent::Json(json!({ "comment": "because" })),
            ("POST", "/workspaces/{workspace_id}/state-versions") => Sent::Json(state(2)),
            ("PATCH", "/workspaces/{workspace_id}/state-versions") => Sent::Json(related(
                resource("state-versions", &json!({})),
                &json!({ "rollback-state-version": {
                    "data": { "type": "state-versions", "id": self.known.names["state_version_id"] }
                } }),
            )),
            ("PATCH", "/account/update") => {
                attributes("users", json!({ "email": "renamed@example.com" }))
            }
            ("PATCH", "/account/password") => attributes(
                "users",
                json!({
                    "current_password": "wrong horse", "password": "battery staple",
                    "password_confirmation": "battery staple",
                }),
            ),
            ("POST", "/users/{user_id}/authentication-tokens") => {
                attributes("authentication-tokens", json!({ "description": "of the pipeline" }))
            }
            ("PUT", "/_archivist/v1/object/{secret}") => Sent::Bytes(ARCHIVE),
            ("POST", "/organizations/{organization_name}/ssh-keys") => {
                attributes("ssh-keys", ssh_key())
            }
            ("PATCH", "/ssh-keys/{ssh_key_id}") => attributes("ssh-keys", json!({ "name": "old" })),
            ("PATCH", "/workspaces/{workspace_id}/relationships/ssh-key") => {
                attributes("workspaces", json!({ "id": self.known.names["ssh_key_id"] }))
            }
            (
                "PATCH" | "POST" | "DELETE",
                "/workspaces/{workspace_id}/relationships/remote-state-consumers",
            ) => Sent::Json(
                json!({ "data": [{ "type": "workspaces", "id": self.known.names["neighbour"] }] }),
            ),
            ("POST", "/admin/initial-admin-user") => Sent::Json(json!({
                "username": "first", "email": "first@example.com", "password": "battery staple",
            })),
            ("POST", "/agent/v1/register") => Sent::Json(register()),
            ("POST", "/agent/v1/jobs/claim") => {
                Sent::Json(json!({ "agent_id": self.known.agent_id, "wait_seconds": 0 }))
            }
            ("PUT", "/agent/v1/jobs/{job_id}/log") => Sent::Bytes(b"\x02Terraform\n"),
            (
                "PUT",
                "/agent/v1/jobs/{job_id}/state" | "/agent/v1/jobs/{job_id}/artifacts/{artifact}",
            ) => Sent::Bytes(STATE.as_bytes()),
            ("POST", "/agent/v1/jobs/{job_id}/outcome") => Sent::Json(json!({
                "result": "finished", "message": null, "has_changes": true,
                "counts": { "additions": 1, "changes": 0, "destructions": 0, "imports": 0 },
                "generated_configuration": false,
            })),
            ("POST", "/agent/v1/leave") => Sent::Json(json!({ "agent_id": self.known.agent_id })),
            (method, path) => teams::body(&self.known.names, method, path)
                .or_else(|| variable_sets::body(&self.known.names, method, path))
                .or_else(|| pools::body(&self.known.names, method, path))
                .or_else(|| retention::body(method, path))
                .or_else(|| tools::body(method, path))
                .or_else(|| policies::body(&self.known.names, method, path))
                .unwrap_or_else(|| panic!("say in World what is sent with {method} {path}")),
        }
    }
}

impl Sent {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Json(value) => value.to_string().into(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// The names of the parameters of a path.
pub fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

pub fn resource(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

pub fn related(mut body: Value, relationships: &Value) -> Value {
    body["data"]["relationships"] = relationships.clone();
    body
}

/// Its engine becomes a known tool version.
pub fn register() -> Value {
    json!({
        "name": "builder", "version": "1.0.0", "instance": "i-1",
        "engines": [{ "kind": "terraform", "version": "1.9.0" }],
    })
}

fn tag_bindings() -> Value {
    json!({ "data": [
        { "type": "tag-bindings", "attributes": { "key": "colour", "value": "blue" } },
    ] })
}

fn ssh_key() -> Value {
    json!({ "name": "deploy", "value": "-----BEGIN OPENSSH PRIVATE KEY-----" })
}

fn variable() -> Value {
    json!({ "key": "colour", "value": "blue", "category": "terraform", "description": "Of cables" })
}

fn run_in(ws: &Workspace) -> Value {
    related(
        resource(
            "runs",
            &json!({
                "message": "once", "refresh": true, "target-addrs": ["null_resource.one"],
                "variables": [{ "key": "colour", "value": "\"blue\"" }],
            }),
        ),
        &json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } }),
    )
}

fn state(serial: i64) -> Value {
    let content = STATE.replace("\"serial\":1", &format!("\"serial\":{serial}"));
    resource(
        "state-versions",
        &json!({
            "serial": serial, "md5": hex::encode(Md5::digest(&content)),
            "lineage": "7f9e8d6c-1a2b", "state": STANDARD.encode(&content),
        }),
    )
}

async fn run_event(owner: &Client<'_>, run: &str) -> String {
    let events = owner.get(format!("/runs/{run}/run-events")).await.is_ok();
    events.data()[0]["id"].as_str().unwrap().to_owned()
}
