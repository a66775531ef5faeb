//! Notifications: who is told what happens in a workspace or in a project, or to a team; by a request, or by mail.

mod delivery;
mod payload;
mod reader;

use std::collections::{BTreeMap, HashMap};

use db::{
    Json,
    entity::{
        notification_configuration::{self as configuration, Destination, Trigger},
        notification_delivery as deliveries, organization_membership, project, team, workspace,
    },
    id::{NotificationConfigurationId, ProjectId, TeamId, UserId, WorkspaceId},
    sea_orm::{
        ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::SimpleExpr,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

pub use crate::access::Subscribable;
pub use delivery::{deliveries, enable, verify};
pub(crate) use reader::READER;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Timestamp, Tx,
    accounts, can, names,
    row::{NotificationConfiguration, NotificationDelivery},
};

/// Where values are sealed; part of what authenticates them.
const SEALED_URL: &str = "notification_configurations.url";
const SEALED_TOKEN: &str = "notification_configurations.token";
/// Characters.
const NAME_LIMIT: usize = 255;
/// Bytes.
const TOKEN_LIMIT: usize = 1024;
const RECIPIENTS_LIMIT: usize = 100;
const ONLY_MAIL: &str = "are for configurations whose destination-type is email";
/// Of one workspace, project or team: <https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations>
const COUNT_LIMIT: u64 = 20;

impl Subscribable {
    fn owned(&self) -> SimpleExpr {
        match self {
            Self::Workspace(workspace) => configuration::Column::WorkspaceId.eq(&workspace.id),
            Self::Project(project) => configuration::Column::ProjectId.eq(&project.id),
            Self::Team(team) => configuration::Column::TeamId.eq(&team.id),
        }
    }

    /// Teams are told of requests that are made to them, all others of what happens.
    fn has(&self, trigger: Trigger) -> bool {
        let of_teams =
            matches!(trigger, Trigger::ChangeRequestCreated | Trigger::TeamChangeRequest);
        of_teams == matches!(self, Self::Team(_))
    }

    fn subject<'a>(&'a self, row: &'a NotificationConfiguration) -> Subject<'a> {
        Subject {
            kind: "notification-configurations",
            id: row.id.as_str(),
            organization: Some(self.organization_name()),
            workspace: match self {
                Self::Workspace(workspace) => Some(&workspace.id),
                Self::Project(_) | Self::Team(_) => None,
            },
            run: None,
        }
    }
}

pub type Configuration = In<NotificationConfiguration, Subscribable>;

pub async fn find_workspace(cx: &Ctx, id: &WorkspaceId) -> Result<Found<Subscribable>> {
    let row = workspace::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    row.map(|row| Found::new(Subscribable::Workspace(Box::new(row)))).ok_or(Error::NotFound)
}

/// What is found as a workspace, as something that is told about.
pub fn of_workspace(found: Found<workspace::Model>) -> Found<Subscribable> {
    Found::new(Subscribable::Workspace(Box::new(found.into_unchecked())))
}

pub async fn find_project(cx: &Ctx, id: &ProjectId) -> Result<Found<Subscribable>> {
    let row = project::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    row.map(|row| Found::new(Subscribable::Project(row))).ok_or(Error::NotFound)
}

pub async fn find_team(cx: &Ctx, id: &TeamId) -> Result<Found<Subscribable>> {
    let row = team::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    row.map(|row| Found::new(Subscribable::Team(row))).ok_or(Error::NotFound)
}

pub async fn find(cx: &Ctx, id: &NotificationConfigurationId) -> Result<Found<Configuration>> {
    let row = configuration::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let of = match (&row.workspace_id, &row.project_id, &row.team_id) {
        (Some(id), _, _) => find_workspace(cx, id).await?,
        (_, Some(id), _) => find_project(cx, id).await?,
        (_, _, Some(id)) => find_team(cx, id).await?,
        (None, None, None) => return Err(Error::NotFound),
    };
    Ok(Found::new(In { row, of: of.into_unchecked() }))
}

/// A configuration with its address in the clear, and its deliveries, the latest first.
pub struct Shown {
    pub row: NotificationConfiguration,
    url: Option<SecretString>,
    pub deliveries: Vec<ShownDelivery>,
}

pub struct ShownDelivery {
    pub row: NotificationDelivery,
    url: Option<SecretString>,
}

impl Shown {
    pub fn url(&self) -> Option<&str> {
        self.url.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl ShownDelivery {
    pub fn url(&self) -> Option<&str> {
        self.url.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// With what was delivered, read at once.
async fn shown(cx: &Ctx, rows: Vec<NotificationConfiguration>) -> Result<Vec<Shown>> {
    let ids = rows.iter().map(|row| &row.id);
    let sent = deliveries::Entity::find()
        .filter(deliveries::Column::ConfigurationId.is_in(ids))
        .order_by_desc(deliveries::Column::SentAt)
        .order_by_desc(deliveries::Column::Id)
        .all(cx.read())
        .await?;
    let mut by_configuration: HashMap<_, Vec<ShownDelivery>> = HashMap::new();
    for row in sent {
        let url = delivery::url_of(cx, &row)?;
        let all = by_configuration.entry(row.configuration_id.clone()).or_default();
        all.push(ShownDelivery { row, url });
    }
    rows.into_iter()
        .map(|row| {
            let deliveries = by_configuration.remove(&row.id).unwrap_or_default();
            Ok(Shown { url: url(cx, &row)?, deliveries, row })
        })
        .collect()
}

fn url(cx: &Ctx, row: &NotificationConfiguration) -> Result<Option<SecretString>> {
    let sealed = row.url.as_ref();
    Ok(sealed.map(|url| cx.keyring().open_text(SEALED_URL, row.id.as_str(), url)).transpose()?)
}

fn token(cx: &Ctx, row: &NotificationConfiguration) -> Result<Option<SecretString>> {
    let sealed = row.token.as_ref();
    Ok(sealed
        .map(|text| cx.keyring().open_text(SEALED_TOKEN, row.id.as_str(), text))
        .transpose()?)
}

/// The configurations of something, the oldest first; all of them unless a page is asked for.
pub async fn list(
    cx: &Ctx,
    subscribable: &Granted<can::ManageNotifications>,
    paging: Option<Paging>,
) -> Result<Page<Shown>> {
    let query = configuration::Entity::find()
        .filter(subscribable.owned())
        .order_by_asc(configuration::Column::CreatedAt)
        .order_by_asc(configuration::Column::Id);
    let page = if let Some(paging) = paging {
        db::page(cx.read(), query, paging).await?
    } else {
        let items = query.all(cx.read()).await?;
        Page { total: items.len() as u64, items }
    };
    Ok(Page { total: page.total, items: shown(cx, page.items).await? })
}

pub async fn show(cx: &Ctx, row: NotificationConfiguration) -> Result<Shown> {
    Ok(shown(cx, vec![row]).await?.swap_remove(0))
}

/// What can be given on create and changed later; absent fields stay as they are, but for the users of mail.
#[derive(Clone, Default)]
pub struct Change {
    pub name: Option<String>,
    /// Only on create.
    pub destination_type: Option<Destination>,
    pub enabled: Option<bool>,
    pub url: Option<Option<SecretString>>,
    pub token: Option<Option<SecretString>>,
    pub triggers: Option<Vec<Trigger>>,
    pub email_addresses: Option<Vec<String>>,
    pub users: Option<Vec<UserId>>,
}

impl Change {
    fn apply(self, cx: &Ctx, of: &Subscribable, to: &mut NotificationConfiguration) -> Result<()> {
        if let Some(name) = self.name {
            names::check_change("name", &name, &to.name, NAME_LIMIT)?;
            to.name = name;
        }
        if let Some(url) = self.url {
            to.url = url.map(|url| seal(cx, SEALED_URL, to, &url));
        }
        if let Some(token) = self.token {
            let token = token.filter(|token| !token.expose_secret().is_empty());
            if token.as_ref().is_some_and(|token| token.expose_secret().len() > TOKEN_LIMIT) {
                return Err(Error::invalid("token", format!("has at most {TOKEN_LIMIT} bytes")));
            }
            to.token = token.map(|token| seal(cx, SEALED_TOKEN, to, &token));
        }
        if let Some(mut triggers) = self.triggers {
            if let Some(wrong) = triggers.iter().find(|trigger| !of.has(**trigger)) {
                let why = format!("cannot be {wrong} here");
                return Err(Error::invalid("triggers", why));
            }
            triggers.sort_unstable();
            triggers.dedup();
            to.triggers = Json(triggers);
        }
        let is_mail = to.destination_type == Destination::Email;
        if let Some(addresses) = self.email_addresses {
            if !is_mail && !addresses.is_empty() {
                return Err(Error::invalid("email-addresses", ONLY_MAIL));
            }
            if addresses.len() > RECIPIENTS_LIMIT {
                let rule = format!("has at most {RECIPIENTS_LIMIT} elements");
                return Err(Error::invalid("email-addresses", rule));
            }
            for address in &addresses {
                accounts::check_address("email-addresses", address)?;
            }
            to.email_addresses = Json(addresses);
        }
        let users = self.users.unwrap_or_default();
        if !is_mail && !users.is_empty() {
            return Err(Error::invalid_relation("users", ONLY_MAIL));
        }
        // Whoever does not name users of mail any more wants none: the clients' own tests hold the service to it.
        to.user_ids = Json(users);
        to.enabled = self.enabled.unwrap_or(to.enabled);
        Ok(())
    }
}

fn seal(
    cx: &Ctx,
    purpose: &'static str,
    to: &NotificationConfiguration,
    text: &SecretString,
) -> String {
    cx.keyring().seal(purpose, to.id.as_str(), text.expose_secret().as_bytes())
}

/// Rules that look at more than the row.
async fn check(cx: &Ctx, of: &Subscribable, row: &NotificationConfiguration) -> Result<()> {
    if row.destination_type != Destination::Email {
        let url = url(cx, row)?.ok_or_else(|| Error::invalid("url", "can't be blank"))?;
        courier::check_url(url.expose_secret())
            .map_err(|_| Error::invalid("url", "must be an http or https address"))?;
    }
    if row.user_ids.len() > RECIPIENTS_LIMIT {
        let rule = format!("At most {RECIPIENTS_LIMIT} users.");
        return Err(Error::invalid_relation("users", rule));
    }
    let members = organization_membership::Entity::find()
        .filter(organization_membership::Column::OrganizationName.eq(of.organization_name()))
        .filter(organization_membership::Column::UserId.is_in(&row.user_ids.0))
        .all(cx.read())
        .await?;
    let stranger = row.user_ids.iter().find(|id| !members.iter().any(|one| one.user_id == **id));
    match stranger {
        None => Ok(()),
        Some(id) => {
            let why = format!("There is no user {id} in this organization.");
            Err(Error::invalid_relation("users", why))
        }
    }
}

/// # Errors
/// Bad request if it is to be enabled and its recipient does not answer as it should.
pub async fn create(
    cx: &Ctx,
    subscribable: &Granted<can::ManageNotifications>,
    change: Change,
) -> Result<Shown> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    let destinations = || Destination::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>();
    let destination_type = change.destination_type.ok_or_else(|| {
        Error::invalid("destination-type", format!("must be one of: {}", destinations().join(", ")))
    })?;
    let mut row = blank(subscribable, destination_type, cx.now());
    change.apply(cx, subscribable, &mut row)?;
    check(cx, subscribable, &row).await?;
    let sent = delivery::verify_before_saving(cx, &row).await?;
    let tx = cx.write().await?;
    hold(&tx, subscribable).await?;
    let count = configuration::Entity::find().filter(subscribable.owned()).count(tx.db()).await?;
    if count >= COUNT_LIMIT {
        return Err(Error::invalid("name", format!("is one too many: {COUNT_LIMIT} are allowed")));
    }
    let row = tx.insert(row).await?;
    delivery::record(cx, &tx, &row, sent).await?;
    let detail = json!({ "name": row.name });
    tx.emit(Happened::NotificationConfigurationCreated, subscribable.subject(&row), detail).await?;
    tx.commit().await?;
    show(cx, row).await
}

/// Held, so that the count is still true when the row is in.
async fn hold(tx: &Tx, of: &Subscribable) -> Result<()> {
    let there = match of {
        Subscribable::Workspace(row) => {
            tx.lock::<workspace::Entity>(row.id.clone()).await?.is_some()
        }
        Subscribable::Project(row) => tx.lock::<project::Entity>(row.id.clone()).await?.is_some(),
        Subscribable::Team(row) => tx.lock::<team::Entity>(row.id.clone()).await?.is_some(),
    };
    if there { Ok(()) } else { Err(Error::NotFound) }
}

fn blank(
    of: &Subscribable,
    destination_type: Destination,
    now: Timestamp,
) -> NotificationConfiguration {
    let (mut workspace_id, mut project_id, mut team_id) = (None, None, None);
    match of {
        Subscribable::Workspace(row) => workspace_id = Some(row.id.clone()),
        Subscribable::Project(row) => project_id = Some(row.id.clone()),
        Subscribable::Team(row) => team_id = Some(row.id.clone()),
    }
    NotificationConfiguration {
        id: NotificationConfigurationId::fresh(),
        workspace_id,
        project_id,
        team_id,
        name: String::new(),
        destination_type,
        enabled: false,
        url: None,
        token: None,
        triggers: Json::default(),
        email_addresses: Json::default(),
        user_ids: Json::default(),
        created_at: now,
        updated_at: now,
    }
}

/// # Errors
/// Bad request if it is enabled afterwards and its recipient does not answer as it should.
pub async fn update(
    cx: &Ctx,
    configuration: &Granted<can::ManageNotifications, Configuration>,
    change: Change,
) -> Result<Shown> {
    // What it will be, to be tried before it is kept.
    let mut wanted = configuration.row.clone();
    let destination = change.destination_type.as_ref();
    Error::unless_same("destination-type", destination, &wanted.destination_type)?;
    change.clone().apply(cx, &configuration.of, &mut wanted)?;
    check(cx, &configuration.of, &wanted).await?;
    let sent = delivery::verify_before_saving(cx, &wanted).await?;
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<configuration::Entity>(configuration.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(cx, &configuration.of, &mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await?;
    delivery::record(cx, &tx, &row, sent).await?;
    let detail = json!({ "name": row.name });
    let subject = configuration.of.subject(&row);
    tx.emit(Happened::NotificationConfigurationUpdated, subject, detail).await?;
    tx.commit().await?;
    show(cx, row).await
}

pub async fn delete(
    cx: &Ctx,
    configuration: &Granted<can::ManageNotifications, Configuration>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row =
        tx.lock::<configuration::Entity>(configuration.id.clone()).await?.ok_or(Error::NotFound)?;
    let detail = json!({ "name": row.name });
    let subject = configuration.of.subject(&row);
    tx.emit(Happened::NotificationConfigurationDeleted, subject, detail).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// Headers as deliveries keep them: all values of a name together.
fn by_name(headers: Vec<(String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        all.entry(name).or_default().push(value);
    }
    all
}
