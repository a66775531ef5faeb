//! An entry as it is shown: the documented form ("Audit trails API"), with what else is known about the caller.

use std::{
    collections::{BTreeSet, HashMap},
    str::FromStr,
};

use db::{
    entity::{agent_pool, team, user},
    id::{AgentPoolId, OrganizationId, TeamId, UserId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use crate::{Result, Tx, row::Event};

/// What people know those by who did something, as it is when this is asked, by their ids.
pub(super) type Names = HashMap<String, String>;

pub(super) async fn names(tx: &Tx, events: &[Event]) -> Result<Names> {
    let mut names = Names::new();
    let users: BTreeSet<UserId> = ids(events, "user");
    if !users.is_empty() {
        let rows = user::Entity::find().filter(user::Column::Id.is_in(users)).all(tx.db()).await?;
        names.extend(rows.into_iter().map(|row| (row.id.to_string(), row.username)));
    }
    let teams: BTreeSet<TeamId> = ids(events, "team");
    if !teams.is_empty() {
        let rows = team::Entity::find().filter(team::Column::Id.is_in(teams)).all(tx.db()).await?;
        names.extend(rows.into_iter().map(|row| (row.id.to_string(), row.name)));
    }
    let pools: BTreeSet<AgentPoolId> = ids(events, "agent");
    if !pools.is_empty() {
        let of = agent_pool::Column::Id.is_in(pools);
        let rows = agent_pool::Entity::find().filter(of).all(tx.db()).await?;
        names.extend(rows.into_iter().map(|row| (row.id.to_string(), row.name)));
    }
    Ok(names)
}

/// Of the callers of one kind.
fn ids<T: FromStr + Ord>(events: &[Event], kind: &str) -> BTreeSet<T> {
    let of = events.iter().filter(|event| event.actor_kind == kind);
    of.filter_map(|event| event.actor_id.as_ref()?.parse().ok()).collect()
}

/// The text that is hashed and kept.
pub(super) fn body(event: &Event, organization: Option<&OrganizationId>, names: &Names) -> String {
    let kind = singular(&event.resource_type);
    let entry = json!({
        "id": event.id,
        "version": "0",
        "type": "Resource",
        "timestamp": event.at,
        "auth": {
            "accessor_id": event.actor_id,
            "description": description(event, names),
            "type": if event.actor_kind == "system" { "System" } else { "Client" },
            "impersonator_id": event.impersonator_id,
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
    entry.to_string()
}

/// By a name that people know.
fn description<'a>(event: &'a Event, names: &'a Names) -> Option<&'a String> {
    let id = event.actor_id.as_ref()?;
    match event.actor_kind.as_str() {
        "user" | "team" | "agent" => names.get(id),
        _ => Some(id),
    }
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
