//! What a request to create or to change a variable set can say.

use domain::{
    id::{ProjectId, VariableId, WorkspaceId},
    variable_sets::Change,
};
use jsonapi::{Error, Field, ToMany, ToOne, Typed, Unsupported};
use serde::Deserialize;

use crate::{Result, variables};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    global: Option<bool>,
    priority: Option<bool>,
}

impl Typed for Input {
    const TYPE: &'static str = "varsets";
    const UNSUPPORTED: &'static [Unsupported] =
        &[("relationships/stacks", "cannot be set: this server has no stacks")];
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relations {
    workspaces: ToMany<WorkspaceId>,
    projects: ToMany<ProjectId>,
    vars: ToMany<VariableId>,
    parent: Option<ToOne<String>>,
}

impl Relations {
    /// The project that is to own the set; without one the organization does.
    pub fn parent(&self) -> Result<Option<ProjectId>> {
        let Some(parent) = self.parent.as_ref().and_then(|parent| parent.data.as_ref()) else {
            return Ok(None);
        };
        let refused = |member: &str, why: &str| {
            Error::unprocessable(format!("/data/relationships/parent/data/{member}"), why)
        };
        match parent.kind.as_str() {
            // It is the one in the path: there is no other to choose.
            "organizations" => Ok(None),
            "projects" => Ok(Some(parent.id.parse().map_err(|why| refused("id", why))?)),
            _ => Err(refused("type", "type must be projects or organizations").into()),
        }
    }
}

pub fn change(input: Input, relations: Relations) -> Result<Change> {
    let mut own = Vec::new();
    let workspaces = relations.workspaces.of_kind("workspaces", "workspaces")?;
    let projects = relations.projects.of_kind("projects", "projects")?;
    for (index, item) in relations.vars.0.iter().flatten().enumerate() {
        let place = format!("/data/relationships/vars/data/{index}");
        if !matches!(item.kind.as_str(), "" | "vars") {
            let why = "type must be vars";
            return Err(Error::unprocessable(format!("{place}/type"), why).into());
        }
        own.push((item.id.clone(), item.read::<variables::Input>(&place)?.into()));
    }
    Ok(Change {
        name: input.name,
        description: input.description.into_change().map(Option::unwrap_or_default),
        is_global: input.global,
        is_priority: input.priority,
        workspaces,
        projects,
        variables: own,
    })
}
