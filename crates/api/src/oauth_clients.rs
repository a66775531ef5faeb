//! `/oauth-clients`: connections to those who keep repositories

mod input;
mod tokens;
mod view;

use domain::{
    Ctx, Granted, can,
    id::ProjectId,
    oauth_clients::{self, Held},
    organizations,
};
use jsonapi::{Body, Document, Empty, Identifiers, Query};
use serde::Deserialize;

use crate::{May, Named, Result, Routes, includes::INCLUDES, paging::paging};
use input::{Input, Related};
pub use tokens::View as TokenView;
pub use view::views;

pub fn routes() -> Routes {
    let projects = "/api/v2/oauth-clients/{oauth_client_id}/relationships/projects";
    Routes::default()
        .post("/api/v2/oauth-clients", create_in_named)
        .get("/api/v2/organizations/{organization_name}/oauth-clients", list)
        .post("/api/v2/organizations/{organization_name}/oauth-clients", create)
        .get("/api/v2/oauth-clients/{oauth_client_id}", show)
        .patch("/api/v2/oauth-clients/{oauth_client_id}", update)
        .delete("/api/v2/oauth-clients/{oauth_client_id}", delete)
        .post(projects, add_projects)
        .delete(projects, remove_projects)
        .merge(tokens::routes())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wishes {
    show_affected_workspaces: Option<bool>,
}

async fn list(organization: May<can::ReadOauthClients>, query: Query<Wishes>) -> Result<Document> {
    let cx = &organization.cx;
    let with_users = query.own.show_affected_workspaces == Some(true);
    let page = oauth_clients::list(cx, &organization, paging(&query)).await?;
    let views = view::views_with(cx, page.items, with_users).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn create(
    organization: May<can::ManageVcsSettings>,
    body: Body<Input, Related>,
) -> Result<Document> {
    let cx = &organization.cx;
    if input::organization(&body)?.is_some_and(|named| named != organization.name) {
        let why = "is another one than that of the address";
        return Err(domain::Error::invalid("organization-id", why).into());
    }
    create_for(cx, &organization, body).await
}

async fn create_for(
    cx: &Ctx,
    organization: &Granted<can::ManageVcsSettings>,
    body: Body<Input, Related>,
) -> Result<Document> {
    let (new, change) = input::read(body)?;
    let row = oauth_clients::create(cx, organization, new, change).await?;
    Ok(Document::one(&view::view(cx, row).await?).created())
}

/// In the organization that the document names.
async fn create_in_named(
    caller: Named<can::ManageVcsSettings>,
    body: Body<Input, Related>,
) -> Result<Document> {
    let named = input::organization(&body)?;
    let named = named.ok_or_else(|| domain::Error::invalid("organization-id", "can't be blank"))?;
    let unknown = |error: domain::Error| match error {
        domain::Error::NotFound => domain::Error::invalid("organization-id", "does not exist"),
        other => other,
    };
    let found = organizations::find(&caller.cx, &named).await.map_err(unknown)?;
    let organization = caller.check(found).map_err(unknown)?;
    create_for(&caller.cx, &organization, body).await
}

async fn show(client: May<can::ReadOauthClients, Held>, query: Query<Wishes>) -> Result<Document> {
    let cx = client.cx;
    let with_users = query.own.show_affected_workspaces == Some(true);
    let rows = vec![client.granted.into_inner().row];
    let view = view::views_with(&cx, rows, with_users).await?.swap_remove(0);
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn update(
    client: May<can::ManageVcsSettings, Held>,
    body: Body<Input, Related>,
) -> Result<Document> {
    let (new, change) = input::read(body)?;
    let row = oauth_clients::update(&client.cx, &client, new, change).await?;
    Ok(Document::one(&view::view(&client.cx, row).await?))
}

async fn delete(client: May<can::ManageVcsSettings, Held>) -> Result<Empty> {
    oauth_clients::delete(&client.cx, &client).await?;
    Ok(Empty)
}

async fn add_projects(
    client: May<can::ManageVcsSettings, Held>,
    body: Identifiers,
) -> Result<Empty> {
    let projects: Vec<ProjectId> = body.parsed("projects")?;
    oauth_clients::add_projects(&client.cx, &client, &projects).await?;
    Ok(Empty)
}

async fn remove_projects(
    client: May<can::ManageVcsSettings, Held>,
    body: Identifiers,
) -> Result<Empty> {
    let projects: Vec<ProjectId> = body.parsed("projects")?;
    oauth_clients::remove_projects(&client.cx, &client, &projects).await?;
    Ok(Empty)
}
