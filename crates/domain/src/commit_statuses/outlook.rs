//! What there is to say of a commit just now, from rows alone.

use std::collections::BTreeMap;

use db::{
    entity::{
        configuration_version, ingress_attribute, organization, phase, repository,
        run::{self, Status as S},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};
use serde::{Deserialize, Serialize};
use vcs::provider::State;

use super::reader::Due;
use crate::{
    Ctx, Result,
    row::{ConfigurationVersion, IngressAttributes, Phase, Repository, Run, Workspace},
};

/// The first part of all names.
const HOUSE: &str = "Statehouse";

/// One status as it has to stand at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    pub context: String,
    pub state: State,
    pub description: String,
    pub url: String,
    pub branch: String,
}

/// The same to be kept and compared.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    state: String,
    description: String,
    url: String,
}

impl Outlook {
    pub fn said(&self) -> Said {
        Said {
            state: format!("{:?}", self.state).to_lowercase(),
            description: self.description.clone(),
            url: self.url.clone(),
        }
    }
}

/// What a plan would do.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    add: i64,
    change: i64,
    destroy: i64,
    import: i64,
}

impl Counts {
    fn of(plan: Option<&Phase>) -> Self {
        let count = |number: fn(&Phase) -> Option<i64>| plan.and_then(number).unwrap_or_default();
        Self {
            add: count(|plan| plan.resource_additions),
            change: count(|plan| plan.resource_changes),
            destroy: count(|plan| plan.resource_destructions),
            import: count(|plan| plan.resource_imports),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            add: self.add + other.add,
            change: self.change + other.change,
            destroy: self.destroy + other.destroy,
            import: self.import + other.import,
        }
    }

    /// To add, change and destroy.
    pub fn numbers(self) -> [i64; 3] {
        [self.add, self.change, self.destroy]
    }

    fn words(self) -> String {
        let Self { add, change, destroy, import } = self;
        if add + change + destroy + import == 0 {
            return "no changes".into();
        }
        let words = format!("{add} to add, {change} to change, {destroy} to destroy");
        if import > 0 { format!("{import} to import, {words}") } else { words }
    }
}

/// How the newest run of a commit is going in one workspace.
pub(super) struct Outcome {
    pub workspace: Workspace,
    pub run: Option<Run>,
    pub plan: Option<Phase>,
    state: State,
    pub what: &'static str,
    pub counts: Counts,
    branch: String,
}

impl Outcome {
    pub fn has_planned(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.status == phase::Status::Finished)
    }
}

pub(super) async fn outlook(cx: &Ctx, of: &Repository, due: &Due) -> Result<Vec<Outlook>> {
    let organization =
        organization::Entity::find_by_id(of.organization_name.clone()).one(cx.read()).await?;
    let Some(organization) = organization else { return Ok(Vec::new()) };
    if let Some(id) = &due.untriggered {
        let found = workspace::Entity::find_by_id(id.clone()).one(cx.read()).await?;
        let wished = organization.passing_statuses_for_untriggered
            && !organization.aggregated_commit_status_enabled;
        return Ok(found.filter(|_| wished).map(|row| passing(cx, &row)).into_iter().collect());
    }
    let outcomes = outcomes(cx, of, &due.commit, None).await?;
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    if organization.aggregated_commit_status_enabled {
        return Ok(vec![aggregated(cx, of, &outcomes).await?]);
    }
    Ok(outcomes.iter().map(|outcome| alone(cx, outcome)).collect())
}

fn passing(cx: &Ctx, row: &Workspace) -> Outlook {
    let (organization, name) = (&row.organization_name, &row.name);
    Outlook {
        context: format!("{HOUSE}/{organization}/{name}"),
        state: State::Success,
        description: "No file of this workspace has changed.".into(),
        url: cx.url(format_args!("/app/{organization}/workspaces/{name}")),
        branch: String::new(),
    }
}

/// One for each workspace, by name: that of its newest configuration, of one pull request if that is named.
pub(super) async fn outcomes(
    cx: &Ctx,
    of: &Repository,
    commit: &str,
    pull: Option<i64>,
) -> Result<Vec<Outcome>> {
    let mut rows = ingress_attribute::Entity::find()
        .filter(ingress_attribute::Column::RepositoryId.eq(&of.id))
        .filter(ingress_attribute::Column::CommitSha.eq(commit))
        .filter(ingress_attribute::Column::Kind.ne(ingress_attribute::Kind::Head));
    if let Some(number) = pull {
        rows = rows.filter(ingress_attribute::Column::PullRequestNumber.eq(number));
    }
    let rows = rows
        .order_by_asc(ingress_attribute::Column::HappenedAt)
        .order_by_asc(ingress_attribute::Column::Id)
        .all(cx.read())
        .await?;
    let newest: BTreeMap<_, IngressAttributes> =
        rows.into_iter().map(|row| (row.workspace_id.clone(), row)).collect();
    let mut found = Vec::new();
    for (id, ingress) in newest {
        let workspace = workspace::Entity::find_by_id(id).one(cx.read()).await?;
        let configuration =
            configuration_version::Entity::find_by_id(ingress.configuration_version_id.clone());
        let configuration = configuration.one(cx.read()).await?;
        let (Some(workspace), Some(configuration)) = (workspace, configuration) else { continue };
        found.push(outcome(cx, workspace, &configuration, ingress.branch).await?);
    }
    found.sort_by(|one, other| one.workspace.name.cmp(&other.workspace.name));
    Ok(found)
}

