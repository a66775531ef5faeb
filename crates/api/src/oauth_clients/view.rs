//! Connections on the wire: never their secrets.

use domain::{
    Ctx, Timestamp,
    oauth_clients::{self, Details},
    row::OauthClient,
};
use jsonapi::{Relationships, Resource};
use serde::Serialize;

use crate::Result;

pub struct View {
    details: Details,
    display_name: &'static str,
    callback_url: String,
    connect_path: String,
    /// Whether it was asked who uses it.
    with_users: bool,
}

pub async fn views(cx: &Ctx, rows: Vec<OauthClient>) -> Result<Vec<View>> {
    views_with(cx, rows, false).await
}

pub async fn views_with(cx: &Ctx, rows: Vec<OauthClient>, with_users: bool) -> Result<Vec<View>> {
    let details = oauth_clients::details(cx, rows, with_users).await?;
    details
        .into_iter()
        .map(|details| {
            let client = &details.client;
            Ok(View {
                display_name: oauth_clients::display_name(client)?,
                callback_url: oauth_clients::callback_url(cx, client),
                connect_path: oauth_clients::connect_path(client),
                with_users,
                details,
            })
        })
        .collect()
}

pub async fn view(cx: &Ctx, row: OauthClient) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

impl Resource for View {
    const TYPE: &'static str = "oauth-clients";

    fn id(&self) -> String {
        self.details.client.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: Option<&'a str>,
            created_at: Timestamp,
            updated_at: Timestamp,
            callback_url: &'a str,
            connect_path: &'a str,
            service_provider: &'a str,
            service_provider_display_name: &'a str,
            http_url: &'a str,
            api_url: &'a str,
            key: Option<&'a str>,
            secret: Option<&'a str>,
            rsa_public_key: Option<&'a str>,
            ado_entra_tenant_id: Option<&'a str>,
            uuid: &'a str,
            organization_scoped: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            affected_workspaces: Option<Vec<&'a str>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            affected_workspaces_count: Option<usize>,
        }
        let Details { client, workspaces, .. } = &self.details;
        let names = || workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
        Attributes {
            name: client.name.as_deref(),
            created_at: client.created_at,
            updated_at: client.updated_at,
            callback_url: &self.callback_url,
            connect_path: &self.connect_path,
            service_provider: &client.service_provider,
            service_provider_display_name: self.display_name,
            http_url: &client.http_url,
            api_url: &client.api_url,
            key: client.consumer_key.as_deref(),
            // Written, never read.
            secret: None,
            rsa_public_key: client.rsa_public_key.as_deref(),
            ado_entra_tenant_id: client.ado_entra_tenant_id.as_deref(),
            uuid: &client.uuid,
            organization_scoped: client.organization_scoped,
            affected_workspaces: self.with_users.then(names),
            affected_workspaces_count: self.with_users.then_some(workspaces.len()),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let Details { client, tokens, projects, .. } = &self.details;
        let organization = &client.organization_name;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
        to.many("projects", "projects", projects);
        let ids: Vec<_> = tokens.iter().map(|token| &token.id).collect();
        let related = format!("/api/v2/oauth-clients/{}/oauth-tokens", client.id);
        to.many_with_link("oauth-tokens", "oauth-tokens", &ids, related);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/oauth-clients/{}", self.details.client.id))
    }
}
