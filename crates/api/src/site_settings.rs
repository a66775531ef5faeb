//! `/admin/general-settings`, `/admin/cost-estimation-settings`, `/admin/smtp-settings`: the documents in which administrators find the settings of the
//! site. Beside them stands, in `meta`, who has decided each.

mod costs;

use domain::{
    Ctx, Granted, Timestamp, can,
    site_settings::{
        self, AppKey, Change, DOCUMENTS, Line, MailAuth, Source, Span, Values, WebAddress,
    },
};
use jsonapi::{Body, Document, Field, Resource, Typed, Unsupported};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    Routes::default()
        .merge(costs::routes())
        .get("/api/v2/admin/general-settings", show_general)
        .patch("/api/v2/admin/general-settings", update_general)
        .get("/api/v2/admin/smtp-settings", show_smtp)
        .patch("/api/v2/admin/smtp-settings", update_smtp)
}

/// Where a setting comes from.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Origin<'a> {
    name: &'a str,
    value: Option<&'a str>,
    default: Option<&'a str>,
    source: &'static str,
    /// The flag, variable or file, if the process was given the value.
    given_by: Option<&'a str>,
    changed_by: Option<&'a str>,
    changed_at: Option<Timestamp>,
}

impl<'a> From<&'a Line> for Origin<'a> {
    fn from(line: &'a Line) -> Self {
        let (source, given_by, changed_by, changed_at) = match &line.source {
            Source::Default => ("default", None, None, None),
            Source::Administrator { by, at } => ("administrator", None, by.as_deref(), *at),
            Source::Process(by) => ("process", Some(by.as_str()), None, None),
        };
        let (value, default) = (line.value.as_deref(), line.default.as_deref());
        Self { name: line.name, value, default, source, given_by, changed_by, changed_at }
    }
}

/// A document of settings with the origins of those that it shows: whose names begin so, or like those of no other
/// document.
async fn document(
    cx: &Ctx,
    site: &Granted<can::ManageSite>,
    resource: &impl Resource,
    start: Option<&str>,
) -> Result<Document> {
    let lines = site_settings::lines(cx, site).await?;
    let own = lines.iter().filter(|line| {
        DOCUMENTS.iter().find(|other| line.name.starts_with(**other)).copied() == start
    });
    Ok(Document::one(resource).meta("settings", own.map(Origin::from).collect::<Vec<_>>()))
}

struct General<'a>(&'a Values);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct GeneralAttributes<'a> {
    limit_user_organization_creation: bool,
    default_remote_state_access: bool,
    /// Ours.
    team_tokens_outlive_members: bool,
    api_rate_limiting_enabled: bool,
    api_rate_limit: u32,
    plan_timeout: Span,
    apply_timeout: Span,
    allow_speculative_plans_on_pull_requests_from_forks: bool,
    /// Ours.
    repository_polling_interval: Span,
    /// Ours, as the two that follow.
    assessment_interval: Span,
    assessments_at_once: u32,
    events_kept_days: u32,
    /// Ours.
    audit_export_url: &'a WebAddress,
    /// Ours, as those that follow.
    github_app_id: &'a str,
    github_app_http_url: &'a WebAddress,
    github_app_api_url: &'a WebAddress,
    terraform_build_worker_plan_timeout: Span,
    terraform_build_worker_apply_timeout: Span,
    #[serde(flatten)]
    decided: Decided,
}

/// What Terraform Enterprise lets administrators decide, and this server has decided once.
#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Decided {
    send_passing_statuses_for_untriggered_speculative_plans: bool,
    require_two_factor_for_admins: bool,
    fair_run_queuing_enabled: bool,
    limit_organizations_per_user: bool,
    limit_workspaces_per_organization: bool,
}

