//! Settings of the whole site: a line each, decided by administrators while the server runs, or above them by whoever
//! starts it.

mod costs;
mod mail;
mod value;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use db::{entity::site_setting, sea_orm::EntityTrait};
use secrecy::SecretString;
use serde_json::json;

pub(crate) use costs::Estimator;
pub(crate) use mail::send_mail;
pub use mail::{has_mail, process_mail, try_mail};
pub use value::{AppKey, MailAuth, Span, WebAddress, Written};

use crate::{App, Ctx, Error, Granted, Happened, Result, Subject, Timestamp, Tx, can};
use value::Value;

/// Where secrets are sealed; part of what authenticates them.
const SEALED: &str = "site_settings.value";

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident, $name:literal: $type:ty = $default:expr;)+) => {
        /// What holds.
        #[derive(Clone, Debug)]
        pub struct Values { $($(#[$doc])* pub $field: $type),+ }

        impl Default for Values {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        /// What is decided anew: nothing where absent, the default again where `None`.
        #[derive(Debug, Default)]
        pub struct Change { $(pub $field: Option<Option<$type>>),+ }

        /// Every setting by name.
        pub const NAMES: &[&str] = &[$($name),+];

        impl Values {
            fn take(&mut self, name: &str, text: &str) -> Result<(), String> {
                match name {
                    $($name => self.$field = <$type as Value>::read(text)?,)+
                    _ => {}
                }
                Ok(())
            }

            /// `None` for secrets.
            fn text(&self, name: &str) -> Option<String> {
                match name {
                    $($name if !is_secret(name) => Some(self.$field.text()),)+
                    _ => None,
                }
            }
        }

        impl Change {
            /// One setting by its name, as people write it; `None` is the default again.
            ///
            /// # Errors
            /// Invalid for what is no value of it; not found where there is no such setting.
            pub fn one(name: &str, text: Option<&str>) -> Result<Self> {
                let wrong = |why| Error::invalid(on_wire(name), why);
                let mut change = Self::default();
                match name {
                    $($name => {
                        let value = text.map(<$type as Value>::read).transpose();
                        change.$field = Some(value.map_err(wrong)?);
                    })+
                    _ => return Err(Error::NotFound),
                }
                Ok(change)
            }

            /// The texts to be kept, by name.
            fn into_texts(self) -> Vec<(&'static str, Option<String>)> {
                let mut texts = Vec::new();
                $(if let Some(value) = self.$field {
                    texts.push(($name, value.map(|value| value.text())));
                })+
                texts
            }
        }

        /// What people decide it by.
        pub fn written(name: &str) -> Option<Written> {
            match name {
                $($name => Some(<$type as Value>::WRITTEN),)+
                _ => None,
            }
        }

        fn is_secret(name: &str) -> bool {
            written(name).is_some_and(Written::is_secret)
        }
    };
}

settings! {
    /// Whether only site administrators create organizations.
    limit_user_organization_creation, "limit-user-organization-creation": bool = true;
    /// Whether new workspaces share their state with the whole organization.
    default_remote_state_access, "default-remote-state-access": bool = false;
    /// Whether a token that a member minted for a team goes on working when that member has left it.
    team_tokens_outlive_members, "team-tokens-outlive-members": bool = false;
    /// Whether callers are held to `api_rate_limit`.
    api_rate_limiting_enabled, "api-rate-limiting-enabled": bool = false;
    /// Requests that a caller may make in a second.
    api_rate_limit, "api-rate-limit": u32 = 30;
    /// How long a plan may take.
    plan_timeout, "plan-timeout": Span = Span::hours(2);
    /// How long an apply may take.
    apply_timeout, "apply-timeout": Span = Span::hours(24);
    /// How long after an apply or an assessment a workspace is assessed again.
    assessment_interval, "assessment-interval": Span = Span::hours(24);
    /// Assessments that are under way at a time.
    assessments_at_once, "assessments-at-once": u32 = 10;
    /// Whether pull requests of forks are planned, which is to run the code of whoever has opened them.
    plans_of_forks, "allow-speculative-plans-on-pull-requests-from-forks": bool = false;
    /// How often repositories are looked at whose provider does not tell what happens there.
    repository_interval, "repository-polling-interval": Span = Span::minutes(5);
    /// How long what happened is kept, but for what happened to runs that are still there.
    events_kept_days, "events-kept-days": u32 = 365;
    /// Where the audit trail is told, as lines of JSON; nowhere where empty.
    audit_export_url, "audit-export-url": WebAddress = WebAddress::default();
    /// By which it is let in there.
    audit_export_token, "audit-export-token": SecretString = String::new().into();
    /// Whether the service below is asked what runs would cost.
    cost_estimation_enabled, "cost-estimation-enabled": bool = false;
    cost_estimation_url, "cost-estimation-estimator-url": String = String::new();
    /// By which it knows who asks.
    cost_estimation_secret, "cost-estimation-estimator-secret": SecretString = String::new().into();
    /// What GitHub calls the GitHub App that this site is; none where empty.
    github_app_id, "github-app-id": String = String::new();
    github_app_private_key, "github-app-private-key": AppKey = AppKey::none();
    /// What GitHub signs the app's webhook with.
    github_app_webhook_secret, "github-app-webhook-secret": SecretString = String::new().into();
    /// Where GitHub is; GitHub.com where empty.
    github_app_http_url, "github-app-http-url": WebAddress = WebAddress::default();
    github_app_api_url, "github-app-api-url": WebAddress = WebAddress::default();
    /// Whether mail leaves by the server below.
    smtp_enabled, "smtp-enabled": bool = false;
    smtp_host, "smtp-host": String = String::new();
    smtp_port, "smtp-port": u16 = 25;
    /// Whom mail comes from.
    smtp_sender, "smtp-sender": String = String::new();
    smtp_auth, "smtp-auth": MailAuth = MailAuth::None;
    smtp_username, "smtp-username": String = String::new();
    smtp_password, "smtp-password": SecretString = String::new().into();
}

/// Settings that were given to the process: nobody changes them while it runs.
#[derive(Clone, Debug, Default)]
pub struct Given(Vec<(&'static str, String, String)>);

impl Given {
    /// `by` names the flag, variable or file for people.
    ///
    /// # Errors
    /// Says why the text is no value of the setting, or that there is no such setting.
    pub fn add(&mut self, name: &str, text: &str, by: String) -> Result<(), String> {
        let known = NAMES.iter().copied().find(|known| *known == name);
        let name = known.ok_or_else(|| format!("{name} is no setting of the site"))?;
        Values::default().take(name, text)?;
        self.0.push((name, text.to_owned(), by));
        Ok(())
    }

    fn by(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, ..)| *given == name).map(|(.., by)| by.as_str())
    }
}

/// Who has decided a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    Administrator {
        /// The id of the person, or what else it was.
        by: Option<String>,
        at: Option<Timestamp>,
    },
    /// Whoever started the process, by what is named.
    Process(String),
}

/// A setting as administrators see it.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: &'static str,
    /// `None` for secrets.
    pub value: Option<String>,
    pub default: Option<String>,
    pub source: Source,
}

