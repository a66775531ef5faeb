//! What teams may do in single places: one mechanism, whatever the place is.

mod projects;
mod workspaces;

use std::{fmt::Display, str::FromStr};

use db::{
    Timestamp,
    entity::event::Happened,
    id::{TeamId, WorkspaceId},
    page,
    sea_orm::{
        ActiveModelBehavior, Condition, EntityTrait, FromQueryResult, IntoActiveModel, ModelTrait,
        PrimaryKeyTrait, QueryFilter, QueryOrder,
    },
};
use serde_json::json;

pub use projects::{Change as ChangeInProject, ChangeProject, ChangeWorkspaces};
pub use workspaces::Change as ChangeInWorkspace;

use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Subject,
    access::{Permission, Placed, Within},
    can,
    row::Team,
};

/// What teams are given access to. A new kind of place implements this, and [`Row`] for what is kept of it.
pub trait Place: Placed + Within<Self> + Sized + Send + Sync + 'static {
    /// As people call it, and as an address does before its `id`.
    const NOUN: &'static str;
    /// The `type` of the place itself.
    const PLURAL: &'static str;
    /// The `type` of a team's access to it.
    const KIND: &'static str;
    /// The parameter of an address that names a team's access to it.
    const PARAMETER: &'static str;
    const ADDED: Happened;
    const UPDATED: Happened;
    const REMOVED: Happened;

    /// Without it nobody sees which teams get in here.
    type Read: Permission<On = Self>;
    type Look: Permission<On = (Self, Team)>;
    /// Letting a team in.
    type Give: Permission<On = (Self, Team)>;
    type Manage: Permission<On = (Self, Team)>;
    /// What can be given on create and changed later; all but the level only for the custom one.
    type Change: Send;
    type Entity: EntityTrait<Model = Self::Row, ActiveModel = Self::Active, PrimaryKey = Self::Key>;
    type Key: PrimaryKeyTrait<ValueType = <Self::Row as Row>::Id>;
    type Row: Row
        + ModelTrait<Entity = Self::Entity>
        + IntoActiveModel<Self::Active>
        + FromQueryResult
        + Sync;
    type Active: ActiveModelBehavior<Entity = Self::Entity> + Send;

    /// Its own.
    fn id(&self) -> &str;

    /// Of its own kind, to be told with what happens here.
    fn workspace(&self) -> Option<&WorkspaceId> {
        None
    }

    /// Where an access is to.
    fn of(cx: &Ctx, row: &Self::Row) -> impl Future<Output = Result<Self>> + Send;

    /// Holds for the accesses to it that the caller may see.
    fn here(cx: &Ctx, place: &Granted<Self::Read>) -> Condition;

    /// Holds for a team's accesses to the places where the caller may see it.
    fn seen(cx: &Ctx, team: &Team) -> impl Future<Output = Result<Condition>> + Send;

    /// Holds for a team's accesses.
    fn of_team(team: &TeamId) -> Condition;

    /// By when an access was given.
    fn order() -> [<Self::Entity as EntityTrait>::Column; 2];

    /// An access that allows the least; nothing if the change does not say how much it is to allow.
    fn given_to(&self, team: &Team, change: &Self::Change, now: Timestamp) -> Option<Self::Row>;

    /// # Errors
    /// Invalid where a right is named beside a level that has its own.
    fn apply(change: Self::Change, to: &mut Self::Row) -> Result<()>;
}

/// What is kept of a team's access to one place.
pub trait Row {
    type Id: Clone + AsRef<str> + FromStr + Send + Sync;

    fn id(&self) -> &Self::Id;
    fn team_id(&self) -> &TeamId;
    fn level(&self) -> &'static str;
}

/// A team's access, with the place that it is to and the team.
pub type Held<P> = In<<P as Place>::Row, (P, Team)>;

impl<P: Place> Within<Self> for (P, Team) {
    fn on(&self) -> &Self {
        self
    }
}

impl<T, P: Placed> Placed for In<T, (P, Team)> {
    fn organization_name(&self) -> &str {
        self.of.0.organization_name()
    }

    fn workspace_name(&self) -> Option<&str> {
        self.of.0.workspace_name()
    }
}

