//! The connection that somebody chooses for a repository.

use db::{
    entity::{
        github_app_installation::{self, Status},
        github_app_link, oauth_client_project as for_project,
        workspace::VcsRepo,
    },
    id::{GithubAppInstallationId, OauthTokenId, ProjectId},
    sea_orm::EntityTrait,
};

use crate::{Ctx, Error, Result};

const NOT_HERE: &str = "is of a connection that this project may not use";

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
        let named = repo.github_app_installation_id.as_deref().unwrap_or_default();
        if !may_use(cx, named, organization).await? {
            let why = "names no installation of the GitHub App that this organization may use";
            return Err(Error::invalid("vcs-repo/github-app-installation-id", why));
        }
    }
    Ok(())
}

/// Looks at a repository whose workspace goes to another project.
///
/// # Errors
/// Invalid for a connection that is not for the workspaces there. One that is gone holds nobody.
pub(crate) async fn go_along(
    cx: &Ctx,
    repo: Option<&VcsRepo>,
    organization: &str,
    project: &ProjectId,
) -> Result<()> {
    let Some(named) = repo.and_then(|repo| repo.oauth_token_id.as_deref()) else { return Ok(()) };
    if unusable(cx, named, organization, Some(project)).await? == Some(NOT_HERE) {
        let why = "may not use the connection that this workspace takes its repository through";
        return Err(Error::invalid_relation("project", why));
    }
    Ok(())
}

async fn may_use(cx: &Ctx, named: &str, organization: &str) -> Result<bool> {
    let Ok(id) = named.parse::<GithubAppInstallationId>() else { return Ok(false) };
    let key = (id.clone(), organization.to_owned());
    let is_linked = github_app_link::Entity::find_by_id(key).one(cx.read()).await?.is_some();
    let row = github_app_installation::Entity::find_by_id(id).one(cx.read()).await?;
    Ok(is_linked && row.is_some_and(|row| row.status != Status::Removed))
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
    Ok((!is_for).then_some(NOT_HERE))
}
