//! Windows in which nothing is applied: of an organization, a project or a workspace, once or again and again. Runs are
//! planned all the same; their applies wait, and say until when. An owner lets a run through, and says why.

mod windows;

use db::{
    entity::{freeze, organization, phase, run::Status},
    id::{FreezeId, ProjectId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

pub(crate) use windows::{Closed, NOWHERE, holds_up};
pub use windows::{Frozen, until};

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Timestamp,
    calendar::{self, Pattern},
    can, names, organizations, projects,
    row::{Freeze, Organization, Run},
    runs::{comments, held::Held, moves, stages},
    workspaces,
};

/// Of an organization.
const LIMIT: u64 = 100;
const NAME_LIMIT: usize = 90;
/// Longer than any freeze that comes again.
const MINUTES_LIMIT: i64 = 31 * 24 * 60;

/// A freeze, with its organization.
pub async fn find(cx: &Ctx, id: &FreezeId) -> Result<Found<In<Freeze, Organization>>> {
    organizations::find_in::<freeze::Entity>(cx, id, |row| &row.organization_name).await
}

/// Those of an organization, the oldest first.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    paging: Paging,
) -> Result<Page<Freeze>> {
    let query = freeze::Entity::find()
        .filter(freeze::Column::OrganizationName.eq(&organization.name))
        .order_by_asc(freeze::Column::CreatedAt)
        .order_by_asc(freeze::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// Where nothing is applied.
#[derive(Clone, Debug)]
pub enum Scope {
    Organization,
    Project(ProjectId),
    Workspace(WorkspaceId),
}

impl Scope {
    /// The project and the workspace that a freeze of this scope names.
    async fn named(self, cx: &Ctx, organization: &str) -> Result<Named> {
        let unknown = |relation: &str| {
            Error::invalid_relation(relation, "does not exist in this organization")
        };
        Ok(match self {
            Self::Organization => (None, None),
            Self::Project(id) => {
                let found = projects::load(cx, std::slice::from_ref(&id)).await?.pop();
                let found = found.filter(|it| it.organization_name == organization);
                (Some(found.ok_or_else(|| unknown("project"))?.id), None)
            }
            Self::Workspace(id) => {
                let found = workspaces::load(cx, std::slice::from_ref(&id)).await?.pop();
                let found = found.filter(|it| it.organization_name == organization);
                (None, Some(found.ok_or_else(|| unknown("workspace"))?.id))
            }
        })
    }
}

type Named = (Option<ProjectId>, Option<WorkspaceId>);

/// What is asked for; absent leaves things as they are, `Some(None)` empties them.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub starts_at: Option<Option<Timestamp>>,
    pub ends_at: Option<Option<Timestamp>>,
    pub cron: Option<Option<String>>,
    pub time_zone: Option<String>,
    pub minutes: Option<Option<i64>>,
}

impl Change {
    fn apply(self, row: &mut Freeze) -> Result<()> {
        row.name = self.name.unwrap_or_else(|| row.name.clone());
        row.starts_at = self.starts_at.unwrap_or(row.starts_at);
        row.ends_at = self.ends_at.unwrap_or(row.ends_at);
        row.cron = self.cron.unwrap_or_else(|| row.cron.clone());
        row.time_zone = self.time_zone.unwrap_or_else(|| row.time_zone.clone());
        row.minutes = self.minutes.unwrap_or(row.minutes);
        names::check("name", &row.name, NAME_LIMIT)?;
        if row.name.trim().is_empty() {
            return Err(Error::invalid("name", "can't be blank"));
        }
        calendar::read_zone(&row.time_zone)?;
        match (&row.cron, row.minutes, row.starts_at, row.ends_at) {
            (Some(cron), Some(minutes), None, None) => {
                Pattern::parse(cron, &row.time_zone)?;
                if !(1..=MINUTES_LIMIT).contains(&minutes) {
                    let why = format!("must be a whole number from 1 to {MINUTES_LIMIT}");
                    return Err(Error::invalid("duration-minutes", why));
                }
                Ok(())
            }
            (Some(_), None, None, None) => {
                Err(Error::invalid("duration-minutes", "is required beside cron"))
            }
            (None, None, Some(starts), Some(ends)) if starts < ends => Ok(()),
            (None, None, Some(_), Some(_)) => {
                Err(Error::invalid("ends-at", "must be later than starts-at"))
            }
            (None, None, ..) => Err(Error::invalid(
                "starts-at",
                "is required with ends-at, or cron with duration-minutes",
            )),
            _ => Err(Error::invalid("cron", "cannot be combined with starts-at and ends-at")),
        }
    }
}

/// # Errors
/// Invalid for what is no window or is over, for somebody else's project or workspace, and beyond 100 of them.
pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::UpdateOrganization>,
    scope: Scope,
    change: Change,
) -> Result<Freeze> {
    let mut row = Freeze {
        id: FreezeId::fresh(),
        organization_name: organization.name.clone(),
        project_id: None,
        workspace_id: None,
        name: String::new(),
        starts_at: None,
        ends_at: None,
        cron: None,
        time_zone: "UTC".to_owned(),
        minutes: None,
        created_at: cx.now(),
    };
    change.apply(&mut row)?;
    if row.ends_at.is_some_and(|ends| ends <= cx.now()) {
        return Err(Error::invalid("ends-at", "is over already"));
    }
    (row.project_id, row.workspace_id) = scope.named(cx, &organization.name).await?;
    let tx = cx.write().await?;
    // Held, so that the count is still true when the row is in.
    tx.lock::<organization::Entity>(organization.name.clone()).await?.ok_or(Error::NotFound)?;
    let own =
        freeze::Entity::find().filter(freeze::Column::OrganizationName.eq(&organization.name));
    if own.count(tx.db()).await? >= LIMIT {
        return Err(Error::invalid(
            "name",
            format!("is one too many: an organization has at most {LIMIT} freezes"),
        ));
    }
    let row = tx.insert(row).await?;
    tx.emit(Happened::FreezeCreated, subject(&row), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Without a scope it stays what it is.
///
/// # Errors
/// As [`create`].
pub async fn update(
    cx: &Ctx,
    freeze: &Granted<can::UpdateOrganization, In<Freeze, Organization>>,
    scope: Option<Scope>,
    change: Change,
) -> Result<Freeze> {
    let place = match scope {
        Some(scope) => Some(scope.named(cx, &freeze.row.organization_name).await?),
        None => None,
    };
    let tx = cx.write().await?;
    let mut row = tx.lock::<freeze::Entity>(freeze.row.id.clone()).await?.ok_or(Error::NotFound)?;
    if let Some(place) = place {
        (row.project_id, row.workspace_id) = place;
    }
    change.apply(&mut row)?;
    let row = tx.update(row).await?;
    tx.emit(Happened::FreezeUpdated, subject(&row), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete(
    cx: &Ctx,
    freeze: &Granted<can::UpdateOrganization, In<Freeze, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<freeze::Entity>(freeze.row.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::FreezeDeleted, subject(&row), detail(&row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}

fn subject(row: &Freeze) -> Subject<'_> {
    Subject {
        kind: "freezes",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        workspace: row.workspace_id.as_ref(),
        ..Subject::default()
    }
}

fn detail(row: &Freeze) -> serde_json::Value {
    json!({
        "name": row.name, "starts_at": row.starts_at, "ends_at": row.ends_at, "cron": row.cron,
        "time_zone": row.time_zone, "duration_minutes": row.minutes, "project": row.project_id,
        "workspace": row.workspace_id,
    })
}

/// The freeze that keeps a run from its apply, if it would be applied now.
pub async fn waits_for(cx: &Ctx, run: &In<Run>) -> Result<Option<Frozen>> {
    let is_queued = run.status == Status::ApplyQueued;
    if !is_queued && stages::awaited_phase(run.status) != Some(phase::Kind::Apply) {
        return Ok(None);
    }
    holds_up(cx.read(), run, &run.of, cx.now()).await
}

/// Lets a run be applied although there is a freeze: until the windows end that are open now.
///
/// # Errors
/// Invalid without a reason; Conflict for a run that is over, and where nothing holds it up.
pub async fn let_through(
    cx: &Ctx,
    run: &Granted<can::BreakFreeze, In<Run>>,
    reason: &str,
) -> Result<()> {
    let Some(reason) = comments::with_action(Some(reason.trim().to_owned()))? else {
        let message = "comment is required: say why the freeze does not count".into();
        return Err(Error::Invalid { pointer: "/comment".into(), message });
    };
    let held = Held::lock(cx, run).await?;
    let tx = held.tx();
    if held.is_final || held.plan_only {
        return Err(Error::conflict("Nothing of this run is left to be applied."));
    }
    if windows::let_through(tx, &held, held.workspace(), &reason).await? == 0 {
        return Err(Error::conflict("No freeze holds this run up."));
    }
    tx.emit(Happened::RunFreezeBroken, moves::subject(&held), json!({ "reason": reason })).await?;
    comments::write(tx, &held, reason).await?;
    held.commit().await?;
    Ok(())
}
