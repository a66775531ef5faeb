//! What happened with connections, and what can be chosen from them: `/vcs-events`, `/authorized-repos`,
//! `/vcs-organizations`

use domain::{
    Granted, Timestamp, can, connected_repositories,
    id::{OauthClientId, OauthTokenId},
    oauth_clients::{self, HeldToken},
    row::VcsEvent,
    vcs_connections::{self, RepositoryName, pickers},
    vcs_events::{self, Filter, Level},
};
use jsonapi::{Document, Error, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    May, Named, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Filtered, text},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/vcs-events", events)
        .get("/api/v2/organizations/{organization_name}/vcs/repo", repository)
        .get("/api/v2/organizations/{organization_name}/vcs/tree", tree)
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Owned {
    /// Whose they are at the provider.
    organization: Option<String>,
}

async fn repositories(
    token: May<can::ReadOauthClients, HeldToken>,
    query: Query<Owned>,
) -> Result<Document> {
    let owner = text(query.own.organization.as_deref());
    let page = paging(&query).number;
    let found = pickers::repositories(&token.cx, &token, owner.as_deref(), page).await?;
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

/// A repository that is named and not connected yet.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Picked {
    oauth_token_id: Option<String>,
    identifier: Option<String>,
    /// Of the tree: a branch, a tag or a commit.
    branch: Option<String>,
    /// Ours: folders below this one.
    path: Option<String>,
}

type Picker = Named<can::ReadOauthClients, HeldToken, can::ReadOauthClients>;

/// What opens it, and its name.
async fn picked(
    picker: &Picker,
    asked: &Picked,
) -> Result<(Granted<can::ReadOauthClients, HeldToken>, RepositoryName)> {
    let wrong = |name: &'static str, why: &str| {
        Error::bad_request("invalid parameter", why.to_owned()).parameter(name)
    };
    let name = asked.identifier.as_deref().unwrap_or_default();
    let name =
        RepositoryName::parse(name).map_err(|error| wrong("identifier", &error.to_string()))?;
    let token = asked.oauth_token_id.as_deref();
    let token = token.ok_or_else(|| wrong("oauth_token_id", "it has to be named"))?;
    let token = token.parse().map_err(|_| domain::Error::NotFound)?;
    let found = oauth_clients::find_token(&picker.cx, &token).await?;
    let found = found.placed_in(Some(&picker.base.name), None)?;
    Ok((picker.check(found)?, name))
}

struct CheckView {
    identifier: RepositoryName,
    exists: bool,
}

impl Resource for CheckView {
    const TYPE: &'static str = "vcs-repo-check";

    fn id(&self) -> String {
        self.identifier.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        json!({ "exists": self.exists, "identifier": self.identifier.as_str() })
    }
}

async fn repository(picker: Picker, query: Query<Picked>) -> Result<Document> {
    let (token, identifier) = picked(&picker, &query.own).await?;
    let exists = pickers::reaches(&picker.cx, &token, &identifier).await?;
    Ok(Document::one(&CheckView { identifier, exists }))
}

struct FolderView(String);

impl Resource for FolderView {
    const TYPE: &'static str = "vcs-tree";

    fn id(&self) -> String {
        self.0.clone()
    }

    fn attributes(&self) -> impl Serialize {
        json!({})
    }
}

async fn tree(picker: Picker, query: Query<Picked>) -> Result<Document> {
    let asked = &query.own;
    let (token, name) = picked(&picker, asked).await?;
    let at = asked.branch.as_deref().filter(|at| !at.is_empty());
    let below = asked.path.as_deref().unwrap_or_default().trim_matches('/');
    let found = connected_repositories::folders(&picker.cx, &token, &name, at, below).await?;
    let whole = |name: String| if below.is_empty() { name } else { format!("{below}/{name}") };
    let views: Vec<_> = found.into_iter().map(|name| FolderView(whole(name))).collect();
    Ok(Document::list(&views))
}
