//! Draft policies asked about plans of runs that are over: which would have passed, failed or erred, and why. Only about
//! plans whose JSON whoever asks may read; others are counted, and not named.

mod work;

use std::collections::{HashMap, HashSet};

use db::{
    Json,
    entity::{
        phase,
        policy_replay::{self as replay, Counts, Status},
        policy_replay_result as result, run, workspace,
    },
    id::{PolicyReplayId, PolicyReplayResultId, WorkspaceId},
    insert_many, page,
    sea_orm::{
        ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        Select, sea_query::SimpleExpr,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use work::{forget_old, work};

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Tx, can,
    organizations,
    policy_evaluations::{Draft, PolicyOutcome},
    row::{Organization, PolicyReplay, PolicyReplayResult, Workspace},
};

/// Plans of one replay.
pub const MOST: u64 = 500;
/// Replays of an organization that wait or work at one time.
const AT_ONCE: usize = 3;
/// Where drafts are sealed; part of what authenticates them.
const DRAFT: &str = "policy_replays.draft";
/// The same of what came of a plan.
const SAID: &str = "policy_replay_results.said";

/// What is asked, and about which plans.
#[derive(Debug)]
pub struct New {
    pub draft: Draft,
    /// All of the organization, where absent.
    pub workspaces: Option<Vec<WorkspaceId>>,
    /// The newest so many.
    pub plans: u64,
}

/// What policies said of one plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Said {
    /// Why none could be asked.
    pub error: Option<String>,
    pub outcomes: Vec<PolicyOutcome>,
}

/// One plan, for those who may read it.
#[derive(Debug)]
pub struct Told {
    pub row: PolicyReplayResult,
    pub workspace: Workspace,
    pub said: Said,
}

pub async fn find(cx: &Ctx, id: &PolicyReplayId) -> Result<Found<In<PolicyReplay, Organization>>> {
    organizations::find_in::<replay::Entity>(cx, id, |row| &row.organization_name).await
}