impl Resource for General<'_> {
    const TYPE: &'static str = "general-settings";

    fn id(&self) -> String {
        "general".to_owned()
    }

    fn attributes(&self) -> impl Serialize {
        let now = self.0;
        GeneralAttributes {
            limit_user_organization_creation: now.limit_user_organization_creation,
            default_remote_state_access: now.default_remote_state_access,
            team_tokens_outlive_members: now.team_tokens_outlive_members,
            api_rate_limiting_enabled: now.api_rate_limiting_enabled,
            api_rate_limit: now.api_rate_limit,
            plan_timeout: now.plan_timeout,
            apply_timeout: now.apply_timeout,
            assessment_interval: now.assessment_interval,
            assessments_at_once: now.assessments_at_once,
            allow_speculative_plans_on_pull_requests_from_forks: now.plans_of_forks,
            repository_polling_interval: now.repository_interval,
            events_kept_days: now.events_kept_days,
            audit_export_url: &now.audit_export_url,
            github_app_id: &now.github_app_id,
            github_app_http_url: &now.github_app_http_url,
            github_app_api_url: &now.github_app_api_url,
            terraform_build_worker_plan_timeout: now.plan_timeout,
            terraform_build_worker_apply_timeout: now.apply_timeout,
            decided: Decided::default(),
        }
    }

    fn path(&self) -> Option<String> {
        Some("/api/v2/admin/general-settings".to_owned())
    }
}

/// Null gives a setting back to its default.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct GeneralInput {
    limit_user_organization_creation: Field<bool>,
    default_remote_state_access: Field<bool>,
    team_tokens_outlive_members: Field<bool>,
    api_rate_limiting_enabled: Field<bool>,
    api_rate_limit: Field<u32>,
    plan_timeout: Field<Span>,
    apply_timeout: Field<Span>,
    /// Their older names.
    terraform_build_worker_plan_timeout: Field<Span>,
    terraform_build_worker_apply_timeout: Field<Span>,
    assessment_interval: Field<Span>,
    assessments_at_once: Field<u32>,
    allow_speculative_plans_on_pull_requests_from_forks: Field<bool>,
    repository_polling_interval: Field<Span>,
    events_kept_days: Field<u32>,
    audit_export_url: Field<WebAddress>,
    /// Never shown.
    audit_export_token: Field<String>,
    github_app_id: Field<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    github_app_private_key: Field<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    github_app_webhook_secret: Field<String>,
    github_app_http_url: Field<WebAddress>,
    github_app_api_url: Field<WebAddress>,
}

impl Typed for GeneralInput {
    const TYPE: &'static str = "general-settings";
    const UNSUPPORTED: &'static [Unsupported] = &[
        (
            "attributes/send-passing-statuses-for-untriggered-speculative-plans",
            "cannot be switched on: this server has no such thing",
        ),
        (
            "attributes/require-two-factor-for-admins",
            "cannot be switched on: this server has no such thing",
        ),
        (
            "attributes/fair-run-queuing-enabled",
            "cannot be switched on: this server has no such thing",
        ),
        (
            "attributes/limit-organizations-per-user",
            "cannot be switched on: this server has no such thing",
        ),
        (
            "attributes/default-organizations-per-user-ceiling",
            "cannot be set: this server has no such limit",
        ),
        (
            "attributes/limit-workspaces-per-organization",
            "cannot be switched on: this server has no such thing",
        ),
        (
            "attributes/default-workspaces-per-organization-ceiling",
            "cannot be set: this server has no such limit",
        ),
    ];
}

async fn show_general(site: May<can::ManageSite>) -> Result<Document> {
    let values = site_settings::current(&site.cx).await?;
    document(&site.cx, &site, &General(&values), None).await
}

/// As GitHub hands it out.
fn app_key(sent: Field<String>) -> Result<Option<Option<AppKey>>> {
    let wrong = |why: String| domain::Error::invalid("github-app-private-key", why);
    let read = |text: Option<String>| text.map(|text| text.parse().map_err(wrong)).transpose();
    Ok(sent.into_change().map(read).transpose()?)
}

