//! What a token says of a run: the claims that HCP Terraform documents ("Workload identity", token specification).

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::keys;
use crate::{Ctx, Error, Result};

/// Seconds for which clocks may differ.
const SKEW: i64 = 60;

/// One phase of a run, with the names of this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload<'a> {
    pub organization: (&'a str, &'a str),
    pub project: (&'a str, &'a str),
    pub workspace: (&'a str, &'a str),
    pub run: &'a str,
    /// `plan` or `apply`.
    pub phase: &'a str,
    /// Seconds that the phase may take.
    pub lifetime: u64,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    sub: String,
    terraform_organization_id: &'a str,
    terraform_organization_name: &'a str,
    terraform_project_id: &'a str,
    terraform_project_name: &'a str,
    terraform_workspace_id: &'a str,
    terraform_workspace_name: &'a str,
    terraform_full_workspace: String,
    terraform_run_id: &'a str,
    terraform_run_phase: &'a str,
}

impl<'a> Workload<'a> {
    fn claims(&self, issuer: &'a str, audience: &'a str, now: i64) -> Claims<'a> {
        let Self { organization, project, workspace, run, phase, lifetime } = *self;
        let full_workspace = format!(
            "organization:{}:project:{}:workspace:{}",
            organization.1, project.1, workspace.1
        );
        Claims {
            jti: crypto::random_secret(32).expose_secret().to_owned(),
            iss: issuer,
            aud: audience,
            iat: now,
            nbf: now - SKEW,
            exp: now.saturating_add_unsigned(lifetime).saturating_add(SKEW),
            sub: format!("{full_workspace}:run_phase:{phase}"),
            terraform_organization_id: organization.0,
            terraform_organization_name: organization.1,
            terraform_project_id: project.0,
            terraform_project_name: project.1,
            terraform_workspace_id: workspace.0,
            terraform_workspace_name: workspace.1,
            terraform_full_workspace: full_workspace,
            terraform_run_id: run,
            terraform_run_phase: phase,
        }
    }
}

/// A token for each of these audiences.
pub(crate) async fn tokens(
    cx: &Ctx,
    workload: Workload<'_>,
    audiences: &BTreeSet<String>,
) -> Result<BTreeMap<String, SecretString>> {
    if audiences.is_empty() {
        return Ok(BTreeMap::new());
    }
    let key = keys::signing(cx).await?;
    let now = cx.now().0.div_euclid(1000);
    let issuer = cx.settings().public_url.as_str();
    let token = |audience: &String| {
        let claims = workload.claims(issuer, audience, now);
        let text = serde_json::to_string(&claims).map_err(|e| Error::Internal(e.into()))?;
        Ok((audience.clone(), SecretString::from(key.token(&text)?)))
    };
    audiences.iter().map(token).collect()
}
