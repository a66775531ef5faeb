//! `/oauth-tokens`: what opens connections

use domain::{
    Timestamp, can,
    oauth_clients::{self, Held, HeldToken, Token, TokenChange},
    variables::SecretString,
};
use jsonapi::{Body, Document, Empty, Field, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Filtered, text},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/oauth-tokens", list)
        .get("/api/v2/oauth-clients/{oauth_client_id}/oauth-tokens", list_of_client)
        .get("/api/v2/oauth-tokens/{oauth_token_id}", show)
        .patch("/api/v2/oauth-tokens/{oauth_token_id}", update)
        .delete("/api/v2/oauth-tokens/{oauth_token_id}", delete)
}

/// A token on the wire: never what it is.
pub struct View(pub Token);

impl Resource for View {
    const TYPE: &'static str = "oauth-tokens";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            created_at: Timestamp,
            service_provider_user: Option<&'a str>,
            has_ssh_key: bool,
            // Ours.
            ssh_known_hosts: Option<&'a str>,
            last_error: Option<&'a str>,
            last_error_at: Option<Timestamp>,
        }
        let row = &self.0.row;
        Attributes {
            created_at: row.created_at,
            service_provider_user: row.service_provider_user.as_deref(),
            has_ssh_key: row.ssh_key.is_some(),
            ssh_known_hosts: row.ssh_known_hosts.as_deref(),
            last_error: row.trouble.as_deref(),
            last_error_at: row.troubled_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let client = &self.0.client.id;
        let related = format!("/api/v2/oauth-clients/{client}");
        to.one_with_link("oauth-client", "oauth-clients", Some(client), related);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/oauth-tokens/{}", self.0.row.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    provider: Option<String>,
}

async fn list(
    organization: May<can::ReadOauthClients>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    let cx = &organization.cx;
    let provider = text(query.own.filter.provider.as_deref());
    let page =
        oauth_clients::tokens(cx, &organization, provider.as_deref(), paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn list_of_client(
    client: May<can::ReadOauthClients, Held>,
    query: Query,
) -> Result<Document> {
    let page = oauth_clients::tokens_of(&client.cx, &client, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &client.cx).await
}

async fn show(token: May<can::ReadOauthClients, HeldToken>) -> Result<Document> {
    Ok(Document::one(&View(token.granted.into_inner().row)))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    #[serde(deserialize_with = "jsonapi::verbatim")]
    ssh_key: Field<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    ssh_known_hosts: Field<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "oauth-tokens";
}

async fn update(
    token: May<can::ManageVcsSettings, HeldToken>,
    body: Body<Input>,
) -> Result<Document> {
    let given = |field: Field<String>| field.into_change().map(Option::unwrap_or_default);
    let change = TokenChange {
        ssh_key: given(body.attributes.ssh_key).map(SecretString::from),
        ssh_known_hosts: given(body.attributes.ssh_known_hosts),
    };
    Ok(Document::one(&View(oauth_clients::update_token(&token.cx, &token, change).await?)))
}

async fn delete(token: May<can::ManageVcsSettings, HeldToken>) -> Result<Empty> {
    oauth_clients::delete_token(&token.cx, &token).await?;
    Ok(Empty)
}
