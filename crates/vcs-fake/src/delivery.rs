//! What GitHub sends, signed as it signs.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// A body with what stands in the headers beside it.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: String,
    pub event: &'static str,
    pub body: Value,
}

const ZEROS: &str = "0000000000000000000000000000000000000000";

fn sender() -> Value {
    json!({"login": "ann", "avatar_url": "https://git.example/ann.png", "html_url": "https://git.example/ann"})
}

fn repository() -> Value {
    json!({"id": 7, "full_name": "acme/infra", "default_branch": "main"})
}

fn moved(id: &str, reference: &str, before: Option<&str>, after: Option<&str>) -> Delivery {
    let body = json!({
        "ref": reference, "before": before.unwrap_or(ZEROS), "after": after.unwrap_or(ZEROS),
        "created": before.is_none(), "deleted": after.is_none(), "forced": false,
        "compare": "https://git.example/acme/infra/compare",
        "head_commit": after.map(|after| json!({
            "id": after, "message": "as it was told", "url": format!("https://git.example/acme/infra/commit/{after}"),
        })),
        "commits": [], "repository": repository(), "sender": sender(),
    });
    Delivery { id: id.to_owned(), event: "push", body }
}

/// A branch has moved; without `after` it is gone.
pub fn push(id: &str, branch: &str, before: Option<&str>, after: Option<&str>) -> Delivery {
    moved(id, &format!("refs/heads/{branch}"), before, after)
}

pub fn tag(id: &str, name: &str, at: &str) -> Delivery {
    moved(id, &format!("refs/tags/{name}"), None, Some(at))
}

/// Of the branch `feat`, number 3, which leads to `main`.
pub fn pull_request(id: &str, action: &str, head: &str, head_repository: u64) -> Delivery {
    let body = json!({
        "action": action, "number": 3,
        "pull_request": {
            "title": "Three more", "body": "As told.", "html_url": "https://git.example/acme/infra/pull/3",
            "draft": false, "merged": false,
            "head": {"ref": "feat", "sha": head, "repo": {"id": head_repository}},
            "base": {"ref": "main", "sha": ZEROS, "repo": {"id": 7}},
        },
        "repository": repository(), "sender": sender(),
    });
    Delivery { id: id.to_owned(), event: "pull_request", body }
}

impl Delivery {
    /// The headers of a delivery to a hook with this secret.
    pub fn headers(&self, secret: &str) -> Vec<(&'static str, String)> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(self.body.to_string().as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        vec![
            ("x-github-event", self.event.to_owned()),
            ("x-github-delivery", self.id.clone()),
            ("x-hub-signature-256", signature),
        ]
    }
}
