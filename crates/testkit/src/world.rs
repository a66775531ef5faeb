//! One of everything that a path can name, and a body for everything that can be sent: what the tests of all routes
//! are generated from.

#![expect(clippy::unwrap_used, reason = "a test that is wrong should stop where it is")]

mod accounts;
mod agents;
mod assessments;
mod calendar;
mod cidr_range_lists;
mod configurations;
pub mod oauth_clients;
mod organizations;
mod policies;
mod pools;
mod ready;
mod retention;
mod runs;
pub mod states;
mod tags;
mod tasks;
mod teams;
mod tool_versions;
mod variable_sets;
mod workspaces;

use std::{collections::BTreeMap, sync::Arc};

use crate::{Client, Server, Snapshot};
use api::Route;
use domain::row::Workspace;
use http::Method;
use serde_json::{Value, json};

pub struct World {
    pub server: Server,
    pub ws: Workspace,
    names: Names,
    engine_token: String,
}

/// What stands for each parameter of a path, and what else bodies name.
pub type Names = BTreeMap<&'static str, String>;

/// What a request sends.
#[derive(Clone, Debug)]
pub enum Sent {
    Nothing,
    Json(Value),
    Bytes(&'static [u8]),
}

/// Worlds that are all alike, each with a server of its own.
#[derive(Clone)]
pub struct Worlds(Arc<Template>);

struct Template {
    server: Snapshot,
    ws: Workspace,
    names: Names,
    engine_token: String,
}

impl Worlds {
    pub async fn new() -> Self {
        let World { server, ws, names, engine_token } = Box::pin(World::made()).await;
        let server = server.snapshot().await;
        Self(Arc::new(Template { server, ws, names, engine_token }))
    }

    /// One that nobody has done anything to.
    pub async fn world(&self) -> World {
        let Template { server, ws, names, engine_token } = &*self.0;
        World {
            server: server.server().await,
            ws: ws.clone(),
            names: names.clone(),
            engine_token: engine_token.clone(),
        }
    }
}

impl World {
    async fn made() -> Self {
        let server = Server::start().await;
        let ws = server.workspace("networking").await;
        let owner = server.owner();
        let mut names = BTreeMap::from([
            ("organization_name", Server::ORGANIZATION.to_owned()),
            ("project_id", ws.project_id.to_string()),
            ("workspace_id", ws.id.to_string()),
            ("workspace_name", ws.name.clone()),
            ("webhook_id", "00000000-0000-4000-8000-000000000000".to_owned()),
        ]);
        names.extend(accounts::in_world(&server).await);
        names.extend(Box::pin(workspaces::in_world(&server, &owner, ws.id.as_str())).await);
        names.extend(configurations::in_world(&server, &owner, ws.id.as_str()).await);
        names.extend(runs::in_world(&owner, ws.id.as_str()).await);
        names.extend(calendar::in_world(&owner, ws.id.as_str()).await);
        let estimate = runs::estimate(&server, &names["run_id"]).await;
        names.insert("cost_estimate_id", estimate);
        let run = names["run_id"].parse().unwrap();
        names.extend(assessments::in_world(&server, &ws, run).await);
        names.extend(states::in_world(&owner, ws.id.as_str()).await);
        names.extend(tool_versions::in_world(&server).await);
        names.extend(teams::in_world(&owner, &ws, &names["username"]).await);
        names.extend(organizations::in_world(&owner).await);
        names.extend(tags::in_world(&owner, ws.id.as_str()).await);
        names.extend(variable_sets::in_world(&owner, &names).await);
        names.extend(pools::in_world(&server).await);
        names.extend(policies::in_world(&server, &owner, &ws).await);
        names.extend(oauth_clients::in_world(&owner).await);
        names.extend(oauth_clients::installation_in_world(&server).await);
        names.extend(tasks::in_world(&server, &owner, &names).await);
        names.extend(cidr_range_lists::in_world(&owner).await);
        let agent = server.bearer(server.app.embedded_agent_token().expose());
        names.extend(agents::in_world(&agent).await);
        let engine_token =
            server.engine(&names["run_id"].parse().unwrap(), &ws).await.token().await;
        Self { server, ws, names, engine_token }
    }

