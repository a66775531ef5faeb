//! What a workspace is called, where its runs happen, with which engine, and who says yes.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Order, Paging, agent_pools, can,
    entity::workspace::ExecutionMode,
    organizations,
    row::AgentPool,
    workspaces::{self, Change},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{
    super::engines::{choices as engines, chosen as engine},
    Setting, path, relocation,
};
use crate::{
    components::{
        About, Button, Card, Cards, Check, Choice, Control, Number, Panel, Select, Sheet, Text,
        TextArea,
    },
    failure::{Result, Wrong},
    forms::{Form, Ticked},
    guard::May,
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: String,
    description: String,
    execution_mode: String,
    agent_pool_id: String,
    engine: String,
    terraform_version: String,
    working_directory: String,
    auto_apply: Ticked,
    confirmations_required: String,
    confirmed_by_others: Ticked,
    allow_destroy_plan: Ticked,
}

/// Of the workspace as it is.
fn as_it_is(row: &domain::row::Workspace) -> Input {
    Input {
        name: row.name.clone(),
        description: row.description.clone().unwrap_or_default(),
        execution_mode: row.execution_mode.map(|mode| mode.to_string()).unwrap_or_default(),
        agent_pool_id: row.agent_pool_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        engine: row.engine.map(|engine| engine.to_string()).unwrap_or_default(),
        terraform_version: row.terraform_version.clone(),
        working_directory: row.working_directory.clone(),
        auto_apply: Ticked(row.auto_apply),
        confirmations_required: row.confirmations_required.to_string(),
        confirmed_by_others: Ticked(row.confirmed_by_others),
        allow_destroy_plan: Ticked(row.allow_destroy_plan),
    }
}

impl Input {
    fn wanted(&self) -> domain::Result<Change> {
        let mode: Option<ExecutionMode> =
            match self.execution_mode.as_str() {
                "" => None,
                word => Some(word.parse().map_err(|_| {
                    domain::Error::invalid("execution-mode", "is none that there is")
                })?),
            };
        let pool = if mode == Some(ExecutionMode::Agent) {
            Some(self.agent_pool_id.parse().map_err(|_| {
                domain::Error::invalid("agent-pool-id", "must be chosen for runs on agents")
            })?)
        } else {
            None
        };
        let people = match self.confirmations_required.trim() {
            "" => None,
            number => Some(number.parse().map_err(|_| {
                domain::Error::invalid("confirmations-required", "must be a number")
            })?),
        };
        let description = Some(self.description.clone()).filter(|text| !text.is_empty());
        Ok(Change {
            name: Some(self.name.trim().to_owned()),
            description: Some(description),
            execution_mode: Some(mode),
            agent_pool_id: Some(pool),
            engine: Some(engine(&self.engine)?),
            terraform_version: Some(self.terraform_version.trim().to_owned()),
            working_directory: Some(self.working_directory.trim().to_owned()),
            auto_apply: Some(self.auto_apply.0),
            confirmations_required: people,
            confirmed_by_others: Some(self.confirmed_by_others.0),
            allow_destroy_plan: Some(self.allow_destroy_plan.0),
            ..Change::default()
        })
    }
}

pub async fn show(workspace: May<can::UpdateWorkspace>) -> Result<Markup> {
    draw(&workspace, &as_it_is(&workspace), None).await
}

pub async fn save(
    workspace: May<can::UpdateWorkspace>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let saved = match input.wanted() {
        Ok(change) => Box::pin(workspaces::update(&workspace.visitor.cx, &workspace, change)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(row) => Ok(Redirect::to(&format!("{}/settings", path(&row))).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(&workspace, &input, Some(&wrong)).await?))
        }
    }
}

/// Those of the organization, for whoever may see them.
async fn pools(workspace: &May<can::UpdateWorkspace>) -> Result<Vec<AgentPool>> {
    let cx = &workspace.visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    let Ok(granted) = cx.check::<can::ReadAgentPools, _>(found) else { return Ok(Vec::new()) };
    let order = (agent_pools::Sort::Name, Order::Ascending);
    let paging = Paging { number: 1, size: 500 };
    let filter = agent_pools::Filter::default();
    Ok(agent_pools::list(cx, &granted, filter, order, paging).await?.items)
}

