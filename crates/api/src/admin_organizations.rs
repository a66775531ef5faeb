//! `/admin/organizations`: all of them, and what the site allows each, for administrators of the site.

use domain::{
    Ctx, Granted, In, Page, Site, can, deletions,
    id::UserId,
    organizations::{self, Allowed},
    row::Organization,
    run_limits,
    site_settings::Span,
    subscriptions::{EVERYTHING, Subscription},
};
use jsonapi::{Body, Document, Empty, Error, Field, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes, organizations::Search, paging::paging, site_includes::SITE_INCLUDES,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/admin/organizations", list)
        .get("/api/v2/admin/organizations/{organization_name}", show)
        .patch("/api/v2/admin/organizations/{organization_name}", update)
        .delete("/api/v2/admin/organizations/{organization_name}", delete)
}

/// An organization as administrators see it.
pub struct View {
    row: Organization,
    owners: Vec<UserId>,
}

pub async fn views(
    cx: &Ctx,
    site: &Granted<can::ManageSite>,
    rows: Vec<Organization>,
) -> Result<Vec<View>> {
    let mut owners = organizations::owners(cx, site, &rows).await?;
    let view =
        |row: Organization| View { owners: owners.remove(&row.name).unwrap_or_default(), row };
    Ok(rows.into_iter().map(view).collect())
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    external_id: &'a str,
    notification_email: &'a str,
    access_beta_tools: bool,
    global_module_sharing: bool,
    global_provider_sharing: bool,
    is_disabled: bool,
    sso_enabled: bool,
    terraform_worker_sudo_enabled: bool,
    plan_timeout: Option<Span>,
    apply_timeout: Option<Span>,
    /// What these two were called before.
    terraform_build_worker_plan_timeout: Option<Span>,
    terraform_build_worker_apply_timeout: Option<Span>,
    workspace_limit: Option<i64>,
}

impl Resource for View {
    const TYPE: &'static str = "organizations";

    fn id(&self) -> String {
        self.row.name.clone()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        let plan_timeout = row.run_limits.0.plan_seconds.and_then(Span::of_seconds);
        let apply_timeout = row.run_limits.0.apply_seconds.and_then(Span::of_seconds);
        Attributes {
            name: &row.name,
            external_id: row.id.as_str(),
            notification_email: &row.email,
            access_beta_tools: true,
            global_module_sharing: false,
            global_provider_sharing: false,
            is_disabled: false,
            sso_enabled: false,
            terraform_worker_sudo_enabled: false,
            plan_timeout,
            apply_timeout,
            terraform_build_worker_plan_timeout: plan_timeout,
            terraform_build_worker_apply_timeout: apply_timeout,
            workspace_limit: row.workspace_limit,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.many("owners", "users", &self.owners);
        let subscription = Subscription(self.row.clone()).id();
        to.one("subscription", "subscriptions", Some(&subscription));
        to.one("feature-set", "feature-sets", Some(&EVERYTHING));
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/admin/organizations/{}", self.row.name))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    q: Search,
    filter: Filters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    module_producer: Option<bool>,
}

async fn list(site: May<can::ManageSite>, query: Query<Parameters>) -> Result<Document> {
    let (cx, paging) = (&site.cx, paging(&query));
    let page = if query.own.filter.module_producer == Some(true) {
        // Without a registry nobody shares modules.
        Page::of(Vec::new(), paging)
    } else {
        organizations::list_of_site(cx, &site, query.own.q.search(), paging).await?
    };
    let views = views(cx, &site, page.items).await?;
    Document::page(&views, page.total, &query, &SITE_INCLUDES, cx).await
}

type OnSite = May<can::ManageSite, In<Organization, Site>>;

async fn view(cx: &Ctx, row: Organization) -> Result<View> {
    let site = cx.check::<can::ManageSite, _>(Site::found())?;
    Ok(views(cx, &site, vec![row]).await?.swap_remove(0))
}

async fn show(organization: OnSite, query: Query) -> Result<Document> {
    let view = view(&organization.cx, organization.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &SITE_INCLUDES, &organization.cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    access_beta_tools: Option<bool>,
    global_module_sharing: Option<bool>,
    global_provider_sharing: Option<bool>,
    is_disabled: Option<bool>,
    terraform_worker_sudo_enabled: Option<bool>,
    plan_timeout: Field<Span>,
    apply_timeout: Field<Span>,
    terraform_build_worker_plan_timeout: Field<Span>,
    terraform_build_worker_apply_timeout: Field<Span>,
    workspace_limit: Field<u32>,
}

impl Typed for Input {
    const TYPE: &'static str = "organizations";
}

impl Input {
    /// Refuses what this server cannot do, or not leave undone.
    fn check(&self) -> Result<()> {
        for (name, sent, only, why) in [
            (
                "access-beta-tools",
                self.access_beta_tools,
                true,
                "can only be true: everybody may use every version that is enabled",
            ),
            (
                "global-module-sharing",
                self.global_module_sharing,
                false,
                "cannot be switched on: this server has no registry to share",
            ),
            (
                "global-provider-sharing",
                self.global_provider_sharing,
                false,
                "cannot be switched on: this server has no registry to share",
            ),
            (
                "is-disabled",
                self.is_disabled,
                false,
                "cannot be switched on: suspend its members instead",
            ),
            (
                "terraform-worker-sudo-enabled",
                self.terraform_worker_sudo_enabled,
                false,
                "cannot be switched on: no run is given root's rights here",
            ),
        ] {
            if sent.is_some_and(|sent| sent != only) {
                return Err(domain::Error::invalid(name, why).into());
            }
        }
        Ok(())
    }

    fn allowed(self) -> Result<Allowed> {
        self.check()?;
        Ok(Allowed {
            run_limits: run_limits::Change {
                plan_timeout: one_of(
                    self.plan_timeout,
                    self.terraform_build_worker_plan_timeout,
                    "terraform-build-worker-plan-timeout",
                )?,
                apply_timeout: one_of(
                    self.apply_timeout,
                    self.terraform_build_worker_apply_timeout,
                    "terraform-build-worker-apply-timeout",
                )?,
                ..run_limits::Change::default()
            },
            workspace_limit: self.workspace_limit.into_change(),
        })
    }
}

/// What has two names may be sent by either, and by both if they say the same.
fn one_of(
    timeout: Field<Span>,
    older: Field<Span>,
    older_name: &str,
) -> Result<Option<Option<Span>>> {
    if !timeout.is_absent() && !older.is_absent() && timeout != older {
        let pointer = format!("/data/attributes/{older_name}");
        let why = format!("{older_name} must say the same as the newer name of it");
        return Err(Error::unprocessable(pointer, why).into());
    }
    Ok(timeout.into_change().or(older.into_change()))
}

async fn update(organization: OnSite, body: Body<Input>) -> Result<Document> {
    let allowed = body.attributes.allowed()?;
    let row = organizations::allow(&organization.cx, &organization, allowed).await?;
    Ok(Document::one(&view(&organization.cx, row).await?))
}

async fn delete(organization: OnSite) -> Result<Empty> {
    deletions::organization_of_site(&organization.cx, &organization).await?;
    Ok(Empty)
}
