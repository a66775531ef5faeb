//! `/organizations/:name/authentication-token`: the organization's own token, and the one for its audit trail.

use domain::{
    accounts::{self, NewToken, OrganizationTokenKind},
    can,
};
use jsonapi::{Body, Document, Empty, Query};
use serde::Deserialize;

use super::{Input, View};
use crate::{May, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    const PATH: &str = "/api/v2/organizations/{organization_name}/authentication-token";
    Routes::default().get(PATH, show).post(PATH, create).delete(PATH, delete)
}

/// Another name than this is refused: it must not give a token that may do everything.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Which {
    token: Option<Named>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Named {
    AuditTrails,
}

fn kind(query: &Query<Which>) -> OrganizationTokenKind {
    match query.own.token {
        Some(Named::AuditTrails) => OrganizationTokenKind::AuditTrails,
        None => OrganizationTokenKind::Full,
    }
}

async fn show(
    organization: May<can::ManageOrganizationToken>,
    query: Query<Which>,
) -> Result<Document> {
    let cx = &organization.cx;
    let row = accounts::organization_token(cx, &organization, kind(&query)).await?;
    Document::one_with(&View::from(row), &query, &INCLUDES, cx).await
}

async fn create(
    organization: May<can::ManageOrganizationToken>,
    query: Query<Which>,
    body: Option<Body<Input>>,
) -> Result<Document> {
    let cx = &organization.cx;
    let new = body.map_or_else(NewToken::default, |body| body.attributes.into());
    let minted = accounts::create_organization_token(cx, &organization, kind(&query), new).await?;
    Ok(Document::one(&View::from(minted)).created())
}

async fn delete(
    organization: May<can::ManageOrganizationToken>,
    query: Query<Which>,
) -> Result<Empty> {
    accounts::delete_organization_token(&organization.cx, &organization, kind(&query)).await?;
    Ok(Empty)
}
