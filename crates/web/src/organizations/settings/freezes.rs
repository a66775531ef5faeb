//! Windows in which nothing is applied, of the organization or of a part of it.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, Timestamp, can,
    freezes::{self, Change, Scope},
    organizations, projects,
    row::{Freeze, Organization},
    workspaces,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Part, here};
use crate::{
    components::{
        About, Button, Control, Head, Icon, Look, Panel, Sheet, Table, Text, Tone, action, badge,
        count, empty, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    guard::May,
    visitor::SignedIn,
};

const MOST: Paging = Paging { number: 1, size: 100 };

fn at(organization: &str) -> String {
    format!("{}/freezes", here(organization))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: String,
    starts_at: String,
    ends_at: String,
    cron: String,
    time_zone: String,
    duration_minutes: String,
    project: String,
    workspace: String,
}

/// A moment, or nothing.
fn moment(attribute: &str, text: &str) -> domain::Result<Option<Timestamp>> {
    let wrong = || domain::Error::invalid(attribute, "must be a time such as 2026-12-24T18:00:00Z");
    match text.trim() {
        "" => Ok(None),
        text => Timestamp::parse(text).map(Some).ok_or_else(wrong),
    }
}

impl Input {
    fn blank() -> Self {
        Self { time_zone: "UTC".into(), ..Self::default() }
    }

    fn of(row: &Freeze) -> Self {
        let shown = |at: Option<Timestamp>| at.map(Timestamp::iso8601).unwrap_or_default();
        Self {
            name: row.name.clone(),
            starts_at: shown(row.starts_at),
            ends_at: shown(row.ends_at),
            cron: row.cron.clone().unwrap_or_default(),
            time_zone: row.time_zone.clone(),
            duration_minutes: row.minutes.map(|minutes| minutes.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn wanted(&self) -> domain::Result<Change> {
        let minutes = match self.duration_minutes.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                domain::Error::invalid("duration-minutes", "must be a number, or nothing")
            })?),
        };
        Ok(Change {
            name: Some(self.name.trim().to_owned()),
            starts_at: Some(moment("starts-at", &self.starts_at)?),
            ends_at: Some(moment("ends-at", &self.ends_at)?),
            cron: Some(Some(self.cron.trim().to_owned()).filter(|text| !text.is_empty())),
            time_zone: Some(self.time_zone.trim().to_owned()),
            minutes: Some(minutes),
        })
    }

    /// By the names that people know.
    async fn scope(
        &self,
        visitor: &SignedIn,
        organization: &Organization,
    ) -> domain::Result<Scope> {
        let cx = &visitor.cx;
        let (project, workspace) = (self.project.trim(), self.workspace.trim());
        if !project.is_empty() && !workspace.is_empty() {
            let why = "cannot be combined with a project";
            return Err(domain::Error::invalid("workspace", why));
        }
        if !workspace.is_empty() {
            let found = workspaces::find_by_name(cx, &organization.name, workspace).await;
            let found = found.and_then(|found| cx.check::<can::ReadWorkspace, _>(found));
            let found = found
                .map_err(|_| domain::Error::invalid("workspace", "There is none of that name."))?;
            return Ok(Scope::Workspace(found.id.clone()));
        }
        if !project.is_empty() {
            let names = Some(vec![project.to_owned()]);
            let filter = projects::Filter { names, ..projects::Filter::default() };
            let readable = organizations::find(cx, &organization.name).await?;
            let readable = cx.check::<can::ReadOrganization, _>(readable)?;
            let found = projects::list(cx, &readable, filter, None, MOST).await?.items.pop();
            let found = found
                .ok_or_else(|| domain::Error::invalid("project", "There is none of that name."))?;
            return Ok(Scope::Project(found.id));
        }
        Ok(Scope::Organization)
    }

    fn sheet(&self, to: &str, visitor: &SignedIn, wrong: Option<&Wrong>, is_new: bool) -> Markup {
        let about = |name, label, hint, optional| About { name, label, hint, optional };
        let text = |name, label, hint, optional, value| Text {
            about: about(name, label, hint, optional),
            value,
            mono: true,
            ..Text::default()
        };
        let name = Text {
            about: about("name", "Name", Some("Runs that wait say it."), false),
            value: &self.name,
            ..Text::default()
        };
        let hint = Some("Once: a time such as 2026-12-24T18:00:00Z.");
        let starts = text("starts-at", "Begins", hint, true, &self.starts_at);
        let ends = text("ends-at", "Ends", None, true, &self.ends_at);
        let hint = Some("Again and again: minute, hour, day, month, day of the week.");
        let cron = text("cron", "Begins each time at", hint, true, &self.cron);
        let minutes =
            text("duration-minutes", "For so many minutes", None, true, &self.duration_minutes);
        let hint = Some("Such as Europe/Vienna, or UTC.");
        let zone = text("time-zone", "Time zone", hint, false, &self.time_zone);
        let hint = Some("Its name; the whole organization, where neither is named.");
        let project = text("project", "Only in the project", hint, true, &self.project);
        let workspace = text("workspace", "Only in the workspace", None, true, &self.workspace);
        let mut controls: Vec<&dyn Control> = vec![&name, &starts, &ends, &cron, &minutes, &zone];
        if is_new {
            controls.extend([&project as &dyn Control, &workspace]);
        }
        Sheet {
            id: "freeze",
            action: to,
            token: &visitor.form_token(),
            wrong,
            hidden: &[],
            controls: &controls,
            send: Button { label: "Save the freeze", ..Button::default() },
        }
        .render()
    }
}

