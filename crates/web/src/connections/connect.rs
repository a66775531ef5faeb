//! `/auth/{uid}`: a browser goes to the provider, and comes back with a code.

use axum::{extract::Query, response::Redirect};
use domain::{can, oauth_clients::Held, vcs_connections::browser};
use serde::Deserialize;

use super::path;
use crate::{failure::Result, guard::May};

pub async fn begin(client: May<can::ManageVcsSettings, Held>) -> Result<Redirect> {
    let visitor = &client.visitor;
    let to = browser::begin(&visitor.cx, &client, visitor.session())?;
    Ok(Redirect::to(to.as_str()))
}

/// What the provider has given the browser along.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    code: String,
    state: String,
    error: String,
}

/// Whoever has refused over there is back on the page of the connection, which is as it was.
pub async fn finish(
    client: May<can::ManageVcsSettings, Held>,
    Query(answer): Query<Answer>,
) -> Result<Redirect> {
    let visitor = &client.visitor;
    if answer.error != "access_denied" {
        let Answer { code, state, .. } = &answer;
        browser::finish(&visitor.cx, &client, visitor.session(), state, code).await?;
    }
    Ok(Redirect::to(&path(&client)))
}
