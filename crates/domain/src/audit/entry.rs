//! An entry as it is shown: the documented form ("Audit trails API"), with what else is known about the caller.

use db::{
    entity::{agent_pool, team, user},
    id::{AgentPoolId, OrganizationId, TeamId, UserId},
    sea_orm::EntityTrait,
};
use serde_json::json;

use crate::{Result, Tx, row::Event};

/// The text that is hashed and kept.
pub(super) async fn body(
    tx: &Tx,
    event: &Event,
    organization: Option<&OrganizationId>,
) -> Result<String> {
    let kind = singular(&event.resource_type);
    let entry = json!({
        "id": event.id,
        "version": "0",
        "type": "Resource",
        "timestamp": event.at,
        "auth": {
            "accessor_id": event.actor_id,
            "description": description(tx, event).await?,
            "type": if event.actor_kind == "system" { "System" } else { "Client" },
            "impersonator_id": null,
            "organization_id": organization,
            "accessor_type": event.actor_kind,
            "token_id": event.token_id,
            "address": event.address,
        },
        "request": { "id": event.request_id },
        "resource": {
            "id": event.resource_id,
            "type": kind,
            "action": action(event.action.as_str(), &kind),
            "meta": event.detail,
            "workspace_id": event.workspace_id,
            "run_id": event.run_id,
        },
    });
    Ok(entry.to_string())
}

/// By a name that people know, as it was then.
async fn description(tx: &Tx, event: &Event) -> Result<Option<String>> {
    let Some(id) = &event.actor_id else { return Ok(None) };
    let db = tx.db();
    Ok(match event.actor_kind.as_str() {
        "user" => match id.parse::<UserId>() {
            Ok(id) => user::Entity::find_by_id(id).one(db).await?.map(|row| row.username),
            Err(_) => None,
        },
        "team" => match id.parse::<TeamId>() {
            Ok(id) => team::Entity::find_by_id(id).one(db).await?.map(|row| row.name),
            Err(_) => None,
        },
        "agent" => match id.parse::<AgentPoolId>() {
            Ok(id) => agent_pool::Entity::find_by_id(id).one(db).await?.map(|row| row.name),
            Err(_) => None,
        },
        _ => Some(id.clone()),
    })
}

/// `workspace` of `workspaces`, `registry` of `registries`.
fn singular(kind: &str) -> String {
    match kind.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => kind.strip_suffix('s').unwrap_or(kind).to_owned(),
    }
}

/// What was done, in the field's words where it has one.
fn action<'a>(happened: &'a str, kind: &str) -> &'a str {
    let own = kind.replace('-', "_");
    let rest = happened.strip_prefix(&own).and_then(|rest| rest.strip_prefix('_'));
    match rest.unwrap_or(happened) {
        "created" => "create",
        "updated" => "update",
        "deleted" => "destroy",
        "locked" => "lock",
        "unlocked" => "unlock",
        "force_unlocked" => "force_unlock",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_in_the_words_of_the_field() {
        for (happened, kind, said) in [
            ("workspace_locked", "workspaces", "lock"),
            ("policy_created", "policies", "create"),
            ("agent_pool_deleted", "agent-pools", "destroy"),
            ("state_read", "state-versions", "state_read"),
            ("run_applied", "runs", "applied"),
        ] {
            assert_eq!(action(happened, &singular(kind)), said);
        }
    }
}
