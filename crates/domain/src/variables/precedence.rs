//! Which of several variables of one name a run gets: those of the workspace, of its sets, and of the run itself
//! (resource dictionary, "Variable precedence").

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    fmt,
};

use db::{
    entity::{
        variable::{self, Category},
        variable_set_scope as scope,
    },
    id::VariableId,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{Shown, change};
use crate::{
    Ctx, Error, Granted, In, Result, can,
    row::{Variable, VariableSet, Workspace},
    variable_sets::{self, Applied},
};

/// Where a value comes from. The first one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    PriorityGlobal,
    PriorityOrganizationToProject,
    PriorityOrganizationToWorkspace,
    PriorityProjectToProject,
    PriorityProjectToWorkspace,
    /// What the command line brings along.
    Run,
    Workspace,
    ProjectToWorkspace,
    ProjectToProject,
    OrganizationToWorkspace,
    OrganizationToProject,
    Global,
}

impl Rank {
    /// Of a set that is applied to the workspace itself, to its project, or to both, or is a global one.
    fn of(set: &VariableSet, to_workspace: bool, to_project: bool) -> Self {
        let of_project = set.project_id.is_some();
        if set.is_global {
            return if set.is_priority { Self::PriorityGlobal } else { Self::Global };
        }
        if set.is_priority {
            return match (of_project, to_project) {
                (false, true) => Self::PriorityOrganizationToProject,
                (false, false) => Self::PriorityOrganizationToWorkspace,
                (true, true) => Self::PriorityProjectToProject,
                (true, false) => Self::PriorityProjectToWorkspace,
            };
        }
        match (of_project, to_workspace) {
            (true, true) => Self::ProjectToWorkspace,
            (true, false) => Self::ProjectToProject,
            (false, true) => Self::OrganizationToWorkspace,
            (false, false) => Self::OrganizationToProject,
        }
    }
}

impl Rank {
    /// In words, for a set of this name.
    fn describe(self, set: &str) -> String {
        let how = match self {
            Self::Run => return "the run".to_owned(),
            Self::Workspace => return "this workspace".to_owned(),
            Self::PriorityGlobal => "with priority, for everywhere",
            Self::PriorityOrganizationToProject => "with priority, for the project",
            Self::PriorityOrganizationToWorkspace => "with priority, for this workspace",
            Self::PriorityProjectToProject => "of the project, with priority, for all of it",
            Self::PriorityProjectToWorkspace => "of the project, with priority, for this workspace",
            Self::ProjectToWorkspace => "of the project, for this workspace",
            Self::ProjectToProject => "of the project, for all of it",
            Self::OrganizationToWorkspace => "for this workspace",
            Self::OrganizationToProject => "for the project",
            Self::Global => "for everywhere",
        };
        format!("the set {set}, {how}")
    }
}

/// A variable that the workspace could get.
struct Candidate {
    rank: Rank,
    /// Of its set, which decides between sets of one rank; empty for the workspace's own.
    set_name: String,
    row: Variable,
}

/// All that the workspace could get, the winners first.
async fn candidates(cx: &Ctx, workspace: &Workspace) -> Result<Vec<Candidate>> {
    let sets = variable_sets::applied_to(cx, workspace).await?;
    let ids: Vec<_> = sets.iter().map(|set| &set.id).collect();
    let scopes = scope::Entity::find()
        .filter(scope::Column::VariableSetId.is_in(ids.iter().copied()))
        .filter(variable_sets::scoped_to(workspace))
        .all(cx.read())
        .await?;
    let rows = variable::Entity::find()
        .filter(
            Condition::any()
                .add(variable::Column::WorkspaceId.eq(&workspace.id))
                .add(variable::Column::VariableSetId.is_in(ids)),
        )
        .all(cx.read())
        .await?;
    let sets: HashMap<_, _> = sets
        .into_iter()
        .map(|set| {
            let own = || scopes.iter().filter(|scope| scope.variable_set_id == set.id);
            let to_workspace = own().any(|scope| scope.workspace_id.is_some());
            let to_project = own().any(|scope| scope.project_id.is_some());
            (set.id.clone(), (Rank::of(&set, to_workspace, to_project), set.name))
        })
        .collect();
    let mut candidates: Vec<_> = rows
        .into_iter()
        .filter_map(|row| {
            let (rank, set_name) = match &row.variable_set_id {
                None => (Rank::Workspace, String::new()),
                Some(set) => sets.get(set)?.clone(),
            };
            Some(Candidate { rank, set_name, row })
        })
        .collect();
    candidates
        .sort_by(|a, b| (a.rank, &a.set_name, &a.row.id).cmp(&(b.rank, &b.set_name, &b.row.id)));
    Ok(candidates)
}

/// The variables that are in force in a workspace, by key; each has the id under which it is managed.
pub async fn list_effective(
    cx: &Ctx,
    workspace: &Granted<can::ReadVariables>,
) -> Result<Vec<Shown>> {
    let mut seen = HashSet::new();
    let mut rows: Vec<_> =
        candidates(cx, workspace).await?.into_iter().map(|all| all.row).collect();
    rows.retain(|row| seen.insert((row.category, row.name.clone())));
    rows.sort_by(|a, b| {
        (&a.name, Reverse(a.category.as_str())).cmp(&(&b.name, Reverse(b.category.as_str())))
    });
    Shown::all(cx, rows)
}