/// In the words that clients know.
fn read_only(level: impl Display) -> String {
    format!(
        "is read-only when access level is '{level}'; use the 'custom' access level to set this \
         attribute."
    )
}

pub async fn find<P: Place>(cx: &Ctx, id: &<P::Row as Row>::Id) -> Result<Found<Held<P>>> {
    let row = P::Entity::find_by_id(id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let place = P::of(cx, &row).await?;
    let team = super::by_id(cx, row.team_id()).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: (place, team) }))
}

/// The same, if it is to the place that an address names beside it.
///
/// # Errors
/// Not found if it is to another.
pub fn in_place<P: Place>(held: Found<Held<P>>, place: Option<&str>) -> Result<Found<Held<P>>> {
    let held = held.into_unchecked();
    if place.is_some_and(|id| id != held.of.0.id()) {
        return Err(Error::NotFound);
    }
    Ok(Found::new(held))
}

/// A place and a team of the same organization, to be checked together.
///
/// # Errors
/// Not found if they are of different ones.
pub fn pair<P: Place>(place: Found<P>, team: Found<Team>) -> Result<Found<(P, Team)>> {
    let (place, team) = (place.into_unchecked(), team.into_unchecked());
    if place.organization_name() != team.organization_name {
        return Err(Error::NotFound);
    }
    Ok(Found::new((place, team)))
}

/// Whose access, or access to what: at least one of them.
#[derive(Debug)]
pub struct Of<P: Place> {
    pub place: Option<Granted<P::Read>>,
    pub team: Option<Granted<can::ReadTeam>>,
}

/// The accesses that the caller may see, the oldest first.
///
/// # Errors
/// Bad request where neither a place nor a team is named.
pub async fn list<P: Place>(cx: &Ctx, of: Of<P>, paging: Paging) -> Result<Page<P::Row>> {
    let mut condition = match (&of.place, &of.team) {
        (Some(place), _) => P::here(cx, place),
        (None, Some(team)) => P::seen(cx, team).await?,
        (None, None) => {
            let noun = P::NOUN;
            let what = format!("filter[{noun}][id] or filter[team][id] is required.");
            return Err(Error::BadRequest(what));
        }
    };
    if let Some(team) = &of.team {
        condition = condition.add(P::of_team(&team.id));
    }
    let [at, id] = P::order();
    let query = P::Entity::find().filter(condition).order_by_asc(at).order_by_asc(id);
    Ok(page(cx.read(), query, paging).await?)
}

pub async fn create<P: Place>(
    cx: &Ctx,
    on: &Granted<P::Give>,
    change: P::Change,
) -> Result<P::Row> {
    let (place, team) = &**on;
    let tx = cx.write().await?;
    let mut new = place
        .given_to(team, &change, tx.now())
        .ok_or_else(|| Error::invalid("access", "can't be blank"))?;
    P::apply(change, &mut new)?;
    let row = tx.insert(new).await.map_err(|error| match error {
        db::Error::Taken(_) => Error::invalid_relation(
            "team",
            format!("The team has already been given access to this {}.", P::NOUN),
        ),
        other => other.into(),
    })?;
    tx.emit(P::ADDED, subject(&row, place), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update<P: Place>(
    cx: &Ctx,
    held: &Granted<P::Manage, Held<P>>,
    change: P::Change,
) -> Result<P::Row> {
    let tx = cx.write().await?;
    let mut row = tx.lock::<P::Entity>(held.row.id().clone()).await?.ok_or(Error::NotFound)?;
    P::apply(change, &mut row)?;
    let row = tx.update(row).await?;
    tx.emit(P::UPDATED, subject(&row, &held.of.0), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete<P: Place>(cx: &Ctx, held: &Granted<P::Manage, Held<P>>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<P::Entity>(held.row.id().clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(P::REMOVED, subject(&*row, &held.of.0), detail(&*row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}

fn detail(row: &impl Row) -> serde_json::Value {
    json!({ "team": row.team_id().as_str(), "access": row.level() })
}

fn subject<'a, P: Place>(row: &'a P::Row, place: &'a P) -> Subject<'a> {
    Subject {
        kind: P::KIND,
        id: row.id().as_ref(),
        organization: Some(place.organization_name()),
        workspace: place.workspace(),
        run: None,
    }
}
