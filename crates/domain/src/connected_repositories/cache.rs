//! How a repository is reached: by its provider's API, and by `git` into the cache on this server's disk.

use db::{
    entity::{github_app_installation, oauth_client, oauth_token},
    id::RepositoryId,
    sea_orm::EntityTrait,
};
use vcs::{
    ServiceProvider,
    git::{self, Access, Address, GitError, Remote, SshKey},
};

use super::{change, name};
use crate::{
    Ctx, Error, Result, Tx,
    row::Repository,
    vcs_connections::{self, Failure, Link},
};

/// The connection that a repository is reached by.
pub(crate) fn link(connection: &str) -> Result<Link, Failure> {
    Link::of(connection).ok_or(Failure::Gone)
}

/// Whose connection it is; `None` for one that is not there.
pub(super) async fn provider_of(tx: &Tx, connection: &str) -> Result<Option<ServiceProvider>> {
    let id = match Link::of(connection) {
        Some(Link::Token(id)) => id,
        Some(Link::Installation(id)) => {
            let known = github_app_installation::Entity::find_by_id(id).one(tx.db()).await?;
            let own = vcs_connections::own_app(tx.cx()).await;
            let own = own.map_err(|failure| Error::Conflict(failure.to_string()))?;
            return Ok(known.and(own).map(|own| own.provider));
        }
        None => return Ok(None),
    };
    let token = oauth_token::Entity::find_by_id(id).one(tx.db()).await?;
    let Some(token) = token else { return Ok(None) };
    let client = oauth_client::Entity::find_by_id(token.oauth_client_id).one(tx.db()).await?;
    Ok(client.and_then(|client| client.service_provider.parse().ok()))
}

/// Where `git` fetches it, and with what.
pub(crate) async fn remote(cx: &Ctx, row: &Repository) -> Result<Remote, Failure> {
    let link = link(&row.connection)?;
    let address = match &row.clone_url {
        Some(known) => known.clone(),
        None => learn(cx, &link, row).await?,
    };
    let unreadable = |error: GitError| Failure::House(Error::Conflict(error.to_string()));
    let address = Address::parse(&address).map_err(unreadable)?;
    let connected = vcs_connections::open(cx, &link).await?;
    let access = match connected.access(&address) {
        // Without a token the key opens what it can.
        Access::None if address.scheme() == "ssh" => {
            connected.ssh_key.clone().map_or(Access::None, Access::Ssh)
        }
        access => access,
    };
    Ok(Remote { address, access })
}

/// Asks its provider where it is.
pub(super) async fn learn(cx: &Ctx, link: &Link, row: &Repository) -> Result<String, Failure> {
    let name = name(row)?;
    let asked = vcs_connections::ask(cx, link, |provider| {
        let name = name.clone();
        async move { provider.repository(&name).await }
    });
    let found = asked.await?;
    let url = found.clone_url.clone();
    change(cx, &row.id, |row| {
        row.provider_id = Some(found.id).filter(|id| !id.is_empty());
        // Of plain git nobody tells it but the repository itself.
        row.default_branch = found.default_branch.or(row.default_branch.take());
        row.clone_url = Some(found.clone_url);
        row.page_url = Some(found.url);
        row.display = Some(found.display).filter(|display| !display.is_empty());
    })
    .await?;
    Ok(url)
}

/// The one cache of a repository, which whoever needs a commit fills.
pub(crate) async fn cache(cx: &Ctx, row: &Repository) -> Result<git::Repository, Failure> {
    Ok(cx.git().repository(row.id.as_str(), remote(cx, row).await?))
}

/// For submodules elsewhere that are reached by ssh.
pub(crate) async fn ssh_key(cx: &Ctx, row: &Repository) -> Result<Option<SshKey>, Failure> {
    Ok(vcs_connections::open(cx, &link(&row.connection)?).await?.ssh_key)
}

/// Removes what is on the disk.
pub(super) async fn forget(cx: &Ctx, id: &RepositoryId) -> Result<(), GitError> {
    // Nobody is asked for anything, so that it does not matter where it was.
    let address = Address::parse("https://forgotten.invalid/repository")?;
    cx.git().repository(id.as_str(), Remote { address, access: Access::None }).forget().await
}
