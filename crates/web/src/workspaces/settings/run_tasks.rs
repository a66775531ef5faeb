//! Which services are asked about the runs of a workspace, in which stages, and what follows from what they say.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, can,
    id::RunTaskId,
    organizations,
    row::{Organization, RunTask, Workspace, WorkspaceTask},
    run_tasks,
    workspace_tasks::{self, Change},
    workspaces,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{
        About, Button, Choice, Control, Head, Icon, Look, Panel, Select, Sheet, Table, action,
        count, empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    guard::{May, Named},
    organizations::run_tasks::{LEVELS, Stages, level},
    runs::stage_name,
    visitor::SignedIn,
};

const MOST: u64 = 1_000;

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/run-tasks", path(workspace))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    task: String,
    #[serde(flatten)]
    stages: Stages,
    enforcement_level: String,
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, &Input::default(), None).await
}

type Naming = Named<can::ReadRunTasks, In<RunTask, Organization>, can::ManageWorkspaceTasks>;

pub async fn add(named: Naming, Form(input): Form<Input>) -> Result<Response> {
    let workspace = &named.base;
    let visitor = &workspace.visitor;
    match made(&named, &input).await {
        Ok(()) => Ok(Redirect::to(&here(workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let found = workspaces::find(&visitor.cx, &workspace.id).await?;
            let readable = visitor.cx.check::<can::ReadWorkspace, _>(found)?;
            Ok(wrong.shown_in(draw(visitor, &readable, &input, Some(&wrong)).await?))
        }
    }
}

async fn made(named: &Naming, input: &Input) -> domain::Result<()> {
    let cx = &named.base.visitor.cx;
    let none = || domain::Error::invalid("task", "There is no such run task.");
    let id: RunTaskId = input.task.parse().map_err(|_| none())?;
    let found = run_tasks::find(cx, &id).await.and_then(|found| named.check(found));
    let task = found.map_err(|error| match error {
        domain::Error::NotFound => none(),
        other => other,
    })?;
    let change = Change {
        stages: Some(input.stages.ticked()),
        enforcement_level: level(&input.enforcement_level),
    };
    workspace_tasks::create(cx, &named.base, &task, change).await.map(drop)
}

pub async fn edit(attached: May<can::ManageWorkspaceTasks, In<WorkspaceTask>>) -> Result<Markup> {
    let input = Input {
        task: String::new(),
        stages: Stages::of(&attached.row.stages),
        enforcement_level: attached.row.enforcement_level.to_string(),
    };
    edit_page(&attached.visitor, &attached, &input, None).await
}

pub async fn save(
    attached: May<can::ManageWorkspaceTasks, In<WorkspaceTask>>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let change = Change {
        stages: Some(input.stages.ticked()),
        enforcement_level: level(&input.enforcement_level),
    };
    match workspace_tasks::update(&attached.visitor.cx, &attached, change).await {
        Ok(_) => Ok(Redirect::to(&here(&attached.of)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = edit_page(&attached.visitor, &attached, &input, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn edit_page(
    visitor: &SignedIn,
    attached: &In<WorkspaceTask>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let tasks = tasks(visitor, &attached.of).await?;
    let name = name_of(&attached.row, &tasks);
    let checks = input.stages.checks();
    let level = against(&input.enforcement_level);
    let mut controls: Vec<&dyn Control> = checks.iter().map(|check| check as _).collect();
    controls.push(&level);
    let to = format!("{}/{}", here(&attached.of), attached.row.id);
    let sheet = Sheet {
        id: "task",
        action: &to,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save", ..Button::default() },
    };
    let title = format!("When {name} is asked");
    let content =
        Panel { id: "s-task", title: &title, content: sheet.render(), ..Panel::default() }.render();
    super::draw(visitor, &attached.of, Setting::RunTasks, &content).await
}

fn name_of(attached: &WorkspaceTask, tasks: &[RunTask]) -> String {
    let task = tasks.iter().find(|task| task.id == attached.run_task_id);
    task.map_or_else(|| attached.run_task_id.to_string(), |task| task.name.clone())
}

fn against(level: &str) -> Select<'_> {
    Select {
        about: About {
            name: "enforcement-level",
            label: "When it is against a run",
            ..About::default()
        },
        choices: &LEVELS,
        value: level,
    }
}

pub async fn remove(
    attached: May<can::ManageWorkspaceTasks, In<WorkspaceTask>>,
    _: Press,
) -> Result<Redirect> {
    workspace_tasks::delete(&attached.visitor.cx, &attached).await?;
    Ok(Redirect::to(&here(&attached.of)))
}

async fn tasks(visitor: &SignedIn, workspace: &Workspace) -> Result<Vec<RunTask>> {
    let cx = &visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    // Whoever is in a workspace of it need not be in the organization.
    let Ok(granted) = cx.check::<can::ReadRunTasks, _>(found) else { return Ok(Vec::new()) };
    Ok(run_tasks::list(cx, &granted, Paging { number: 1, size: MOST }).await?.items)
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadWorkspace>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::ManageWorkspaceTasks>(workspace);
    let list = workspace_tasks::list(cx, workspace, Paging { number: 1, size: MOST }).await?;
    let tasks = tasks(visitor, workspace).await?;
    let row = |attached: &WorkspaceTask| {
        let name = name_of(attached, &tasks);
        let remove = Button {
            label: "Remove",
            look: Look::Danger,
            small: true,
            about: Some(&name),
            ..Button::default()
        };
        let one = format!("{}/{}", here(workspace), attached.id);
        let to = format!("{one}/delete");
        let stages: Vec<_> = attached.stages.iter().map(|stage| stage_name(*stage)).collect();
        vec![
            html! { @if manages { a href=(one) { (name) } } @else { (name) } },
            html! { (stages.join(", ")) },
            html! { (attached.enforcement_level) },
            html! { @if manages { (action(&to, &visitor.form_token(), &remove)) } },
        ]
    };
    let heads =
        [Head::new("Run task"), Head::new("Asked"), Head::new("Level"), Head::unseen("Actions")];
    let rows = list.items.iter().map(row).collect();
    let table = if list.items.is_empty() {
        let text = "Those that are asked in every workspace are settings of the organization.";
        html! { div.in { (empty(Icon::Shield, "None of its own", text, &html! {})) } }
    } else {
        Table { caption: "Run tasks", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    let everywhere: Vec<_> = tasks
        .iter()
        .filter(|task| task.enabled && task.global_enabled)
        .map(|task| task.name.as_str())
        .collect();
    let content = html! {
        (Panel { id: "s-tasks", title: "Run tasks", beside, content: table, is_table: true, is_risk: false })
        @if !everywhere.is_empty() { p.hint { "Asked in every workspace: " (everywhere.join(", ")) "." } }
        @if manages && !tasks.is_empty() { (form(visitor, workspace, &tasks, input, wrong)) }
        @else if !manages { p.hint { "Whoever manages the run tasks of " (workspace.name) " can change these." } }
    };
    super::draw(visitor, workspace, Setting::RunTasks, &content).await
}

fn form(
    visitor: &SignedIn,
    workspace: &Workspace,
    tasks: &[RunTask],
    input: &Input,
    wrong: Option<&Wrong>,
) -> Markup {
    let choices: Vec<Choice<'_>> =
        tasks.iter().map(|task| (task.id.as_str(), task.name.as_str())).collect();
    let task = Select {
        about: About { name: "task", label: "Run task", ..About::default() },
        choices: &choices,
        value: &input.task,
    };
    let checks = input.stages.checks();
    let level = against(&input.enforcement_level);
    let mut controls: Vec<&dyn Control> = vec![&task];
    controls.extend(checks.iter().map(|check| check as &dyn Control));
    controls.push(&level);
    let sheet = Sheet {
        id: "task",
        action: &here(workspace),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Add the run task", icon: Some(Icon::Plus), ..Button::default() },
    };
    Panel { id: "s-task", title: "Ask another", content: sheet.render(), ..Panel::default() }
        .render()
}
