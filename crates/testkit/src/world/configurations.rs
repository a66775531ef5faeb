//! Configurations: an old one, one that waits for its upload, and one that is the newest.

use crate::{Client, Server};
use serde_json::{Value, json};

use super::{Sent, resource, secret};

const ARCHIVE: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";

pub async fn in_world(
    server: &Server,
    owner: &Client<'_>,
    workspace: &str,
) -> [(&'static str, String); 4] {
    let path = format!("/workspaces/{workspace}/configuration-versions");
    let upload = async || {
        let made = owner.post(&path, new()).await.is_created();
        let address = made.attribute("upload-url");
        server.nobody().put(address.as_str().unwrap(), ARCHIVE).await.is_ok();
        made.id()
    };
    let old = upload().await;
    let announced = owner.post(&path, new()).await.is_created();
    let newest = upload().await;
    let archive = owner.get(format!("/configuration-versions/{newest}/download")).await.redirects();
    [
        ("old_configuration_version", old),
        ("configuration_version_id", newest),
        ("secret", secret(&archive)),
        ("upload_secret", secret(announced.attribute("upload-url").as_str().unwrap())),
    ]
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        ("POST", "/workspaces/{workspace_id}/configuration-versions") => Sent::Json(new()),
        ("PUT", "/_archivist/v1/object/{secret}") => Sent::Bytes(ARCHIVE),
        ("POST", "/webhooks/vcs/{webhook_id}" | "/webhooks/github-app") => Sent::Bytes(b"{}"),
        _ => return None,
    })
}

fn new() -> Value {
    resource("configuration-versions", &json!({ "auto-queue-runs": false }))
}
