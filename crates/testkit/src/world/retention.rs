//! Old versions whose data can be deleted, and what is sent to the routes about that and about how long data is kept.

use crate::Client;
use serde_json::{Value, json};

use super::{Names, Sent, resource};

/// Operations whose versions must be older than the current ones.
pub fn is_about_old_data(path: &str) -> bool {
    path.ends_with("_backing_data") || path.ends_with("/actions/archive")
}

/// What deleting for good and restoring need is deleted a little, and what is read or removed is made.
pub async fn prepare(owner: &Client<'_>, names: &Names, is_post: bool, path: &str) {
    let needs_deletion = ["/restore_backing_data", "/permanently_delete_backing_data"]
        .iter()
        .any(|it| path.ends_with(it));
    if needs_deletion {
        let (kind, id) = if path.starts_with("/state-versions") {
            ("state-versions", &names["old_state_version"])
        } else {
            ("configuration-versions", &names["old_configuration_version"])
        };
        let delete = format!("/{kind}/{id}/actions/soft_delete_backing_data");
        owner.post(delete, ()).await.is_no_content();
    } else if path.ends_with("/relationships/data-retention-policy") && !is_post {
        let of = if path.starts_with("/workspaces") {
            format!("workspaces/{}", names["workspace_id"])
        } else {
            format!("organizations/{}", names["organization_name"])
        };
        let policy = format!("/{of}/relationships/data-retention-policy");
        owner.post(policy, policy_for(30)).await.is_ok();
    }
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    if is_about_old_data(path) {
        return Some(Sent::Nothing);
    }
    if !path.ends_with("/relationships/data-retention-policy") {
        return None;
    }
    Some(match method {
        "DELETE" => Sent::Nothing,
        _ => Sent::Json(policy_for(30)),
    })
}

fn policy_for(days: u32) -> Value {
    let attributes = json!({ "delete-older-than-n-days": days });
    resource("data-retention-policy-delete-olders", &attributes)
}
