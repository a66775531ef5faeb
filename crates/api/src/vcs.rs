//! What happened with connections, and what can be chosen from them: `/vcs-events`, `/authorized-repos`,
//! `/vcs-organizations`

use domain::{
    Timestamp, can,
    id::{OauthClientId, OauthTokenId},
    oauth_clients::HeldToken,
    row::VcsEvent,
    vcs_connections::{self, pickers},
    vcs_events::{self, Filter, Level},
};
use jsonapi::{Document, Error, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::Filtered};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/vcs-events", events)
        .get("/api/v2/oauth-tokens/{oauth_token_id}/authorized-repos", repositories)
        .get("/api/v2/oauth-tokens/{oauth_token_id}/vcs-organizations", organizations)
}

struct EventView(VcsEvent);

impl Resource for EventView {
    const TYPE: &'static str = "vcs-events";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            created_at: Timestamp,
            level: &'a str,
            message: &'a str,
            suggested_action: Option<&'a str>,
        }
        Attributes {
            created_at: self.0.created_at,
            level: self.0.level.as_str(),
            message: &self.0.message,
            suggested_action: self.0.suggested_action.as_deref(),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        if let Some(client) = &self.0.oauth_client_id {
            let related = format!("/api/v2/oauth-clients/{client}");
            to.one_with_link("oauth-client", "oauth-clients", Some(client), related);
        }
        if let Some(token) = &self.0.oauth_token_id {
            let related = format!("/api/v2/oauth-tokens/{token}");
            to.one_with_link("oauth-token", "oauth-tokens", Some(token), related);
        }
    }
}

/// Lists with commas between.
#[derive(Default, Deserialize)]
#[serde(default)]
struct EventFilters {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    oauth_client_external_ids: Option<String>,
    levels: Option<String>,
}

fn listed<T: std::str::FromStr>(name: &'static str, text: Option<&String>) -> Result<Vec<T>> {
    let parts = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    let wrong = |part: &str| {
        let why = format!("{part} is none that there is");
        Error::bad_request("invalid parameter", why).parameter(format!("filter[{name}]"))
    };
    parts.map(|part| part.parse().map_err(|_| wrong(part).into())).collect()
}

async fn events(
    organization: May<can::ManageVcsSettings>,
    query: Query<Filtered<EventFilters>>,
) -> Result<Document> {
    let asked = &query.own.filter;
    let filter = Filter {
        from: asked.from,
        to: asked.to,
        clients: listed::<OauthClientId>(
            "oauth_client_external_ids",
            asked.oauth_client_external_ids.as_ref(),
        )?,
        levels: listed::<Level>("levels", asked.levels.as_ref())?,
    };
    let cx = &organization.cx;
    let page = vcs_events::list(cx, &organization, filter, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(EventView).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

/// A repository that can be chosen, called by what `vcs-repo` wants.
struct RepositoryView {
    name: String,
    display: String,
    token: OauthTokenId,
}

impl Resource for RepositoryView {
    const TYPE: &'static str = "authorized-repos";

    fn id(&self) -> String {
        self.name.clone()
    }

    fn attributes(&self) -> impl Serialize {
        json!({ "name": self.name, "display-identifier": self.display })
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("oauth-token", "oauth-tokens", Some(&self.token));
    }
}

async fn repositories(
    token: May<can::ReadOauthClients, HeldToken>,
    query: Query,
) -> Result<Document> {
    let found = pickers::repositories(&token.cx, &token, paging(&query).number).await?;
    let view = |repository: vcs_connections::Repository| RepositoryView {
        name: repository.name.to_string(),
        display: repository.display,
        token: token.row.row.id.clone(),
    };
    let views: Vec<_> = found.repositories.into_iter().map(view).collect();
    Ok(Document::list(&views).meta("next-page", found.next))
}

struct OrganizationView(String);

impl Resource for OrganizationView {
    const TYPE: &'static str = "vcs-organization";

    fn id(&self) -> String {
        self.0.clone()
    }

    fn attributes(&self) -> impl Serialize {
        json!({ "name": self.0 })
    }
}

async fn organizations(token: May<can::ReadOauthClients, HeldToken>) -> Result<Document> {
    let names = pickers::organizations(&token.cx, &token).await.map_err(domain::Error::from)?;
    let views: Vec<_> = names.into_iter().map(OrganizationView).collect();
    Ok(Document::list(&views))
}
