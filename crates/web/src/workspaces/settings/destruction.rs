//! The end of a workspace: a run that destroys what it manages, and its deletion, with what has to be typed first.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Timestamp, can, deletions,
    row::Workspace,
    workspaces::{self, Change},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{
        About, Button, Card, Cards, Check, Control, Icon, Kind, Look, Notice, Panel, Sheet, Text,
        Tone, grouped, link_button, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Ticked},
    guard::May,
    organizations,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    confirm: String,
    force: Ticked,
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, &Typed::default(), None, None).await
}

/// When it is to be destroyed by itself.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Planned {
    when: String,
    auto_destroy_at: String,
    auto_destroy_activity_duration: String,
}

impl Planned {
    fn of(row: &Workspace) -> Self {
        let duration = row.auto_destroy_activity_duration.clone();
        let when = match (row.inherits_project_auto_destroy, &duration, row.auto_destroy_at) {
            (true, ..) => "project",
            (_, Some(_), _) => "idle",
            (_, None, Some(_)) => "at",
            (_, None, None) => "never",
        };
        // As browsers have moments: without a zone, to the minute.
        let at = row.auto_destroy_at.filter(|_| when == "at");
        let at = at.map(|at| at.iso8601().chars().take(16).collect()).unwrap_or_default();
        Self {
            when: when.to_owned(),
            auto_destroy_at: at,
            auto_destroy_activity_duration: duration.filter(|_| when == "idle").unwrap_or_default(),
        }
    }

    fn wanted(&self) -> domain::Result<Change> {
        let change = Change { inherits_project_auto_destroy: Some(false), ..Change::default() };
        Ok(match self.when.as_str() {
            "project" => Change { inherits_project_auto_destroy: Some(true), ..Change::default() },
            "never" => Change {
                auto_destroy_at: Some(None),
                auto_destroy_activity_duration: Some(None),
                ..change
            },
            "at" => {
                let typed = self.auto_destroy_at.trim();
                let whole =
                    if typed.len() == 16 { format!("{typed}:00Z") } else { format!("{typed}Z") };
                let at = Timestamp::parse(&whole).ok_or_else(|| {
                    domain::Error::invalid("auto-destroy-at", "must be a day and a time")
                })?;
                Change {
                    auto_destroy_at: Some(Some(at)),
                    auto_destroy_activity_duration: Some(None),
                    ..change
                }
            }
            "idle" => {
                let duration = self.auto_destroy_activity_duration.trim().to_owned();
                Change { auto_destroy_activity_duration: Some(Some(duration)), ..change }
            }
            _ => return Err(domain::Error::invalid("when", "must be chosen")),
        })
    }
}

