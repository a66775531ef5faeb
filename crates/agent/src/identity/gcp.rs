//! Google Cloud: its SDK exchanges the token by a file that says how (AIP-4117, external accounts).

use serde_json::{Value, json};

use super::Layout;

pub(super) fn lay_out(mut it: Layout<'_>) -> Result<Value, String> {
    let account = it.role("SERVICE_ACCOUNT_EMAIL")?;
    let pool = it.configuration.gcp_provider()?;
    let token = it.token_file();
    let credentials = json!({
        "type": "external_account",
        "audience": format!("//iam.googleapis.com/{pool}"),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": format!(
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        ),
        "credential_source": { "file": token, "format": { "type": "text" } },
    });
    let credentials = it.file("credentials.json", credentials.to_string());
    it.set("GOOGLE_CREDENTIALS", &credentials);
    Ok(json!({ "credentials": credentials }))
}
