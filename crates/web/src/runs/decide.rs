//! What people may do about a run: confirm, discard, cancel, cut off, override, say something.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    In, can,
    entity::run::Cancel,
    freezes, policy_evaluations,
    row::{Phase, Run},
    runs::{self, status},
    task_stages,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{path, show};
use crate::{
    Routes,
    components::{About, Button, Control, Icon, Look, Text, TextArea, hidden, icon},
    failure::{Result, Wrong},
    forms::{Form, TOKEN_FIELD},
    guard::May,
    visitor::SignedIn,
};

macro_rules! verbs {
    ($($path:literal => $handler:ident),+ $(,)?) => {
        pub fn routes() -> Routes {
            Routes::default()$(.post(
                concat!(
                    "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/",
                    $path
                ),
                $handler,
            ))+
        }
    };
}

verbs! {
    "apply" => apply,
    "discard" => discard,
    "cancel" => cancel,
    "force-cancel" => force_cancel,
    "override" => override_policies,
    "comments" => comment,
    "break-freeze" => break_freeze,
}

/// Words that go with it, and the name of the workspace, where it is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    comment: String,
    name: String,
}

impl Said {
    fn comment(self) -> Option<String> {
        Some(self.comment).filter(|text| !text.trim().is_empty())
    }
}

macro_rules! handlers {
    ($($name:ident: $permission:ident => $verb:path;)+) => {$(
        async fn $name(
            run: May<can::$permission, In<Run>>,
            Form(said): Form<Said>,
        ) -> Result<Redirect> {
            Box::pin($verb(&run.visitor.cx, &run, said.comment())).await?;
            Ok(Redirect::to(&path(&run)))
        }
    )+};
}

handlers! {
    discard: DiscardRun => runs::discard;
    cancel: CancelRun => runs::cancel;
    force_cancel: ForceCancelRun => runs::force_cancel;
}

async fn apply(run: May<can::ApplyRun, In<Run>>, Form(said): Form<Said>) -> Result<Response> {
    let cx = &run.visitor.cx;
    let read = cx.check::<can::ReadRun, _>(runs::find(cx, &run.id).await?)?;
    let (plan, _) = runs::phases(cx, &read).await?;
    if runs::asks_for_name(cx, &run, &plan).await? && said.name.trim() != run.of.name {
        let wrong = Wrong::in_field("name", &format!("Type {} to go on.", run.of.name));
        let decision = Some(Typed { comment: &said.comment, name: &said.name, wrong: &wrong });
        let refused = show::Refused { decision, ..show::Refused::default() };
        return Ok(wrong.shown_in(show::draw(&run.visitor, &read, refused).await?));
    }
    Box::pin(runs::apply(cx, &run, said.comment())).await?;
    Ok(Redirect::to(&path(&run)).into_response())
}

/// What was typed into the form of a decision, and what was refused of it.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    pub comment: &'a str,
    pub name: &'a str,
    pub wrong: &'a Wrong,
}

/// A form for owners, where a freeze holds the run up.
pub fn freeze_form(visitor: &SignedIn, run: &In<Run>) -> Markup {
    let why = TextArea {
        about: About {
            name: "comment",
            label: "Why the freeze does not count",
            hint: Some("Kept with the run."),
            optional: false,
        },
        ..TextArea::default()
    };
    html! {
        form method="post" action={ (path(run)) "/break-freeze" } {
            div.stack {
                (why.draw("freeze-comment", None))
                (Button { label: "Let it through", look: Look::Danger, icon: Some(Icon::Check), ..Button::default() })
                (hidden(TOKEN_FIELD, &visitor.form_token()))
            }
        }
    }
}

async fn break_freeze(
    run: May<can::BreakFreeze, In<Run>>,
    Form(said): Form<Said>,
) -> Result<Redirect> {
    freezes::let_through(&run.visitor.cx, &run, &said.comment).await?;
    Ok(Redirect::to(&path(&run)))
}

#[derive(Deserialize)]
struct Comment {
    body: String,
}

async fn comment(
    run: May<can::CommentOnRun, In<Run>>,
    Form(Comment { body }): Form<Comment>,
) -> Result<Response> {
    let cx = &run.visitor.cx;
    match runs::comment(cx, &run, body.clone()).await {
        Ok(_) => Ok(Redirect::to(&format!("{}#activity", path(&run))).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let read = cx.check::<can::ReadRun, _>(runs::find(cx, &run.id).await?)?;
            let comment = Some((body.as_str(), &wrong));
            let refused = show::Refused { comment, ..show::Refused::default() };
            Ok(wrong.shown_in(show::draw(&run.visitor, &read, refused).await?))
        }
    }
}

