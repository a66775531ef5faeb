//! AWS: its SDK exchanges the token by itself.

use serde_json::{Value, json};

use super::Layout;

pub(super) fn lay_out(mut it: Layout<'_>) -> Result<Value, String> {
    let role = it.role("ROLE_ARN")?;
    let token = it.token_file();
    let session = format!("terraform-{}", it.job.run_id);
    let config = format!(
        "[default]\nweb_identity_token_file = {token}\nrole_arn = {role}\nrole_session_name = {session}\n"
    );
    let config = it.file("config", config);
    it.set("AWS_ROLE_ARN", &role);
    it.set("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    it.set("AWS_ROLE_SESSION_NAME", &session);
    Ok(json!({ "shared_config_file": config }))
}
