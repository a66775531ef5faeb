//! What belongs to a policy set: `/policy-sets/:id/relationships/…`, and `/policy-sets/:id/tag-selectors`

use domain::{
    In, can,
    entity::{policy_set::TagSelector, policy_set_member::Role},
    policy_sets,
    row::{Organization, PolicySet},
};
use jsonapi::{Empty, Identifiers, Items};
use serde::Deserialize;

use crate::{May, Result, Routes};

type Set = May<can::ManagePolicies, In<PolicySet, Organization>>;

/// One relation: its path, what it is made of, and its role.
macro_rules! relations {
    ($($module:ident: $path:literal of $kind:literal as $role:ident;)+) => {
        $(mod $module {
            use super::{Empty, Identifiers, Result, Role, Set, policy_sets};

            pub async fn add(set: Set, body: Identifiers) -> Result<Empty> {
                policy_sets::add(&set.cx, &set, Role::$role, body.ids($kind)?).await?;
                Ok(Empty)
            }

            pub async fn remove(set: Set, body: Identifiers) -> Result<Empty> {
                policy_sets::remove(&set.cx, &set, Role::$role, body.ids($kind)?).await?;
                Ok(Empty)
            }
        })+

        pub fn routes() -> Routes {
            let selectors = "/api/v2/policy-sets/{policy_set_id}/tag-selectors";
            Routes::default()
                $(.post(concat!("/api/v2/policy-sets/{policy_set_id}/relationships/", $path), $module::add)
                .delete(concat!("/api/v2/policy-sets/{policy_set_id}/relationships/", $path), $module::remove))+
                .post(selectors, add_selectors)
                .delete(selectors, remove_selectors)
        }
    };
}

relations! {
    policies: "policies" of "policies" as Policy;
    workspaces: "workspaces" of "workspaces" as Workspace;
    projects: "projects" of "projects" as Project;
    workspace_exclusions: "workspace-exclusions" of "workspaces" as WorkspaceExclusion;
    project_exclusions: "project-exclusions" of "projects" as ProjectExclusion;
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Selector {
    tag_key: String,
    #[serde(default)]
    tag_value: Option<String>,
    #[serde(default)]
    is_exclude: bool,
}

fn selectors(body: Items<Selector>) -> Vec<TagSelector> {
    let selector = |given: Selector| TagSelector {
        tag_key: given.tag_key,
        tag_value: given.tag_value,
        is_exclude: given.is_exclude,
    };
    body.0.into_iter().map(selector).collect()
}

async fn add_selectors(set: Set, body: Items<Selector>) -> Result<Empty> {
    policy_sets::add_selectors(&set.cx, &set, selectors(body)).await?;
    Ok(Empty)
}

async fn remove_selectors(set: Set, body: Items<Selector>) -> Result<Empty> {
    policy_sets::remove_selectors(&set.cx, &set, selectors(body)).await?;
    Ok(Empty)
}
