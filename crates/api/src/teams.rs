//! `/teams`

mod members;
mod view;

use std::collections::BTreeMap;

use domain::{
    can,
    entity::team::{OrganizationAccess, Visibility},
    teams::{self, Change, Filter},
};
use jsonapi::{Body, Document, Empty, Error, Field, Query, Typed, Unsupported};
use serde::Deserialize;
use serde_json::{Map, Value};

pub use view::{View, views};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::Searched};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/teams", list)
        .post("/api/v2/organizations/{organization_name}/teams", create)
        .get("/api/v2/teams/{team_id}", show)
        .patch("/api/v2/teams/{team_id}", update)
        .delete("/api/v2/teams/{team_id}", delete)
        .merge(members::routes())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    names: Option<Vec<String>>,
}

async fn list(
    organization: May<can::ReadOrganization>,
    query: Query<Searched<Filters>>,
) -> Result<Document> {
    let cx = &organization.cx;
    let filter = Filter { names: query.own.filter.names.clone(), search: query.own.q.clone() };
    let paging = paging(&query);
    let page = teams::list(cx, &organization, filter, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn show(team: May<can::ReadTeam>, query: Query) -> Result<Document> {
    let cx = team.cx;
    let view = View::of(&cx, team.granted.into_inner()).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// The attributes of a request to create or to change a team.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    visibility: Option<Visibility>,
    #[serde(deserialize_with = "jsonapi::id")]
    sso_team_id: Field<String>,
    allow_member_token_management: Option<bool>,
    /// As the documents of the update call it.
    allow_team_token_management: Option<bool>,
    organization_access: Option<Map<String, Value>>,
}

impl Typed for Input {
    const TYPE: &'static str = "teams";
    const UNSUPPORTED: &'static [Unsupported] =
        &[("attributes/description", "cannot be set: teams have none here")];
}

impl Input {
    fn into_change(self) -> Result<Change> {
        Ok(Change {
            name: self.name,
            visibility: self.visibility,
            sso_team_id: self.sso_team_id.into_change(),
            allow_member_token_management: self
                .allow_member_token_management
                .or(self.allow_team_token_management),
            organization_access: rights(&self.organization_access.unwrap_or_default())?,
        })
    }
}

/// The rights that are sent, in any spelling; unknown ones are ignored, as attributes are.
fn rights(sent: &Map<String, Value>) -> Result<BTreeMap<&'static str, bool>> {
    let mut known = OrganizationAccess::default();
    let mut rights = BTreeMap::new();
    for (name, _) in teams::rights(&mut known) {
        let value = sent.get(name).or_else(|| sent.get(&name.replace('-', "_")));
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Bool(value)) => drop(rights.insert(name, *value)),
            Some(_) => {
                let pointer = format!("/data/attributes/organization-access/{name}");
                return Err(Error::unprocessable(pointer, "must be true or false").into());
            }
        }
    }
    Ok(rights)
}

async fn create(organization: May<can::CreateTeam>, body: Body<Input>) -> Result<Document> {
    let change = body.attributes.into_change()?;
    let row = teams::create(&organization.cx, &organization, change).await?;
    Ok(Document::one(&View::of(&organization.cx, row).await?).created())
}

async fn update(team: May<can::UpdateTeam>, body: Body<Input>) -> Result<Document> {
    let row = teams::update(&team.cx, &team, body.attributes.into_change()?).await?;
    // The change may have given or taken rights of the caller.
    let cx = domain::accounts::refreshed(&team.cx).await?;
    Ok(Document::one(&View::of(&cx, row).await?))
}

async fn delete(team: May<can::DestroyTeam>) -> Result<Empty> {
    teams::delete(&team.cx, &team).await?;
    Ok(Empty)
}