/// A variable among all that reach a workspace, used or not.
pub struct Standing {
    pub shown: Shown,
    /// Where it comes from, in words.
    pub from: String,
    /// Where what is used instead comes from.
    pub overwritten_by: Option<String>,
}

/// All that reach a workspace, by name, the one that is used before those that it overwrites.
pub async fn list_standing(
    cx: &Ctx,
    workspace: &Granted<can::ReadVariables>,
) -> Result<Vec<Standing>> {
    let mut winners: HashMap<(Category, String), String> = HashMap::new();
    let mut all = Vec::new();
    for Candidate { rank, set_name, row } in candidates(cx, workspace).await? {
        let from = rank.describe(&set_name);
        let key = (row.category, row.name.clone());
        let overwritten_by = winners.get(&key).cloned();
        winners.entry(key).or_insert_with(|| from.clone());
        all.push(Standing { shown: Shown::new(cx, row)?, from, overwritten_by });
    }
    // A stable sort: within a name the order of precedence stays.
    all.sort_by(|a, b| a.shown.row.name.cmp(&b.shown.row.name));
    Ok(all)
}

/// A variable of a set, and how it stands to others of its name in one workspace.
pub struct Weighed {
    pub shown: Shown,
    /// What is used instead.
    pub overwriter: Option<VariableId>,
    /// What would be used without it.
    pub overwritten: Vec<VariableId>,
}

/// The variables of a set as a workspace gets them, by key.
pub async fn list_in_context(
    cx: &Ctx,
    applied: &Granted<can::ReadVariables, Applied>,
) -> Result<Vec<Weighed>> {
    weigh(cx, applied).await
}

/// One of them.
pub async fn show_in_context(
    cx: &Ctx,
    variable: &Granted<can::ReadVariables, In<Variable, Applied>>,
) -> Result<Weighed> {
    let mut all = weigh(cx, &variable.of).await?;
    let place = all.iter().position(|weighed| weighed.shown.row.id == variable.id);
    Ok(all.swap_remove(place.ok_or(Error::NotFound)?))
}

async fn weigh(cx: &Ctx, applied: &Applied) -> Result<Vec<Weighed>> {
    let candidates = candidates(cx, &applied.workspace).await?;
    let mut rivals: HashMap<_, Vec<VariableId>> = HashMap::new();
    for Candidate { row, .. } in &candidates {
        rivals.entry((row.category, row.name.clone())).or_default().push(row.id.clone());
    }
    let mut weighed = Vec::new();
    for Candidate { row, .. } in candidates {
        if row.variable_set_id.as_ref() != Some(&applied.set.id) {
            continue;
        }
        let rivals = &rivals[&(row.category, row.name.clone())];
        let place = rivals.iter().position(|id| *id == row.id).unwrap_or_default();
        weighed.push(Weighed {
            overwriter: (place > 0).then(|| rivals[0].clone()),
            overwritten: rivals[place + 1..].to_vec(),
            shown: Shown::new(cx, row)?,
        });
    }
    weighed.sort_by(|a, b| a.shown.row.name.cmp(&b.shown.row.name));
    Ok(weighed)
}

/// A variable for a run, with its value in the clear, which is therefore not printed, and sealed where it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct RunVariable {
    pub key: String,
    /// For `hcl` an expression, otherwise the plain string.
    pub value: String,
    pub category: Category,
    pub hcl: bool,
    pub sensitive: bool,
}

impl fmt::Debug for RunVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunVariable").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Refuses a run whose engine could not start, or would do something else: each variable is checked when it is saved,
/// but rows are older than rules, and several together can be too many.
///
/// # Errors
/// Invalid, naming the variable.
pub(crate) async fn check_environment(cx: &Ctx, workspace: &Workspace) -> Result<()> {
    let all = for_run(cx, workspace, Vec::new()).await?;
    let environment = all
        .iter()
        .filter(|variable| variable.category == Category::Environment)
        .map(|variable| (variable.key.as_str(), variable.value.as_str()));
    engine_env::check_all(environment, engine_env::ROOM)
        .map_err(|refusal| Error::invalid_relation("workspace", format!("The value {refusal}.")))
}

/// A variable for one run: the value is an expression in HCL (CLI protocol 3.6).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfRun {
    pub key: String,
    pub value: String,
}

/// What a run gets, in the clear; `own` are those that it brings along.
pub(crate) async fn for_run(
    cx: &Ctx,
    workspace: &Workspace,
    own: Vec<OfRun>,
) -> Result<Vec<RunVariable>> {
    let candidates = candidates(cx, workspace).await?;
    let forced = candidates.partition_point(|candidate| candidate.rank < Rank::Run);
    let mut all = candidates
        .into_iter()
        .map(|Candidate { row, .. }| {
            Ok(RunVariable {
                value: change::clear(cx, &row)?.expose_secret().to_owned(),
                key: row.name,
                category: row.category,
                hcl: row.hcl,
                sensitive: row.sensitive,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let own = own.into_iter().map(|variable| RunVariable {
        key: variable.key,
        value: variable.value,
        category: Category::Terraform,
        hcl: true,
        sensitive: false,
    });
    all.splice(forced..forced, own);
    let mut seen = HashSet::new();
    all.retain(|variable| seen.insert((variable.category, variable.key.clone())));
    Ok(all)
}
