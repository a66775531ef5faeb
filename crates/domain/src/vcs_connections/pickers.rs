//! What can be chosen from: the repositories that a connection reaches.

use std::sync::Arc;

use vcs::{
    Family, RepositoryName,
    provider::{Cursor, Provider, ProviderError, Repository},
};

use super::{Failure, Link, ask, open, open::has_api};
use crate::{Ctx, Error, Granted, Result, can, oauth_clients::HeldToken};

/// Pages that are passed by those who name a later one: providers name only the next.
const PAGES: u64 = 50;

/// A part of a list.
#[derive(Debug)]
pub struct Choices {
    pub repositories: Vec<Repository>,
    pub next: Option<u64>,
}

/// A page of the repositories that can be connected, as the provider lists them.
///
/// # Errors
/// Conflict with what the provider says.
pub async fn repositories(
    cx: &Ctx,
    held: &Granted<can::ReadOauthClients, HeldToken>,
    owner: Option<&str>,
    page: u64,
) -> Result<Choices> {
    let mut found = page_of(cx, &Link::Token(held.row.row.id.clone()), page).await?;
    if let Some(owner) = owner {
        // Providers list by what a token sees. Their names for owners are those of addresses, in any case.
        let is_owner = |name: &RepositoryName| {
            name.parts().next().is_some_and(|first| first.eq_ignore_ascii_case(owner))
        };
        found.repositories.retain(|repository| is_owner(&repository.name));
    }
    Ok(found)
}

/// The same by any connection.
pub(crate) async fn page_of(cx: &Ctx, link: &Link, page: u64) -> Result<Choices> {
    let opened = open(cx, link).await?;
    if !has_api(opened.service_provider) {
        // The one that the connection is for.
        let name = RepositoryName::parse(opened.connection.http_url.path().trim_matches('/'));
        let name = name.map_err(|error| Error::conflict(error.to_string()))?;
        let one = ask(cx, link, |provider| {
            let name = name.clone();
            async move { provider.repository(&name).await }
        });
        let first = if page > 1 { Vec::new() } else { vec![one.await?] };
        return Ok(Choices { repositories: first, next: None });
    }
    let pages = page.clamp(1, PAGES);
    let found = ask(cx, link, |provider: Arc<dyn Provider>| async move {
        let mut from: Option<Cursor> = None;
        for number in 1.. {
            let found = provider.repositories(from.as_ref()).await?;
            if number == pages || found.next.is_none() {
                // Nothing is behind the last.
                let items = if number == pages { found.items } else { Vec::new() };
                return Ok((items, found.next.is_some()));
            }
            from = found.next;
        }
        Ok((Vec::new(), false))
    });
    let (repositories, goes_on) = found.await?;
    Ok(Choices { repositories, next: goes_on.then_some(pages + 1).filter(|next| *next <= PAGES) })
}

/// Whether a connection reaches a repository.
///
/// # Errors
/// Conflict with what the provider says.
pub async fn reaches(
    cx: &Ctx,
    held: &Granted<can::ReadOauthClients, HeldToken>,
    name: &RepositoryName,
) -> Result<bool> {
    let link = Link::Token(held.row.row.id.clone());
    let asked = ask(cx, &link, |provider| {
        let name = name.clone();
        async move { provider.repository(&name).await }
    });
    match asked.await {
        Ok(_) => Ok(true),
        Err(Failure::Provider(ProviderError::Gone(_))) => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}

/// Organizations at the provider that a token reaches: of Azure DevOps the one that the connection's address names.
pub async fn organizations(
    cx: &Ctx,
    held: &Granted<can::ReadOauthClients, HeldToken>,
) -> Result<Vec<String>, Failure> {
    let opened = open(cx, &Link::Token(held.row.row.id.clone())).await?;
    if opened.service_provider.family() != Family::Azure {
        return Ok(Vec::new());
    }
    let mut parts = opened.connection.api_url.path_segments().into_iter().flatten();
    Ok(parts.rfind(|part| !part.is_empty()).map(str::to_owned).into_iter().collect())
}
