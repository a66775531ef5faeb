//! `/github-app`: who has installed the GitHub App that this site is, and what can be chosen there. And `/webhooks/github-app`,
//! by which GitHub tells what happens.

use axum::body::Body;
use domain::{
    In, Page, can,
    github_app::{self, Filter, Installed},
    row::{GithubAppInstallation, Organization, User},
    vcs_connections::{Choices, Repository},
};
use http::{HeaderMap, StatusCode};
use jsonapi::{Document, Empty, Query, Resource};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Anyone, May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Filtered, text},
    webhooks,
};

pub fn routes() -> Routes {
    let link_account = "/api/v2/organizations/{organization_name}/github-app-installations/{github_app_installation_id}/link-account";
    Routes::default()
        .get("/api/v2/github-app/installations", list)
        .get("/api/v2/github-app/installation/{github_app_installation_id}", show)
        .get("/api/v2/github-app-installations", list)
        .get("/api/v2/github-app-installations/{github_app_installation_id}/repos", repositories)
        .get("/api/v2/organizations/{organization_name}/github-app-installations", list_of)
        .get(
            "/api/v2/organizations/{organization_name}/github-app-installations/{github_app_installation_id}/repos",
            repositories_of,
        )
        .post(link_account, link)
        .delete(link_account, unlink)
        .get("/api/v2/users/{user_id}/github-app-oauth-tokens", tokens)
        .post("/webhooks/github-app", receive)
}

pub struct View(pub GithubAppInstallation);

impl Resource for View {
    const TYPE: &'static str = "github-app-installations";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: &'a str,
            installation_id: i64,
            icon_url: Option<&'a str>,
            installation_type: Option<&'a str>,
            installation_url: Option<&'a str>,
            // Ours.
            status: &'a str,
            last_error: Option<&'a str>,
        }
        let row = &self.0;
        Attributes {
            name: &row.account,
            installation_id: row.number,
            icon_url: row.icon_url.as_deref(),
            installation_type: row.kind.as_deref(),
            installation_url: row.url.as_deref(),
            status: row.status.as_str(),
            last_error: row.trouble.as_deref(),
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/github-app/installation/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    name: Option<String>,
    installation_id: Option<i64>,
}

async fn list(caller: May<can::UseToken>, query: Query<Filtered<Filters>>) -> Result<Document> {
    let asked = &query.own.filter;
    let filter = Filter { name: text(asked.name.as_deref()), number: asked.installation_id };
    let page = github_app::list(&caller.cx, &caller, filter, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &caller.cx).await
}

async fn show(installed: May<can::ReadInstallation, Installed>) -> Result<Document> {
    Ok(Document::one(&View(installed.granted.into_inner().row)))
}

async fn list_of(organization: May<can::ReadOauthClients>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let rows = github_app::of_organization(cx, &organization).await?;
    let page = Page::of(rows, paging(&query));
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

/// A repository that can be chosen, called by what `vcs-repo` wants.
struct RepositoryView {
    repository: Repository,
    installation: String,
}

impl Resource for RepositoryView {
    const TYPE: &'static str = "github-app-repos";

    fn id(&self) -> String {
        self.repository.name.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        json!({
            "name": self.repository.display,
            "identifier": self.repository.name.as_str(),
            "installation-id": self.installation,
        })
    }
}

fn shown(found: Choices, of: &GithubAppInstallation) -> Document {
    let view = |repository| RepositoryView { repository, installation: of.id.to_string() };
    let views: Vec<_> = found.repositories.into_iter().map(view).collect();
    Document::list(&views).meta("next-page", found.next)
}

async fn repositories(
    installed: May<can::ReadInstallation, Installed>,
    query: Query,
) -> Result<Document> {
    let page = paging(&query).number;
    let found = github_app::repositories(&installed.cx, &installed, page).await?;
    Ok(shown(found, &installed.row))
}

type OfOrganization = In<GithubAppInstallation, Organization>;

async fn repositories_of(
    held: May<can::ReadOauthClients, OfOrganization>,
    query: Query,
) -> Result<Document> {
    let found = github_app::repositories_of(&held.cx, &held, paging(&query).number).await?;
    Ok(shown(found, &held.row))
}

async fn link(held: May<can::LinkInstallation, OfOrganization>) -> Result<Empty> {
    github_app::link(&held.cx, &held).await?;
    Ok(Empty)
}

async fn unlink(held: May<can::LinkInstallation, OfOrganization>) -> Result<Empty> {
    github_app::unlink(&held.cx, &held).await?;
    Ok(Empty)
}

enum TokenView {}

impl Resource for TokenView {
    const TYPE: &'static str = "github-app-oauth-tokens";

    fn id(&self) -> String {
        match *self {}
    }

    fn attributes(&self) -> impl Serialize {
        json!({})
    }
}

/// Nobody has one: this site acts as the app itself, and never as a person.
async fn tokens(user: May<can::ManageUserTokens, User>, query: Query) -> Result<Document> {
    let none: [TokenView; 0] = [];
    Document::page(&none, 0, &query, &INCLUDES, &user.cx).await
}

/// The answer says only that it was written down: GitHub waits ten seconds.
async fn receive(anyone: Anyone, headers: HeaderMap, body: Body) -> Result<StatusCode> {
    let body = webhooks::whole(body).await?;
    github_app::receive(&anyone.cx, &headers, body).await?;
    Ok(StatusCode::ACCEPTED)
}
