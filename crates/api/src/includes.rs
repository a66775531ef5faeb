//! How related resources are loaded: one line for each type, whatever the path that leads to it.

use std::sync::LazyLock;

use domain::Ctx;
use jsonapi::{Includes, Object};

use crate::{Failure, organizations, projects, workspaces};

fn parsed<T: std::str::FromStr>(texts: &[String]) -> Vec<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn objects<R: jsonapi::Resource>(views: impl IntoIterator<Item = R>) -> Vec<Object> {
    views.into_iter().map(|view| Object::new(&view)).collect()
}

pub static INCLUDES: LazyLock<Includes<Ctx, Failure>> = LazyLock::new(|| {
    Includes::default()
        .of("organizations", |cx, names| {
            Box::pin(async move {
                let rows = domain::organizations::load(cx, &names).await?;
                Ok(objects(rows.into_iter().map(|row| organizations::View::new(cx, row))))
            })
        })
        .of("projects", |cx, ids| {
            Box::pin(async move {
                let rows = domain::projects::load(cx, &parsed(&ids)).await?;
                Ok(objects(rows.into_iter().map(|row| projects::View::new(cx, row))))
            })
        })
        .of("workspaces", |cx, ids| {
            Box::pin(async move {
                let rows = domain::workspaces::load(cx, &parsed(&ids)).await?;
                Ok(objects(workspaces::views(cx, rows).await?))
            })
        })
});