async fn update_general(site: May<can::ManageSite>, body: Body<GeneralInput>) -> Result<Document> {
    let input = body.attributes;
    let change = Change {
        limit_user_organization_creation: input.limit_user_organization_creation.into_change(),
        default_remote_state_access: input.default_remote_state_access.into_change(),
        team_tokens_outlive_members: input.team_tokens_outlive_members.into_change(),
        api_rate_limiting_enabled: input.api_rate_limiting_enabled.into_change(),
        api_rate_limit: input.api_rate_limit.into_change(),
        plan_timeout: input
            .plan_timeout
            .into_change()
            .or(input.terraform_build_worker_plan_timeout.into_change()),
        apply_timeout: input
            .apply_timeout
            .into_change()
            .or(input.terraform_build_worker_apply_timeout.into_change()),
        assessment_interval: input.assessment_interval.into_change(),
        assessments_at_once: input.assessments_at_once.into_change(),
        plans_of_forks: input.allow_speculative_plans_on_pull_requests_from_forks.into_change(),
        repository_interval: input.repository_polling_interval.into_change(),
        events_kept_days: input.events_kept_days.into_change(),
        audit_export_url: input.audit_export_url.into_change(),
        audit_export_token: input.audit_export_token.map(Into::into).into_change(),
        github_app_id: input.github_app_id.into_change(),
        github_app_private_key: app_key(input.github_app_private_key)?,
        github_app_webhook_secret: input.github_app_webhook_secret.map(Into::into).into_change(),
        github_app_http_url: input.github_app_http_url.into_change(),
        github_app_api_url: input.github_app_api_url.into_change(),
        ..Change::default()
    };
    let values = site_settings::update(&site.cx, &site, change).await?;
    document(&site.cx, &site, &General(&values), None).await
}

/// The password is never shown.
#[derive(Serialize)]
struct Smtp {
    enabled: bool,
    host: String,
    port: u16,
    sender: String,
    auth: MailAuth,
    username: String,
}

impl Smtp {
    /// The server that the process was told of stands above the one that is kept.
    fn new(cx: &Ctx, now: &Values) -> Self {
        match site_settings::process_mail(cx) {
            Some(server) => Self {
                enabled: true,
                auth: if server.username.is_empty() { MailAuth::None } else { MailAuth::Plain },
                host: server.host,
                port: server.port,
                sender: server.sender,
                username: server.username,
            },
            None => Self {
                enabled: now.smtp_enabled,
                host: now.smtp_host.clone(),
                port: now.smtp_port,
                sender: now.smtp_sender.clone(),
                auth: now.smtp_auth,
                username: now.smtp_username.clone(),
            },
        }
    }
}

impl Resource for Smtp {
    const TYPE: &'static str = "smtp-settings";

    fn id(&self) -> String {
        "smtp".to_owned()
    }

    fn attributes(&self) -> impl Serialize {
        self
    }

    fn path(&self) -> Option<String> {
        Some("/api/v2/admin/smtp-settings".to_owned())
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct SmtpInput {
    enabled: Field<bool>,
    host: Field<String>,
    port: Field<u16>,
    sender: Field<String>,
    auth: Field<MailAuth>,
    username: Field<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    password: Field<String>,
    /// Where a message goes to, to see whether the settings are right; it is not kept.
    test_email_address: Option<String>,
}

impl Typed for SmtpInput {
    const TYPE: &'static str = "smtp-settings";
}

async fn show_smtp(site: May<can::ManageSite>) -> Result<Document> {
    let values = site_settings::current(&site.cx).await?;
    document(&site.cx, &site, &Smtp::new(&site.cx, &values), Some("smtp-")).await
}

async fn update_smtp(site: May<can::ManageSite>, body: Body<SmtpInput>) -> Result<Document> {
    let input = body.attributes;
    let change = Change {
        smtp_enabled: input.enabled.into_change(),
        smtp_host: input.host.into_change(),
        smtp_port: input.port.into_change(),
        smtp_sender: input.sender.into_change(),
        smtp_auth: input.auth.into_change(),
        smtp_username: input.username.into_change(),
        smtp_password: input.password.into_change().map(|text| text.map(Into::into)),
        ..Change::default()
    };
    let values = site_settings::update(&site.cx, &site, change).await?;
    if let Some(to) = input.test_email_address.filter(|to| !to.is_empty()) {
        site_settings::try_mail(&site.cx, &site, &to).await?;
    }
    document(&site.cx, &site, &Smtp::new(&site.cx, &values), Some("smtp-")).await
}
