//! What the measurements need on the server: an organization and workspaces.

use anyhow::Result;
use serde_json::json;

use super::client::{Client, text};

/// The organization of all measurements.
pub const ORGANIZATION: &str = "bench";

/// Creates the organization.
pub async fn organization(client: &mut Client) -> Result<()> {
    let attributes = json!({ "name": ORGANIZATION, "email": "bench@example.com" });
    let data = json!({ "type": "organizations", "attributes": attributes });
    client.create("/api/v2/organizations", data).await?;
    Ok(())
}

/// Creates a workspace that runs on the server with this engine version; its id.
pub async fn workspace(client: &mut Client, name: &str, engine: &str) -> Result<String> {
    let attributes =
        json!({ "name": name, "execution-mode": "remote", "terraform-version": engine });
    let data = json!({ "type": "workspaces", "attributes": attributes });
    let path = format!("/api/v2/organizations/{ORGANIZATION}/workspaces");
    Ok(text(&client.create(&path, data).await?, "/id")?.to_owned())
}
