//! Azure: the providers exchange the token by themselves.

use serde_json::{Value, json};

use super::Layout;

pub(super) fn lay_out(mut it: Layout<'_>) -> Result<Value, String> {
    let client = it.role("CLIENT_ID")?;
    let token = it.token_file();
    let client_file = it.file("client-id", client.as_str());
    it.set("ARM_USE_OIDC", "true");
    it.set("ARM_CLIENT_ID", &client);
    it.set("ARM_OIDC_TOKEN_FILE_PATH", &token);
    Ok(json!({ "client_id_file_path": client_file, "oidc_token_file_path": token }))
}
