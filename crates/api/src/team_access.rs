//! `/team-workspaces` and `/team-projects`: what teams may do where.

mod projects;
mod workspaces;

use domain::{
    Found, Granted, Site, can,
    id::TeamId,
    row::{Project, Team, Workspace},
    teams::{
        self,
        access::{self, Held, Of, Place, Row},
    },
};
use jsonapi::{Body, Document, Empty, Query, Relationships, Resource, ToOne, Typed};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    May, Named, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{ById, Filtered},
};

pub fn routes() -> Routes {
    of_kind::<Workspace>("/api/v2/team-workspaces", "/api/v2/team-workspaces/{team_workspace_id}")
        .merge(of_kind::<Project>(
            "/api/v2/team-projects",
            "/api/v2/team-projects/{team_project_id}",
        ))
}

fn of_kind<P: Wire>(all: &'static str, one: &'static str) -> Routes {
    Routes::default()
        .get(all, list::<P>)
        .post(all, create::<P>)
        .get(one, show::<P>)
        .patch(one, update::<P>)
        .delete(one, delete::<P>)
}

/// How access to places of one kind is read and written.
trait Wire: Place {
    type Id: std::str::FromStr + Send + Sync;
    /// The attributes of a request to give access or to change it.
    type Input: Typed + DeserializeOwned + Into<Self::Change> + Send;
    type Filters: Filters + Default + DeserializeOwned + Send + Sync;
    type Relations: Relations<Id = Self::Id> + DeserializeOwned + Send;

    fn find(
        cx: &domain::Ctx,
        id: &Self::Id,
    ) -> impl Future<Output = domain::Result<Found<Self>>> + Send;

    fn attributes(row: &Self::Row) -> impl Serialize;

    /// The id of the place that an access is to.
    fn id_of(row: &Self::Row) -> &str;
}

/// What a list can be narrowed by: the place, and the team.
trait Filters {
    fn place(&self) -> &ById;
    fn team(&self) -> &ById;
}

/// What a new access names: the place, and the team.
trait Relations {
    type Id;
    fn both(self) -> (Option<ToOne<Self::Id>>, Option<ToOne<TeamId>>);
}

/// A team's access on the wire.
struct View<P: Place>(P::Row);

impl<P: Wire> Resource for View<P> {
    const TYPE: &'static str = P::KIND;

    fn id(&self) -> String {
        Row::id(&self.0).as_ref().to_owned()
    }

    fn attributes(&self) -> impl Serialize {
        P::attributes(&self.0)
    }

    fn relationships(&self, to: &mut Relationships) {
        let (team, place) = (self.0.team_id(), P::id_of(&self.0));
        to.one_with_link("team", "teams", Some(team), format!("/api/v2/teams/{team}"));
        let related = format!("/api/v2/{}/{place}", P::PLURAL);
        to.one_with_link(P::NOUN, P::PLURAL, Some(&place), related);
    }
}

async fn list<P: Wire>(
    caller: May<can::UseToken, Site>,
    query: Query<Filtered<P::Filters>>,
) -> Result<Document> {
    let cx = &caller.cx;
    let filter = &query.own.filter;
    let place = match &filter.place().id {
        Some(id) => Some(cx.check::<P::Read, _>(P::find(cx, &filtered(id)?).await?)?),
        None => None,
    };
    let team = match &filter.team().id {
        Some(id) => Some(cx.check(teams::find(cx, &filtered(id)?).await?)?),
        None => None,
    };
    let page = access::list(cx, Of::<P> { place, team }, paging(&query)).await?.map(View::<P>);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

/// An id in a filter; one of a wrong form is like one that nobody has.
fn filtered<Id: std::str::FromStr>(text: &str) -> Result<Id> {
    Ok(text.parse().map_err(|_| domain::Error::NotFound)?)
}

async fn show<P: Wire>(held: May<P::Look, Held<P>>, query: Query) -> Result<Document> {
    let view = View::<P>(held.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &held.cx).await
}

async fn create<P: Wire>(
    caller: Named<P::Give>,
    body: Body<P::Input, P::Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let (place, team) = body.relationships.both();
    let (place, team) = (required(place, P::NOUN)?, required(team, "team")?);
    let place = P::find(cx, &place).await?;
    let on: Granted<P::Give, (P, Team)> =
        caller.check(access::pair(place, teams::find(cx, &team).await?)?)?;
    let row = access::create::<P>(cx, &on, body.attributes.into()).await?;
    Ok(Document::one(&View::<P>(row)).created())
}

/// The id in a relationship that must be there.
fn required<Id>(relation: Option<ToOne<Id>>, name: &str) -> Result<Id> {
    let missing = || domain::Error::invalid_relation(name, format!("The {name} is required."));
    let id = relation.map(|one| one.of_kind(&format!("{name}s"), name)).transpose()?;
    Ok(id.flatten().ok_or_else(missing)?)
}

async fn update<P: Wire>(held: May<P::Manage, Held<P>>, body: Body<P::Input>) -> Result<Document> {
    let row = access::update::<P>(&held.cx, &held, body.attributes.into()).await?;
    Ok(Document::one(&View::<P>(row)))
}

async fn delete<P: Wire>(held: May<P::Manage, Held<P>>) -> Result<Empty> {
    access::delete::<P>(&held.cx, &held).await?;
    Ok(Empty)
}
