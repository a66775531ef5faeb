//! What is said, in the form that each kind of recipient understands.

mod health;

use db::{
    entity::{
        notification_configuration::{Destination, Trigger},
        run, user, workspace,
    },
    id::{UserId, WorkspaceId},
    sea_orm::EntityTrait,
};
use serde_json::{Value, json};

use super::reader::{About, Outcome};
use crate::{
    Ctx, Result, Timestamp,
    row::{NotificationConfiguration, Run, Workspace},
};

/// A message before it takes a form.
pub(super) struct Message {
    pub cause: String,
    pub title: String,
    /// Names and values, in the order in which people read them.
    facts: Vec<(&'static str, String)>,
    link: Option<String>,
    generic: Value,
}

impl Message {
    /// The body of a request.
    pub fn body(&self, destination: Destination) -> Value {
        match destination {
            Destination::Slack => self.slack(),
            Destination::MicrosoftTeams => self.teams(),
            Destination::Generic | Destination::Email => self.generic.clone(),
        }
    }

    /// <https://api.slack.com/messaging/webhooks>
    fn slack(&self) -> Value {
        let field = |(name, value): &(&str, String)| json!({ "title": name, "value": value, "short": true });
        json!({
            "text": self.title,
            "attachments": [{
                "fallback": self.title,
                "title": self.title,
                "title_link": self.link,
                "fields": self.facts.iter().map(field).collect::<Vec<_>>(),
            }],
        })
    }

    /// <https://learn.microsoft.com/outlook/actionable-messages/message-card-reference>
    fn teams(&self) -> Value {
        let fact = |(name, value): &(&str, String)| json!({ "name": name, "value": value });
        let open = |link: &String| {
            json!({
                "@type": "OpenUri", "name": "View run",
                "targets": [{ "os": "default", "uri": link }],
            })
        };
        json!({
            "@type": "MessageCard",
            "@context": "https://schema.org/extensions",
            "summary": self.title,
            "title": self.title,
            "sections": [{ "facts": self.facts.iter().map(fact).collect::<Vec<_>>() }],
            "potentialAction": self.link.iter().map(open).collect::<Vec<_>>(),
        })
    }

    /// The text of a mail.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = vec![self.title.clone(), String::new()];
        lines.extend(self.facts.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.extend(self.link.iter().map(|link| format!("\n{link}")));
        lines.join("\n") + "\n"
    }

    /// To see whether a recipient is there.
    pub fn verification(row: &NotificationConfiguration) -> Self {
        let title = format!("Verification of {}", row.name);
        Self {
            generic: json!({
                "payload_version": 1,
                "notification_configuration_id": row.id,
                "run_url": null,
                "run_id": null,
                "run_message": null,
                "run_created_at": null,
                "run_created_by": null,
                "workspace_id": null,
                "workspace_name": null,
                "organization_name": null,
                "notifications": [{
                    "message": title, "trigger": "verification", "run_status": null,
                    "run_updated_at": null, "run_updated_by": null,
                }],
            }),
            cause: "verification".into(),
            title,
            facts: Vec::new(),
            link: None,
        }
    }