const MODES: [Card<'_>; 4] = [
    Card {
        value: "",
        label: "As the project says",
        means: "Or the organization, if the project says nothing.",
    },
    Card { value: "remote", label: "On this server", means: "In its sandbox. Right for most." },
    Card {
        value: "agent",
        label: "On agents",
        means: "Where the network is. Choose a pool below.",
    },
    Card {
        value: "local",
        label: "Where somebody types",
        means: "This server keeps the state and nothing else.",
    },
];

async fn draw(
    workspace: &May<can::UpdateWorkspace>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let rare = |name, label, hint| About { optional: true, ..about(name, label, hint) };
    let hint = "A new name changes addresses; cloud blocks have to be changed by hand.";
    let name = Text {
        about: about("name", "Name", Some(hint)),
        value: &input.name,
        mono: true,
        ..Text::default()
    };
    let description = TextArea {
        about: rare("description", "Description", None),
        value: &input.description,
        mono: false,
    };
    let mode = Cards {
        about: about("execution-mode", "Where runs happen", None),
        cards: &MODES,
        value: &input.execution_mode,
    };
    let pools = pools(workspace).await?;
    let mut choices: Vec<Choice<'_>> = vec![("", "none")];
    choices.extend(pools.iter().map(|pool| (pool.id.as_str(), pool.name.as_str())));
    let pool = Select {
        about: about("agent-pool-id", "Agent pool", Some("For runs on agents.")),
        choices: &choices,
        value: &input.agent_pool_id,
    };
    let engines = engines();
    let engine =
        Select { about: about("engine", "Engine", None), choices: &engines, value: &input.engine };
    let hint = "One version such as 1.9.8, a constraint such as ~> 1.9.0, or latest.";
    let version = Text {
        about: about("terraform-version", "Engine version", Some(hint)),
        value: &input.terraform_version,
        mono: true,
        ..Text::default()
    };
    let hint = "Where the root module is, within the configuration.";
    let directory = Text {
        about: rare("working-directory", "Working directory", Some(hint)),
        value: &input.working_directory,
        mono: true,
        ..Text::default()
    };
    let auto_apply = Check {
        about: about(
            "auto-apply",
            "Apply by itself, once the plan is there and every check has passed",
            None,
        ),
        is_on: input.auto_apply.0,
        must: false,
    };
    let hint =
        "Each of them may apply runs. A run that several have to confirm never applies by itself.";
    let people = Number {
        about: about("confirmations-required", "People who have to confirm a run", Some(hint)),
        value: &input.confirmations_required,
        min: 1,
    };
    let others = Check {
        about: about(
            "confirmed-by-others",
            "One of them is another than who has queued the run",
            None,
        ),
        is_on: input.confirmed_by_others.0,
        must: false,
    };
    let destroy = Check {
        about: about("allow-destroy-plan", "Allow runs that destroy everything", None),
        is_on: input.allow_destroy_plan.0,
        must: false,
    };
    let mut controls: Vec<&dyn Control> = vec![&name, &description, &mode];
    if !pools.is_empty() {
        controls.push(&pool);
    }
    controls.extend([&engine as &dyn Control, &version, &directory, &auto_apply]);
    controls.extend([&people as &dyn Control, &others, &destroy]);
    let form = Sheet {
        id: "general",
        action: &format!("{}/settings", path(workspace)),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save", ..Button::default() },
    };
    let panel = Panel { id: "g-all", title: "General", content: form.render(), ..Panel::default() };
    let content = html! {
        (panel)
        @if visitor.cx.may::<can::MoveWorkspace>(workspace) { (relocation::panel(workspace).await?) }
    };
    super::draw(visitor, workspace, Setting::General, &content).await
}
