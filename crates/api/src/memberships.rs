//! `/organization-memberships`

use domain::{
    Ctx, Timestamp,
    accounts::ExposeSecret,
    can,
    entity::organization_membership::Status,
    id::TeamId,
    memberships::{self, Details, Filter, Invited, Membership},
    row::OrganizationMembership,
};
use jsonapi::{Body, Document, Empty, Error, Query, Relationships, Resource, ToMany, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::Searched};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/organization-memberships", list)
        .post("/api/v2/organizations/{organization_name}/organization-memberships", invite)
        .get("/api/v2/organization-memberships", own)
        .get("/api/v2/organization-memberships/{organization_membership_id}", show)
        .delete("/api/v2/organization-memberships/{organization_membership_id}", delete)
        .post(
            "/api/v2/organization-memberships/{organization_membership_id}/actions/invite-again",
            invite_again,
        )
}

/// A membership on the wire.
pub struct View(Details);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    email: &'a str,
    created_at: Timestamp,
}

/// Memberships with their teams, in a few queries however many they are.
pub async fn views(cx: &Ctx, rows: Vec<OrganizationMembership>) -> Result<Vec<View>> {
    Ok(memberships::details(cx, rows).await?.into_iter().map(View).collect())
}

impl View {
    async fn of(cx: &Ctx, row: OrganizationMembership) -> Result<Self> {
        Ok(Self(memberships::details_of(cx, row).await?))
    }
}

impl Resource for View {
    const TYPE: &'static str = "organization-memberships";

    fn id(&self) -> String {
        self.0.membership.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0.membership;
        Attributes { status: row.status, email: &self.0.email, created_at: row.created_at }
    }

    fn relationships(&self, to: &mut Relationships) {
        let row = &self.0.membership;
        to.many("teams", "teams", &self.0.teams);
        let user = &row.user_id;
        to.one_with_link("user", "users", Some(user), format!("/api/v2/users/{user}"));
        let organization = &row.organization_name;
        to.one_with_link(
            "organization",
            "organizations",
            Some(organization),
            format!("/api/v2/organizations/{organization}"),
        );
    }
}

/// Unlike elsewhere, clients are told of includes that do not exist.
fn check_include<T>(query: &Query<T>) -> Result<()> {
    let known = ["user", "teams", "organization", "scim-identity", "scim_identity"];
    match query.include.iter().find(|path| !known.contains(&path.as_str())) {
        None => Ok(()),
        Some(path) => {
            let detail = format!("{path} is not an include parameter of organization memberships");
            Err(Error::bad_request("invalid include parameter", detail).parameter("include").into())
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    status: Option<Vec<Status>>,
    email: Option<Vec<String>>,
}

async fn list(
    organization: May<can::ReadOrganization>,
    query: Query<Searched<Filters>>,
) -> Result<Document> {
    check_include(&query)?;
    let cx = &organization.cx;
    let filter = Filter {
        search: query.own.q.clone(),
        statuses: query.own.filter.status.clone(),
        emails: query.own.filter.email.clone(),
    };
    let paging = paging(&query);
    let page = memberships::list(cx, &organization, &filter, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn own(site: May<can::UseAccount>, query: Query) -> Result<Document> {
    check_include(&query)?;
    let paging = paging(&query);
    let page = memberships::own(&site.cx, &site, paging).await?;
    let views = views(&site.cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, &site.cx).await
}

async fn show(membership: May<can::ReadMembership>, query: Query) -> Result<Document> {
    check_include(&query)?;
    let cx = membership.cx;
    let view = View::of(&cx, membership.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    email: Option<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "organization-memberships";
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    teams: ToMany<TeamId>,
}

/// Answers with the user included, although nobody asks for it: clients expect that.
async fn invite(
    organization: May<can::ManageMembership>,
    mut query: Query,
    body: Body<Input, Relations>,
) -> Result<Document> {
    check_include(&query)?;
    let cx = &organization.cx;
    let blank = || domain::Error::invalid("email", "can't be blank");
    let email = body.attributes.email.filter(|email| !email.is_empty()).ok_or_else(blank)?;
    let teams = body.relationships.teams.of_kind("teams", "teams")?.unwrap_or_default();
    let invited = memberships::invite(cx, &organization, &email, &teams).await?;
    query.include.push("user".into());
    Ok(document(cx, invited, &query).await?.created())
}

/// With the address that the invited person accepts at, where they are not told by mail.
async fn document(cx: &Ctx, invited: Invited, query: &Query) -> Result<Document> {
    let view = View::of(cx, invited.membership).await?;
    let document = Document::one_with(&view, query, &INCLUDES, cx).await?;
    Ok(match invited.link {
        Some(link) => document.meta("invitation-url", link.expose_secret()),
        None => document,
    })
}

/// Ours: the secret again, by mail or in the answer.
async fn invite_again(
    membership: May<can::ManageMembership, Membership>,
    query: Query,
) -> Result<Document> {
    let invited = memberships::invite_again(&membership.cx, &membership).await?;
    document(&membership.cx, invited, &query).await
}

async fn delete(membership: May<can::DestroyMembership>) -> Result<Empty> {
    memberships::delete(&membership.cx, &membership).await?;
    Ok(Empty)
}