    /// `None` where what it was about is gone.
    pub async fn about(
        cx: &Ctx,
        row: &NotificationConfiguration,
        trigger: Trigger,
        about: &About,
    ) -> Result<Option<Self>> {
        match about {
            About::Run { id, status, at, by } => {
                let Some((run, workspace)) = find(cx, id).await? else { return Ok(None) };
                let created_by = username(cx, run.created_by_id.as_ref()).await?;
                let updated_by = username(cx, by.as_ref()).await?;
                let people = (created_by, updated_by);
                Ok(Some(of_run(cx, row, trigger, &run, &workspace, (*status, *at), people)))
            }
            About::AutoDestroy { workspace, outcome } => {
                let Some(workspace) = find_workspace(cx, workspace).await? else { return Ok(None) };
                let destruction = match outcome {
                    Outcome::Ended { run, status } => Destruction {
                        run: find(cx, run).await?.map(|(run, _)| run),
                        status: Some(*status),
                        ..Destruction::default()
                    },
                    Outcome::Refused(why) => {
                        Destruction { refusal: Some(why.clone()), ..Destruction::default() }
                    }
                };
                Ok(Some(of_auto_destroy(cx, row, trigger, &workspace, &destruction)))
            }
            About::Assessment { result, prior } => {
                health::about(cx, row, trigger, result, prior.as_ref()).await
            }
            About::AutoDestroyComes { workspace, at } => {
                let workspace = find_workspace(cx, workspace).await?;
                // Nobody is reminded of what has been put off meanwhile.
                let still = workspace.filter(|it| it.auto_destroy_at == Some(*at));
                let destruction = Destruction { at: Some(*at), ..Destruction::default() };
                Ok(still.map(|it| of_auto_destroy(cx, row, trigger, &it, &destruction)))
            }
        }
    }
}

async fn find_workspace(cx: &Ctx, id: &WorkspaceId) -> Result<Option<Workspace>> {
    Ok(workspace::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

async fn find(cx: &Ctx, id: &crate::id::RunId) -> Result<Option<(Run, Workspace)>> {
    let run = run::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let Some(run) = run else { return Ok(None) };
    let workspace = workspace::Entity::find_by_id(run.workspace_id.clone()).one(cx.read()).await?;
    Ok(workspace.map(|workspace| (run, workspace)))
}

async fn username(cx: &Ctx, id: Option<&UserId>) -> Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    let user = user::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    Ok(user.map(|user| user.username))
}

fn message_of(trigger: Trigger, status: run::Status) -> String {
    if trigger == Trigger::RunNeedsAttention {
        return "Run Needs Attention".into();
    }
    let words = match status {
        run::Status::Pending => "Created".to_owned(),
        other => other
            .as_str()
            .split('_')
            .map(|word| match word {
                "and" => word.to_owned(),
                _ => word[..1].to_uppercase() + &word[1..],
            })
            .collect::<Vec<_>>()
            .join(" "),
    };
    format!("Run {words}")
}

fn of_run(
    cx: &Ctx,
    row: &NotificationConfiguration,
    trigger: Trigger,
    run: &Run,
    workspace: &Workspace,
    (status, at): (run::Status, Timestamp),
    (created_by, updated_by): (Option<String>, Option<String>),
) -> Message {
    let (organization, name) = (&workspace.organization_name, &workspace.name);
    let link = cx.url(format!("/app/{organization}/workspaces/{name}/runs/{}", run.id));
    let message = message_of(trigger, status);
    let mut facts = vec![
        ("Workspace", format!("{organization}/{name}")),
        ("Run", run.id.to_string()),
        ("Reason", run.message.clone()),
        ("Created at", run.created_at.iso8601()),
    ];
    facts.extend(created_by.clone().map(|by| ("Created by", by)));
    facts.push(("Status", status.to_string()));
    facts.push(("At", at.iso8601()));
    Message {
        cause: trigger.to_string(),
        title: format!("{message}: {organization}/{name}"),
        facts,
        generic: json!({
            "payload_version": 1,
            "notification_configuration_id": row.id,
            "run_url": link,
            "run_id": run.id,
            "run_message": run.message,
            "run_created_at": run.created_at,
            "run_created_by": created_by,
            "workspace_id": workspace.id,
            "workspace_name": name,
            "organization_name": organization,
            "notifications": [{
                "message": message, "trigger": trigger, "run_status": status,
                "run_updated_at": at, "run_updated_by": updated_by,
            }],
        }),
        link: Some(link),
    }
}

/// A scheduled destruction: still to come, or what became of it.
#[derive(Default)]
struct Destruction {
    /// Only while it is still to come.
    at: Option<Timestamp>,
    run: Option<Run>,
    status: Option<run::Status>,
    refusal: Option<String>,
}

fn of_auto_destroy(
    cx: &Ctx,
    row: &NotificationConfiguration,
    trigger: Trigger,
    workspace: &Workspace,
    destruction: &Destruction,
) -> Message {
    let (organization, name) = (&workspace.organization_name, &workspace.name);
    let Destruction { at, run, status, refusal } = destruction;
    let (kind, what) = match at {
        Some(_) => ("reminder", "Auto Destroy Reminder"),
        None => ("results", "Auto Destroy Results"),
    };
    let mut facts = vec![("Workspace", format!("{organization}/{name}"))];
    facts.extend(at.map(|at| ("At", at.iso8601())));
    facts.extend(status.map(|status| ("Status", status.to_string())));
    facts.extend(refusal.clone().map(|why| ("Reason", why)));
    let page = format!("/app/{organization}/workspaces/{name}");
    let link = match run {
        Some(run) => Some(cx.url(format!("{page}/runs/{}", run.id))),
        None => at.map(|_| cx.url(page)),
    };
    let configuration = format!("/api/v2/notification-configurations/{}", row.id);
    Message {
        cause: trigger.to_string(),
        title: format!("{what}: {organization}/{name}"),
        facts,
        link,
        generic: json!({
            "payload_version": "2",
            "notification_configuration_id": row.id,
            "notification_configuration_url": cx.url(configuration),
            "trigger_scope": "workspace",
            "trigger": trigger,
            "message": what,
            "details": {
                "auto_destroy_at": at,
                "run_created_at": run.as_ref().map(|run| run.created_at),
                "run_status": status,
                "run_external_id": run.as_ref().map(|run| &run.id),
                "run_create_error_message": refusal,
                "trigger_type": kind,
                "workspace_name": name,
                "organization_name": organization,
            },
        }),
    }
}
