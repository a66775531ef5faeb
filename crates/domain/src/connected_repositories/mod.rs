//! Repositories that workspaces and policy sets take their files from: one row for each, with the hook by which the
//! provider tells what happens there, and one cache on this server's disk.

mod by_hand;
mod cache;
mod folders;
mod upkeep;
mod webhooks;

use std::collections::{HashMap, HashSet};

use db::{
    entity::{oauth_token, policy_set, repository, workspace, workspace::VcsRepo},
    id::{OauthTokenId, RepositoryId},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect},
};
use secrecy::{ExposeSecret, SecretString};
use vcs::{RepositoryName, ServiceProvider};

pub use by_hand::{ByHand, by_hand};
pub(crate) use cache::{cache, link, remote, ssh_key};
pub use folders::folders;
pub(crate) use upkeep::{HOOK, UNHOOK, set_up, take_down};
pub use upkeep::{drop_unused, forget_caches, forget_deliveries};
pub use vcs::events::BODY_LIMIT;
pub use webhooks::receive;
pub(crate) use webhooks::{DELIVERY, Delivered, keep_delivery};

pub(crate) use crate::vcs_events::Level;
use crate::{
    Ctx, Error, Result, Tx,
    row::{PolicySet, Repository, Workspace},
    vcs_events::{self, Note},
};

/// A task: a workspace has come to a repository, and gets what its branch has.
pub(crate) const CONNECTED: &str = "connected repository";

const SEALED_SECRET: &str = "repositories.webhook_secret";
/// Characters of a hook's secret.
const SECRET_LENGTH: usize = 40;

/// The row of a repository that somebody takes files from, made where it is new, in the transaction that connects it.
pub(crate) async fn connect(
    tx: &Tx,
    organization: &str,
    repo: Option<&VcsRepo>,
) -> Result<Option<RepositoryId>> {
    let Some(repo) = repo else { return Ok(None) };
    let connection = repo.oauth_token_id.as_ref().or(repo.github_app_installation_id.as_ref());
    let Some(connection) = connection else { return Ok(None) };
    let known = repository::Entity::find()
        .filter(repository::Column::OrganizationName.eq(organization))
        .filter(repository::Column::Connection.eq(connection))
        .filter(repository::Column::Identifier.eq(&repo.identifier))
        .one(tx.db())
        .await?;
    if let Some(known) = known
        // Whoever has forgotten it meanwhile has done so for good.
        && let Some(row) = tx.lock::<repository::Entity>(known.id).await?
    {
        return Ok(Some(row.id.clone()));
    }
    // Connected before that was checked: nobody can be asked for it.
    let Some(provider) = cache::provider_of(tx, connection).await? else { return Ok(None) };
    let id = RepositoryId::fresh();
    let secret = crypto::random_secret(SECRET_LENGTH);
    let sealed =
        tx.cx().keyring().seal(SEALED_SECRET, id.as_str(), secret.expose_secret().as_bytes());
    let row = tx
        .insert(Repository {
            organization_name: organization.to_owned(),
            connection: connection.clone(),
            provider: provider.as_str().to_owned(),
            identifier: repo.identifier.clone(),
            webhook_id: crypto::uuid(),
            webhook_secret: sealed,
            hook_id: None,
            hook_error: None,
            provider_id: None,
            default_branch: None,
            clone_url: None,
            page_url: None,
            display: None,
            refs: None,
            poll_at: tx.now(),
            poll_failures: 0,
            busy_until: tx.now(),
            last_error: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            id,
        })
        .await?;
    tx.later(HOOK, &row.id).await?;
    Ok(Some(row.id))
}

