//! How related resources are loaded: one line for each type, whatever the path that leads to it.

use std::sync::LazyLock;

use domain::Ctx;
use jsonapi::{Includes, Object};

use crate::{
    Failure, agent_pools, assessments, cidr_range_lists, configurations, cost_estimates,
    entitlements, feature_sets, memberships, oauth_clients, organizations, policies,
    policy_evaluations, policy_sets, projects, run_tasks, runs, ssh_keys, states, subscriptions,
    tags, task_results, task_stages, teams, users, variable_sets, variables, workspace_tasks,
    workspaces,
};

pub fn parsed<T: std::str::FromStr>(texts: &[String]) -> Vec<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

pub fn objects<R: jsonapi::Resource>(views: impl IntoIterator<Item = R>) -> Vec<Object> {
    views.into_iter().map(|view| Object::new(&view)).collect()
}

macro_rules! loaded {
    ($($kind:literal = $room:ident::$load:ident, |$cx:ident, $rows:ident| $views:expr;)+) => {
        Includes::default()$(.of($kind, |$cx, ids| {
            Box::pin(async move {
                let $rows = domain::$room::$load($cx, &parsed(&ids)).await?;
                Ok(objects($views))
            })
        }))+
    };
}

/// Those that are found by the ids of their type: a line for each.
fn by_type() -> Includes<Ctx, Failure> {
    loaded! {
        "cidr-range-lists" = cidr_range_lists::load, |cx, rows|
            cidr_range_lists::views(cx, rows).await?;
        "cidr-ranges" = cidr_range_lists::load_ranges, |_cx, rows| rows
            .into_iter()
            .map(|(row, organization)| cidr_range_lists::ranges::View(row, organization));
        "oauth-clients" = oauth_clients::load, |cx, rows| oauth_clients::views(cx, rows).await?;
        "oauth-tokens" = oauth_clients::load_tokens,
            |_cx, rows| rows.into_iter().map(oauth_clients::TokenView);
        "assessment-results" = assessments::load, |cx, rows| rows.into_iter().map(assessments::View);
        "organizations" = organizations::load, |cx, rows| organizations::views(cx, rows).await?;
        "projects" = projects::load, |cx, rows| projects::views(cx, rows).await?;
        "state-versions" = states::load, |cx, rows| states::views(cx, rows).await?;
        "state-version-outputs" = states::load_outputs, |cx, rows|
            rows.into_iter().map(states::outputs::View);
        "workspace-outputs" = states::load_outputs, |cx, rows|
            rows.into_iter().map(states::outputs::OfWorkspace);
        "agent-pools" = agent_pools::load, |cx, rows| agent_pools::views(cx, rows).await?;
        "ssh-keys" = ssh_keys::load, |cx, rows| rows.into_iter().map(ssh_keys::View);
        "users" = accounts::load, |cx, rows| users::views(cx, rows).await?;
        "teams" = teams::load, |cx, rows| teams::views(cx, rows).await?;
        "organization-memberships" = memberships::load, |cx, rows|
            memberships::views(cx, rows).await?;
        "configuration-versions" = configurations::load, |cx, rows|
            configurations::views(cx, rows).await?;
        "cost-estimates" = cost_estimates::load, |cx, rows|
            rows.into_iter().map(cost_estimates::View::from);
        "ingress-attributes" = configurations::load_ingress, |cx, rows|
            rows.into_iter().map(configurations::ingress_attributes::View);
        "varsets" = variable_sets::load, |cx, rows| variable_sets::views(cx, rows).await?;
        "runs" = runs::load, |cx, rows| runs::views(cx, rows).await?;
        "run-events" = runs::load_events, |cx, rows| rows.into_iter().map(runs::events::View);
        "comments" = runs::load_comments, |cx, rows| rows.into_iter().map(runs::comments::View);
        "plans" = runs::load_phases, |cx, rows| runs::plans(cx, rows).await?;
        "plan-exports" = plan_exports::load, |cx, rows|
            rows.into_iter().map(|row| runs::exports::View::new(cx, row));
        "applies" = runs::load_phases, |cx, rows|
            rows.into_iter().map(|row| runs::PhaseView::<false>::new(cx, row));
        "policies" = policies::load, |cx, rows| policies::views(cx, rows).await?;
        "policy-sets" = policy_sets::load, |cx, rows| policy_sets::views(cx, rows).await?;
        "policy-set-versions" = policy_sets::load_versions, |cx, rows|
            rows.into_iter().map(policy_sets::VersionView::new);
        "task-stages" = task_stages::load, |cx, rows| task_stages::views(cx, rows).await?;
        "task-results" = task_results::load, |cx, rows| task_results::views(cx, rows).await?;
        "task-result-outcomes" = task_results::load_outcomes, |cx, rows|
            rows.into_iter().map(task_results::OutcomeView);
        "tasks" = run_tasks::load, |cx, rows| run_tasks::views(cx, rows).await?;
        "workspace-tasks" = workspace_tasks::load, |cx, rows|
            rows.into_iter().map(workspace_tasks::View);
        "policy-evaluations" = policy_evaluations::load_evaluations, |cx, rows|
            rows.into_iter().map(policy_evaluations::EvaluationView);
        "policy-set-outcomes" = policy_evaluations::load_outcomes, |cx, rows|
            rows.into_iter().map(policy_evaluations::OutcomeView::new);
        "policy-checks" = policy_evaluations::load_checks, |cx, rows|
            rows.into_iter()
                .map(|row| policy_evaluations::CheckView::new(cx, row))
                .collect::<crate::Result<Vec<_>>>()?;
        "workspaces" = workspaces::load, |cx, rows| workspaces::views(cx, rows).await?;
    }
}

