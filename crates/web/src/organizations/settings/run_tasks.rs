//! The services that are asked about the runs of an organization: those that workspaces may have, and those that all have.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, can,
    entity::{run_task::Enforcement, task_stage::Stage},
    row::{Organization, RunTask},
    run_tasks::{self, CATEGORY, Change, Global},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Part, here};
use crate::{
    components::{
        About, Button, Check, Control, Head, Icon, Kind, Look, Panel, Secret, Select, Sheet, Table,
        Text, Tone, action, badge, count, empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked},
    guard::May,
    visitor::SignedIn,
};

const MOST: u64 = 1_000;
pub const LEVELS: [(&str, &str); 2] =
    [("advisory", "Advisory: the run goes on"), ("mandatory", "Mandatory: the run ends")];

fn at(organization: &str) -> String {
    format!("{}/run-tasks", here(organization))
}

/// The stages that are ticked, one box each.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Stages {
    pre_plan: Ticked,
    post_plan: Ticked,
    pre_apply: Ticked,
    post_apply: Ticked,
}

impl Stages {
    pub fn of(stages: &[Stage]) -> Self {
        let has = |stage| Ticked(stages.contains(&stage));
        Self {
            pre_plan: has(Stage::PrePlan),
            post_plan: has(Stage::PostPlan),
            pre_apply: has(Stage::PreApply),
            post_apply: has(Stage::PostApply),
        }
    }

    pub fn ticked(self) -> Vec<Stage> {
        let all = [
            (self.pre_plan, Stage::PrePlan),
            (self.post_plan, Stage::PostPlan),
            (self.pre_apply, Stage::PreApply),
            (self.post_apply, Stage::PostApply),
        ];
        all.into_iter().filter(|(is_on, _)| is_on.0).map(|(_, stage)| stage).collect()
    }

    pub fn checks(self) -> [Check<'static>; 4] {
        let check = |name, label, is_on: Ticked| Check {
            about: About { name, label, ..About::default() },
            is_on: is_on.0,
            must: false,
        };
        [
            check("pre_plan", "Before the plan", self.pre_plan),
            check("post_plan", "After the plan", self.post_plan),
            check("pre_apply", "Before the apply", self.pre_apply),
            check("post_apply", "After the apply", self.post_apply),
        ]
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: String,
    url: String,
    description: String,
    hmac_key: String,
    enabled: Ticked,
    global: Ticked,
    #[serde(flatten)]
    stages: Stages,
    enforcement_level: String,
}

impl Input {
    fn blank() -> Self {
        Self { enabled: Ticked(true), ..Self::default() }
    }

    fn of(row: &RunTask) -> Self {
        Self {
            name: row.name.clone(),
            url: row.url.clone(),
            description: row.description.clone().unwrap_or_default(),
            hmac_key: String::new(),
            enabled: Ticked(row.enabled),
            global: Ticked(row.global_enabled),
            stages: Stages::of(&row.global_stages),
            enforcement_level: row.global_enforcement_level.to_string(),
        }
    }

    /// An empty key is the one that there is.
    fn wanted(&self) -> Change {
        Change {
            name: Some(self.name.trim().to_owned()),
            description: Some(
                Some(self.description.trim().to_owned()).filter(|text| !text.is_empty()),
            ),
            url: Some(self.url.trim().to_owned()),
            category: Some(CATEGORY.to_owned()),
            hmac_key: (!self.hmac_key.is_empty()).then(|| Some(self.hmac_key.clone().into())),
            enabled: Some(self.enabled.0),
            global: Global {
                enabled: Some(self.global.0),
                stages: Some(self.stages.ticked()),
                enforcement_level: self.enforcement_level.parse().ok(),
            },
        }
    }

