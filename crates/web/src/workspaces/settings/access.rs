//! Which teams may do what in a workspace, beside what they may do in its project and its organization.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging, can,
    entity::team_workspace::{Access, WorkspaceAccess},
    id::TeamId,
    organizations,
    row::{Team, TeamWorkspace, Workspace},
    teams::{
        self,
        workspace_access::{self, Change, Held, Of},
    },
    workspaces,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{
        About, Button, Check, Choice, Control, Head, Icon, Look, Panel, Select, Sheet, Table,
        action, count, empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked},
    guard::{May, Named},
    visitor::SignedIn,
};

const MOST: u64 = 1_000;

const LEVELS: [Choice<'_>; 5] = [
    ("read", "Read: runs, variables and states"),
    ("plan", "Plan: read, and start runs that somebody else confirms"),
    ("write", "Write: plan, and confirm runs, lock, write variables and states"),
    ("admin", "Admin: everything, settings and access included"),
    ("custom", "Custom: what is chosen one by one"),
];

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/access", path(workspace))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    team: String,
    access: String,
}

impl Input {
    fn level(&self) -> domain::Result<Access> {
        self.access.parse().map_err(|_| domain::Error::invalid("access", "must be chosen"))
    }
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, &Input::default(), None).await
}

pub async fn add(
    named: Named<can::AddTeamToWorkspace, (Workspace, Team), can::UpdateWorkspace>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let workspace = &named.base;
    let visitor = &workspace.visitor;
    match Box::pin(given(&named, &input)).await {
        Ok(()) => Ok(Redirect::to(&here(workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable = readable(visitor, workspace).await?;
            Ok(wrong.shown_in(draw(visitor, &readable, &input, Some(&wrong)).await?))
        }
    }
}

async fn given(
    named: &Named<can::AddTeamToWorkspace, (Workspace, Team), can::UpdateWorkspace>,
    input: &Input,
) -> domain::Result<()> {
    let cx = &named.base.visitor.cx;
    let access = input.level()?;
    let unknown = || domain::Error::invalid("team", "must be chosen");
    let team: TeamId = input.team.parse().map_err(|_| unknown())?;
    let team = teams::find(cx, &team).await.map_err(|_| unknown())?;
    let workspace = workspaces::find(cx, &named.base.id).await?;
    let pair = named.check(workspace_access::pair(workspace, team).map_err(|_| unknown())?);
    let change = Change { access: Some(access), ..Change::default() };
    workspace_access::create(cx, &pair.map_err(|_| unknown())?, change).await.map(drop)
}

async fn readable(
    visitor: &SignedIn,
    workspace: &Workspace,
) -> Result<Granted<can::ReadWorkspace>> {
    let found = workspaces::find(&visitor.cx, &workspace.id).await?;
    Ok(visitor.cx.check::<can::ReadWorkspace, _>(found)?)
}

async fn teams_of(visitor: &SignedIn, workspace: &Workspace) -> Result<Vec<Team>> {
    let cx = &visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    // Those who reach the workspace, but not the organization as a whole, see no teams.
    let Ok(organization) = cx.check::<can::ReadOrganization, _>(found) else {
        return Ok(Vec::new());
    };
    let paging = Paging { number: 1, size: MOST };
    Ok(teams::list(cx, &organization, teams::Filter::default(), paging).await?.items)
}

fn level(access: Access) -> &'static str {
    LEVELS.iter().find(|(word, _)| *word == access.as_str()).map_or("", |(_, label)| label)
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadWorkspace>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::UpdateWorkspace>(workspace);
    let of = Of { workspace: Some(readable(visitor, workspace).await?), team: None };
    let list = workspace_access::list(cx, of, Paging { number: 1, size: MOST }).await?;
    let ids: Vec<TeamId> = list.items.iter().map(|row| row.team_id.clone()).collect();
    let known = teams::load(cx, &ids).await?;
    let rows = list.items.iter().map(|one| row(workspace, one, &known, manages)).collect();
    let heads = [Head::new("Team"), Head::new("May"), Head::unseen("Actions")];
    let content = if list.items.is_empty() {
        let text = "Owners, and teams that have their rights from the project or the organization, get in anyway.";
        html! { div.in { (empty(Icon::People, "No team has rights of its own here", text, &html! {})) } }
    } else {
        Table { caption: "Teams with rights here", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    let panel =
        Panel { id: "s-teams", title: "Teams", beside, content, is_table: true, is_risk: false };
    let all = if manages { teams_of(visitor, workspace).await? } else { Vec::new() };
    let left: Vec<Choice<'_>> = all
        .iter()
        .filter(|team| !team.is_owners() && !ids.contains(&team.id))
        .map(|team| (team.id.as_str(), team.name.as_str()))
        .collect();
    let content = html! {
        (panel)
        @if !left.is_empty() { (add_form(visitor, workspace, &left, input, wrong)) }
        @else if !manages { p.hint { "Administrators of " (workspace.name) " decide about this." } }
    };
    super::draw(visitor, workspace, Setting::Access, &content).await
}

fn row(workspace: &Workspace, one: &TeamWorkspace, known: &[Team], manages: bool) -> Vec<Markup> {
    let team = known.iter().find(|team| team.id == one.team_id);
    let name = team.map_or("a team that you may not see", |team| team.name.as_str());
    vec![
        html! { (name) },
        html! { (level(one.access)) },
        html! {
            @if manages {
                a class="button quiet small" href={ (here(workspace)) "/" (one.id) } { "Change" span.unseen { " " (name) } }
            }
        },
    ]
}

fn add_form(
    visitor: &SignedIn,
    workspace: &Workspace,
    left: &[Choice<'_>],
    input: &Input,
    wrong: Option<&Wrong>,
) -> Markup {
    let team = Select {
        about: About { name: "team", label: "Team", ..About::default() },
        choices: left,
        value: &input.team,
    };
    let access = Select {
        about: About { name: "access", label: "May", ..About::default() },
        choices: &LEVELS,
        value: &input.access,
    };
    let form = Sheet {
        id: "access",
        action: &here(workspace),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&team, &access],
        send: Button { label: "Let the team in", icon: Some(Icon::Plus), ..Button::default() },
    };
    Panel { id: "s-add", title: "Let a team in", content: form.render(), ..Panel::default() }
        .render()
}

/// Everything that can be chosen of one team's access; all but the level counts for the custom one alone.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Rights {
    access: String,
    runs: String,
    variables: String,
    state_versions: String,
    workspace_locking: Ticked,
    run_tasks: Ticked,
    policy_overrides: Ticked,
}

impl Rights {
    fn of(row: &TeamWorkspace) -> Self {
        let WorkspaceAccess { runs, variables, state_versions, locking, .. } = row.custom.0;
        Self {
            access: row.access.to_string(),
            runs: runs.to_string(),
            variables: variables.to_string(),
            state_versions: state_versions.to_string(),
            workspace_locking: Ticked(locking),
            run_tasks: Ticked(row.custom.run_tasks),
            policy_overrides: Ticked(row.custom.policy_overrides),
        }
    }

    fn wanted(&self) -> domain::Result<Change> {
        let chosen = |name| domain::Error::invalid(name, "must be chosen");
        let access: Access = self.access.parse().map_err(|_| chosen("access"))?;
        if access != Access::Custom {
            return Ok(Change { access: Some(access), ..Change::default() });
        }
        Ok(Change {
            access: Some(access),
            runs: Some(self.runs.parse().map_err(|_| chosen("runs"))?),
            variables: Some(self.variables.parse().map_err(|_| chosen("variables"))?),
            state_versions: Some(
                self.state_versions.parse().map_err(|_| chosen("state-versions"))?,
            ),
            sentinel_mocks: None,
            locking: Some(self.workspace_locking.0),
            run_tasks: Some(self.run_tasks.0),
            policy_overrides: Some(self.policy_overrides.0),
        })
    }
}

pub async fn edit(held: May<can::ManageTeamWorkspace, Held>) -> Result<Markup> {
    draw_one(&held.visitor, &held, &Rights::of(&held.row), None).await
}

pub async fn change(
    held: May<can::ManageTeamWorkspace, Held>,
    Form(rights): Form<Rights>,
) -> Result<Response> {
    let changed = match rights.wanted() {
        Ok(change) => workspace_access::update(&held.visitor.cx, &held, change).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(Redirect::to(&here(&held.of.0)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw_one(&held.visitor, &held, &rights, Some(&wrong)).await?))
        }
    }
}

pub async fn remove(held: May<can::ManageTeamWorkspace, Held>, _: Press) -> Result<Redirect> {
    workspace_access::delete(&held.visitor.cx, &held).await?;
    Ok(Redirect::to(&here(&held.of.0)))
}

async fn draw_one(
    visitor: &SignedIn,
    held: &Held,
    rights: &Rights,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let (workspace, team) = &held.of;
    let select = |name, label, hint, choices, value| Select {
        about: About { name, label, hint, optional: false },
        choices,
        value,
    };
    let custom = Some("For custom access.");
    let access = select("access", "May", None, &LEVELS, &rights.access);
    let runs = select(
        "runs",
        "Runs",
        custom,
        &[("read", "read"), ("plan", "plan"), ("apply", "apply")],
        &rights.runs,
    );
    let variables = select(
        "variables",
        "Variables",
        custom,
        &[("none", "nothing"), ("read", "read"), ("write", "write")],
        &rights.variables,
    );
    let states = select(
        "state-versions",
        "States",
        custom,
        &[
            ("none", "nothing"),
            ("read-outputs", "read outputs"),
            ("read", "read"),
            ("write", "write"),
        ],
        &rights.state_versions,
    );
    let check = |name, label, is_on| Check {
        about: About { name, label, hint: custom, optional: true },
        is_on,
        must: false,
    };
    let locking = check("workspace-locking", "Locks and unlocks", rights.workspace_locking.0);
    let tasks = check("run-tasks", "Manages run tasks", rights.run_tasks.0);
    let overrides = check("policy-overrides", "Overrides policies", rights.policy_overrides.0);
    let controls: [&dyn Control; 7] =
        [&access, &runs, &variables, &states, &locking, &tasks, &overrides];
    let at = format!("{}/{}", here(workspace), held.id);
    let form = Sheet {
        id: "rights",
        action: &at,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save what it may do", ..Button::default() },
    };
    let remove = Button {
        label: "Take it all away",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let title = format!("What {} may do in {}", team.name, workspace.name);
    let content = html! {
        (Panel { id: "s-rights", title: &title, content: form.render(), ..Panel::default() })
        (Panel {
            id: "s-remove",
            title: "Take it away",
            content: html! {
                p { "What the team may do by its project or its organization stays." }
                (action(&format!("{at}/delete"), &visitor.form_token(), &remove))
            },
            is_risk: true,
            ..Panel::default()
        })
    };
    super::draw(visitor, workspace, Setting::Access, &content).await
}