/// What was read a moment ago: what this process decides holds at once, what another one decides a second later.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    read: Mutex<Option<(Timestamp, u64, Arc<Values>)>>,
    changes: AtomicU64,
}

/// Milliseconds by the clock of the house; one that has been put back ends it.
const KEPT_FOR: i64 = 1000;

/// What holds just now.
pub async fn current(app: &App) -> Result<Arc<Values>> {
    let recent = app.recent_site_settings();
    let changes = recent.changes.load(Ordering::Acquire);
    let known = recent.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((since, at, values)) = known
        && at == changes
        && (0..KEPT_FOR).contains(&(app.now().0 - since.0))
    {
        return Ok(values);
    }
    let values = Arc::new(read(app).await?);
    let entry = Some((app.now(), changes, values.clone()));
    *recent.read.lock().unwrap_or_else(PoisonError::into_inner) = entry;
    Ok(values)
}

/// The same without what was read a moment ago, for what is asked rarely and has to be right at once.
pub(crate) async fn read(app: &App) -> Result<Values> {
    let rows = site_setting::Entity::find().all(app.db().read()).await?;
    values(app, &rows)
}

fn values(app: &App, rows: &[site_setting::Model]) -> Result<Values> {
    use secrecy::ExposeSecret;
    let mut values = Values::default();
    let unreadable = |name: &str, why: String| {
        Error::Internal(anyhow::anyhow!("the site setting {name} cannot be read: {why}"))
    };
    for row in rows {
        let name = row.name.as_str();
        let taken = if is_secret(name) {
            let opened = app.keyring().open_text(SEALED, name, &row.value)?;
            values.take(name, opened.expose_secret())
        } else {
            values.take(name, &row.value)
        };
        taken.map_err(|why| unreadable(name, why))?;
    }
    for (name, text, _) in &app.settings().site.0 {
        values.take(name, text).map_err(|why| unreadable(name, why))?;
    }
    Ok(values)
}

