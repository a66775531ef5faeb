//! `/admin/users`: everybody with an account here, for administrators of the site.

use domain::{
    Ctx, Granted, In, Site,
    accounts::{self, Sought, Standing},
    can,
    row::User,
};
use jsonapi::{Document, Empty, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    paging::paging,
    parameters::{Searched, text},
    site_includes::SITE_INCLUDES,
    users::{TwoFactor, avatar_url},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/admin/users", list)
        .delete("/api/v2/admin/users/{user_id}", delete)
        .post("/api/v2/admin/users/{user_id}/actions/suspend", suspend)
        .post("/api/v2/admin/users/{user_id}/actions/unsuspend", unsuspend)
        .post("/api/v2/admin/users/{user_id}/actions/grant_admin", grant)
        .post("/api/v2/admin/users/{user_id}/actions/revoke_admin", revoke)
}

/// An account as administrators see it.
pub struct View {
    row: User,
    organizations: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    username: &'a str,
    email: Option<&'a str>,
    /// Ours.
    unconfirmed_email: Option<&'a str>,
    avatar_url: String,
    is_admin: bool,
    is_suspended: bool,
    is_service_account: bool,
    two_factor: TwoFactor,
}

impl Resource for View {
    const TYPE: &'static str = "users";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            username: &row.username,
            email: row.email.as_deref(),
            unconfirmed_email: row.unconfirmed_email.as_deref(),
            avatar_url: avatar_url(row.email.as_deref().unwrap_or(&row.username)),
            is_admin: row.is_site_admin,
            is_suspended: row.is_suspended,
            is_service_account: false,
            two_factor: TwoFactor::of(row),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.many("organizations", "organizations", &self.organizations);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/users/{}", self.row.id))
    }
}

pub async fn views(
    cx: &Ctx,
    site: &Granted<can::ManageSite>,
    rows: Vec<User>,
) -> Result<Vec<View>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let mut organizations = accounts::organizations_of(cx, site, &ids).await?;
    let view =
        |row: User| View { organizations: organizations.remove(&row.id).unwrap_or_default(), row };
    Ok(rows.into_iter().map(view).collect())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    admin: Option<bool>,
    suspended: Option<bool>,
}

async fn list(site: May<can::ManageSite>, query: Query<Searched<Filters>>) -> Result<Document> {
    let (cx, asked) = (&site.cx, &query.own);
    let part = text(asked.q.as_deref());
    let sought = Sought {
        text: part.as_deref(),
        is_admin: asked.filter.admin,
        is_suspended: asked.filter.suspended,
    };
    let page = accounts::find_users(cx, &site, sought, paging(&query)).await?;
    let views = views(cx, &site, page.items).await?;
    Document::page(&views, page.total, &query, &SITE_INCLUDES, cx).await
}

type OnSite = May<can::ManageSite, In<User, Site>>;

async fn set(user: &OnSite, standing: Standing) -> Result<Document> {
    let site = user.cx.check::<can::ManageSite, _>(Site::found())?;
    let row = accounts::set_standing(&user.cx, &site, &user.id, standing).await?;
    Ok(Document::one(&views(&user.cx, &site, vec![row]).await?[0]))
}

async fn suspend(user: OnSite) -> Result<Document> {
    set(&user, Standing::Suspended).await
}

async fn unsuspend(user: OnSite) -> Result<Document> {
    set(&user, Standing::Unsuspended).await
}

async fn grant(user: OnSite) -> Result<Document> {
    set(&user, Standing::Administrator).await
}

async fn revoke(user: OnSite) -> Result<Document> {
    set(&user, Standing::NoAdministrator).await
}

async fn delete(user: OnSite) -> Result<Empty> {
    accounts::delete_user(&user.cx, &user).await?;
    Ok(Empty)
}
