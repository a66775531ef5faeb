//! `/notification-configurations` of workspaces, projects and teams

use std::collections::BTreeMap;

use domain::{
    Timestamp, can,
    entity::notification_configuration::{Destination, Trigger},
    id::UserId,
    notifications::{self, Change, Configuration, Shown, Subscribable},
    variables::SecretString,
};
use jsonapi::{Body, Document, Empty, Field, Query, Relationships, Resource, ToMany, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    let one = "/api/v2/notification-configurations/{notification_configuration_id}";
    let mut routes = Routes::default()
        .get(one, show)
        .patch(one, update)
        .delete(one, delete)
        .post(
            "/api/v2/notification-configurations/{notification_configuration_id}/actions/verify",
            verify,
        )
        .post(
            "/api/v2/notification-configurations/{notification_configuration_id}/actions/enable",
            enable,
        );
    for all in [
        "/api/v2/workspaces/{workspace_id}/notification-configurations",
        "/api/v2/projects/{project_id}/notification-configurations",
        "/api/v2/teams/{team_id}/notification-configurations",
    ] {
        routes = routes.get(all, list).post(all, create);
    }
    routes
}

/// A configuration on the wire.
struct View(Shown);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    destination_type: Destination,
    enabled: bool,
    triggers: &'a [Trigger],
    url: Option<&'a str>,
    /// Written once, never shown again.
    token: Option<&'a str>,
    email_addresses: Option<&'a [String]>,
    delivery_responses: Vec<Response<'a>>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Code and success are texts, as clients expect.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Response<'a> {
    url: Option<&'a str>,
    code: String,
    headers: &'a BTreeMap<String, Vec<String>>,
    body: &'a str,
    sent_at: Timestamp,
    successful: &'static str,
}

impl Resource for View {
    const TYPE: &'static str = "notification-configurations";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0.row;
        let responses = self.0.deliveries.iter().map(|delivery| Response {
            url: delivery.url(),
            code: delivery.row.code.map(|code| code.to_string()).unwrap_or_default(),
            headers: &delivery.row.headers,
            body: &delivery.row.body,
            sent_at: delivery.row.sent_at,
            successful: if delivery.row.successful { "true" } else { "false" },
        });
        let is_mail = row.destination_type == Destination::Email;
        Attributes {
            name: &row.name,
            destination_type: row.destination_type,
            enabled: row.enabled,
            triggers: &row.triggers,
            url: self.0.url(),
            token: None,
            email_addresses: is_mail.then_some(&row.email_addresses),
            delivery_responses: responses.collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let row = &self.0.row;
        if let Some(id) = &row.workspace_id {
            let related = format!("/api/v2/workspaces/{id}");
            to.one_with_link("subscribable", "workspaces", Some(id), related);
        }
        if let Some(id) = &row.project_id {
            let related = format!("/api/v2/projects/{id}");
            to.one_with_link("subscribable", "projects", Some(id), related);
        }
        if let Some(id) = &row.team_id {
            let related = format!("/api/v2/teams/{id}");
            to.one_with_link("subscribable", "teams", Some(id), related);
        }
        to.many("users", "users", &row.user_ids.0);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    page: AskedPage,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AskedPage {
    number: Option<u64>,
    size: Option<u64>,
}

/// Whole, unless a page is asked for
/// (<https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#list-notification-configurations>).
async fn list(
    subscribable: May<can::ManageNotifications>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &subscribable.cx;
    let is_paged = query.own.page.number.is_some() || query.own.page.size.is_some();
    let asked = is_paged.then(|| paging(&query));
    let page = notifications::list(cx, &subscribable, asked).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    if is_paged {
        Document::page(&views, page.total, &query, &INCLUDES, cx).await
    } else {
        Document::list_with(&views, &query, &INCLUDES, cx).await
    }
}

async fn show(
    configuration: May<can::ManageNotifications, Configuration>,
    query: Query,
) -> Result<Document> {
    let cx = configuration.cx;
    let row = configuration.granted.into_inner().row;
    let view = View(notifications::show(&cx, row).await?);
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    destination_type: Option<Destination>,
    enabled: Option<bool>,
    url: Field<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    token: Field<String>,
    triggers: Option<Vec<Trigger>>,
    email_addresses: Option<Vec<String>>,
}

/// The documents' samples say the type in the singular.
impl Typed for Input {
    const TYPE: &'static str = "";
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    users: ToMany<UserId>,
}

fn change(body: Body<Input, Relations>) -> Result<Change> {
    let secret =
        |field: Field<String>| field.into_change().map(|text| text.map(SecretString::from));
    let users = body.relationships.users.of_kind("users", "users")?;
    let input = body.attributes;
    Ok(Change {
        name: input.name,
        destination_type: input.destination_type,
        enabled: input.enabled,
        url: secret(input.url),
        token: secret(input.token),
        triggers: input.triggers,
        email_addresses: input.email_addresses,
        users,
    })
}

async fn create(
    subscribable: May<can::ManageNotifications, Subscribable>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let shown = notifications::create(&subscribable.cx, &subscribable, change(body)?).await?;
    Ok(Document::one(&View(shown)).created())
}

async fn update(
    configuration: May<can::ManageNotifications, Configuration>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let shown = notifications::update(&configuration.cx, &configuration, change(body)?).await?;
    Ok(Document::one(&View(shown)))
}

async fn delete(configuration: May<can::ManageNotifications, Configuration>) -> Result<Empty> {
    notifications::delete(&configuration.cx, &configuration).await?;
    Ok(Empty)
}

async fn verify(configuration: May<can::ManageNotifications, Configuration>) -> Result<Document> {
    let shown = notifications::verify(&configuration.cx, &configuration).await?;
    Ok(Document::one(&View(shown)))
}

async fn enable(configuration: May<can::ManageNotifications, Configuration>) -> Result<Document> {
    let shown = notifications::enable(&configuration.cx, &configuration).await?;
    Ok(Document::one(&View(shown)))
}