/// Those of an organization, the newest first.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ManagePolicies>,
    paging: Paging,
) -> Result<Page<PolicyReplay>> {
    let query = replay::Entity::find()
        .filter(replay::Column::OrganizationName.eq(&organization.name))
        .order_by_desc(replay::Column::CreatedAt)
        .order_by_desc(replay::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// Notes what is to be asked about which plans.
///
/// # Errors
/// Invalid for a draft that cannot be read, for workspaces that the caller does not see, and where too much is asked
/// already.
pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManagePolicies>,
    new: New,
) -> Result<PolicyReplay> {
    if !(1..=MOST).contains(&new.plans) {
        return Err(Error::invalid("plans", format!("must be between 1 and {MOST}")));
    }
    let draft = new.draft.clone();
    let checking = tokio::task::spawn_blocking(move || draft.check());
    checking.await.map_err(|error| Error::Internal(error.into()))??;
    let (readable, hidden) = workspaces_of(cx, organization, new.workspaces.as_deref()).await?;
    let of_all = new.workspaces.is_none() && hidden.is_empty();
    let among = if of_all {
        run::Column::OrganizationName.eq(&organization.name)
    } else {
        run::Column::WorkspaceId.is_in(readable)
    };
    let runs: Vec<(db::id::RunId, WorkspaceId)> = recorded(among)
        .select_only()
        .columns([run::Column::Id, run::Column::WorkspaceId])
        .order_by_desc(run::Column::CreatedAt)
        .order_by_desc(run::Column::Id)
        .limit(new.plans)
        .into_tuple()
        .all(cx.read())
        .await?;
    let hidden = recorded(run::Column::WorkspaceId.is_in(hidden)).count(cx.read()).await?;
    let tx = cx.write().await?;
    let open = replay::Entity::find()
        .filter(replay::Column::OrganizationName.eq(&organization.name))
        .filter(replay::Column::Status.is_in([Status::Pending, Status::Running]))
        .all(tx.db())
        .await?;
    if open.len() >= AT_ONCE {
        return Err(Error::conflict(format!(
            "{AT_ONCE} replays are under way: wait for them, or cancel one."
        )));
    }
    let id = PolicyReplayId::fresh();
    let draft = serde_json::to_vec(&new.draft).map_err(|error| Error::Internal(error.into()))?;
    let counts = Counts { hidden, total: runs.len() as u64, ..Counts::default() };
    let row = tx
        .insert(PolicyReplay {
            draft: cx.keyring().seal(DRAFT, id.as_str(), &draft),
            id,
            organization_name: organization.name.clone(),
            created_by_id: cx.actor().user_id(),
            kind: new.draft.kind,
            status: Status::Pending,
            counts: Json(counts),
            created_at: tx.now(),
            finished_at: None,
        })
        .await?;
    let results = runs.into_iter().zip(0_i64..).map(|((run_id, workspace_id), position)| {
        PolicyReplayResult {
            id: PolicyReplayResultId::fresh(),
            replay_id: row.id.clone(),
            position,
            workspace_id,
            run_id,
            status: result::Status::Pending,
            said: None,
        }
    });
    insert_many::<_, result::ActiveModel>(&tx, results.collect::<Vec<_>>()).await?;
    work::later(&tx, &row.id).await?;
    emit(&tx, Happened::PolicyReplayCreated, &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Those of these runs whose plans are there as JSON.
fn recorded(among: SimpleExpr) -> Select<run::Entity> {
    let plans = phase::Entity::find()
        .select_only()
        .column(phase::Column::Id)
        .filter(db::contains(phase::Column::Artifacts, "\"json-plan\""))
        .filter(phase::Column::Status.eq(phase::Status::Finished));
    run::Entity::find().filter(among).filter(run::Column::PlanId.in_subquery(plans.into_query()))
}

/// Those whose plans the caller may read, and the others.
async fn workspaces_of(
    cx: &Ctx,
    organization: &Organization,
    chosen: Option<&[WorkspaceId]>,
) -> Result<(Vec<WorkspaceId>, Vec<WorkspaceId>)> {
    let mut query = workspace::Entity::find()
        .filter(workspace::Column::OrganizationName.eq(&organization.name));
    if let Some(chosen) = chosen {
        query = query.filter(workspace::Column::Id.is_in(chosen));
    }
    let rows = query.all(cx.read()).await?;
    if let Some(chosen) = chosen {
        // What the caller does not see is as if it was not there.
        let seen: HashSet<_> = rows
            .iter()
            .filter(|row| cx.may::<can::ReadWorkspace>(row))
            .map(|row| &row.id)
            .collect();
        if let Some(unknown) = chosen.iter().find(|id| !seen.contains(id)) {
            let why = format!("{unknown} does not exist");
            return Err(Error::invalid_relation("workspaces", why));
        }
    }
    let (readable, hidden): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| cx.may::<can::ReadPlanJson>(row));
    let ids = |rows: Vec<Workspace>| rows.into_iter().map(|row| row.id).collect();
    Ok((ids(readable), ids(hidden)))
}

/// What came of the plans that the caller may read, the newest first.
pub async fn results(
    cx: &Ctx,
    replay: &Granted<can::ManagePolicies, In<PolicyReplay, Organization>>,
    paging: Paging,
) -> Result<Page<Told>> {
    let query = result::Entity::find().filter(result::Column::ReplayId.eq(&replay.row.id));
    let named = query.clone().select_only().column(result::Column::WorkspaceId).distinct();
    let named: Vec<WorkspaceId> = named.into_tuple().all(cx.read()).await?;
    let readable: HashMap<WorkspaceId, Workspace> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(named))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|row| cx.may::<can::ReadPlanJson>(row))
        .map(|row| (row.id.clone(), row))
        .collect();
    let query = query
        .filter(result::Column::WorkspaceId.is_in(readable.keys()))
        .order_by_asc(result::Column::Position);
    let Page { items, total } = page(cx.read(), query, paging).await?;
    let tell = |row: PolicyReplayResult| {
        let workspace = readable.get(&row.workspace_id).cloned().ok_or(Error::NotFound)?;
        let said = match &row.said {
            Some(said) => {
                let opened = cx.keyring().open(SAID, row.id.as_str(), said)?;
                serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))?
            }
            None => Said::default(),
        };
        Ok(Told { row, workspace, said })
    };
    Ok(Page { items: items.into_iter().map(tell).collect::<Result<_>>()?, total })
}

/// Asks about no further plan.
///
/// # Errors
/// Conflict if it is over.
pub async fn cancel(
    cx: &Ctx,
    replay: &Granted<can::ManagePolicies, In<PolicyReplay, Organization>>,
) -> Result<PolicyReplay> {
    let tx = cx.write().await?;
    let row = tx.lock::<replay::Entity>(replay.row.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    if !is_open(&row) {
        return Err(Error::conflict("The replay is over."));
    }
    row.status = Status::Canceled;
    row.finished_at = Some(tx.now());
    let row = tx.update(row).await?;
    emit(&tx, Happened::PolicyReplayCanceled, &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whether plans are still to be asked about.
pub fn is_open(row: &PolicyReplay) -> bool {
    matches!(row.status, Status::Pending | Status::Running)
}

async fn emit(tx: &Tx, what: Happened, row: &PolicyReplay) -> Result<()> {
    let subject = Subject {
        kind: "policy-replays",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    };
    tx.emit(what, subject, json!({ "plans": row.counts.total })).await
}
