//! `…/start-run`: a run asked for by hand: what it does, of what, and why.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    can,
    entity::run::Source,
    id::RunId,
    row::Run,
    runs::{self, New},
    variables::OfRun,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{About, Button, Card, Cards, Icon, Lines, Panel, Sheet, Text},
    failure::{Result, Wrong},
    forms::Form,
    frame::{Place, Section, page},
    guard::May,
    workspaces::{self, Heading, Part},
};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    kind: String,
    /// A run of the workspace that is to happen once more.
    #[serde(default)]
    from: Option<RunId>,
    /// What a link says that the run is for.
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    kind: String,
    message: String,
    target_addrs: String,
    replace_addrs: String,
    variables: String,
    /// Of the run that happens once more; the last one that was uploaded where it is empty.
    configuration_version: String,
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

impl Input {
    fn wanted(&self) -> domain::Result<New> {
        let variable = |line: String| {
            let (key, value) = line.split_once('=').ok_or_else(|| {
                let why = "must have the form key = value, where the value is an expression in HCL";
                domain::Error::invalid("variables", why)
            })?;
            Ok(OfRun { key: key.trim().to_owned(), value: value.trim().to_owned() })
        };
        let known = ["apply", "plan", "save", "refresh", "destroy"];
        if !known.contains(&self.kind.as_str()) {
            return Err(domain::Error::invalid("kind", "must be chosen"));
        }
        let configuration = match self.configuration_version.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| domain::Error::NotFound)?),
        };
        Ok(New {
            configuration_version_id: configuration,
            message: Some(self.message.trim().to_owned()).filter(|text| !text.is_empty()),
            plan_only: Some(self.kind == "plan"),
            save_plan: self.kind == "save",
            refresh_only: self.kind == "refresh",
            is_destroy: self.kind == "destroy",
            target_addrs: lines(&self.target_addrs),
            replace_addrs: lines(&self.replace_addrs),
            variables: lines(&self.variables)
                .into_iter()
                .map(variable)
                .collect::<domain::Result<_>>()?,
            source: Some(Source::Ui),
            ..New::default()
        })
    }
}

pub async fn show(
    workspace: May<can::QueueRun>,
    Query(Asked { kind, message, from }): Query<Asked>,
) -> Result<Markup> {
    let input = if let Some(id) = from {
        again(&workspace, &id).await?
    } else {
        let kind = if kind.is_empty() { "apply".to_owned() } else { kind };
        Input { kind, message, ..Input::default() }
    };
    draw(&workspace, &input, None).await
}

/// What a run was asked for, to be asked for once more.
async fn again(workspace: &May<can::QueueRun>, id: &RunId) -> Result<Input> {
    let cx = &workspace.visitor.cx;
    let run = cx.check::<can::ReadRun, _>(runs::find(cx, id).await?)?;
    if run.of.id != workspace.id {
        return Err(domain::Error::NotFound.into());
    }
    let kind = match &run.row {
        Run { is_destroy: true, .. } => "destroy",
        Run { refresh_only: true, .. } => "refresh",
        Run { plan_only: true, .. } => "plan",
        Run { save_plan: true, .. } => "save",
        _ => "apply",
    };
    let variables = runs::shown_variables(cx, &run);
    let variables: Vec<_> =
        variables.iter().map(|one| format!("{} = {}", one.key, one.value)).collect();
    Ok(Input {
        kind: kind.to_owned(),
        message: run.message.clone(),
        target_addrs: run.target_addrs.join("\n"),
        replace_addrs: run.replace_addrs.join("\n"),
        variables: variables.join("\n"),
        configuration_version: run
            .configuration_version_id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    })
}

pub async fn create(workspace: May<can::QueueRun>, Form(input): Form<Input>) -> Result<Response> {
    let made = match input.wanted() {
        Ok(new) => runs::create(&workspace.visitor.cx, &workspace, new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(run) => {
            let to = format!("{}/runs/{}", workspaces::path(&workspace), run.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(&workspace, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    workspace: &May<can::QueueRun>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let may_apply = cx.may::<can::QueueApply>(workspace);
    let card = |value, label, means| Card { value, label, means };
    let apply = if may_apply {
        "Nothing happens until somebody confirms the plan, unless the workspace applies by itself."
    } else {
        "Nothing happens until somebody who may apply confirms the plan."
    };
    let mut cards = vec![
        card("apply", "Plan and apply", apply),
        card(
            "plan",
            "Plan only",
            "Shows what would change. It can never be applied, and waits for nobody.",
        ),
        card(
            "refresh",
            "Refresh the state",
            "Takes over what was changed outside, and changes nothing itself.",
        ),
        card(
            "save",
            "Plan, and keep the plan",
            "It applies when somebody confirms it, unless the state moves on first.",
        ),
    ];
    if cx.may::<can::QueueDestroy>(workspace) {
        cards.push(card(
            "destroy",
            "Destroy everything",
            "Plans the end of all that the workspace manages.",
        ));
    }
    let about = |name, label, hint| About { name, label, hint: Some(hint), optional: true };
    let kind = Cards {
        about: About { name: "kind", label: "What it does", ..About::default() },
        cards: &cards,
        value: &input.kind,
    };
    let message = Text {
        about: about("message", "Message", "Why, for whoever reads the list of runs."),
        value: &input.message,
        ..Text::default()
    };
    let targets = Lines {
        about: about(
            "target-addrs",
            "Only these addresses",
            "One a line. Everything, if there is none.",
        ),
        value: &input.target_addrs,
    };
    let replaces = Lines {
        about: about(
            "replace-addrs",
            "Replace these",
            "One a line, each the whole address of one instance.",
        ),
        value: &input.replace_addrs,
    };
    let variables = Lines {
        about: about(
            "variables",
            "Variables of this run alone",
            "One a line: key = value, where the value is an expression in HCL.",
        ),
        value: &input.variables,
    };
    let here = format!("{}/start-run", workspaces::path(workspace));
    let form = Sheet {
        id: "start",
        action: &here,
        token: &visitor.form_token(),
        wrong,
        hidden: &[("configuration-version", &input.configuration_version)],
        controls: &[&kind, &message, &targets, &replaces, &variables],
        send: Button { label: "Start the run", icon: Some(Icon::Play), ..Button::default() },
    };
    let content = html! {
        @if input.configuration_version.is_empty() { p { "It uses the configuration that was uploaded last." } }
        @else { p { "It uses the configuration of the run that it repeats, and the variables of the workspace as they are now." } }
        @if !cx.may::<can::ReadVariables>(workspace) {
            p.hint { "Variables that were given to a run alone are not repeated: you may not read variables here." }
        }
        (form)
    };
    let main = html! {
        (Heading { workspace, here: Part::Runs }.draw(cx))
        (Panel { id: "r-start", title: "Start a run", content, ..Panel::default() })
    };
    let title = format!("Start a run in {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}
