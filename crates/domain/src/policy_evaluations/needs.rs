//! Which policy sets count for a workspace, and what a run of it therefore has to go through.

use std::collections::{BTreeSet, HashMap, HashSet};

use db::{
    entity::{
        policy::Kind,
        policy_set,
        policy_set_member::{self as member, Role},
    },
    id::PolicySetId,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder},
};

use super::forum::Forum;
use crate::{
    Ctx, Result, policy_sets,
    row::{PolicySet, TagBinding, Workspace},
    tags,
};

/// What a run has to go through before its apply.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Kinds of policies that are evaluated after the plan.
    pub evaluations: BTreeSet<Kind>,
    /// Whether there are policies that a policy check asks.
    pub check: bool,
}

pub(super) async fn needs(cx: &Ctx, workspace: &Workspace) -> Result<Needs> {
    let mut needs = Needs::default();
    for set in in_force(cx, workspace).await? {
        match Forum::of(&set) {
            Forum::Evaluation => {
                needs.evaluations.insert(set.kind);
            }
            Forum::Check => needs.check = true,
        }
    }
    Ok(needs)
}

/// The sets that count for a workspace and have something to say, oldest first.
pub(super) async fn in_force(cx: &Ctx, workspace: &Workspace) -> Result<Vec<PolicySet>> {
    let sets = policy_set::Entity::find()
        .filter(policy_set::Column::OrganizationName.eq(&workspace.organization_name))
        .order_by_asc(policy_set::Column::CreatedAt)
        .order_by_asc(policy_set::Column::Id)
        .all(cx.read())
        .await?;
    if sets.is_empty() {
        return Ok(sets);
    }
    let roles = roles(cx, &sets, workspace).await?;
    let mut tags: Vec<TagBinding> = Vec::new();
    if sets.iter().any(|set| !set.tag_selectors.is_empty()) {
        tags = tags::in_force(cx, workspace).await?.into_iter().map(|found| found.row).collect();
    }
    let nothing = HashSet::new();
    Ok(sets
        .into_iter()
        .filter(|set| {
            let roles = roles.get(&set.id).unwrap_or(&nothing);
            counts(set, roles, &tags) && has_something_to_say(set, roles)
        })
        .collect())
}

/// The roles that the workspace and its project have in each set, and whether it has policies.
async fn roles(
    cx: &Ctx,
    sets: &[PolicySet],
    workspace: &Workspace,
) -> Result<HashMap<PolicySetId, HashSet<Role>>> {
    let about = Condition::any()
        .add(member::Column::WorkspaceId.eq(&workspace.id))
        .add(member::Column::ProjectId.eq(&workspace.project_id))
        .add(member::Column::Role.eq(Role::Policy));
    let rows = member::Entity::find()
        .filter(member::Column::PolicySetId.is_in(sets.iter().map(|set| &set.id)))
        .filter(about)
        .all(cx.read())
        .await?;
    let mut roles: HashMap<PolicySetId, HashSet<Role>> = HashMap::new();
    for row in rows {
        roles.entry(row.policy_set_id).or_default().insert(row.role);
    }
    Ok(roles)
}

/// Whether a set counts: an exclusion prevails over everything that would bring it in.
fn counts(set: &PolicySet, roles: &HashSet<Role>, tags: &[TagBinding]) -> bool {
    if roles.contains(&Role::WorkspaceExclusion)
        || roles.contains(&Role::ProjectExclusion)
        || policy_sets::exclude(&set.tag_selectors, tags)
    {
        return false;
    }
    set.is_global
        || roles.contains(&Role::Workspace)
        || roles.contains(&Role::Project)
        || policy_sets::include(&set.tag_selectors, tags)
}

/// A set without policies is silent. One that should have those of a repository is not: nobody knows what they say.
fn has_something_to_say(set: &PolicySet, roles: &HashSet<Role>) -> bool {
    set.vcs_repo.is_some() || set.current_version_id.is_some() || roles.contains(&Role::Policy)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::Timestamp;

    fn set(is_global: bool) -> PolicySet {
        PolicySet { is_global, ..policy_sets::empty("acme", Kind::Opa, Timestamp(0)) }
    }

    proptest! {
        #[test]
        fn an_exclusion_prevails_and_nothing_counts_by_itself(
            is_global in any::<bool>(),
            roles in subsequence(Role::ALL.to_vec(), 0..=5),
        ) {
            let roles: HashSet<_> = roles.into_iter().collect();
            let excluded = roles.contains(&Role::WorkspaceExclusion)
                || roles.contains(&Role::ProjectExclusion);
            let named = roles.contains(&Role::Workspace) || roles.contains(&Role::Project);
            let expected = !excluded && (is_global || named);
            prop_assert_eq!(counts(&set(is_global), &roles, &[]), expected);
        }
    }
}
