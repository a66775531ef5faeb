//! The folders of a repository, for whoever picks a working directory before it is connected.

use db::{
    entity::repository,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use vcs::{
    CommitId, RefName, Reference, RepositoryName,
    git::{self, GitError, Remote, Wanted},
};

use crate::{
    Ctx, Error, Granted, Result, can,
    oauth_clients::HeldToken,
    vcs_connections::{self, Failure, Link},
};

/// Those right below a path, of a branch, a tag or a commit, and of the default branch where none is named.
///
/// # Errors
/// NotFound without such a repository, branch, tag or commit; Conflict with what the provider or `git` says.
pub async fn folders(
    cx: &Ctx,
    held: &Granted<can::ReadOauthClients, HeldToken>,
    name: &RepositoryName,
    at: Option<&str>,
    below: &str,
) -> Result<Vec<String>> {
    let token = &held.row.row.id;
    let link = Link::Token(token.clone());
    let asked = vcs_connections::ask(cx, &link, |provider| {
        let name = name.clone();
        async move { provider.repository(&name).await }
    });
    let found = asked.await?;
    let address = found.address().map_err(Failure::from)?;
    let access = vcs_connections::open(cx, &link).await?.access(&address);
    let remote = Remote { address, access };
    let known = repository::Entity::find()
        .filter(repository::Column::OrganizationName.eq(&held.of.name))
        .filter(repository::Column::Connection.eq(token))
        .filter(repository::Column::Identifier.eq(name.as_str()))
        .one(cx.read())
        .await?;
    let key = known.as_ref().map_or_else(|| format!("{token} {name}"), |row| row.id.to_string());
    let cache = cx.git().repository(&key, remote);
    let folders = async {
        let commit = commit(&cache, at.or(found.default_branch.as_deref())).await?;
        cache.folders(&commit, below).await
    };
    let folders = folders.await;
    if known.is_none() {
        cache.forget().await.map_err(in_words)?;
    }
    folders.map_err(in_words)
}

async fn commit(cache: &git::Repository, at: Option<&str>) -> Result<CommitId, GitError> {
    let nothing = || GitError::NoReference("branch".into());
    let at = at.ok_or_else(nothing)?;
    let fetch = |commit, reference| Wanted { commit, reference };
    if let Some(commit) = CommitId::parse(at).ok().filter(CommitId::is_whole) {
        return cache.fetch(&fetch(Some(commit), None)).await;
    }
    let name = RefName::parse(at).map_err(|error| GitError::NoReference(error.to_string()))?;
    match cache.fetch(&fetch(None, Some(Reference::Branch(name.clone())))).await {
        Err(GitError::NoReference(_)) => {
            cache.fetch(&fetch(None, Some(Reference::Tag(name)))).await
        }
        found => found,
    }
}

fn in_words(error: GitError) -> Error {
    match error {
        GitError::NoCommit(_) | GitError::NoReference(_) => Error::NotFound,
        other => Error::Conflict(format!("The repository cannot be read: {other}.")),
    }
}
