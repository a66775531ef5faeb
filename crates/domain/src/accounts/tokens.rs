//! API tokens: minted once, kept as hashes.

use db::{
    Timestamp,
    entity::{
        token::{self, Kind},
        user,
    },
    id::{TokenId, UserId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, Page, Paging, Result, Subject, Tx,
    access::HeldToken,
    accounts::{awaited::has_come, lifetimes},
    can, names,
    row::{Token, User},
};

/// A new token, with its secret for the only time.
#[derive(Debug)]
pub struct MintedToken {
    pub row: Token,
    pub secret: crypto::Token,
}

/// Mints a token that lets its bearer act as this person.
pub(crate) async fn mint_for_user(
    tx: &Tx,
    user: &UserId,
    description: Option<String>,
    expires_at: Option<Timestamp>,
    secret: crypto::Token,
) -> Result<MintedToken> {
    let expires_at = lifetimes::of_users(tx.now(), expires_at);
    let row = keep_for_user(tx, user, description, Some(expires_at), secret.hash()).await?;
    Ok(MintedToken { row, secret })
}

/// Keeps a token by its hash.
///
/// # Errors
/// Conflict while the account waits for somebody.
pub(super) async fn keep_for_user(
    tx: &Tx,
    user: &UserId,
    description: Option<String>,
    expires_at: Option<Timestamp>,
    hash: String,
) -> Result<Token> {
    let bearer = user::Entity::find_by_id(user.clone()).one(tx.db()).await?;
    has_come(&bearer.ok_or(Error::NotFound)?)?;
    let row = tx
        .insert(Token {
            id: TokenId::fresh(),
            hash,
            kind: Kind::User,
            user_id: Some(user.clone()),
            team_id: None,
            organization_name: None,
            agent_pool_id: None,
            description,
            created_by_id: Some(user.clone()),
            created_at: tx.now(),
            last_used_at: None,
            expires_at,
            is_members: false,
        })
        .await?;
    tx.emit(Happened::TokenCreated, subject(&row), json!({ "user": user.as_str() })).await?;
    Ok(row)
}

/// For the system's own commands: a token for anybody.
pub async fn mint_user_token(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    user: &UserId,
    description: Option<String>,
) -> Result<MintedToken> {
    let tx = cx.write().await?;
    let minted = mint_for_user(&tx, user, description, None, crypto::Token::mint()).await?;
    tx.commit().await?;
    Ok(minted)
}

#[derive(Debug, Default)]
pub struct NewToken {
    pub description: Option<String>,
    /// Absent for two years, or as long as an organization allows.
    pub expires_at: Option<Timestamp>,
}

impl NewToken {
    /// What no token may be, whoever's it is.
    pub(super) fn checked(self, cx: &Ctx) -> Result<Self> {
        if let Some(why) = self.description.as_ref().and_then(|text| names::unclear(text, 256)) {
            return Err(Error::invalid("description", why));
        }
        if self.expires_at.is_some_and(|at| at <= cx.now()) {
            return Err(Error::invalid("expired-at", "must be in the future"));
        }
        Ok(self)
    }
}

/// A token for oneself.
pub async fn create_user_token(
    cx: &Ctx,
    user: &Granted<can::ManageUserTokens>,
    new: NewToken,
) -> Result<MintedToken> {
    let new = new.checked(cx)?;
    let tx = cx.write().await?;
    let secret = crypto::Token::mint();
    let minted = mint_for_user(&tx, &user.id, new.description, new.expires_at, secret).await?;
    tx.commit().await?;
    Ok(minted)
}

/// The tokens of a person, newest first.
pub async fn user_tokens(
    cx: &Ctx,
    user: &Granted<can::ManageUserTokens, User>,
    paging: Paging,
) -> Result<Page<Token>> {
    let query = token::Entity::find()
        .filter(token::Column::UserId.eq(&user.id))
        .filter(token::Column::Kind.eq(Kind::User))
        .order_by_desc(token::Column::CreatedAt)
        .order_by_desc(token::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

pub async fn find_token(cx: &Ctx, id: &TokenId) -> Result<Found<HeldToken>> {
    let token = token::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let token = token.ok_or(Error::NotFound)?;
    let team = match &token.team_id {
        Some(id) => crate::teams::by_id(cx, id).await?,
        None => None,
    };
    Ok(Found::new(HeldToken { token, team }))
}

/// Revokes a token, at once.
pub async fn delete_token(cx: &Ctx, token: &Granted<can::ManageToken>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<token::Entity>(token.token.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::TokenDeleted, subject(&row), json!({})).await?;
    tx.delete(row).await?;
    tx.commit().await
}

pub(super) fn subject(token: &Token) -> Subject<'_> {
    Subject {
        kind: "authentication-tokens",
        id: token.id.as_str(),
        organization: token.organization_name.as_deref(),
        ..Subject::default()
    }
}
