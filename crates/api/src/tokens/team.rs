//! Tokens of teams: the one without a description that each may have, and any number with one.

use domain::{
    accounts::{self, Expiry, NewToken, TeamTokenOrder, TeamTokens},
    can,
};
use http::StatusCode;
use jsonapi::{Body, Document, Empty, Error, Identifiers, Query};
use serde::Deserialize;

use super::{Input, View};
use crate::{
    Failure, May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Searched, sorted},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/teams/{team_id}/authentication-token", show)
        .post("/api/v2/teams/{team_id}/authentication-token", replace)
        .delete("/api/v2/teams/{team_id}/authentication-token", delete)
        .get("/api/v2/teams/{team_id}/authentication-tokens", list)
        .post("/api/v2/teams/{team_id}/authentication-tokens", create)
        .get("/api/v2/organizations/{organization_name}/team-tokens", list_all)
        .delete("/api/v2/organizations/{organization_name}/team-tokens", delete_many)
}

async fn show(team: May<can::ManageTeamTokens>, query: Query) -> Result<Document> {
    let view = View::from(accounts::team_token(&team.cx, &team).await?);
    Document::one_with(&view, &query, &INCLUDES, &team.cx).await
}

async fn replace(team: May<can::ManageTeamTokens>, body: Option<Body<Input>>) -> Result<Document> {
    let new = body.map_or_else(NewToken::default, |body| body.attributes.into());
    let minted = accounts::replace_team_token(&team.cx, &team, new).await?;
    Ok(Document::one(&View::from(minted)).created())
}

async fn delete(team: May<can::ManageTeamTokens>) -> Result<Empty> {
    accounts::delete_team_token(&team.cx, &team).await?;
    Ok(Empty)
}

async fn list(team: May<can::ManageTeamTokens>, query: Query) -> Result<Document> {
    let paging = paging(&query);
    let page = accounts::team_tokens(&team.cx, &team, paging).await?.map(View::from);
    Document::page(&page.items, page.total, &query, &INCLUDES, &team.cx).await
}

async fn create(team: May<can::ManageTeamTokens>, body: Body<Input>) -> Result<Document> {
    let minted = accounts::create_team_token(&team.cx, &team, body.attributes.into()).await;
    let minted = minted.map_err(in_words_of_clients)?;
    Ok(Document::one(&View::from(minted)).created())
}

/// go-tfe knows a description that is taken by exactly these words (`ErrInvalidDescriptionConflict`).
fn in_words_of_clients(error: domain::Error) -> Failure {
    match error {
        domain::Error::Taken { pointer } => {
            Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid attributes")
                .detail("Validation failed: Description has already been taken")
                .pointer(pointer)
                .into()
        }
        other => other.into(),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    expiry_status: Option<Vec<ExpiryStatus>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExpiryStatus {
    Active,
    #[serde(rename = "expiring_in_7_days")]
    InSevenDays,
    #[serde(rename = "expiring_in_30_days")]
    InThirtyDays,
    Expired,
    NoExpiration,
}

impl From<ExpiryStatus> for Expiry {
    fn from(status: ExpiryStatus) -> Self {
        match status {
            ExpiryStatus::Active => Self::Active,
            ExpiryStatus::InSevenDays => Self::InSevenDays,
            ExpiryStatus::InThirtyDays => Self::InThirtyDays,
            ExpiryStatus::Expired => Self::Expired,
            ExpiryStatus::NoExpiration => Self::Never,
        }
    }
}

async fn list_all(
    organization: May<can::ReadOrganization>,
    query: Query<Searched<Filters>>,
) -> Result<Document> {
    let cx = &organization.cx;
    let keys = [
        ("team-name", TeamTokenOrder::TeamName),
        ("created-by", TeamTokenOrder::CreatedBy),
        ("created-at", TeamTokenOrder::CreatedAt),
        ("expired-at", TeamTokenOrder::ExpiresAt),
    ];
    let expiry = query.own.filter.expiry_status.as_ref();
    let which = TeamTokens {
        search: query.own.q.clone(),
        expiry: expiry.map(|all| all.iter().copied().map(Expiry::from).collect()),
        sort: sorted(&query, &keys)?,
    };
    let paging = paging(&query);
    let page = accounts::tokens_of_teams(cx, &organization, which, paging).await?.map(View::from);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

async fn delete_many(organization: May<can::ReadOrganization>, body: Identifiers) -> Result<Empty> {
    let ids = body.ids("authentication-tokens")?;
    let parsed = ids.iter().enumerate().map(|(index, id)| {
        let pointer = format!("/data/{index}/id");
        id.parse().map_err(|_| Error::unprocessable(pointer, "is not an id of a token"))
    });
    let ids = parsed.collect::<Result<Vec<_>, Error>>()?;
    accounts::delete_team_tokens(&organization.cx, &organization, ids).await?;
    Ok(Empty)
}
