//! The connection that somebody chooses for a repository.

use db::{
    entity::{oauth_client_project as for_project, workspace::VcsRepo},
    id::{OauthTokenId, ProjectId},
    sea_orm::EntityTrait,
};

use crate::{Ctx, Error, Result};

/// Looks at a choice that is new: one that was made before stays, whatever has become of it.
///
/// # Errors
/// Invalid for a connection that is not there, or not for the workspaces of this project; without a project, for one that
/// is not for the whole organization.
pub(crate) async fn choose(
    cx: &Ctx,
    repo: Option<&VcsRepo>,
    before: Option<&VcsRepo>,
    organization: &str,
    project: Option<&ProjectId>,
) -> Result<()> {
    let Some(repo) = repo else { return Ok(()) };
    let kept = |id: &Option<String>, of: fn(&VcsRepo) -> &Option<String>| {
        id.is_none() || before.is_some_and(|before| of(before) == id)
    };
    if !kept(&repo.oauth_token_id, |repo| &repo.oauth_token_id) {
        let named = repo.oauth_token_id.as_deref().unwrap_or_default();
        if let Some(why) = unusable(cx, named, organization, project).await? {
            return Err(Error::invalid("vcs-repo/oauth-token-id", why));
        }
    }
    if !kept(&repo.github_app_installation_id, |repo| &repo.github_app_installation_id) {
        let why = "names no installation: this server is no GitHub App";
        return Err(Error::invalid("vcs-repo/github-app-installation-id", why));
    }
    Ok(())
}

async fn unusable(
    cx: &Ctx,
    named: &str,
    organization: &str,
    project: Option<&ProjectId>,
) -> Result<Option<&'static str>> {
    const NONE: Option<&str> = Some("names no connection of this organization");
    let Ok(id) = named.parse::<OauthTokenId>() else { return Ok(NONE) };
    let Some(token) = super::token_by_id(cx, &id).await? else { return Ok(NONE) };
    let client = super::by_id(cx, &token.oauth_client_id).await?;
    let Some(client) = client.filter(|client| client.organization_name == organization) else {
        return Ok(NONE);
    };
    if client.organization_scoped {
        return Ok(None);
    }
    let Some(project) = project else {
        return Ok(Some("is of a connection that is not for the whole organization"));
    };
    let key = (client.id, project.clone());
    let is_for = for_project::Entity::find_by_id(key).one(cx.read()).await?.is_some();
    Ok((!is_for).then_some("is of a connection that this project may not use"))
}
