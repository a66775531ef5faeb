//! What happened with connections: written by whoever asks providers or hears of them, read by those who look after them,
//! and forgotten after a month.

use db::{
    entity::vcs_event,
    id::{OauthClientId, OauthTokenId, VcsEventId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Granted, Page, Paging, Result, Timestamp, Tx, can, row::VcsEvent};

pub use vcs_event::Level;

/// Seconds.
const KEPT: i64 = 30 * 24 * 60 * 60;
/// Characters.
const MESSAGE_LIMIT: usize = 1000;
/// Seconds in which the same error is told once: what cannot be reached is asked again and again, and anybody can send
/// what is not signed.
const ONCE_IN: i64 = 10 * 60;

/// What is written.
#[derive(Clone, Debug)]
pub(crate) struct Note<'a> {
    pub organization: &'a str,
    pub client: Option<&'a OauthClientId>,
    pub token: Option<&'a OauthTokenId>,
    pub level: Level,
    /// A sentence without secrets.
    pub message: String,
    pub suggested_action: Option<&'a str>,
}

/// Each narrows the list further.
#[derive(Debug, Default)]
pub struct Filter {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub clients: Vec<OauthClientId>,
    pub levels: Vec<Level>,
}

pub(crate) async fn note(tx: &Tx, note: Note<'_>) -> Result<()> {
    use vcs_event::Column as C;
    let message: String = note.message.chars().take(MESSAGE_LIMIT).collect();
    if note.level == Level::Error {
        let told = vcs_event::Entity::find()
            .filter(C::OrganizationName.eq(note.organization))
            .filter(C::CreatedAt.gt(tx.now().plus_seconds(-ONCE_IN)))
            .filter(C::Level.eq(Level::Error))
            .filter(C::Message.eq(&message))
            .count(tx.db())
            .await?;
        if told > 0 {
            return Ok(());
        }
    }
    tx.insert(vcs_event::Model {
        id: VcsEventId::fresh(),
        organization_name: note.organization.to_owned(),
        oauth_client_id: note.client.cloned(),
        oauth_token_id: note.token.cloned(),
        level: note.level,
        message,
        suggested_action: note.suggested_action.map(str::to_owned),
        created_at: tx.now(),
    })
    .await?;
    Ok(())
}

/// The newest first.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ManageVcsSettings>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<VcsEvent>> {
    use vcs_event::Column as C;
    let mut query = vcs_event::Entity::find().filter(C::OrganizationName.eq(&organization.name));
    if let Some(from) = filter.from {
        query = query.filter(C::CreatedAt.gte(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(C::CreatedAt.lte(to));
    }
    if !filter.clients.is_empty() {
        query = query.filter(C::OauthClientId.is_in(filter.clients));
    }
    if !filter.levels.is_empty() {
        query = query.filter(C::Level.is_in(filter.levels));
    }
    let query = query.order_by_desc(C::CreatedAt).order_by_desc(C::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// Forgets what is old.
pub async fn prune(cx: &Ctx) -> Result<()> {
    let old = cx.now().plus_seconds(-KEPT);
    let tx = cx.write().await?;
    vcs_event::Entity::delete_many()
        .filter(vcs_event::Column::CreatedAt.lt(old))
        .exec(tx.db())
        .await?;
    tx.commit().await
}
