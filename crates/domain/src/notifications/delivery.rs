//! How messages leave, always outside of transactions: when somebody asks for a trial, and when the worker finds what is
//! due. What was answered is kept.

use std::collections::BTreeMap;

use db::{
    Json,
    entity::{
        notification_configuration::{self as configuration, Destination},
        notification_delivery as deliveries, user,
    },
    id::NotificationDeliveryId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Configuration, Shown, by_name, payload::Message, reader::Due, show, token, url};
use crate::{
    Ctx, Error, Granted, Happened, Result, Timestamp, Tx, can,
    row::{NotificationConfiguration, NotificationDelivery},
    site_settings,
    tasks::{Deliveries, Errand, Went},
};

const SEALED_URL: &str = "notification_deliveries.url";
/// Of one configuration; the oldest are forgotten.
const KEPT: u64 = 10;

/// What was sent, and what came back.
pub(super) struct Sent {
    cause: String,
    url: Option<SecretString>,
    code: Option<u16>,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    successful: bool,
    at: Timestamp,
}

async fn send(cx: &Ctx, row: &NotificationConfiguration, message: &Message) -> Result<Sent> {
    let sent = send_uncounted(cx, row, message).await?;
    let outcome = if sent.successful { "delivered" } else { "refused" };
    let kind = row.destination_type.to_string();
    metrics::counter!("statehouse_notifications_total", "kind" => kind, "outcome" => outcome)
        .increment(1);
    Ok(sent)
}

async fn send_uncounted(
    cx: &Ctx,
    row: &NotificationConfiguration,
    message: &Message,
) -> Result<Sent> {
    let at = cx.now();
    let mut sent = Sent {
        cause: message.cause.clone(),
        url: None,
        code: None,
        headers: BTreeMap::new(),
        body: String::new(),
        successful: false,
        at,
    };
    if row.destination_type == Destination::Email {
        let to = recipients(cx, row).await?;
        match site_settings::send_mail(cx, &to, &message.title, &message.text()).await? {
            Ok(()) => sent.successful = true,
            Err(error) => sent.body = error.to_string(),
        }
        return Ok(sent);
    }
    let url = url(cx, row)?.unwrap_or_default();
    let body = message.body(row.destination_type).to_string().into_bytes();
    let mut headers = Vec::new();
    if let Some(token) = token(cx, row)?.filter(|_| row.destination_type == Destination::Generic) {
        let signature = crypto::hmac_sha512(token.expose_secret().as_bytes(), &body);
        headers.push(("x-tfe-notification-signature", hex::encode(signature)));
    }
    match cx.courier().post(url.expose_secret(), &headers, body).await {
        Ok(receipt) => {
            sent.successful = receipt.is_success();
            sent.code = Some(receipt.status);
            sent.headers = by_name(receipt.headers);
            sent.body = receipt.body;
        }
        Err(error) => sent.body = error.to_string(),
    }
    sent.url = Some(url);
    Ok(sent)
}

/// The addresses that were named, and those that the users have confirmed.
async fn recipients(cx: &Ctx, row: &NotificationConfiguration) -> Result<Vec<String>> {
    let users = user::Entity::find()
        .filter(user::Column::Id.is_in(&row.user_ids.0))
        .order_by_asc(user::Column::Email)
        .all(cx.read())
        .await?;
    let mut all = row.email_addresses.0.clone();
    all.extend(users.into_iter().filter_map(|user| user.email));
    all.dedup();
    Ok(all)
}

impl Sent {
    fn refusal(&self) -> Option<String> {
        if self.successful {
            return None;
        }
        Some(match self.code {
            Some(code) => format!("it answered {code}"),
            None => self.body.clone(),
        })
    }

    /// # Errors
    /// Bad request, in the words of the API documents.
    fn must_be_successful(&self) -> Result<()> {
        match self.refusal() {
            None => Ok(()),
            Some(why) => Err(Error::BadRequest(format!(
                "Unable to complete verification request to destination URL: {why}"
            ))),
        }
    }
}

/// What is to be enabled has to answer first; mail does not answer.
pub(super) async fn verify_before_saving(
    cx: &Ctx,
    row: &NotificationConfiguration,
) -> Result<Option<Sent>> {
    if !row.enabled || row.destination_type == Destination::Email {
        return Ok(None);
    }
    let sent = send(cx, row, &Message::verification(row)).await?;
    sent.must_be_successful()?;
    Ok(Some(sent))
}

