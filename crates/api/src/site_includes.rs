//! What administrators of the site have included: the same types as elsewhere, shown as administrators see them.

use std::sync::LazyLock;

use domain::{Ctx, Granted, Site, accounts, can, organizations, runs, workspaces};
use jsonapi::Includes;

use crate::{
    Failure, Result, admin_organizations, admin_runs, admin_users, admin_workspaces,
    includes::{objects, parsed},
};

fn on_site(cx: &Ctx) -> Result<Granted<can::ManageSite>> {
    Ok(cx.check(Site::found())?)
}

pub static SITE_INCLUDES: LazyLock<Includes<Ctx, Failure>> = LazyLock::new(|| {
    Includes::default()
        .of("organizations", |cx, names| {
            Box::pin(async move {
                let site = on_site(cx)?;
                let rows = organizations::load_of_site(cx, &site, &names).await?;
                Ok(objects(admin_organizations::views(cx, &site, rows).await?))
            })
        })
        .of("users", |cx, ids| {
            Box::pin(async move {
                let rows = accounts::load(cx, &parsed(&ids)).await?;
                Ok(objects(admin_users::views(cx, &on_site(cx)?, rows).await?))
            })
        })
        .of("workspaces", |cx, ids| {
            Box::pin(async move {
                let rows = workspaces::load_of_site(cx, &on_site(cx)?, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(admin_workspaces::View)))
            })
        })
        .of("runs", |cx, ids| {
            Box::pin(async move {
                let rows = runs::load_of_site(cx, &on_site(cx)?, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(admin_runs::View)))
            })
        })
});