pub(crate) async fn by_id(cx: &Ctx, id: &RepositoryId) -> Result<Option<Repository>> {
    Ok(repository::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// The same for a workspace, whose newest configuration is fetched where it comes to a repository or to another part of
/// it. It is saved by whoever asks.
pub(crate) async fn connect_workspace(
    tx: &Tx,
    row: &mut Workspace,
    before: Option<&Workspace>,
) -> Result<()> {
    let repo = row.vcs_repo.as_deref();
    row.repository_id = connect(tx, &row.organization_name, repo).await?;
    let place = |row: &Workspace| {
        let repo = row.vcs_repo.as_deref();
        let part = repo.map(|repo| (repo.branch.clone(), repo.ingress_submodules));
        (row.repository_id.clone(), part)
    };
    if row.repository_id.is_some() && before.is_none_or(|before| place(before) != place(row)) {
        tx.later(CONNECTED, &row.id).await?;
    }
    Ok(())
}

/// The same for a policy set. What was read from elsewhere counts no more.
pub(crate) async fn connect_policy_set(tx: &Tx, row: &mut PolicySet, task: &str) -> Result<()> {
    let before = row.repository_id.take();
    row.repository_id = connect(tx, &row.organization_name, row.vcs_repo.as_deref()).await?;
    if row.repository_id.is_some() {
        if row.repository_id != before {
            row.current_version_id = None;
        }
        tx.later(task, &row.id).await?;
    }
    Ok(())
}

/// What is shown of a repository beside those who take files from it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub service_provider: String,
    /// What people call it.
    pub display: Option<String>,
    pub page_url: Option<String>,
    /// Where its provider tells what happens.
    pub webhook_url: String,
    /// Why the provider makes no hook.
    pub hook_error: Option<String>,
    /// What last went wrong.
    pub last_error: Option<String>,
}

/// Of many at once.
pub async fn shown<'a>(
    cx: &Ctx,
    ids: impl Iterator<Item = &'a RepositoryId>,
) -> Result<HashMap<RepositoryId, Shown>> {
    use repository::Column as C;
    type Text = Option<String>;
    type Row = (RepositoryId, String, Text, Text, String, Text, Text);
    let ids: HashSet<_> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = repository::Entity::find()
        .select_only()
        .columns([
            C::Id,
            C::Provider,
            C::Display,
            C::PageUrl,
            C::WebhookId,
            C::HookError,
            C::LastError,
        ])
        .filter(C::Id.is_in(ids))
        .into_tuple()
        .all(cx.read())
        .await?;
    let shown = |(id, service_provider, display, page_url, hook, hook_error, last_error): Row| {
        let webhook_url = address_of(cx, &hook);
        let shown =
            Shown { service_provider, display, page_url, webhook_url, hook_error, last_error };
        (id, shown)
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Where its provider tells what happens.
pub(crate) fn webhook_url(cx: &Ctx, row: &Repository) -> String {
    address_of(cx, &row.webhook_id)
}

fn address_of(cx: &Ctx, webhook: &str) -> String {
    cx.url(format_args!("/webhooks/vcs/{webhook}"))
}

/// What its provider signs that with.
pub(crate) fn webhook_secret(cx: &Ctx, row: &Repository) -> Result<SecretString> {
    Ok(cx.keyring().open_text(SEALED_SECRET, row.id.as_str(), &row.webhook_secret)?)
}

pub(crate) fn provider(row: &Repository) -> Result<ServiceProvider> {
    row.provider.parse().map_err(|error| Error::Internal(anyhow::Error::new(error)))
}

pub(crate) fn name(row: &Repository) -> Result<RepositoryName> {
    RepositoryName::parse(&row.identifier).map_err(|error| Error::Internal(error.into()))
}

/// Whether somebody takes files from it.
async fn is_used(tx: &Tx, id: &RepositoryId) -> Result<bool> {
    let workspaces = workspace::Entity::find()
        .filter(workspace::Column::RepositoryId.eq(id))
        .filter(workspace::Column::VcsRepo.is_not_null());
    let sets = policy_set::Entity::find()
        .filter(policy_set::Column::RepositoryId.eq(id))
        .filter(policy_set::Column::VcsRepo.is_not_null());
    Ok(workspaces.count(tx.db()).await? > 0 || sets.count(tx.db()).await? > 0)
}

/// What is kept of a repository changes by this alone.
pub(crate) async fn change(
    cx: &Ctx,
    id: &RepositoryId,
    change: impl FnOnce(&mut Repository) + Send,
) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<repository::Entity>(id.clone()).await? else {
        tx.roll_back().await;
        return Ok(());
    };
    change(&mut row);
    row.updated_at = tx.now();
    tx.update(row).await?;
    tx.commit().await
}

/// Tells it to those who look after connections.
pub(crate) async fn note(cx: &Ctx, row: &Repository, level: Level, what: &str) -> Result<()> {
    match level {
        Level::Info => tracing::info!(repository = %row.id, "{what}"),
        Level::Error => tracing::warn!(repository = %row.id, "{what}"),
    }
    let tx = cx.write().await?;
    let token = row.connection.parse::<OauthTokenId>().ok();
    let opened = match &token {
        Some(id) => oauth_token::Entity::find_by_id(id.clone()).one(tx.db()).await?,
        None => None,
    };
    let note = Note {
        organization: &row.organization_name,
        client: opened.as_ref().map(|token| &token.oauth_client_id),
        token: token.as_ref(),
        level,
        message: what.to_owned(),
        suggested_action: None,
    };
    vcs_events::note(&tx, note).await?;
    tx.commit().await
}

/// Something has gone wrong with it: kept with it, and told to those who look after connections.
pub(crate) async fn trouble(cx: &Ctx, row: &Repository, what: &str) -> Result<()> {
    change(cx, &row.id, |row| row.last_error = Some(what.to_owned())).await?;
    note(cx, row, Level::Error, what).await
}
