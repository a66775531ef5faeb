//! What is sent to the routes about data retention and the data behind versions.

use serde_json::json;

use super::{Sent, resource};

pub fn body(method: &str, path: &str) -> Option<Sent> {
    if path.ends_with("_backing_data") || path.ends_with("/actions/archive") {
        return Some(Sent::Nothing);
    }
    if !path.ends_with("/relationships/data-retention-policy") {
        return None;
    }
    Some(match method {
        "DELETE" => Sent::Nothing,
        _ => Sent::Json(resource(
            "data-retention-policy-delete-olders",
            &json!({ "delete-older-than-n-days": 30 }),
        )),
    })
}