pub async fn show(organization: May<can::ReadOrganization>) -> Result<Markup> {
    draw(&organization.visitor, &organization, &Input::blank(), None).await
}

pub async fn create(
    organization: May<can::UpdateOrganization>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    match made(&organization, &input).await {
        Ok(()) => Ok(Redirect::to(&at(&organization.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable =
                visitor.organization::<can::ReadOrganization>(&organization.name).await?;
            Ok(wrong.shown_in(draw(visitor, &readable, &input, Some(&wrong)).await?))
        }
    }
}

async fn made(organization: &May<can::UpdateOrganization>, input: &Input) -> domain::Result<()> {
    let change = input.wanted()?;
    let scope = input.scope(&organization.visitor, organization).await?;
    freezes::create(&organization.visitor.cx, organization, scope, change).await.map(drop)
}

type Held = In<Freeze, Organization>;

pub async fn edit(freeze: May<can::UpdateOrganization, Held>) -> Result<Markup> {
    edit_page(&freeze.visitor, &freeze, &Input::of(&freeze.row), None).await
}

pub async fn save(
    freeze: May<can::UpdateOrganization, Held>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let saved = match input.wanted() {
        Ok(change) => freezes::update(&freeze.visitor.cx, &freeze, None, change).await.map(drop),
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(Redirect::to(&at(&freeze.of.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(edit_page(&freeze.visitor, &freeze, &input, Some(&wrong)).await?))
        }
    }
}

pub async fn delete(freeze: May<can::UpdateOrganization, Held>, _: Press) -> Result<Redirect> {
    freezes::delete(&freeze.visitor.cx, &freeze).await?;
    Ok(Redirect::to(&at(&freeze.of.name)))
}

async fn edit_page(
    visitor: &SignedIn,
    freeze: &Held,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let to = format!("{}/{}", at(&freeze.of.name), freeze.row.id);
    let delete = Button {
        label: "Delete the freeze",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let title = format!("The freeze {}", freeze.row.name);
    let content = html! {
        (Panel { id: "o-freeze", title: &title, content: input.sheet(&to, visitor, wrong, false), ..Panel::default() })
        (Panel {
            id: "o-delete", title: "Delete it", is_risk: true,
            content: action(&format!("{to}/delete"), &visitor.form_token(), &delete),
            ..Panel::default()
        })
    };
    super::draw(visitor, &freeze.of, Part::Freezes, &content).await
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOrganization>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::UpdateOrganization>(organization);
    let list = freezes::list(cx, organization, MOST).await?;
    let to = at(&organization.name);
    let places = places(visitor, &list.items).await?;
    let rows =
        list.items.iter().zip(&places).map(|(one, place)| row(cx.now(), &to, manages, one, place));
    let rows: Vec<_> = rows.collect();
    let heads = [Head::new("Freeze"), Head::new("Where"), Head::new("When"), Head::new("Now")];
    let table = if rows.is_empty() {
        let text = "A time in which runs are planned and not applied.";
        html! { div.in { (empty(Icon::Clock, "No freezes yet", text, &html! {})) } }
    } else {
        Table { caption: "Freezes", heads: &heads, rows }.render()
    };
    let content = html! {
        (Panel { id: "o-freezes", title: "Freezes", beside: count(list.total), content: table, is_table: true, is_risk: false })
        @if manages {
            (Panel { id: "o-freeze", title: "New freeze", content: input.sheet(&to, visitor, wrong, true), ..Panel::default() })
        } @else {
            p.hint { "Owners of " (organization.name) " can change these." }
        }
    };
    super::draw(visitor, organization, Part::Freezes, &content).await
}

/// The names of where each of them holds.
async fn places(visitor: &SignedIn, all: &[Freeze]) -> Result<Vec<String>> {
    let cx = &visitor.cx;
    let ids: Vec<_> = all.iter().filter_map(|one| one.project_id.clone()).collect();
    let projects = projects::load(cx, &ids).await?;
    let ids: Vec<_> = all.iter().filter_map(|one| one.workspace_id.clone()).collect();
    let workspaces = workspaces::load(cx, &ids).await?;
    let place = |one: &Freeze| match (&one.project_id, &one.workspace_id) {
        (Some(id), _) => projects
            .iter()
            .find(|project| project.id == *id)
            .map_or_else(|| "a project".to_owned(), |project| format!("project {}", project.name)),
        (None, Some(id)) => workspaces
            .iter()
            .find(|workspace| workspace.id == *id)
            .map_or_else(|| "a workspace".to_owned(), |workspace| workspace.name.clone()),
        (None, None) => "everywhere".to_owned(),
    };
    Ok(all.iter().map(place).collect())
}

fn row(now: Timestamp, to: &str, manages: bool, one: &Freeze, place: &str) -> Vec<Markup> {
    let minutes = one.minutes.unwrap_or_default();
    vec![
        html! { @if manages { a href={ (to) "/" (one.id) } { (one.name) } } @else { (one.name) } },
        html! { (place) },
        html! {
            @match (&one.cron, one.starts_at, one.ends_at) {
                (Some(cron), ..) => { code { (cron) } " " (one.time_zone) ", " (minutes) " minutes" },
                (None, Some(starts), Some(ends)) => { (time(starts)) " to " (time(ends)) },
                _ => {},
            }
        },
        html! {
            @match freezes::until(one, now) {
                Some(until) => { (badge(Tone::Waiting, Icon::StWait, "nothing is applied")) " until " (time(until)) },
                None => span.faint { "open" },
            }
        },
    ]
}
