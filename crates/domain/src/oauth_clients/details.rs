//! Connections as people see them: with their tokens, their projects, and who uses them.

use std::collections::HashMap;

use db::{
    entity::{oauth_client_project as for_project, oauth_token},
    id::{OauthClientId, ProjectId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use super::users;
use crate::{
    Ctx, Result, can, projects,
    row::{OauthClient, OauthToken, PolicySet, Workspace},
};

#[derive(Clone, Debug)]
pub struct Details {
    pub client: OauthClient,
    pub tokens: Vec<OauthToken>,
    /// As far as the caller may see them; so below.
    pub projects: Vec<ProjectId>,
    /// Where it was asked for.
    pub workspaces: Vec<Workspace>,
    pub policy_sets: Vec<PolicySet>,
}

/// One query for each kind of thing, however many connections there are; all of them of one organization.
pub async fn details(
    cx: &Ctx,
    clients: Vec<OauthClient>,
    with_users: bool,
) -> Result<Vec<Details>> {
    let ids: Vec<_> = clients.iter().map(|client| client.id.clone()).collect();
    let tokens = oauth_token::Entity::find()
        .filter(oauth_token::Column::OauthClientId.is_in(&ids))
        .order_by_asc(oauth_token::Column::CreatedAt)
        .order_by_asc(oauth_token::Column::Id)
        .all(cx.read())
        .await?;
    let mut users = users::Users::default();
    if with_users && let Some(first) = clients.first() {
        let all: Vec<_> = tokens.iter().map(|token| token.id.clone()).collect();
        users = users::of(cx.read(), &first.organization_name, &all).await?;
        users.workspaces.retain(|(_, row)| cx.may::<can::ReadWorkspace>(row));
    }
    let mut projects = projects_of(cx, &ids).await?;
    let mut details: Vec<_> = clients
        .into_iter()
        .map(|client| Details {
            tokens: Vec::new(),
            projects: projects.remove(&client.id).unwrap_or_default(),
            workspaces: Vec::new(),
            policy_sets: Vec::new(),
            client,
        })
        .collect();
    for token in tokens {
        let mut all = details.iter_mut();
        if let Some(of) = all.find(|one| one.client.id == token.oauth_client_id) {
            let is_its = |id: &_| *id == token.id;
            let named = users.workspaces.extract_if(.., |(id, _)| is_its(id));
            of.workspaces.extend(named.map(|(_, row)| row));
            let named = users.policy_sets.extract_if(.., |(id, _)| is_its(id));
            of.policy_sets.extend(named.map(|(_, row)| row));
            of.tokens.push(token);
        }
    }
    Ok(details)
}

async fn projects_of(
    cx: &Ctx,
    ids: &[OauthClientId],
) -> Result<HashMap<OauthClientId, Vec<ProjectId>>> {
    let rows = for_project::Entity::find()
        .filter(for_project::Column::OauthClientId.is_in(ids))
        .all(cx.read())
        .await?;
    let named: Vec<_> = rows.iter().map(|row| row.project_id.clone()).collect();
    let visible = projects::load(cx, &named).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        if visible.iter().any(|project| project.id == row.project_id) {
            found.entry(row.oauth_client_id).or_default().push(row.project_id);
        }
    }
    Ok(found)
}