pub async fn schedule(
    workspace: May<can::UpdateWorkspace>,
    Form(planned): Form<Planned>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let done = match planned.wanted() {
        Ok(change) => Box::pin(workspaces::update(&visitor.cx, &workspace, change)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(row) => {
            Ok(Redirect::to(&format!("{}/settings/destruction", path(&row))).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let typed = Typed::default();
            let page = draw(visitor, &workspace, &typed, Some(&planned), Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

fn full_name(workspace: &Workspace) -> String {
    format!("{}/{}", workspace.organization_name, workspace.name)
}

pub async fn delete(
    workspace: May<can::DestroyWorkspace>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let deleted = if typed.confirm.trim() == full_name(&workspace) {
        match done(&workspace, typed.force.0).await {
            Ok(()) => Ok(()),
            Err(error) => Err(Wrong::of(error)?),
        }
    } else {
        Err(Wrong::in_field("confirm", &format!("Type {} to go on.", full_name(&workspace))))
    };
    match deleted {
        Ok(()) => {
            Ok(Redirect::to(&organizations::path(&workspace.organization_name)).into_response())
        }
        Err(wrong) => {
            Ok(wrong.shown_in(draw(visitor, &workspace, &typed, None, Some(&wrong)).await?))
        }
    }
}

async fn done(workspace: &May<can::DestroyWorkspace>, force: bool) -> domain::Result<()> {
    let cx = &workspace.visitor.cx;
    if !force {
        return deletions::workspace_safely(cx, workspace).await;
    }
    let found = workspaces::find(cx, &workspace.id).await?;
    let both = workspaces::with_organization(cx, found).await?;
    let granted = cx.check::<can::ForceDeleteWorkspace, _>(both)?;
    deletions::workspace_by_force(cx, &granted).await
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Workspace,
    typed: &Typed,
    planned: Option<&Planned>,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let details = workspaces::details_of(cx, workspace.clone()).await?;
    let content = html! {
        (destroy(visitor, workspace))
        (schedule_panel(visitor, workspace, planned, wrong))
        @if cx.may::<can::DestroyWorkspace>(workspace) {
            (deletion(visitor, workspace, details.may_force_delete, typed, wrong.filter(|_| planned.is_none())))
        } @else {
            p.hint { "Whoever may delete " (workspace.name) " can do so here: its administrators, and owners of " (workspace.organization_name) "." }
        }
    };
    super::draw(visitor, workspace, Setting::Destruction, &content).await
}

fn resources(workspace: &Workspace) -> String {
    match workspace.resource_count {
        1 => "1 resource".to_owned(),
        many => format!("{} resources", grouped(u64::try_from(many).unwrap_or_default())),
    }
}

fn destroy(visitor: &SignedIn, workspace: &Workspace) -> Markup {
    let may = visitor.cx.may::<can::QueueDestroy>(workspace);
    let content = html! {
        p {
            "A run whose plan destroys all that it manages, " (resources(workspace)) " at the moment. Somebody still has to \
             confirm it. The workspace, its states and its variables stay."
        }
        @if may {
            div.row { (link_button(Look::Danger, Icon::ActDelete, "Plan to destroy", &format!("{}/start-run?kind=destroy", path(workspace)))) }
        } @else if !workspace.allow_destroy_plan {
            p.hint { "Runs that destroy everything are not allowed here; the general settings decide that." }
        } @else {
            p.hint { "Whoever may apply runs in " (workspace.name) " can start one." }
        }
    };
    Panel { id: "d-plan", title: "Destroy what it manages", content, ..Panel::default() }.render()
}

const WHEN: [Card<'_>; 4] = [
    Card { value: "project", label: "As the project says", means: "Never, if it says nothing." },
    Card { value: "never", label: "Never by itself", means: "Whatever the project says." },
    Card { value: "at", label: "At a certain time", means: "Say when below." },
    Card {
        value: "idle",
        label: "When nothing has happened for a while",
        means: "Counted from the last change of its state. Say for how long below.",
    },
];

/// `planned` is what was refused.
fn schedule_panel(
    visitor: &SignedIn,
    workspace: &Workspace,
    planned: Option<&Planned>,
    wrong: Option<&Wrong>,
) -> Markup {
    let now = Planned::of(workspace);
    let input = planned.unwrap_or(&now);
    let when = Cards {
        about: About { name: "when", label: "It is destroyed by itself", ..About::default() },
        cards: &WHEN,
        value: &input.when,
    };
    let at = Text {
        about: About {
            name: "auto-destroy-at",
            label: "Time",
            hint: Some("In UTC."),
            optional: true,
        },
        kind: Kind::Moment,
        value: &input.auto_destroy_at,
        ..Text::default()
    };
    let idle = Text {
        about: About {
            name: "auto-destroy-activity-duration",
            label: "For how long nothing has to happen",
            hint: Some("In days or hours, such as 14d or 8h."),
            optional: true,
        },
        value: &input.auto_destroy_activity_duration,
        mono: true,
        ..Text::default()
    };
    let form = Sheet {
        id: "schedule",
        action: &format!("{}/settings/destruction", path(workspace)),
        token: &visitor.form_token(),
        wrong: wrong.filter(|_| planned.is_some()),
        hidden: &[],
        controls: &[&when, &at, &idle],
        send: Button { label: "Save", look: Look::Plain, ..Button::default() },
    };
    let content = html! {
        @match workspace.auto_destroy_at {
            Some(at) => p { "All that it manages is destroyed at " (time(at)) ", without anybody's yes." },
            None => p { "Nothing is scheduled." },
        }
        @if visitor.cx.may::<can::UpdateWorkspace>(workspace) { (form) }
        @else { p.hint { "Administrators of " (workspace.name) " can change that." } }
    };
    Panel { id: "d-when", title: "Scheduled destruction", content, ..Panel::default() }.render()
}

fn deletion(
    visitor: &SignedIn,
    workspace: &Workspace,
    may_force: bool,
    typed: &Typed,
    wrong: Option<&Wrong>,
) -> Markup {
    let label = format!("Type {} to go on", full_name(workspace));
    let confirm = Text {
        about: About { name: "confirm", label: &label, ..About::default() },
        value: &typed.confirm,
        mono: true,
        ..Text::default()
    };
    let hint = format!("Leaves behind what it manages: {}.", resources(workspace));
    let force = Check {
        about: About { name: "force", label: "By force", hint: Some(&hint), optional: true },
        is_on: typed.force.0,
        must: false,
    };
    let mut controls: Vec<&dyn Control> = vec![&confirm];
    if may_force {
        controls.push(&force);
    }
    let form = Sheet {
        id: "delete",
        action: &format!("{}/delete", path(workspace)),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button {
            label: "Delete for good",
            look: Look::Final,
            icon: Some(Icon::Trash),
            ..Button::default()
        },
    };
    let content = html! {
        @if workspace.resource_count > 0 {
            (Notice::new(Tone::Bad, &html! {
                h3 { "It still manages " (resources(workspace)) }
                p { "They would go on existing, and nobody would look after them. Destroy them first, or delete by force." }
            }))
        }
        p { "Its runs, states and variables go with it. There is no way back." }
        (form)
    };
    Panel { id: "d-del", title: "Delete the workspace", content, is_risk: true, ..Panel::default() }
        .render()
}
