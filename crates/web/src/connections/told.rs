//! What providers are told of runs, as the owners of an organization decide it.

use axum::response::Redirect;
use domain::{
    can,
    organizations::{self, Change},
    row::Organization,
};
use maud::{Markup, Render};
use serde::Deserialize;

use super::list_path;
use crate::{
    components::{About, Button, Check, Panel, Sheet},
    failure::Result,
    forms::{Form, Ticked},
    guard::May,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    aggregated: Ticked,
    passing: Ticked,
    cancels: Ticked,
    comments: Ticked,
}

pub async fn save(
    organization: May<can::UpdateOrganization>,
    Form(input): Form<Input>,
) -> Result<Redirect> {
    let change = Change {
        aggregated_commit_status_enabled: Some(input.aggregated.0),
        passing_statuses_for_untriggered: Some(input.passing.0 && !input.aggregated.0),
        speculative_plan_management: Some(input.cancels.0),
        pull_request_comments: Some(input.comments.0),
        ..Change::default()
    };
    Box::pin(organizations::update(&organization.visitor.cx, &organization, change)).await?;
    Ok(Redirect::to(&list_path(&organization.name)))
}

pub fn panel(visitor: &SignedIn, of: &Organization) -> Markup {
    let check = |name, label, hint, is_on| Check {
        about: About { name, label, hint, optional: false },
        is_on,
        must: false,
    };
    let aggregated = check(
        "aggregated",
        "One status for all workspaces of a commit",
        Some("Otherwise each workspace has its own."),
        of.aggregated_commit_status_enabled,
    );
    let passing = check(
        "passing",
        "Pass those that a pull request does not concern",
        Some("So that nobody waits for their status; only where each workspace has its own."),
        of.passing_statuses_for_untriggered,
    );
    let cancels = check(
        "cancels",
        "Cancel plans of older commits of a pull request",
        None,
        of.speculative_plan_management,
    );
    let comments = check(
        "comments",
        "Tell plans in one comment below each pull request",
        Some("By the addresses of what would change, and without any value."),
        of.pull_request_comments,
    );
    let form = Sheet {
        id: "told",
        action: &format!("{}/told", list_path(&of.name)),
        token: &visitor.form_token(),
        wrong: None,
        hidden: &[],
        controls: &[&aggregated, &passing, &cancels, &comments],
        send: Button { label: "Save", ..Button::default() },
    };
    let title = "What stands at the provider";
    Panel { id: "v-told", title, content: form.render(), ..Panel::default() }.render()
}
