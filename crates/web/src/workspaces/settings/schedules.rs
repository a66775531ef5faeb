//! Runs of a workspace by the calendar.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, can,
    entity::run_schedule::Kind as What,
    row::{RunSchedule, Workspace},
    run_schedules::{self, Change},
    workspaces,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{
        About, Button, Check, Control, Head, Icon, Look, Panel, Select, Sheet, Table, Text, Tone,
        action, badge, count, empty, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked},
    guard::May,
    visitor::SignedIn,
};

const MOST: Paging = Paging { number: 1, size: 100 };
const KINDS: [(&str, &str); 3] = [
    ("plan", "Only plan"),
    ("refresh-only", "Only refresh the state"),
    ("apply", "Plan and apply"),
];

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/schedules", path(workspace))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    kind: String,
    cron: String,
    time_zone: String,
    message: String,
    enabled: Ticked,
}

impl Input {
    fn blank() -> Self {
        Self { time_zone: "UTC".into(), enabled: Ticked(true), ..Self::default() }
    }

    fn of(row: &RunSchedule) -> Self {
        Self {
            kind: row.kind.to_string(),
            cron: row.cron.clone(),
            time_zone: row.time_zone.clone(),
            message: row.message.clone(),
            enabled: Ticked(row.enabled),
        }
    }

    fn wanted(&self) -> domain::Result<Change> {
        let kind: What = self
            .kind
            .parse()
            .map_err(|_| domain::Error::invalid("kind", "is none that there is"))?;
        Ok(Change {
            kind: Some(kind),
            cron: Some(self.cron.trim().to_owned()),
            time_zone: Some(self.time_zone.trim().to_owned()),
            message: Some(self.message.trim().to_owned()),
            enabled: Some(self.enabled.0),
        })
    }

    fn sheet(&self, to: &str, visitor: &SignedIn, wrong: Option<&Wrong>) -> Markup {
        let about = |name, label, hint, optional| About { name, label, hint, optional };
        let kind = Select {
            about: about("kind", "What its runs do", None, false),
            choices: &KINDS,
            value: &self.kind,
        };
        let hint = "Minute, hour, day of the month, month, day of the week: 30 6 * * mon-fri.";
        let cron = Text {
            about: about("cron", "When", Some(hint), false),
            value: &self.cron,
            mono: true,
            ..Text::default()
        };
        let zone = Text {
            about: about("time-zone", "Time zone", Some("Such as Europe/Vienna, or UTC."), false),
            value: &self.time_zone,
            mono: true,
            ..Text::default()
        };
        let message = Text {
            about: about("message", "Message of its runs", None, true),
            value: &self.message,
            ..Text::default()
        };
        let enabled = Check {
            about: about("enabled", "It queues runs", None, true),
            is_on: self.enabled.0,
            must: false,
        };
        let controls: [&dyn Control; 5] = [&kind, &cron, &zone, &message, &enabled];
        Sheet {
            id: "schedule",
            action: to,
            token: &visitor.form_token(),
            wrong,
            hidden: &[],
            controls: &controls,
            send: Button { label: "Save the schedule", ..Button::default() },
        }
        .render()
    }
}

pub async fn show(workspace: May<can::ReadRun>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, &Input::blank(), None).await
}

pub async fn create(
    workspace: May<can::UpdateWorkspace>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let made = match input.wanted() {
        Ok(change) => run_schedules::create(&visitor.cx, &workspace, change).await.map(drop),
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => Ok(Redirect::to(&here(&workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let found = workspaces::find(&visitor.cx, &workspace.id).await?;
            let readable = visitor.cx.check::<can::ReadRun, _>(found)?;
            Ok(wrong.shown_in(draw(visitor, &readable, &input, Some(&wrong)).await?))
        }
    }
}

pub async fn edit(schedule: May<can::UpdateWorkspace, In<RunSchedule>>) -> Result<Markup> {
    edit_page(&schedule.visitor, &schedule, &Input::of(&schedule.row), None).await
}

pub async fn save(
    schedule: May<can::UpdateWorkspace, In<RunSchedule>>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let saved = match input.wanted() {
        Ok(change) => {
            run_schedules::update(&schedule.visitor.cx, &schedule, change).await.map(drop)
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(Redirect::to(&here(&schedule.of)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(edit_page(&schedule.visitor, &schedule, &input, Some(&wrong)).await?))
        }
    }
}

pub async fn delete(
    schedule: May<can::UpdateWorkspace, In<RunSchedule>>,
    _: Press,
) -> Result<Redirect> {
    run_schedules::delete(&schedule.visitor.cx, &schedule).await?;
    Ok(Redirect::to(&here(&schedule.of)))
}

async fn edit_page(
    visitor: &SignedIn,
    schedule: &In<RunSchedule>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let to = format!("{}/{}", here(&schedule.of), schedule.row.id);
    let delete = Button {
        label: "Delete the schedule",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let content = html! {
        (Panel { id: "s-schedule", title: "The schedule", content: input.sheet(&to, visitor, wrong), ..Panel::default() })
        (Panel {
            id: "s-delete", title: "Delete it", is_risk: true,
            content: action(&format!("{to}/delete"), &visitor.form_token(), &delete),
            ..Panel::default()
        })
    };
    super::draw(visitor, &schedule.of, Setting::Schedules, &content).await
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadRun>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::UpdateWorkspace>(workspace);
    let list = run_schedules::list(cx, workspace, MOST).await?;
    let to = here(workspace);
    let row = |one: &RunSchedule| {
        let kind = KINDS.iter().find(|(word, _)| *word == one.kind.as_str());
        let kind = kind.map_or(one.kind.as_str(), |(_, label)| label);
        let shown = html! { code { (one.cron) } " " (one.time_zone) };
        vec![
            html! { @if manages { a href={ (to) "/" (one.id) } { (shown) } } @else { (shown) } },
            html! { (kind) @if !one.message.is_empty() { span.under { (one.message) } } },
            html! {
                @match one.next_at.filter(|_| one.enabled) {
                    Some(at) => (time(at)),
                    None => (badge(Tone::Neutral, Icon::StStop, "switched off")),
                }
            },
            html! {
                @if let Some(at) = one.last_at { (time(at)) } @else { span.faint { "never" } }
                @if let Some(why) = &one.last_error { span.under { (why) } }
            },
        ]
    };
    let heads = [Head::new("When"), Head::new("What"), Head::new("Next"), Head::new("Last")];
    let rows = list.items.iter().map(row).collect();
    let table = if list.items.is_empty() {
        let text = "A run that comes by itself, by the calendar of a time zone.";
        html! { div.in { (empty(Icon::Clock, "No schedules yet", text, &html! {})) } }
    } else {
        Table { caption: "Schedules", heads: &heads, rows }.render()
    };
    let content = html! {
        (Panel { id: "s-schedules", title: "Schedules", beside: count(list.total), content: table, is_table: true, is_risk: false })
        @if manages {
            (Panel { id: "s-schedule", title: "New schedule", content: input.sheet(&to, visitor, wrong), ..Panel::default() })
        } @else {
            p.hint { "Whoever administers " (workspace.name) " can change these." }
        }
    };
    super::draw(visitor, workspace, Setting::Schedules, &content).await
}