    fn sheet(&self, id: &str, to: &str, visitor: &SignedIn, wrong: Option<&Wrong>) -> Markup {
        let about = |name, label, hint, optional| About { name, label, hint, optional };
        let name = Text {
            about: about("name", "Name", Some("Letters, numbers, - and _."), false),
            value: &self.name,
            mono: true,
            ..Text::default()
        };
        let hint = "Is sent a request whenever it is asked, and one for a trial now.";
        let url = Text {
            about: about("url", "Address", Some(hint), false),
            kind: Kind::Url,
            value: &self.url,
            ..Text::default()
        };
        let description = Text {
            about: about("description", "Description", None, true),
            value: &self.description,
            ..Text::default()
        };
        let hint = "Requests are signed with it. Nobody reads it again; empty leaves it as it is.";
        let key = Secret {
            about: about("hmac-key", "Key", Some(hint), true),
            autocomplete: "new-password",
        };
        let enabled = Check {
            about: about("enabled", "It is asked", None, true),
            is_on: self.enabled.0,
            must: false,
        };
        let hint = "Otherwise in those that have it, as their settings say.";
        let global = Check {
            about: about("global", "In every workspace of the organization", Some(hint), true),
            is_on: self.global.0,
            must: false,
        };
        let checks = self.stages.checks();
        let level = Select {
            about: about(
                "enforcement-level",
                "When it is against a run in every workspace",
                None,
                true,
            ),
            choices: &LEVELS,
            value: &self.enforcement_level,
        };
        let mut controls: Vec<&dyn Control> =
            vec![&name, &url, &description, &key, &enabled, &global];
        controls.extend(checks.iter().map(|check| check as &dyn Control));
        controls.push(&level);
        Sheet {
            id,
            action: to,
            token: &visitor.form_token(),
            wrong,
            hidden: &[],
            controls: &controls,
            send: Button { label: "Save the run task", ..Button::default() },
        }
        .render()
    }
}

pub async fn show(organization: May<can::ReadRunTasks>) -> Result<Markup> {
    draw(&organization.visitor, &organization, &Input::blank(), None).await
}

pub async fn create(
    organization: May<can::ManageRunTasks>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    match run_tasks::create(&visitor.cx, &organization, input.wanted()).await {
        Ok(_) => Ok(Redirect::to(&at(&organization.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable = visitor.organization::<can::ReadRunTasks>(&organization.name).await?;
            Ok(wrong.shown_in(draw(visitor, &readable, &input, Some(&wrong)).await?))
        }
    }
}

pub async fn edit(task: May<can::ManageRunTasks, In<RunTask, Organization>>) -> Result<Markup> {
    edit_page(&task.visitor, &task, &Input::of(&task.row), None).await
}

pub async fn save(
    task: May<can::ManageRunTasks, In<RunTask, Organization>>,
    Form(input): Form<Input>,
) -> Result<Response> {
    match run_tasks::update(&task.visitor.cx, &task, input.wanted()).await {
        Ok(_) => Ok(Redirect::to(&at(&task.of.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(edit_page(&task.visitor, &task, &input, Some(&wrong)).await?))
        }
    }
}

pub async fn delete(
    task: May<can::ManageRunTasks, In<RunTask, Organization>>,
    _: Press,
) -> Result<Response> {
    match run_tasks::delete(&task.visitor.cx, &task).await {
        Ok(()) => Ok(Redirect::to(&at(&task.of.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let input = Input::of(&task.row);
            Ok(wrong.shown_in(edit_page(&task.visitor, &task, &input, Some(&wrong)).await?))
        }
    }
}

async fn edit_page(
    visitor: &SignedIn,
    task: &In<RunTask, Organization>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let to = format!("{}/{}", at(&task.of.name), task.row.id);
    let delete = Button {
        label: "Delete the run task",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let deletion = html! {
        p { "Only one that no workspace has can be deleted." }
        (action(&format!("{to}/delete"), &visitor.form_token(), &delete))
    };
    let title = format!("The run task {}", task.row.name);
    let content = html! {
        (Panel { id: "o-task", title: &title, content: input.sheet("task", &to, visitor, wrong), ..Panel::default() })
        (Panel { id: "o-delete", title: "Delete it", content: deletion, is_risk: true, ..Panel::default() })
    };
    super::draw(visitor, &task.of, Part::RunTasks, &content).await
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadRunTasks>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::ManageRunTasks>(organization);
    let list = run_tasks::list(cx, organization, Paging { number: 1, size: MOST }).await?;
    let to = at(&organization.name);
    let row = |task: &RunTask| {
        let (tone, sign, word) = match (task.enabled, task.global_enabled) {
            (false, _) => (Tone::Neutral, Icon::StStop, "not asked"),
            (true, false) => (Tone::Good, Icon::StGood, "where attached"),
            (true, true) => (Tone::Good, Icon::StGood, "everywhere"),
        };
        let level = if task.global_enabled { Some(task.global_enforcement_level) } else { None };
        vec![
            html! {
                @if manages { a href={ (to) "/" (task.id) } { (task.name) } } @else { (task.name) }
                @if let Some(text) = &task.description { span.under { (text) } }
            },
            html! { code { (task.url) } },
            html! {
                (badge(tone, sign, word))
                @if let Some(level) = level { span.under { (level) } }
            },
        ]
    };
    let heads = [Head::new("Run task"), Head::new("Address"), Head::new("Asked")];
    let rows = list.items.iter().map(row).collect();
    let table = if list.items.is_empty() {
        let text = "A service of yours, or of somebody else's, that is asked about runs.";
        html! { div.in { (empty(Icon::Shield, "No run tasks yet", text, &html! {})) } }
    } else {
        Table { caption: "Run tasks", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    let content = html! {
        (Panel { id: "o-tasks", title: "Run tasks", beside, content: table, is_table: true, is_risk: false })
        @if manages {
            (Panel { id: "o-task", title: "New run task", content: input.sheet("task", &to, visitor, wrong), ..Panel::default() })
        } @else {
            p.hint { "Whoever manages the run tasks of " (organization.name) " can change these." }
        }
    };
    super::draw(visitor, organization, Part::RunTasks, &content).await
}

/// What is chosen of the levels.
pub fn level(word: &str) -> Option<Enforcement> {
    word.parse().ok()
}
