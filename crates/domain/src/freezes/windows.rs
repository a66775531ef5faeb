//! Which windows a moment is in, and whose applies they hold up.

use db::{
    entity::{
        freeze, freeze_break,
        run::{self, Status},
    },
    id::{ProjectId, WorkspaceId},
    sea_orm::{
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait, Select, Value,
    },
};

use crate::{
    Ctx, Result, Timestamp,
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

/// The window that this moment is in, together with those that follow it without a pause.
async fn frozen(
    db: &impl ConnectionTrait,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<Option<Frozen>> {
    use freeze::Column as C;
    let everywhere = Condition::all().add(C::ProjectId.is_null()).add(C::WorkspaceId.is_null());
    let here = Condition::any()
        .add(everywhere)
        .add(C::ProjectId.eq(&workspace.project_id))
        .add(C::WorkspaceId.eq(&workspace.id));
    let all = freeze::Entity::find()
        .filter(C::OrganizationName.eq(&workspace.organization_name))
        .filter(here)
        .order_by_asc(C::CreatedAt)
        .all(db)
        .await?;
    let at = |moment: Timestamp| {
        let windows = all.iter().filter_map(|row| Some((row, until(row, moment)?)));
        windows.max_by_key(|(_, until)| *until)
    };
    let Some((row, mut end)) = at(now) else { return Ok(None) };
    for _ in 0..CHAIN {
        match at(end) {
            Some((_, later)) if later > end => end = later,
            _ => break,
        }
    }
    Ok(Some(Frozen { name: row.name.clone(), until: end }))
}

/// The same for a run, unless somebody has let it through.
pub(crate) async fn holds_up(
    db: &impl ConnectionTrait,
    run: &Run,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<Option<Frozen>> {
    let Some(frozen) = frozen(db, workspace, now).await? else { return Ok(None) };
    let broken = freeze_break::Entity::find_by_id(run.id.clone()).one(db).await?;
    Ok(if broken.is_some() { None } else { Some(frozen) })
}

/// Where nothing is applied at this moment, as far as somebody waits there.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    organizations: Vec<String>,
    projects: Vec<ProjectId>,
    workspaces: Vec<WorkspaceId>,
}

/// For those who ask about all runs, whatever holds them up.
pub(crate) static NOWHERE: Closed =
    Closed { organizations: Vec::new(), projects: Vec::new(), workspaces: Vec::new() };

impl Closed {
    /// Read without a lock: whoever lets something begin looks at its freezes again.
    pub async fn now(cx: &Ctx) -> Result<Self> {
        let rows = Self::query().all(cx.read()).await?;
        let mut closed = Self::default();
        for row in rows.into_iter().filter(|row| until(row, cx.now()).is_some()) {
            match (row.project_id, row.workspace_id) {
                (_, Some(workspace)) => closed.workspaces.push(workspace),
                (Some(project), None) => closed.projects.push(project),
                (None, None) => closed.organizations.push(row.organization_name),
            }
        }
        Ok(closed)
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
        self.organizations.is_empty() && self.projects.is_empty() && self.workspaces.is_empty()
    }

    /// In SQL, whether a run called `r` in a workspace called `w` is held up. What it compares with goes behind `values`.
    pub fn holds_up(&self, r: &str, w: &str, values: &mut Vec<Value>) -> String {
        let mut within = Vec::new();
        let mut add = |column: &str, names: Vec<Value>| {
            if names.is_empty() {
                return;
            }
            let first = values.len() + 1;
            let places: Vec<_> = (first..first + names.len()).map(|at| format!("${at}")).collect();
            within.push(format!("{w}.{column} IN ({})", places.join(", ")));
            values.extend(names);
        };
        add("organization_name", self.organizations.iter().map(Value::from).collect());
        add("project_id", self.projects.iter().map(Value::from).collect());
        add("id", self.workspaces.iter().map(Value::from).collect());
        if within.is_empty() {
            return "1 = 0".to_owned();
        }
        format!(
            "(({}) AND NOT EXISTS (SELECT 1 FROM freeze_breaks b WHERE b.run_id = {r}.id))",
            within.join(" OR ")
        )
    }
}
