//! `/teams/:id/relationships`: who is in a team, by username or by membership.

use domain::{
    can,
    entity::organization_membership::Status,
    memberships,
    teams::{self, Members},
};
use jsonapi::{Document, Empty, Identifiers, Query};
use serde::Deserialize;

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    memberships::views,
    paging::paging,
    parameters::{Filtered, sorted},
};

pub fn routes() -> Routes {
    Routes::default()
        .post("/api/v2/teams/{team_id}/relationships/users", add_users)
        .delete("/api/v2/teams/{team_id}/relationships/users", remove_users)
        .get("/api/v2/teams/{team_id}/relationships/organization-memberships", list)
        .post("/api/v2/teams/{team_id}/relationships/organization-memberships", add)
        .delete("/api/v2/teams/{team_id}/relationships/organization-memberships", remove)
}

fn usernames(body: Identifiers) -> Result<Members> {
    Ok(Members::Usernames(body.ids("users")?))
}

fn memberships(body: Identifiers) -> Result<Members> {
    let ids = body.ids("organization-memberships")?;
    let parsed = ids.iter().map(|id| {
        let unknown = || domain::Error::BadRequest(format!("{id} is not an id of a membership."));
        id.parse().map_err(|_| unknown())
    });
    Ok(Members::Memberships(parsed.collect::<domain::Result<_>>()?))
}

async fn add_users(team: May<can::UpdateTeamMembers>, body: Identifiers) -> Result<Empty> {
    teams::add_members(&team.cx, &team, usernames(body)?).await?;
    Ok(Empty)
}

async fn remove_users(team: May<can::UpdateTeamMembers>, body: Identifiers) -> Result<Empty> {
    teams::remove_members(&team.cx, &team, usernames(body)?).await?;
    Ok(Empty)
}

async fn add(team: May<can::UpdateTeamMembers>, body: Identifiers) -> Result<Empty> {
    teams::add_members(&team.cx, &team, memberships(body)?).await?;
    Ok(Empty)
}

async fn remove(team: May<can::UpdateTeamMembers>, body: Identifiers) -> Result<Empty> {
    teams::remove_members(&team.cx, &team, memberships(body)?).await?;
    Ok(Empty)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    status: Option<Vec<Status>>,
    /// Nobody here is one.
    is_service_account: Option<bool>,
}

async fn list(team: May<can::ReadTeam>, query: Query<Filtered<Filters>>) -> Result<Document> {
    let cx = &team.cx;
    let mut statuses = query.own.filter.status.clone();
    if query.own.filter.is_service_account == Some(true) {
        statuses = Some(Vec::new());
    }
    let filter = memberships::Filter { statuses, ..memberships::Filter::default() };
    let by_status = sorted(&query, &[("status", ())])?.map(|((), order)| order);
    let paging = paging(&query);
    let page = memberships::list_of_team(cx, &team, &filter, by_status, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}
