//! What belongs to a policy set: `/policy-sets/:id/relationships/…`, and `/policy-sets/:id/tag-selectors`

use super::input::Selector;
use crate::{May, Result, Routes};
use domain::{
    In, can,
    entity::{policy_set::TagSelector, policy_set_member::Role},
    policy_sets,
    row::{Organization, PolicySet},
};
use jsonapi::{Empty, Identifiers, Items};

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

fn selectors(body: Items<Selector>) -> Vec<TagSelector> {
    body.0.into_iter().map(TagSelector::from).collect()
}

async fn add_selectors(set: Set, body: Items<Selector>) -> Result<Empty> {
    policy_sets::add_selectors(&set.cx, &set, selectors(body)).await?;
    Ok(Empty)
}

async fn remove_selectors(set: Set, body: Items<Selector>) -> Result<Empty> {
    policy_sets::remove_selectors(&set.cx, &set, selectors(body)).await?;
    Ok(Empty)
}
