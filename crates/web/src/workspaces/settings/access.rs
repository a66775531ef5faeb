//! Which teams may do what in a workspace, beside what they may do in its project and its organization.

use domain::{
    Ctx, Found, can,
    row::{TeamWorkspace, Workspace},
    teams::access::ChangeInWorkspace as Change,
    workspaces,
};
use maud::Markup;

use super::{Setting, path};
use crate::{
    components::Choice,
    failure::Result,
    forms::Pairs,
    teams::access::{NOTHING_READ_WRITE, RUNS, Right, STATES, Shown, is_ticked, tick, word},
    visitor::SignedIn,
};

impl Shown for Workspace {
    type Admin = can::UpdateWorkspace;

    const LEVELS: &'static [Choice<'static>] = &[
        ("read", "Read: runs, variables and states"),
        ("plan", "Plan: read, and start runs that somebody else confirms"),
        ("write", "Write: plan, and confirm runs, lock, write variables and states"),
        ("admin", "Admin: everything, settings and access included"),
        ("custom", "Custom: what is chosen one by one"),
    ];
    const RIGHTS: &'static [Right] = &[
        Right { name: "runs", label: "Runs", words: RUNS },
        Right { name: "variables", label: "Variables", words: NOTHING_READ_WRITE },
        Right { name: "state-versions", label: "States", words: STATES },
        Right { name: "workspace-locking", label: "Locks and unlocks", words: &[] },
        Right { name: "run-tasks", label: "Manages run tasks", words: &[] },
        Right { name: "policy-overrides", label: "Overrides policies", words: &[] },
    ];
    const NOBODY: &'static str = "Owners, and teams that have their rights from the project or the organization, get in anyway.";

    fn name(&self) -> &str {
        &self.name
    }

    fn here(&self) -> String {
        format!("{}/settings/access", path(self))
    }

    async fn again(&self, cx: &Ctx) -> domain::Result<Found<Self>> {
        workspaces::find(cx, &self.id).await
    }

    fn at(level: &str) -> domain::Result<Change> {
        let access =
            level.parse().map_err(|_| domain::Error::invalid("access", "must be chosen"))?;
        Ok(Change { access: Some(access), ..Change::default() })
    }

    fn custom(chosen: &Pairs) -> domain::Result<Change> {
        Ok(Change {
            runs: Some(word(chosen, "runs")?),
            variables: Some(word(chosen, "variables")?),
            state_versions: Some(word(chosen, "state-versions")?),
            locking: Some(is_ticked(chosen, "workspace-locking")),
            run_tasks: Some(is_ticked(chosen, "run-tasks")),
            policy_overrides: Some(is_ticked(chosen, "policy-overrides")),
            ..Self::at("custom")?
        })
    }

    fn value(row: &TeamWorkspace, right: &str) -> String {
        let held = row.custom.0;
        match right {
            "runs" => held.runs.to_string(),
            "variables" => held.variables.to_string(),
            "state-versions" => held.state_versions.to_string(),
            "workspace-locking" => tick(held.locking),
            "run-tasks" => tick(held.run_tasks),
            "policy-overrides" => tick(held.policy_overrides),
            _ => String::new(),
        }
    }

    async fn draw(&self, visitor: &SignedIn, content: &Markup) -> Result<Markup> {
        super::draw(visitor, self, Setting::Access, content).await
    }
}