/// Every setting with who has decided it.
pub async fn lines(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<Vec<Line>> {
    let rows = site_setting::Entity::find().all(cx.read()).await?;
    let (values, defaults) = (values(cx, &rows)?, Values::default());
    let source = |name: &str| match cx.settings().site.by(name) {
        Some(by) => Source::Process(by.to_owned()),
        None => match rows.iter().find(|row| row.name == name) {
            Some(row) => Source::Administrator { by: row.changed_by.clone(), at: row.changed_at },
            None => Source::Default,
        },
    };
    let line = |name: &'static str| Line {
        name,
        value: values.text(name),
        default: defaults.text(name),
        source: source(name),
    };
    Ok(NAMES.iter().copied().map(line).collect())
}

/// Decides settings: all of these or none.
///
/// # Errors
/// Invalid for one that whoever started the process has decided otherwise, or that does not fit the others.
pub async fn update(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    change: Change,
) -> Result<Arc<Values>> {
    let texts = change.into_texts();
    if let Some((name, _)) = texts.iter().find(|(name, _)| name.starts_with("smtp-"))
        && cx.courier().has_mail()
    {
        let why = "was decided by smtp_url when the server was started";
        return Err(Error::invalid(on_wire(name), why));
    }
    let tx = cx.write().await?;
    for (name, text) in &texts {
        if let Some(by) = cx.settings().site.by(name) {
            let now = values(cx, &[])?.text(name);
            if text.is_some() && *text == now {
                continue;
            }
            let why = format!("was decided by {by} when the server was started");
            return Err(Error::invalid(on_wire(name), why));
        }
        decide(&tx, name, text.as_deref()).await?;
    }
    let rows = site_setting::Entity::find().all(tx.db()).await?;
    let now = values(cx, &rows)?;
    mail::check(&now)?;
    costs::check(&now)?;
    let names: Vec<_> = texts.iter().map(|(name, _)| name).collect();
    let subject = Subject { kind: "site-settings", id: "site", ..Subject::default() };
    tx.emit(Happened::SiteSettingsChanged, subject, json!({ "settings": names })).await?;
    tx.commit().await?;
    cx.recent_site_settings().changes.fetch_add(1, Ordering::AcqRel);
    current(cx).await
}

/// `text` is `None` for the default.
async fn decide(tx: &Tx, name: &'static str, text: Option<&str>) -> Result<()> {
    let row = tx.lock::<site_setting::Entity>(name.to_owned()).await?;
    let Some(text) = text else {
        return match row {
            Some(row) => Ok(tx.delete(row).await?),
            None => Ok(()),
        };
    };
    Values::default().take(name, text).map_err(|why| Error::invalid(on_wire(name), why))?;
    let value = if is_secret(name) {
        tx.cx().keyring().seal(SEALED, name, text.as_bytes())
    } else {
        text.to_owned()
    };
    let (kind, id) = tx.actor().name();
    let changed_by = Some(id.unwrap_or_else(|| kind.to_owned()));
    let changed_at = Some(tx.now());
    if let Some(mut row) = row {
        row.value = value;
        row.changed_at = changed_at;
        row.changed_by = changed_by;
        tx.update(row).await?;
    } else {
        let name = name.to_owned();
        tx.insert(site_setting::Model { name, value, changed_at, changed_by }).await?;
    }
    Ok(())
}

/// What the names of settings begin with that have a document of their own, where they are called without it.
pub const DOCUMENTS: [&str; 2] = ["cost-estimation-", "smtp-"];

fn on_wire(name: &str) -> &str {
    DOCUMENTS.iter().find_map(|start| name.strip_prefix(start)).unwrap_or(name)
}
