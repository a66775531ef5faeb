//! `/authentication-tokens`: what people, teams and organizations let their programs in with.

mod organization;
mod team;
mod ttl_policies;

use domain::{
    Timestamp,
    accounts::{self, MintedToken, NewToken},
    can,
    row::Token,
};
use jsonapi::{Body, Document, Empty, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/users/{user_id}/authentication-tokens", list)
        .post("/api/v2/users/{user_id}/authentication-tokens", create)
        .get("/api/v2/authentication-tokens/{token_id}", show)
        .delete("/api/v2/authentication-tokens/{token_id}", delete)
        .merge(team::routes())
        .merge(organization::routes())
        .merge(ttl_policies::routes())
}

/// A token on the wire; its secret is there only in the answer to its creation.
pub struct View {
    row: Token,
    secret: Option<String>,
}

impl From<Token> for View {
    fn from(row: Token) -> Self {
        Self { row, secret: None }
    }
}

impl From<MintedToken> for View {
    fn from(minted: MintedToken) -> Self {
        Self { secret: Some(minted.secret.expose().to_owned()), row: minted.row }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    description: Option<&'a str>,
    token: Option<&'a str>,
    expired_at: Option<Timestamp>,
}

impl Resource for View {
    const TYPE: &'static str = "authentication-tokens";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            description: row.description.as_deref(),
            token: self.secret.as_deref(),
            expired_at: row.expires_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        if let Some(team) = &self.row.team_id {
            to.one_with_link("team", "teams", Some(team), format!("/api/v2/teams/{team}"));
        }
        to.one("created-by", "users", self.row.created_by_id.as_ref().map(|id| id as _));
    }
}

async fn list(user: May<can::ManageUserTokens>, query: Query) -> Result<Document> {
    let paging = paging(&query);
    let page = accounts::user_tokens(&user.cx, &user, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View::from).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &user.cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    description: Option<String>,
    expired_at: Option<Timestamp>,
}

impl Typed for Input {
    const TYPE: &'static str = "authentication-tokens";
}

impl From<Input> for NewToken {
    fn from(input: Input) -> Self {
        Self { description: input.description, expires_at: input.expired_at }
    }
}

async fn create(user: May<can::ManageUserTokens>, body: Option<Body<Input>>) -> Result<Document> {
    let new = body.map_or_else(NewToken::default, |body| body.attributes.into());
    let minted = accounts::create_user_token(&user.cx, &user, new).await?;
    Ok(Document::one(&View::from(minted)).created())
}

async fn show(token: May<can::ManageToken>, query: Query) -> Result<Document> {
    let view = View::from(token.granted.into_inner().token);
    Document::one_with(&view, &query, &INCLUDES, &token.cx).await
}

async fn delete(token: May<can::ManageToken>) -> Result<Empty> {
    accounts::delete_token(&token.cx, &token).await?;
    Ok(Empty)
}