pub static INCLUDES: LazyLock<Includes<Ctx, Failure>> = LazyLock::new(|| {
    by_type()
        .of("vars", |cx, ids| {
            Box::pin(async move {
                let ids = parsed(&ids);
                let mut shown = domain::variable_sets::load_variables(cx, &ids).await?;
                shown.extend(domain::variables::load(cx, &ids).await?);
                Ok(objects(shown.into_iter().map(variables::View::from)))
            })
        })
        .relation_to_one("configuration-versions", "run", |cx, ids| {
            Box::pin(async move {
                let found = domain::runs::load_of_configurations(cx, &parsed(&ids)).await?;
                runs::by_configuration(cx, found).await
            })
        })
        .relation("runs", "comments", |cx, ids| {
            Box::pin(async move {
                let found = domain::runs::load_comments_of(cx, &parsed(&ids)).await?;
                Ok(runs::comments::by_run(found))
            })
        })
        // Only of those that have so many that they do not name them.
        .relation("state-versions", "outputs", |cx, ids| {
            Box::pin(async move {
                let found = domain::states::load_many_outputs(cx, &parsed(&ids)).await?;
                Ok(states::outputs::by_owner(found, states::outputs::View))
            })
        })
        .relation("workspaces", "outputs", |cx, ids| {
            Box::pin(async move {
                let found = domain::states::load_many_of_workspaces(cx, &parsed(&ids)).await?;
                Ok(states::outputs::by_owner(found, states::outputs::OfWorkspace))
            })
        })
        .relation("workspaces", "effective-tag-bindings", |cx, ids| {
            Box::pin(async move {
                let found = domain::tags::load_effective(cx, &parsed(&ids)).await?;
                Ok(tags::by_workspace(found))
            })
        })
        .relation("projects", "effective-tag-bindings", |cx, ids| {
            Box::pin(async move {
                let found = domain::tags::load_of_projects(cx, &parsed(&ids)).await?;
                Ok(tags::by_project(found))
            })
        })
        .relation_to_one("organizations", "entitlement-set", |cx, names| {
            Box::pin(async move {
                let rows = domain::organizations::load(cx, &names).await?;
                entitlements::by_organization(cx, &rows).await
            })
        })
        .relation_to_one("organizations", "subscription", |cx, names| {
            Box::pin(async move {
                let rows = domain::organizations::load(cx, &names).await?;
                Ok(subscriptions::by_organization(rows))
            })
        })
        .of("feature-sets", |cx, _| {
            Box::pin(async move { Ok(objects([feature_sets::View::of_site(cx).await?])) })
        })
        .relation_to_one("workspaces", "readme", |cx, ids| {
            Box::pin(async move {
                let found = domain::readmes::load(cx, &parsed(&ids)).await?;
                Ok(workspaces::readmes::by_workspace(found))
            })
        })
        .relation("workspaces", "vars", |cx, ids| {
            Box::pin(async move {
                let variables = domain::variables::load_of(cx, &parsed(&ids)).await?;
                Ok(variables::by_workspace(variables))
            })
        })
});
