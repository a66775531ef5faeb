//! Which teams may do what in a project and in all of its workspaces, beside what they may do in its organization.

use domain::{
    Ctx, Found, can, projects,
    row::{Project, TeamProject},
    teams::access::{ChangeInProject as Change, ChangeProject, ChangeWorkspaces},
};
use maud::{Markup, html};

use super::{list_path, path};
use crate::{
    components::{Choice, Crumb, Header},
    failure::Result,
    forms::Pairs,
    frame::{Place, Section, page},
    teams::access::{NOTHING_READ_WRITE, RUNS, Right, STATES, Shown, is_ticked, tick, word},
    visitor::SignedIn,
};

impl Shown for Project {
    type Admin = can::ManageProjectTeams;

    const LEVELS: &'static [Choice<'static>] = &[
        ("read", "Read: runs, variables and states of its workspaces"),
        ("write", "Write: read, and confirm runs, lock, write variables, states and sets"),
        ("maintain", "Maintain: write, and make, change and delete its workspaces"),
        ("admin", "Admin: everything, settings and access included"),
        ("custom", "Custom: what is chosen one by one"),
    ];
    const RIGHTS: &'static [Right] = &[
        Right {
            name: "settings",
            label: "The project",
            words: &[("read", "read"), ("update", "change"), ("delete", "change and delete")],
        },
        Right {
            name: "teams",
            label: "Access of teams",
            words: &[("none", "nothing"), ("read", "read"), ("manage", "decide")],
        },
        Right { name: "variable-sets", label: "Its variable sets", words: NOTHING_READ_WRITE },
        Right { name: "runs", label: "Runs", words: RUNS },
        Right { name: "variables", label: "Variables", words: NOTHING_READ_WRITE },
        Right { name: "state-versions", label: "States", words: STATES },
        Right { name: "create", label: "Makes workspaces", words: &[] },
        Right { name: "locking", label: "Locks and unlocks", words: &[] },
        Right { name: "move", label: "Moves workspaces", words: &[] },
        Right { name: "delete", label: "Deletes workspaces", words: &[] },
        Right { name: "run-tasks", label: "Manages run tasks", words: &[] },
        Right { name: "policy-overrides", label: "Overrides policies", words: &[] },
    ];
    const NOBODY: &'static str =
        "Owners, and teams that have their rights from the organization, get in anyway.";

    fn name(&self) -> &str {
        &self.name
    }

    fn here(&self) -> String {
        format!("{}/access", path(self))
    }

    async fn again(&self, cx: &Ctx) -> domain::Result<Found<Self>> {
        projects::find(cx, &self.id).await
    }

    fn at(level: &str) -> domain::Result<Change> {
        let access =
            level.parse().map_err(|_| domain::Error::invalid("access", "must be chosen"))?;
        Ok(Change { access: Some(access), ..Change::default() })
    }

    fn custom(chosen: &Pairs) -> domain::Result<Change> {
        let project = ChangeProject {
            settings: Some(word(chosen, "settings")?),
            teams: Some(word(chosen, "teams")?),
            variable_sets: Some(word(chosen, "variable-sets")?),
        };
        let workspaces = ChangeWorkspaces {
            runs: Some(word(chosen, "runs")?),
            variables: Some(word(chosen, "variables")?),
            state_versions: Some(word(chosen, "state-versions")?),
            sentinel_mocks: None,
            create: Some(is_ticked(chosen, "create")),
            locking: Some(is_ticked(chosen, "locking")),
            r#move: Some(is_ticked(chosen, "move")),
            delete: Some(is_ticked(chosen, "delete")),
            run_tasks: Some(is_ticked(chosen, "run-tasks")),
            policy_overrides: Some(is_ticked(chosen, "policy-overrides")),
        };
        Ok(Change { project: Some(project), workspaces: Some(workspaces), ..Self::at("custom")? })
    }

    fn value(row: &TeamProject, right: &str) -> String {
        let (project, held) = (row.project_access.0, row.workspace_access.0);
        match right {
            "settings" => project.settings.to_string(),
            "teams" => project.teams.to_string(),
            "variable-sets" => project.variable_sets.to_string(),
            "runs" => held.runs.to_string(),
            "variables" => held.variables.to_string(),
            "state-versions" => held.state_versions.to_string(),
            "create" => tick(held.create),
            "locking" => tick(held.locking),
            "move" => tick(held.r#move),
            "delete" => tick(held.delete),
            "run-tasks" => tick(held.run_tasks),
            "policy-overrides" => tick(held.policy_overrides),
            _ => String::new(),
        }
    }

    async fn draw(&self, visitor: &SignedIn, content: &Markup) -> Result<Markup> {
        let organization = &self.organization_name;
        let crumbs = [
            Crumb { label: "Projects", href: list_path(organization) },
            Crumb { label: &self.name, href: path(self) },
        ];
        let main = html! {
            (Header { crumbs: &crumbs, title: "Access of teams", ..Header::default() })
            div.stack { (content) }
        };
        let title = format!("Access to {}", self.name);
        page(visitor, Place::In(organization, Section::Projects), &title, &main).await
    }
}