/// Keeps what was sent, and forgets what was sent long ago.
pub(super) async fn record(
    cx: &Ctx,
    tx: &Tx,
    row: &NotificationConfiguration,
    sent: Option<Sent>,
) -> Result<()> {
    let Some(sent) = sent else { return Ok(()) };
    let id = NotificationDeliveryId::fresh();
    let seal = |url: SecretString| {
        cx.keyring().seal(SEALED_URL, id.as_str(), url.expose_secret().as_bytes())
    };
    tx.insert(NotificationDelivery {
        configuration_id: row.id.clone(),
        cause: sent.cause,
        url: sent.url.map(seal),
        code: sent.code.map(Into::into),
        headers: Json(sent.headers),
        body: sent.body,
        successful: sent.successful,
        sent_at: sent.at,
        id: id.clone(),
    })
    .await?;
    let kept: Vec<NotificationDeliveryId> = deliveries::Entity::find()
        .select_only()
        .column(deliveries::Column::Id)
        .filter(deliveries::Column::ConfigurationId.eq(&row.id))
        .order_by_desc(deliveries::Column::SentAt)
        .order_by_desc(deliveries::Column::Id)
        .limit(KEPT)
        .into_tuple()
        .all(tx.db())
        .await?;
    deliveries::Entity::delete_many()
        .filter(deliveries::Column::ConfigurationId.eq(&row.id))
        .filter(deliveries::Column::Id.is_not_in(kept))
        .exec(tx.db())
        .await?;
    Ok(())
}

pub(super) fn url_of(cx: &Ctx, row: &NotificationDelivery) -> Result<Option<SecretString>> {
    let sealed = row.url.as_ref();
    Ok(sealed.map(|url| cx.keyring().open_text(SEALED_URL, row.id.as_str(), url)).transpose()?)
}

/// Sends a message for a trial and keeps what was answered.
///
/// # Errors
/// Bad request if it was not taken.
pub async fn verify(
    cx: &Ctx,
    configuration: &Granted<can::ManageNotifications, Configuration>,
) -> Result<Shown> {
    try_out(cx, configuration, false).await
}

/// Enables a configuration whose recipient takes a trial.
///
/// # Errors
/// Bad request if it was not taken.
pub async fn enable(
    cx: &Ctx,
    configuration: &Granted<can::ManageNotifications, Configuration>,
) -> Result<Shown> {
    try_out(cx, configuration, true).await
}

async fn try_out(
    cx: &Ctx,
    configuration: &Granted<can::ManageNotifications, Configuration>,
    enable: bool,
) -> Result<Shown> {
    let is_silent = enable && configuration.destination_type == Destination::Email;
    let sent = if is_silent {
        None
    } else {
        Some(send(cx, configuration, &Message::verification(configuration)).await?)
    };
    let outcome = sent.as_ref().map_or(Ok(()), Sent::must_be_successful);
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<configuration::Entity>(configuration.id.clone()).await?.ok_or(Error::NotFound)?;
    let is_new = enable && outcome.is_ok() && !row.enabled;
    row.enabled |= is_new;
    if is_new {
        row.updated_at = tx.now();
    }
    let row = tx.update(row).await?;
    record(cx, &tx, &row, sent).await?;
    if is_new {
        let detail = json!({ "name": row.name, "enabled": true });
        let subject = configuration.of.subject(&row);
        tx.emit(Happened::NotificationConfigurationUpdated, subject, detail).await?;
    }
    tx.commit().await?;
    outcome?;
    show(cx, row).await
}

impl Errand for Due {
    const KIND: &'static str = "notify";
    /// The last one is about an hour after the first.
    const TRIES: Option<i64> = Some(5);

    fn recipient(&self) -> String {
        self.configuration.to_string()
    }

    async fn run(self, cx: &Ctx, _tries: i64) -> Result<Went> {
        // Whatever keeps it from being told counts as a try.
        let refusal = deliver(cx, self).await.unwrap_or_else(|error| Some(error.to_string()));
        Ok(refusal.map_or(Went::Done, Went::Refused))
    }
}

/// Messages that are sent without waiting for anybody.
pub fn deliveries() -> Deliveries {
    Deliveries::of::<Due>()
}

/// Why it was not taken, if it was not.
async fn deliver(cx: &Ctx, due: Due) -> Result<Option<String>> {
    let row = configuration::Entity::find_by_id(due.configuration).one(cx.read()).await?;
    // Whoever is not interested any more is told nothing more.
    let Some(row) = row.filter(|row| row.enabled) else { return Ok(None) };
    let Some(message) = Message::about(cx, &row, due.trigger, &due.about).await? else {
        return Ok(None);
    };
    let sent = send(cx, &row, &message).await?;
    let refusal = sent.refusal();
    let tx = cx.write().await?;
    if tx.lock::<configuration::Entity>(row.id.clone()).await?.is_some() {
        record(cx, &tx, &row, Some(sent)).await?;
        tx.commit().await?;
    }
    Ok(refusal)
}
