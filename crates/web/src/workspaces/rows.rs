//! Workspaces as rows of a table: how each stands, and what happened last.

use std::collections::{BTreeSet, HashMap};

use domain::{
    In, accounts, assessments,
    id::{AssessmentResultId, ProjectId, RunId, UserId},
    projects,
    row::{AssessmentResult, Run, Workspace},
    runs,
    workspaces::{self, Details},
};
use maud::{Markup, html};

use super::path;
use crate::{
    components::{Head, Icon, Size, Table, icon_small, run_status, time},
    failure::Result,
    health,
    query::address,
    visitor::SignedIn,
};

/// What stands above; lists that can be sorted say where.
#[derive(Debug)]
pub struct Heads<'a>(Vec<Head<'a>>);

impl Heads<'_> {
    pub fn plain() -> Self {
        Self::sorted(None, None)
    }

    /// By the heads of the name and of the time.
    pub fn sorted(
        name: Option<(String, Option<&'static str>)>,
        time: Option<(String, Option<&'static str>)>,
    ) -> Self {
        Self(vec![
            Head { sort: name, ..Head::new("Workspace") },
            Head::new("Run"),
            Head::new("Project"),
            Head::new("Last run"),
            Head { sort: time, ..Head::number("Changed") },
            Head::number("Resources"),
            Head::new("Tags"),
        ])
    }
}

struct Around {
    runs: HashMap<RunId, In<Run>>,
    people: HashMap<UserId, String>,
    projects: HashMap<ProjectId, String>,
    health: HashMap<AssessmentResultId, AssessmentResult>,
}

pub async fn table(
    visitor: &SignedIn,
    workspaces: Vec<Workspace>,
    heads: &Heads<'_>,
) -> Result<Markup> {
    let around = around(visitor, &workspaces).await?;
    let details = workspaces::details(&visitor.cx, workspaces).await?;
    let rows = details.iter().map(|one| row(one, &around)).collect();
    let table = Table { caption: "Workspaces", heads: &heads.0, rows };
    Ok(html! { (table) })
}

/// One query for each kind of thing.
async fn around(visitor: &SignedIn, workspaces: &[Workspace]) -> Result<Around> {
    let cx = &visitor.cx;
    let named = |row: &Workspace| [row.current_run_id.clone(), row.latest_run_id.clone()];
    let ids: BTreeSet<RunId> = workspaces.iter().flat_map(named).flatten().collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let runs: HashMap<RunId, In<Run>> =
        runs::load(cx, &ids).await?.into_iter().map(|run| (run.row.id.clone(), run)).collect();
    let people = people(visitor, runs.values()).await?;
    let ids: BTreeSet<_> = workspaces.iter().map(|row| row.project_id.clone()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let projects = projects::load(cx, &ids).await?;
    let projects = projects.into_iter().map(|row| (row.id, row.name)).collect();
    let health = assessments::results_of(cx, workspaces).await?;
    let health = health.into_iter().map(|row| (row.id.clone(), row)).collect();
    Ok(Around { runs, people, projects, health })
}

/// The names of those who started these runs.
pub async fn people<'r>(
    visitor: &SignedIn,
    runs: impl IntoIterator<Item = &'r In<Run>>,
) -> Result<HashMap<UserId, String>> {
    let ids: BTreeSet<UserId> =
        runs.into_iter().filter_map(|run| run.created_by_id.clone()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let users = accounts::load(&visitor.cx, &ids).await?;
    Ok(users.into_iter().map(|user| (user.id, user.username)).collect())
}

fn row(details: &Details, around: &Around) -> Vec<Markup> {
    let workspace = &details.workspace;
    let organization = &workspace.organization_name;
    let list = crate::organizations::path(organization);
    let project = around.projects.get(&workspace.project_id);
    vec![
        html! {
            span class="row tightrow" {
                a href=(path(workspace)) { (workspace.name) }
                @if workspace.lock_kind.is_some() {
                    span title="Locked" { (icon_small(Icon::Lock)) span.unseen { "locked" } }
                }
                (warning(workspace, around))
            }
        },
        status(workspace, &around.runs),
        html! {
            @if let Some(name) = project {
                a.quietlink href=(address(&list, &[("project", workspace.project_id.as_str())])) { (name) }
            }
        },
        last_run(workspace, around),
        time(workspace.latest_change_at),
        html! { (workspace.resource_count) },
        html! {
            @if !details.tag_names.is_empty() {
                span.tags {
                    @for tag in &details.tag_names {
                        a.tag href=(address(&list, &[("tag", tag)])) { (tag) }
                    }
                }
            }
        },
    ]
}

/// Where its last assessment has found something.
fn warning(workspace: &Workspace, around: &Around) -> Markup {
    let result = workspace.current_assessment_result_id.as_ref();
    match result.and_then(|id| around.health.get(id)) {
        Some(result) if health::is_ill(result) => {
            html! { a.quietlink href={ (path(workspace)) "/health" } { (health::badge_of(result)) } }
        }
        _ => html! {},
    }
}

fn last_run(workspace: &Workspace, around: &Around) -> Markup {
    let run = workspace.latest_run_id.as_ref().and_then(|id| around.runs.get(id));
    html! {
        @if let Some(run) = run {
            span.cut { a.quietlink href=(crate::runs::path(run)) { (run.message) } }
            @if let Some(name) = run.created_by_id.as_ref().and_then(|id| around.people.get(id)) {
                span.under { (name) }
            }
        }
    }
}

/// A plan-only run never becomes the current one, and is what somebody who just made it looks for.
fn status(workspace: &Workspace, runs: &HashMap<RunId, In<Run>>) -> Markup {
    let named = |id: &Option<RunId>| id.as_ref().and_then(|id| runs.get(id));
    let current = named(&workspace.current_run_id);
    let beside = named(&workspace.latest_run_id)
        .filter(|run| run.plan_only && Some(&run.id) != current.map(|run| &run.id));
    html! {
        @if let Some(run) = current { (run_status(run.status, Size::Bare)) }
        @if let Some(run) = beside {
            " " a.quietlink href=(crate::runs::path(run)) { "plan only: " (run_status(run.status, Size::Bare)) }
        }
        @if current.is_none() && beside.is_none() { span.faint { "no runs" } }
    }
}