    /// What stands for the parameters of paths.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Somebody who may call every route but those of agents and those of one's own account.
    pub fn allowed(&self, route: &Route) -> Client<'_> {
        match route.guard {
            "WorkAsAgent" => self.agent(),
            "ManageSite" | "CreateOrganization" | "LinkInstallation" => self.server.site_admin(),
            "CallBack" => self.run_task(),
            "ManageUserTokens" | "ManageToken" => self.server.member(),
            _ => self.server.owner(),
        }
    }

    pub fn agent(&self) -> Client<'_> {
        self.server.bearer(self.server.app.embedded_agent_token().expose())
    }

    /// The engine inside the world's run.
    pub fn engine(&self) -> Client<'_> {
        self.server.bearer(&self.engine_token)
    }

    /// That the world's run waits for.
    pub fn run_task(&self) -> Client<'_> {
        self.server.bearer(tasks::TOKEN)
    }

    /// The path of a route with all its parameters.
    pub fn path(&self, route: &Route) -> String {
        self.path_with(route, "", "")
    }

    /// The same with one parameter exchanged.
    pub fn path_with(&self, route: &Route, exchanged: &str, by: &str) -> String {
        let mut path = route.path.to_owned();
        for parameter in parameters(route.path) {
            let value = if parameter == exchanged { by } else { self.name(route, parameter) };
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
            (&Method::GET, "/api/v2/runs") => format!("{path}?workspace_id={}", self.ws.id),
            (&Method::GET, "/api/v2/team-workspaces") => {
                format!("{path}?filter[workspace][id]={}", self.ws.id)
            }
            (&Method::GET, "/api/v2/team-projects") => {
                format!("{path}?filter[project][id]={}", self.ws.project_id)
            }
            _ => path,
        }
    }

    /// What stands for a parameter. Some operations want one that nothing else depends on.
    fn name(&self, route: &Route, parameter: &str) -> &str {
        let name = match parameter {
            "task_id" if route.method == Method::DELETE => "spare_task",
            "secret" if route.method == Method::PUT => "upload_secret",
            "project_id" if route.method == Method::DELETE => "spare_project",
            "configuration_version_id" if retention::is_about_old_data(route.path) => {
                "old_configuration_version"
            }
            "state_version_id" if retention::is_about_old_data(route.path) => "old_state_version",
            other => other,
        };
        self.names.get(name).unwrap_or_else(|| {
            panic!("{}: say in World what stands for {{{parameter}}}", route.path)
        })
    }

    /// What the operation takes.
    pub fn body(&self, route: &Route) -> Sent {
        let names = &self.names;
        let path = route.path.strip_prefix("/api/v2").unwrap_or(route.path);
        let method = route.method.as_str();
        if method == "GET" {
            return Sent::Nothing;
        }
        accounts::body(method, path)
            .or_else(|| agents::body(names, method, path))
            .or_else(|| assessments::body(method, path))
            .or_else(|| calendar::body(method, path))
            .or_else(|| configurations::body(method, path))
            .or_else(|| organizations::body(names, method, path))
            .or_else(|| runs::body(names, method, path))
            .or_else(|| states::body(names, method, path))
            .or_else(|| tags::body(names, method, path))
            .or_else(|| tool_versions::body(method, path))
            .or_else(|| workspaces::body(names, method, path))
            .or_else(|| teams::body(names, method, path))
            .or_else(|| variable_sets::body(names, method, path))
            .or_else(|| pools::body(names, method, path))
            .or_else(|| retention::body(method, path))
            .or_else(|| policies::body(names, method, path))
            .or_else(|| oauth_clients::body(names, method, path))
            .or_else(|| tasks::body(names, method, path))
            .or_else(|| cidr_range_lists::body(names, method, path))
            .unwrap_or_else(|| panic!("say in World what is sent with {method} {path}"))
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

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The secret at the end of an address.
fn secret(address: &str) -> String {
    address.rsplit('/').next().unwrap().to_owned()
}
