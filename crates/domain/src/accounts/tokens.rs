//! API tokens: minted once, kept as hashes.

use db::{
    Timestamp,
    entity::token::Kind,
    id::{TokenId, UserId},
};
use serde_json::json;

use crate::{Ctx, Result, Subject, Tx, row::Token};

/// A new token, with its secret for the only time.
#[derive(Debug)]
pub struct MintedToken {
    pub row: Token,
    pub secret: crypto::Token,
}

/// Tokens live for two years where nobody says otherwise (resource dictionary, disagreements).
pub(crate) const LIFETIME_SECONDS: i64 = 2 * 365 * 24 * 60 * 60;

/// Mints a token that lets its bearer act as this person.
pub(crate) async fn mint_for_user(
    tx: &Tx,
    user: &UserId,
    description: Option<String>,
    expires_at: Option<Timestamp>,
    secret: crypto::Token,
) -> Result<MintedToken> {
    let row = tx
        .insert(Token {
            id: TokenId::fresh(),
            hash: secret.hash(),
            kind: Kind::User,
            user_id: Some(user.clone()),
            team_id: None,
            organization_name: None,
            agent_pool_id: None,
            description,
            created_by_id: Some(user.clone()),
            created_at: tx.now(),
            last_used_at: None,
            expires_at: Some(expires_at.unwrap_or(tx.now().plus_seconds(LIFETIME_SECONDS))),
        })
        .await?;
    let subject =
        Subject { kind: "authentication-tokens", id: row.id.as_str(), ..Subject::default() };
    tx.emit("token_created", subject, json!({ "user": user.as_str() })).await?;
    Ok(MintedToken { row, secret })
}

/// For the system's own commands: a token for anybody.
pub async fn mint_user_token(
    cx: &Ctx,
    _site: &crate::Granted<crate::can::ManageSite>,
    user: &UserId,
    description: Option<String>,
) -> Result<MintedToken> {
    let tx = cx.write().await?;
    let minted = mint_for_user(&tx, user, description, None, crypto::Token::mint()).await?;
    tx.commit().await?;
    Ok(minted)
}
