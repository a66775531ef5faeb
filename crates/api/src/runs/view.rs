//! A run on the wire.

use std::collections::HashMap;

use domain::{
    Ctx, In, StatusTimestamps, Timestamp, can,
    entity::{
        run::{Cancel, Source, Status},
        tool_version::Engine,
    },
    id::{ConfigurationVersionId, EventId},
    row::Run,
    runs::{self, Blocked, status},
    variables,
};
use jsonapi::{Links, Object, Relationships, Resource};
use serde::Serialize;

use crate::Result;

pub struct View {
    run: In<Run>,
    events: Vec<EventId>,
    position: Option<u64>,
    actions: Actions,
    permissions: Permissions,
    variables: Vec<variables::OfRun>,
    blocked: Option<Blocked>,
}

/// Without these the command line crashes (CLI protocol, rule 7).
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Actions {
    is_cancelable: bool,
    is_confirmable: bool,
    is_discardable: bool,
    is_force_cancelable: bool,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_apply: bool,
    can_cancel: bool,
    can_comment: bool,
    can_discard: bool,
    can_force_execute: bool,
    can_force_cancel: bool,
    can_override_policy_check: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    actions: Actions,
    allow_config_generation: bool,
    allow_empty_apply: bool,
    auto_apply: bool,
    canceled_at: Option<Timestamp>,
    created_at: Timestamp,
    debugging_mode: bool,
    /// Ours: whose version `terraform-version` names; what the workspace asks for, until it is known.
    engine: Option<Engine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_cancel_available_at: Option<Timestamp>,
    has_changes: bool,
    invoke_action_addrs: Option<&'a [String]>,
    is_destroy: bool,
    message: &'a str,
    permissions: Permissions,
    plan_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_in_queue: Option<u64>,
    policy_paths: Option<&'a [String]>,
    refresh: bool,
    refresh_only: bool,
    replace_addrs: Option<&'a [String]>,
    save_plan: bool,
    source: Source,
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    target_addrs: Option<&'a [String]>,
    /// What the workspace asks for, until an agent has a version.
    terraform_version: &'a str,
    trigger_reason: &'a str,
    triggering_source_name: Option<&'a str>,
    updated_at: Timestamp,
    variables: &'a [variables::OfRun],
    /// Ours: what keeps it from going on, apart from the runs before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_by: Option<BlockedBy<'a>>,
    /// Ours: the same in words alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct BlockedBy<'a> {
    kind: &'static str,
    name: Option<&'a str>,
    until: Option<Timestamp>,
    reason: &'a str,
}

impl<'a> From<&'a Blocked> for BlockedBy<'a> {
    fn from(blocked: &'a Blocked) -> Self {
        Self {
            kind: blocked.kind.as_str(),
            name: blocked.name.as_deref(),
            until: blocked.until,
            reason: &blocked.reason,
        }
    }
}

/// With what happened to them, read at once.
pub async fn views(cx: &Ctx, runs: Vec<In<Run>>) -> Result<Vec<View>> {
    let ids: Vec<_> = runs.iter().map(|run| run.id.clone()).collect();
    let mut events = runs::events_of(cx, &ids).await?;
    Ok(runs
        .into_iter()
        .map(|run| {
            let events = events.remove(&run.id).unwrap_or_default();
            View::new(cx, run, events)
        })
        .collect())
}

/// For includes: runs beside the ids of the configurations that they are of.
pub async fn by_configuration(
    cx: &Ctx,
    found: HashMap<ConfigurationVersionId, In<Run>>,
) -> Result<Vec<(String, Vec<Object>)>> {
    let (ids, runs): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let objects = views(cx, runs).await?.into_iter().map(|view| vec![Object::new(&view)]);
    Ok(ids.into_iter().map(|id| id.to_string()).zip(objects).collect())
}

/// One alone says as well what it waits for.
pub(super) async fn view(cx: &Ctx, run: In<Run>) -> Result<View> {
    let blocked = runs::blocked_by(cx, &run).await?;
    Ok(View { blocked, ..views(cx, vec![run]).await?.swap_remove(0) })
}

