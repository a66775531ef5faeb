//! Which windows a moment is in, and whose applies they hold up.

use std::collections::HashMap;

use db::{
    entity::{
        freeze, freeze_break,
        run::{self, Status},
    },
    id::FreezeId,
    sea_orm::{
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait, Select, Value,
    },
};

use crate::{
    Ctx, Result, Timestamp, Tx,
    calendar::Pattern,
    row::{Freeze, Run, Workspace},
};

/// Windows that follow one another are one, up to so many of them.
const CHAIN: usize = 100;
/// Those of runs that a freeze keeps from their apply.
const WAITING: [Status; 3] = [Status::Confirmed, Status::PreApplyCompleted, Status::ApplyQueued];

/// The end of the window that this moment is in.
#[must_use]
pub fn until(row: &Freeze, now: Timestamp) -> Option<Timestamp> {
    if let (Some(starts), Some(ends)) = (row.starts_at, row.ends_at) {
        return (starts..ends).contains(&now).then_some(ends);
    }
    let (Some(cron), Some(minutes)) = (&row.cron, row.minutes) else { return None };
    let pattern = Pattern::parse(cron, &row.time_zone).ok()?;
    let ends = pattern.last_by(now)?.plus_seconds(minutes * 60);
    (now < ends).then_some(ends)
}

/// What keeps applies of a workspace from beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    pub name: String,
    pub until: Timestamp,
}

/// A freeze, with the end of a window of it.
type Window<'a> = (&'a Freeze, Timestamp);

/// The windows that hold a run up, and those that would once these are over.
struct Windows {
    freezes: Vec<Freeze>,
    /// When the windows end that somebody has let the run through.
    broken: HashMap<FreezeId, Timestamp>,
}

impl Windows {
    async fn of(db: &impl ConnectionTrait, run: &Run, workspace: &Workspace) -> Result<Self> {
        use freeze::Column as C;
        let everywhere = Condition::all().add(C::ProjectId.is_null()).add(C::WorkspaceId.is_null());
        let here = Condition::any()
            .add(everywhere)
            .add(C::ProjectId.eq(&workspace.project_id))
            .add(C::WorkspaceId.eq(&workspace.id));
        let freezes = freeze::Entity::find()
            .filter(C::OrganizationName.eq(&workspace.organization_name))
            .filter(here)
            .order_by_asc(C::CreatedAt)
            .all(db)
            .await?;
        let mut broken = HashMap::new();
        if !freezes.is_empty() {
            let breaks =
                freeze_break::Entity::find().filter(freeze_break::Column::RunId.eq(&run.id));
            broken
                .extend(breaks.all(db).await?.into_iter().map(|row| (row.freeze_id, row.ends_at)));
        }
        Ok(Self { freezes, broken })
    }

    /// Those that are open at this moment.
    fn open(&self, moment: Timestamp) -> impl Iterator<Item = Window<'_>> {
        let windows = self.freezes.iter().filter_map(move |row| Some((row, until(row, moment)?)));
        windows.filter(|(row, ends)| self.broken.get(&row.id).is_none_or(|broken| broken < ends))
    }

    /// The one that ends last.
    fn last_open(&self, moment: Timestamp) -> Option<Window<'_>> {
        self.open(moment).max_by_key(|(_, ends)| *ends)
    }
}

/// What keeps the run's apply from beginning: the window that this moment is in, together with those that follow it
/// without a pause.
pub(crate) async fn holds_up(
    db: &impl ConnectionTrait,
    run: &Run,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<Option<Frozen>> {
    let windows = Windows::of(db, run, workspace).await?;
    let Some((row, mut end)) = windows.last_open(now) else { return Ok(None) };
    for _ in 0..CHAIN {
        match windows.last_open(end) {
            Some((_, later)) if later > end => end = later,
            _ => break,
        }
    }
    Ok(Some(Frozen { name: row.name.clone(), until: end }))
}

/// The windows that hold the run up now hold it up no more; those that come later do. Says how many those were.
pub(super) async fn let_through(
    tx: &Tx,
    run: &Run,
    workspace: &Workspace,
    reason: &str,
) -> Result<usize> {
    let windows = Windows::of(tx.db(), run, workspace).await?;
    let mut count = 0;
    for (row, ends_at) in windows.open(tx.now()) {
        let (id, user_id) = ((run.id.clone(), row.id.clone()), tx.actor().user_id());
        // An earlier window of it may have been broken.
        if let Some(earlier) = tx.lock::<freeze_break::Entity>(id).await? {
            tx.delete(earlier).await?;
        }
        tx.insert(freeze_break::Model {
            run_id: run.id.clone(),
            freeze_id: row.id.clone(),
            ends_at,
            user_id,
            reason: reason.to_owned(),
            created_at: tx.now(),
        })
        .await?;
        count += 1;
    }
    Ok(count)
}

/// The windows that are open at this moment, as far as somebody waits there.
#[derive(Debug)]
pub(crate) struct Closed(Vec<(FreezeId, Timestamp)>);

/// For those who ask about all runs, whatever holds them up.
pub(crate) static NOWHERE: Closed = Closed(Vec::new());

impl Closed {
    /// Read without a lock: whoever lets something begin looks at its freezes again.
    pub async fn now(cx: &Ctx) -> Result<Self> {
        let rows = Self::query().all(cx.read()).await?;
        let open = |row: Freeze| until(&row, cx.now()).map(|ends| (row.id, ends));
        Ok(Self(rows.into_iter().filter_map(open).collect()))
    }

    pub fn query() -> Select<freeze::Entity> {
        let waiting = run::Entity::find()
            .select_only()
            .column(run::Column::OrganizationName)
            .filter(run::Column::Status.is_in(WAITING));
        let column = freeze::Column::OrganizationName;
        freeze::Entity::find().filter(column.in_subquery(waiting.into_query()))
    }

    pub fn is_nowhere(&self) -> bool {
        self.0.is_empty()
    }

    /// In SQL, whether a run called `r` in a workspace called `w` is held up. What it compares with goes behind `values`.
    pub fn holds_up(&self, r: &str, w: &str, values: &mut Vec<Value>) -> String {
        if self.is_nowhere() {
            return "1 = 0".to_owned();
        }
        let mut open = Vec::new();
        for (freeze, ends_at) in &self.0 {
            values.extend([Value::from(freeze), Value::from(*ends_at)]);
            open.push(format!("(${}, ${})", values.len() - 1, values.len()));
        }
        let open = open.join(", ");
        format!(
            "EXISTS (SELECT 1 FROM (VALUES {open}) AS open JOIN freezes f ON f.id = open.column1 \
             WHERE f.organization_name = {w}.organization_name \
             AND (f.project_id IS NULL OR f.project_id = {w}.project_id) \
             AND (f.workspace_id IS NULL OR f.workspace_id = {w}.id) \
             AND NOT EXISTS (SELECT 1 FROM freeze_breaks b WHERE b.run_id = {r}.id AND b.freeze_id = f.id \
             AND b.ends_at >= open.column2))"
        )
    }
}
