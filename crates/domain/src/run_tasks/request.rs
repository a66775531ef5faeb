//! What services are asked, in the form that those which were made for HCP Terraform read
//! (<https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run-tasks/run-tasks-integration>).

use std::time::Duration;

use courier::Receipt;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::timeout;

use super::key;
use crate::{Ctx, Error, Result, row::RunTask};

/// What a service may take to say that it has heard.
const PATIENCE: Duration = Duration::from_secs(10);

/// By which services know a trial, whoever made them.
const TRIAL_TOKEN: &str = "test-token";

/// One question. Services of HashiCorp's making read all of it before they look at anything: each member has its type.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    pub payload_version: u8,
    pub stage: &'static str,
    pub access_token: String,
    pub capabilities: Capabilities,
    /// As HashiCorp's Go client reads it.
    #[serde(rename = "capabilitites")]
    pub misspelt_capabilities: Capabilities,
    pub configuration_version_id: Option<String>,
    pub configuration_version_download_url: Option<String>,
    pub is_speculative: bool,
    pub organization_name: String,
    pub plan_json_api_url: Option<String>,
    pub run_app_url: String,
    pub run_created_at: String,
    pub run_created_by: String,
    pub run_id: String,
    pub run_message: String,
    pub task_result_callback_url: String,
    pub task_result_enforcement_level: &'static str,
    pub task_result_id: String,
    pub vcs_branch: Option<String>,
    pub vcs_commit_hash: Option<String>,
    pub vcs_commit_url: Option<String>,
    pub vcs_pull_request_url: Option<String>,
    pub vcs_repo_url: Option<String>,
    pub workspace_app_url: String,
    pub workspace_id: String,
    pub workspace_name: String,
    pub workspace_working_directory: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Capabilities {
    pub outcomes: bool,
}

impl Capabilities {
    pub const ALL: Self = Self { outcomes: true };
}

/// Made up: there is no run.
fn trial(cx: &Ctx, row: &RunTask) -> Asked {
    let organization = cx.url(format_args!("/app/{}", row.organization_name));
    Asked {
        payload_version: 1,
        stage: "test",
        access_token: TRIAL_TOKEN.into(),
        capabilities: Capabilities::ALL,
        misspelt_capabilities: Capabilities::ALL,
        configuration_version_id: None,
        configuration_version_download_url: None,
        is_speculative: false,
        organization_name: row.organization_name.clone(),
        plan_json_api_url: None,
        run_app_url: organization.clone(),
        run_created_at: cx.now().iso8601(),
        run_created_by: "statehouse".into(),
        run_id: "run-trial".into(),
        run_message: "A trial of the run task, made when it was saved".into(),
        task_result_callback_url: organization.clone(),
        task_result_enforcement_level: "advisory",
        task_result_id: "taskrs-trial".into(),
        vcs_branch: None,
        vcs_commit_hash: None,
        vcs_commit_url: None,
        vcs_pull_request_url: None,
        vcs_repo_url: None,
        workspace_app_url: organization,
        workspace_id: "ws-trial".into(),
        workspace_name: "trial".into(),
        workspace_working_directory: None,
    }
}

/// Asks for a trial, as services are asked that have to be there.
///
/// # Errors
/// Invalid if it does not answer with a 2xx.
pub(super) async fn verify(cx: &Ctx, row: &RunTask) -> Result<()> {
    let why = match post(cx, &row.url, key(cx, row)?.as_ref(), &trial(cx, row)).await {
        Ok(receipt) if receipt.is_success() => return Ok(()),
        Ok(receipt) => format!("the service answered {}", receipt.status),
        Err(error) => error.to_string(),
    };
    Err(Error::invalid("url", format!("could not be verified: {why}")))
}

/// Sends a question, signed with the key if there is one.
pub(crate) async fn post(
    cx: &Ctx,
    url: &str,
    key: Option<&SecretString>,
    asked: &impl Serialize,
) -> courier::Result<Receipt> {
    let body = serde_json::to_vec(asked).expect("questions are plain data");
    let sign = |key: &SecretString| {
        hex::encode(crypto::hmac_sha512(key.expose_secret().as_bytes(), &body))
    };
    // Empty without a key, as the documents have it.
    let signature = key.map(sign).unwrap_or_default();
    let headers = [("x-tfc-task-signature", signature)];
    timeout(PATIENCE, cx.courier().post(url, &headers, body)).await.unwrap_or_else(|_| {
        let why = format!("no answer within {} seconds", PATIENCE.as_secs());
        Err(courier::Error::Unreachable(why))
    })
}
