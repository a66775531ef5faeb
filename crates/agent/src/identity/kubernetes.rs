//! Kubernetes: its API takes the token itself.

use serde_json::{Value, json};

use super::Layout;

pub(super) fn lay_out(mut it: Layout<'_>) -> Value {
    let token = it.token_file();
    let value = it.token;
    it.set("KUBE_TOKEN", value);
    json!({ "token_path": token })
}
