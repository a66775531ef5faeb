//! `/team-workspaces` and `/team-projects`: what teams may do where.

mod projects;
mod workspaces;

use domain::id::TeamId;
use jsonapi::ToOne;

use crate::{Result, Routes};

pub fn routes() -> Routes {
    workspaces::routes().merge(projects::routes())
}

/// The id in a relationship that must be there.
fn required<Id>(relation: Option<ToOne<Id>>, name: &str) -> Result<Id> {
    let missing = || domain::Error::invalid_relation(name, format!("The {name} is required."));
    let id = relation.map(|one| one.of_kind(&format!("{name}s"), name)).transpose()?;
    Ok(id.flatten().ok_or_else(missing)?)
}

/// An id in a filter; one of a wrong form is like one that nobody has.
fn filtered<Id: std::str::FromStr>(text: &str) -> Result<Id> {
    Ok(text.parse().map_err(|_| domain::Error::NotFound)?)
}

/// The team that a filter names, if the caller may see it.
async fn team(
    cx: &domain::Ctx,
    id: Option<&str>,
) -> Result<Option<domain::Granted<domain::can::ReadTeam>>> {
    let Some(id) = id else { return Ok(None) };
    let found = domain::teams::find(cx, &filtered::<TeamId>(id)?).await?;
    Ok(Some(cx.check(found)?))
}
