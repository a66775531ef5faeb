//! Who takes a repository through a token.

use db::{
    contains,
    entity::{policy_set, workspace, workspace::VcsRepo},
    id::OauthTokenId,
    sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{
    Json, Result,
    row::{PolicySet, Workspace},
};

/// Each with its token, by name.
#[derive(Debug, Default)]
pub(super) struct Users {
    pub workspaces: Vec<(OauthTokenId, Workspace)>,
    pub policy_sets: Vec<(OauthTokenId, PolicySet)>,
}

pub(super) async fn of(
    db: &impl ConnectionTrait,
    organization: &str,
    tokens: &[OauthTokenId],
) -> Result<Users> {
    let named = |column: workspace::Column| {
        let all = tokens.iter().map(|token| contains(column, token.as_str()));
        all.fold(Condition::any(), Condition::add)
    };
    let mut users = Users::default();
    if tokens.is_empty() {
        return Ok(users);
    }
    let rows = workspace::Entity::find()
        .filter(workspace::Column::OrganizationName.eq(organization))
        .filter(named(workspace::Column::VcsRepo))
        .order_by_asc(workspace::Column::Name)
        .all(db)
        .await?;
    for row in rows {
        if let Some(token) = token_in(row.vcs_repo.as_ref(), tokens) {
            users.workspaces.push((token, row));
        }
    }
    let rows = policy_set::Entity::find()
        .filter(policy_set::Column::OrganizationName.eq(organization))
        .filter(policy_set::Column::VcsRepo.is_not_null())
        .order_by_asc(policy_set::Column::Name)
        .all(db)
        .await?;
    for row in rows {
        if let Some(token) = token_in(row.vcs_repo.as_ref(), tokens) {
            users.policy_sets.push((token, row));
        }
    }
    Ok(users)
}

fn token_in(repo: Option<&Json<VcsRepo>>, tokens: &[OauthTokenId]) -> Option<OauthTokenId> {
    let named = repo?.oauth_token_id.as_deref()?;
    tokens.iter().find(|token| token.as_str() == named).cloned()
}
