//! What is said of the health of a workspace.

use db::{entity::assessment_result, id::AssessmentResultId, sea_orm::EntityTrait};
use serde_json::{Value, json};

use super::{Message, Trigger, find_workspace};
use crate::{
    Ctx, Result,
    row::{AssessmentResult, NotificationConfiguration},
};

/// `None` where the result is gone.
pub(super) async fn about(
    cx: &Ctx,
    row: &NotificationConfiguration,
    trigger: Trigger,
    result: &AssessmentResultId,
    prior: Option<&AssessmentResultId>,
) -> Result<Option<Message>> {
    let Some(result) = find(cx, result).await? else { return Ok(None) };
    let prior = match prior {
        Some(id) => find(cx, id).await?,
        None => None,
    };
    let Some(workspace) = find_workspace(cx, &result.workspace_id).await? else { return Ok(None) };
    let (organization, name) = (&workspace.organization_name, &workspace.name);
    let what = match trigger {
        Trigger::AssessmentDrifted => "Drift Detected",
        Trigger::AssessmentCheckFailure => "Checks Failed",
        _ => "Assessment Failed",
    };
    let mut facts = vec![("Workspace", format!("{organization}/{name}"))];
    let numbers = [
        ("Drifted", result.resources_drifted),
        ("Not drifted", result.resources_undrifted),
        ("Checks failed", result.checks_failed),
        ("Checks errored", result.checks_errored),
    ];
    facts
        .extend(numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string()))));
    facts.push(("At", result.created_at.iso8601()));
    let configuration = format!("/api/v2/notification-configurations/{}", row.id);
    Ok(Some(Message {
        cause: trigger.to_string(),
        title: format!("{what}: {organization}/{name}"),
        facts,
        link: Some(cx.url(format!("/app/{organization}/workspaces/{name}/health"))),
        generic: json!({
            "payload_version": "2",
            "notification_configuration_id": row.id,
            "notification_configuration_url": cx.url(configuration),
            "trigger_scope": "assessment",
            "trigger": trigger,
            "message": what,
            "details": {
                "new_assessment_result": shown(cx, &result),
                "prior_assessment_result": prior.map(|prior| shown(cx, &prior)),
                "workspace_id": workspace.id,
                "workspace_name": name,
                "organization_name": organization,
            },
        }),
    }))
}

async fn find(cx: &Ctx, id: &AssessmentResultId) -> Result<Option<AssessmentResult>> {
    Ok(assessment_result::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

fn shown(cx: &Ctx, row: &AssessmentResult) -> Value {
    json!({
        "id": row.id,
        "url": cx.url(format!("/api/v2/assessment-results/{}", row.id)),
        "succeeded": row.succeeded,
        "drifted": row.drifted,
        "all_checks_succeeded": row.all_checks_succeeded,
        "resources_drifted": row.resources_drifted,
        "resources_undrifted": row.resources_undrifted,
        "checks_passed": row.checks_passed,
        "checks_failed": row.checks_failed,
        "checks_errored": row.checks_errored,
        "checks_unknown": row.checks_unknown,
        "created_at": row.created_at,
    })
}
