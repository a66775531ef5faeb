//! How related resources are loaded: one line for each type, whatever the path that leads to it.

use std::sync::LazyLock;

use domain::Ctx;
use jsonapi::{Includes, Object};

use crate::{
    Failure, agent_pools, configurations, entitlements, memberships, organizations, policies,
    policy_evaluations, policy_sets, projects, runs, ssh_keys, states, tags, task_stages, teams,
    users, variable_sets, variables, workspaces,
};

fn parsed<T: std::str::FromStr>(texts: &[String]) -> Vec<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn objects<R: jsonapi::Resource>(views: impl IntoIterator<Item = R>) -> Vec<Object> {
    views.into_iter().map(|view| Object::new(&view)).collect()
}

pub static INCLUDES: LazyLock<Includes<Ctx, Failure>> = LazyLock::new(|| {
    Includes::default()
        .of("organizations", |cx, names| {
            Box::pin(async move {
                let rows = domain::organizations::load(cx, &names).await?;
                Ok(objects(organizations::views(cx, rows).await?))
            })
        })
        .of("projects", |cx, ids| {
            Box::pin(async move {
                let rows = domain::projects::load(cx, &parsed(&ids)).await?;
                Ok(objects(projects::views(cx, rows).await?))
            })
        })
        .of("state-versions", |cx, ids| {
            Box::pin(async move {
                let rows = domain::states::load(cx, &parsed(&ids)).await?;
                Ok(objects(states::views(cx, rows).await?))
            })
        })
        .of("state-version-outputs", |cx, ids| {
            Box::pin(async move {
                let outputs = domain::states::load_outputs(cx, &parsed(&ids)).await?;
                Ok(objects(outputs.into_iter().map(states::outputs::View)))
            })
        })
        .of("workspace-outputs", |cx, ids| {
            Box::pin(async move {
                let outputs = domain::states::load_outputs(cx, &parsed(&ids)).await?;
                Ok(objects(outputs.into_iter().map(states::outputs::OfWorkspace)))
            })
        })
        .of("agent-pools", |cx, ids| {
            Box::pin(async move {
                let rows = domain::agent_pools::load(cx, &parsed(&ids)).await?;
                Ok(objects(agent_pools::views(cx, rows).await?))
            })
        })
        .of("ssh-keys", |cx, ids| {
            Box::pin(async move {
                let rows = domain::ssh_keys::load(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(ssh_keys::View)))
            })
        })
        .of("users", |cx, ids| {
            Box::pin(async move {
                let rows = domain::accounts::load(cx, &parsed(&ids)).await?;
                Ok(objects(users::views(cx, rows).await?))
            })
        })
        .of("teams", |cx, ids| {
            Box::pin(async move {
                let rows = domain::teams::load(cx, &parsed(&ids)).await?;
                Ok(objects(teams::views(cx, rows).await?))
            })
        })
        .of("organization-memberships", |cx, ids| {
            Box::pin(async move {
                let rows = domain::memberships::load(cx, &parsed(&ids)).await?;
                Ok(objects(memberships::views(cx, rows).await?))
            })
        })
        .of("configuration-versions", |cx, ids| {
            Box::pin(async move {
                let rows = domain::configurations::load(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(configurations::View::new)))
            })
        })
        .of("varsets", |cx, ids| {
            Box::pin(async move {
                let sets = domain::variable_sets::load(cx, &parsed(&ids)).await?;
                Ok(objects(variable_sets::views(cx, sets).await?))
            })
        })
        .of("vars", |cx, ids| {
            Box::pin(async move {
                let ids = parsed(&ids);
                let mut shown = domain::variable_sets::load_variables(cx, &ids).await?;
                shown.extend(domain::variables::load(cx, &ids).await?);
                Ok(objects(shown.into_iter().map(variables::View::from)))
            })
        })
        .of("runs", |cx, ids| {
            Box::pin(async move {
                let rows = domain::runs::load(cx, &parsed(&ids)).await?;
                Ok(objects(runs::views(cx, rows).await?))
            })
        })
        .of("run-events", |cx, ids| {
            Box::pin(async move {
                let events = domain::runs::load_events(cx, &parsed(&ids)).await?;
                Ok(objects(events.into_iter().map(runs::events::View)))
            })
        })
        .of("comments", |cx, ids| {
            Box::pin(async move {
                let rows = domain::runs::load_comments(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(runs::comments::View)))
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
        .of("plans", |cx, ids| {
            Box::pin(async move {
                let rows = domain::runs::load_phases(cx, &ids).await?;
                Ok(objects(rows.into_iter().map(|row| runs::PhaseView::<true>::new(cx, row))))
            })
        })
        .of("applies", |cx, ids| {
            Box::pin(async move {
                let rows = domain::runs::load_phases(cx, &ids).await?;
                Ok(objects(rows.into_iter().map(|row| runs::PhaseView::<false>::new(cx, row))))
            })
        })
        .of("policies", |cx, ids| {
            Box::pin(async move {
                let rows = domain::policies::load(cx, &parsed(&ids)).await?;
                Ok(objects(policies::views(cx, rows).await?))
            })
        })
        .of("policy-sets", |cx, ids| {
            Box::pin(async move {
                let rows = domain::policy_sets::load(cx, &parsed(&ids)).await?;
                Ok(objects(policy_sets::views(cx, rows).await?))
            })
        })
        .of("policy-set-versions", |cx, ids| {
            Box::pin(async move {
                let rows = domain::policy_sets::load_versions(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(policy_sets::VersionView::new)))
            })
        })
        .of("task-stages", |cx, ids| {
            Box::pin(async move {
                let rows = domain::task_stages::load(cx, &parsed(&ids)).await?;
                Ok(objects(task_stages::views(cx, rows).await?))
            })
        })
        .of("policy-evaluations", |cx, ids| {
            Box::pin(async move {
                let rows = domain::policy_evaluations::load_evaluations(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(policy_evaluations::EvaluationView)))
            })
        })
        .of("policy-set-outcomes", |cx, ids| {
            Box::pin(async move {
                let rows = domain::policy_evaluations::load_outcomes(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(policy_evaluations::OutcomeView::new)))
            })
        })
        .of("policy-checks", |cx, ids| {
            Box::pin(async move {
                let rows = domain::policy_evaluations::load_checks(cx, &parsed(&ids)).await?;
                let view = |row| policy_evaluations::CheckView::new(cx, row);
                let views: crate::Result<Vec<_>> = rows.into_iter().map(view).collect();
                Ok(objects(views?))
            })
        })
        .of("workspaces", |cx, ids| {
            Box::pin(async move {
                let rows = domain::workspaces::load(cx, &parsed(&ids)).await?;
                Ok(objects(workspaces::views(cx, rows).await?))
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
                Ok(entitlements::by_organization(cx, &rows))
            })
        })
        // Nobody has one here, which is said to whoever asks.
        .relation_to_one("organizations", "subscription", |_, _| {
            Box::pin(async move { Ok(Vec::new()) })
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