impl View {
    fn new(cx: &Ctx, run: In<Run>, events: Vec<EventId>) -> Self {
        let actions = Actions {
            is_cancelable: status::is_cancelable(run.status) && run.cancel == Cancel::No,
            is_confirmable: status::is_confirmable(run.status),
            is_discardable: status::is_discardable(run.status),
            is_force_cancelable: runs::may_force_cancel(&run, cx.now()),
        };
        let workspace = &run.of;
        let permissions = Permissions {
            can_apply: cx.may::<can::ApplyRun>(workspace),
            can_cancel: cx.may::<can::CancelRun>(workspace),
            can_comment: cx.may::<can::CommentOnRun>(workspace),
            can_discard: cx.may::<can::DiscardRun>(workspace),
            can_force_execute: cx.may::<can::ForceExecuteRun>(workspace),
            can_force_cancel: cx.may::<can::ForceCancelRun>(workspace),
            can_override_policy_check: cx.may::<can::OverridePolicies>(workspace),
        };
        let variables = runs::shown_variables(cx, &run);
        Self { run, events, position: None, actions, permissions, variables, blocked: None }
    }

    /// In a list of those that wait.
    pub fn at(self, position: u64) -> Self {
        Self { position: Some(position), ..self }
    }
}

fn some(list: &[String]) -> Option<&[String]> {
    Some(list).filter(|list| !list.is_empty())
}

impl Resource for View {
    const TYPE: &'static str = "runs";

    fn id(&self) -> String {
        self.run.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let run = &self.run.row;
        let asked_for = &self.run.of.terraform_version;
        Attributes {
            actions: self.actions,
            allow_config_generation: run.allow_config_generation,
            allow_empty_apply: run.allow_empty_apply,
            auto_apply: run.auto_apply,
            canceled_at: run.canceled_at,
            created_at: run.created_at,
            debugging_mode: run.debugging_mode,
            engine: run.engine.or(self.run.of.engine.filter(|_| !run.is_final)),
            force_cancel_available_at: run.force_cancel_available_at,
            has_changes: run.has_changes,
            invoke_action_addrs: some(&run.invoke_action_addrs),
            is_destroy: run.is_destroy,
            message: &run.message,
            permissions: self.permissions,
            plan_only: run.plan_only,
            position_in_queue: self.position,
            policy_paths: some(&run.policy_paths),
            refresh: run.refresh,
            refresh_only: run.refresh_only,
            replace_addrs: some(&run.replace_addrs),
            save_plan: run.save_plan,
            source: run.source,
            status: run.status,
            status_timestamps: &run.status_timestamps,
            target_addrs: some(&run.target_addrs),
            terraform_version: run.terraform_version.as_deref().unwrap_or(asked_for),
            trigger_reason: &run.trigger_reason,
            triggering_source_name: run.triggering_source_name.as_deref(),
            updated_at: run.updated_at,
            variables: &self.variables,
            blocked_by: self.blocked.as_ref().map(Into::into),
            waiting_reason: self.blocked.as_ref().map(|blocked| blocked.reason.as_str()),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let run = &self.run.row;
        let here = format!("/api/v2/runs/{}", run.id);
        to.one_with_link(
            "workspace",
            "workspaces",
            Some(&run.workspace_id),
            format!("/api/v2/workspaces/{}", run.workspace_id),
        );
        to.one_with_link("plan", "plans", Some(&run.plan_id), format!("{here}/plan"));
        to.one_with_link("apply", "applies", Some(&run.apply_id), format!("{here}/apply"));
        to.one(
            "configuration-version",
            "configuration-versions",
            run.configuration_version_id.as_ref().map(|id| id as _),
        );
        for (name, id) in [
            ("created-by", &run.created_by_id),
            ("confirmed-by", &run.confirmed_by_id),
            ("canceled-by", &run.canceled_by_id),
        ] {
            if let Some(id) = id {
                to.one(name, "users", Some(id));
            }
        }
        // Command lines take null for a run that has none.
        to.one("cost-estimate", "cost-estimates", run.cost_estimate_id.as_ref().map(|id| id as _));
        to.many("policy-checks", "policy-checks", run.policy_checks.iter());
        to.many("task-stages", "task-stages", run.task_stages.iter());
        let source = run.triggering_source_id.as_ref();
        if let (Some(run), Some(source)) = (&run.triggered_by_id, source) {
            let related = format!("/api/v2/workspaces/{source}");
            to.one_with_link("triggering-source", "workspaces", Some(source), related);
            to.one("triggering-run", "runs", Some(run));
        }
        to.many_with_link("run-events", "run-events", &self.events, format!("{here}/run-events"));
        // Without identifiers: the published contract calls their type `workspace-comments`, and HashiCorp's own Go
        // client, which command lines are made with, cannot read a run that has one of any type but `comments`.
        to.link("comments", format!("{here}/comments"));
    }

    fn links(&self, to: &mut Links) {
        let of = &self.run.of;
        to.add(
            "self-html",
            format!("/app/{}/workspaces/{}/runs/{}", of.organization_name, of.name, self.run.id),
        );
    }
}
