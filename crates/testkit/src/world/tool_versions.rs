//! A version of each tool, and what is sent to the routes about them and about the settings of the site.

use std::collections::BTreeMap;

use crate::Server;
use serde_json::{Value, json};

use super::{Sent, resource};

const TOOLS: [(&str, &str); 3] = [
    ("terraform-versions", "terraform_version_id"),
    ("opa-versions", "opa_version_id"),
    ("sentinel-versions", "sentinel_version_id"),
];

pub async fn in_world(server: &Server) -> BTreeMap<&'static str, String> {
    let mut names = BTreeMap::new();
    for (tool, parameter) in TOOLS {
        let new = resource(tool, &version("1.7.0"));
        let path = format!("/admin/{tool}");
        names.insert(parameter, server.site_admin().post(path, new).await.is_created().id());
    }
    names
}

fn version(version: &str) -> Value {
    let (url, sha) = ("https://example.com/tool.zip", "a".repeat(64));
    json!({
        "version": version, "url": url, "sha": sha, "beta": true,
        "archs": [{ "url": url, "sha": sha, "os": "linux", "arch": "amd64" }],
    })
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    match path {
        "/admin/general-settings" => {
            let change = json!({ "plan-timeout": "1h" });
            return Some(Sent::Json(resource("general-settings", &change)));
        }
        "/admin/cost-estimation-settings" => {
            let change = json!({ "estimator-url": "https://costs.example.com/" });
            return Some(Sent::Json(resource("cost-estimation-settings", &change)));
        }
        "/admin/oidc-settings/actions/rotate-key" | "/admin/oidc-settings/actions/trim-key" => {
            return Some(Sent::Nothing);
        }
        "/admin/smtp-settings" => {
            let change = json!({ "host": "mail.example.com" });
            return Some(Sent::Json(resource("smtp-settings", &change)));
        }
        _ => {}
    }
    let rest = path.strip_prefix("/admin/")?;
    let (tool, _) = TOOLS.into_iter().find(|(tool, _)| rest.starts_with(tool))?;
    Some(match method {
        "POST" => Sent::Json(resource(tool, &version("1.8.0"))),
        "PATCH" => Sent::Json(resource(tool, &json!({ "deprecated": true, "enabled": false }))),
        _ => Sent::Nothing,
    })
}