/// Of whatever of the run waits for it: its task stage or its policy check.
async fn override_policies(
    run: May<can::OverridePolicies, In<Run>>,
    Form(said): Form<Said>,
) -> Result<Redirect> {
    let cx = &run.visitor.cx;
    let comment = said.comment();
    for id in run.task_stages.iter() {
        let stage = task_stages::find(cx, id).await?;
        let stage = cx.check::<can::OverridePolicies, _>(stage)?;
        if task_stages::is_overridable(&stage.row) {
            Box::pin(task_stages::override_stage(cx, &stage, comment)).await?;
            return Ok(Redirect::to(&path(&run)));
        }
    }
    for id in run.policy_checks.iter() {
        let check = policy_evaluations::find_check(cx, id).await?;
        let check = cx.check::<can::OverridePolicies, _>(check)?;
        if policy_evaluations::is_check_overridable(&check.row) {
            Box::pin(policy_evaluations::override_check(cx, &check, comment)).await?;
            return Ok(Redirect::to(&path(&run)));
        }
    }
    Err(domain::Error::conflict("Nothing of this run waits for an override.").into())
}

/// A button for whatever the run's state allows and the visitor may do: the rules of the verbs themselves.
#[derive(Clone, Copy, Debug)]
pub struct Verbs {
    pub confirm: bool,
    pub discard: bool,
    pub overrides: bool,
    pub cancel: bool,
    pub force_cancel: bool,
}

impl Verbs {
    pub fn of(visitor: &SignedIn, run: &In<Run>) -> Self {
        let cx = &visitor.cx;
        let of = &run.of;
        Self {
            confirm: status::is_confirmable(run.status) && cx.may::<can::ApplyRun>(of),
            discard: status::is_discardable(run.status) && cx.may::<can::DiscardRun>(of),
            overrides: status::awaits_override(run.status) && cx.may::<can::OverridePolicies>(of),
            cancel: status::is_cancelable(run.status)
                && run.cancel == Cancel::No
                && cx.may::<can::CancelRun>(of),
            force_cancel: runs::may_force_cancel(run, cx.now())
                && cx.may::<can::ForceCancelRun>(of),
        }
    }

    /// Of those that answer what the run waits for.
    pub fn decides(self) -> bool {
        self.confirm || self.overrides
    }
}

/// The form of a decision: one field for words, and a button for each way on.
/// The button says itself what it destroys.
/// `asks` for the workspace's name: the button is for those who have read it.
pub fn form(
    visitor: &SignedIn,
    run: &In<Run>,
    plan: &Phase,
    verbs: Verbs,
    asks: bool,
    typed: Option<Typed<'_>>,
) -> Markup {
    let here = path(run);
    let confirm = match plan.resource_destructions.unwrap_or_default() {
        0 => "Confirm and apply".to_owned(),
        1 => "Confirm and apply, destroying 1 resource".to_owned(),
        many => format!("Confirm and apply, destroying {many} resources"),
    };
    let words = TextArea {
        about: About {
            name: "comment",
            label: "Comment",
            hint: Some("Kept with the run."),
            optional: true,
        },
        value: typed.map_or("", |typed| typed.comment),
        ..TextArea::default()
    };
    let label = format!("Type {} to confirm", run.of.name);
    let name = Text {
        // Discarding takes no name.
        about: About { name: "name", label: &label, hint: None, optional: true },
        value: typed.map_or("", |typed| typed.name),
        mono: true,
        ..Text::default()
    };
    let wrong = typed.and_then(|typed| typed.wrong.about("name"));
    html! {
        form method="post" action={ (here) "/" (if verbs.overrides { "override" } else if verbs.confirm { "apply" } else { "discard" }) } {
            div.stack {
                (words.draw("decision-comment", None))
                @if asks && verbs.confirm && !verbs.overrides { (name.draw("decision-name", wrong)) }
                div.row {
                    @if verbs.overrides {
                        (Button { label: "Override and go on", icon: Some(Icon::StShieldOk), ..Button::default() })
                    } @else if verbs.confirm {
                        (Button { label: &confirm, icon: Some(Icon::Check), ..Button::default() })
                    }
                    @if verbs.discard && verbs.decides() {
                        (elsewhere(&here, "discard", "Discard run"))
                    } @else if verbs.discard {
                        (Button { label: "Discard run", look: Look::Danger, icon: Some(Icon::StStop), ..Button::default() })
                    }
                    (hidden(TOKEN_FIELD, &visitor.form_token()))
                }
                @if verbs.overrides {
                    p.hint { "Overriding does not apply anything yet: the run then asks for confirmation, unless it applies by itself." }
                }
            }
        }
    }
}

/// A button that sends the form that it is in to another address.
fn elsewhere(here: &str, verb: &str, label: &str) -> Markup {
    html! {
        button type="submit" class="danger" formaction={ (here) "/" (verb) } {
            (icon(Icon::StStop)) (label)
        }
    }
}