async fn outcome(
    cx: &Ctx,
    workspace: Workspace,
    configuration: &ConfigurationVersion,
    branch: String,
) -> Result<Outcome> {
    let run = run::Entity::find()
        .filter(run::Column::ConfigurationVersionId.eq(&configuration.id))
        .order_by_desc(run::Column::Number)
        .one(cx.read())
        .await?;
    let plan = match &run {
        Some(run) => {
            phase::Entity::find_by_id(run.plan_id.as_str().to_owned()).one(cx.read()).await?
        }
        None => None,
    };
    let is_errored = configuration.status == configuration_version::Status::Errored;
    let (state, what) = match &run {
        _ if is_errored => (State::Failure, "could not be fetched"),
        Some(run) => state_of(run),
        None => (State::Pending, "waiting"),
    };
    let counts = Counts::of(plan.as_ref());
    Ok(Outcome { workspace, run, plan, state, what, counts, branch })
}

/// A good plan followed by a failed apply is told of the branch alone: a pull request has no apply.
fn state_of(run: &Run) -> (State, &'static str) {
    match run.status {
        S::Planned | S::PostPlanCompleted | S::CostEstimated | S::PolicyChecked
            if !run.auto_apply =>
        {
            (State::Success, "planned")
        }
        S::PlannedAndFinished | S::PlannedAndSaved => (State::Success, "planned"),
        S::Applied => (State::Success, "applied"),
        S::Errored => (State::Failure, "failed"),
        S::PolicySoftFailed => (State::Failure, "stopped by policies"),
        // Nobody's name: a newer commit has come.
        S::Canceled | S::ForceCanceled if run.canceled_by_id.is_none() => {
            (State::Canceled, "canceled for a newer commit")
        }
        S::Canceled | S::ForceCanceled => (State::Canceled, "canceled"),
        S::Discarded => (State::Canceled, "discarded"),
        S::PolicyOverride | S::PostPlanAwaitingDecision => {
            (State::Pending, "waiting for a decision about policies")
        }
        S::Confirmed
        | S::PreApplyRunning
        | S::PreApplyCompleted
        | S::QueuingApply
        | S::ApplyQueued
        | S::Applying
        | S::PostApplyRunning
        | S::PostApplyCompleted => (State::Pending, "applying"),
        S::Pending | S::Fetching | S::FetchingCompleted => (State::Pending, "waiting"),
        _ => (State::Pending, "planning"),
    }
}

fn alone(cx: &Ctx, of: &Outcome) -> Outlook {
    let (organization, name) = (&of.workspace.organization_name, &of.workspace.name);
    let what = sentence(of.what);
    let description = match of.state {
        State::Success => format!("{what}: {}", of.counts.words()),
        _ => what,
    };
    Outlook {
        context: format!("{HOUSE}/{organization}/{name}"),
        state: of.state,
        description,
        url: link(cx, of),
        branch: of.branch.clone(),
    }
}

pub(super) fn link(cx: &Ctx, of: &Outcome) -> String {
    let (organization, name) = (&of.workspace.organization_name, &of.workspace.name);
    match &of.run {
        Some(run) => cx.url(format_args!("/app/{organization}/workspaces/{name}/runs/{}", run.id)),
        None => cx.url(format_args!("/app/{organization}/workspaces/{name}")),
    }
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}", rest.as_str())
}

/// What is to be looked at first decides: what is under way, then what failed, then what was given up.
async fn aggregated(cx: &Ctx, of: &Repository, all: &[Outcome]) -> Result<Outlook> {
    let any = |state: State| all.iter().any(|one| one.state == state);
    let state = [State::Pending, State::Failure, State::Canceled, State::Success];
    let state = state.into_iter().find(|state| any(*state)).unwrap_or(State::Success);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for one in all {
        *numbers.entry(one.what).or_default() += 1;
    }
    let counts = all
        .iter()
        .filter(|one| one.state == State::Success)
        .fold(Counts::default(), |sum, one| sum.plus(one.counts));
    let parts: Vec<String> =
        numbers.iter().map(|(what, number)| format!("{number} {what}")).collect();
    let mut description = parts.join(", ");
    if any(State::Success) {
        description = format!("{description}: {}", counts.words());
    }
    let url = match all {
        [one] => link(cx, one),
        _ => cx.url(format_args!("/app/{}/runs", of.organization_name)),
    };
    // Connected twice, it has two statuses.
    let connections = repository::Entity::find()
        .filter(repository::Column::OrganizationName.eq(&of.organization_name))
        .filter(repository::Column::Identifier.eq(&of.identifier))
        .count(cx.read())
        .await?;
    let mut context = format!("{HOUSE}/{}", of.organization_name);
    if connections > 1 {
        context = format!("{context}/{}", of.connection);
    }
    let branch = all.first().map(|one| one.branch.clone()).unwrap_or_default();
    Ok(Outlook { context, state, description: sentence(&description), url, branch })
}
