//! A variable set on the wire.

use domain::{
    Ctx, Timestamp, can,
    variable_sets::{self, Overview, Owner, Set},
};
use jsonapi::{Relationships, Resource};
use serde::Serialize;

use crate::Result;

pub struct View {
    overview: Overview,
    permissions: Permissions,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_update: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    description: &'a str,
    global: bool,
    priority: bool,
    updated_at: Timestamp,
    var_count: usize,
    workspace_count: usize,
    project_count: usize,
    /// There are no stacks here.
    stack_count: usize,
    permissions: Permissions,
}

/// With what belongs to them, read at once.
pub async fn views(cx: &Ctx, sets: Vec<Set>) -> Result<Vec<View>> {
    let overviews = variable_sets::with_contents(cx, sets).await?;
    Ok(overviews
        .into_iter()
        .map(|overview| View {
            permissions: Permissions {
                can_update: cx.may::<can::ManageVariableSets>(&overview.owner),
            },
            overview,
        })
        .collect())
}

pub async fn view(cx: &Ctx, set: Set) -> Result<View> {
    Ok(views(cx, vec![set]).await?.swap_remove(0))
}

impl Resource for View {
    const TYPE: &'static str = "varsets";

    fn id(&self) -> String {
        self.overview.set.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let Overview { set, variable_ids, workspace_count, project_count, .. } = &self.overview;
        Attributes {
            name: &set.name,
            description: &set.description,
            global: set.is_global,
            priority: set.is_priority,
            updated_at: set.updated_at,
            var_count: variable_ids.len(),
            workspace_count: *workspace_count,
            project_count: *project_count,
            stack_count: 0,
            permissions: self.permissions,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let Overview { set, owner, .. } = &self.overview;
        let name = &set.organization_name;
        let organization = format!("/api/v2/organizations/{name}");
        to.one_with_link("organization", "organizations", Some(name), organization);
        match owner {
            Owner::Organization(name) => to.one("parent", "organizations", Some(name)),
            Owner::Project(project) => to.one("parent", "projects", Some(&project.id)),
        }
        to.many("vars", "vars", &self.overview.variable_ids);
        to.many("workspaces", "workspaces", &self.overview.workspace_ids);
        to.many("projects", "projects", &self.overview.project_ids);
        to.many("stacks", "stacks", [] as [&str; 0]);
    }
}
