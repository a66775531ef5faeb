//! `/app/{organization}/version-control`: connections to those who keep repositories; and `/auth`, by which a browser
//! connects one.

mod connect;
mod list;
mod show;
mod told;

use domain::{
    oauth_clients::{self, Details, Held},
    row::{OauthClient, OauthToken},
};
use maud::{Markup, html};

use crate::{
    Routes,
    components::{Icon, Tone, badge},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/version-control", list::show)
        .post("/app/{organization_name}/version-control", list::create)
        .post("/app/{organization_name}/version-control/told", told::save)
        .get("/app/{organization_name}/version-control/{oauth_client_id}", show::show)
        .post("/app/{organization_name}/version-control/{oauth_client_id}", show::save)
        .post("/app/{organization_name}/version-control/{oauth_client_id}/keys", show::keys)
        .post("/app/{organization_name}/version-control/{oauth_client_id}/delete", show::delete)
        .get("/auth/{oauth_client_uid}", connect::begin)
        .get("/auth/{oauth_client_uid}/callback", connect::finish)
}

pub fn list_path(organization: &str) -> String {
    format!("/app/{organization}/version-control")
}

fn path(held: &Held) -> String {
    format!("{}/{}", list_path(&held.of.name), held.id)
}

/// What people call it.
pub fn title(client: &OauthClient) -> domain::Result<String> {
    match &client.name {
        Some(name) => Ok(name.clone()),
        None => oauth_clients::display_name(client).map(str::to_owned),
    }
}

/// How it stands.
fn standing(token: Option<&OauthToken>) -> Markup {
    match token {
        None => badge(Tone::Neutral, Icon::StNone, "not connected"),
        Some(token) if token.trouble.is_some() => badge(Tone::Bad, Icon::StBad, "in trouble"),
        Some(token) if token.service_provider_user.is_some() => {
            badge(Tone::Good, Icon::StGood, "connected")
        }
        Some(_) => badge(Tone::Neutral, Icon::StNext, "not asked yet"),
    }
}

fn used_by(details: &Details) -> Markup {
    let count = |many: usize, one: &str, several: &str| match many {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {several}")),
    };
    let parts = [
        count(details.workspaces.len(), "workspace", "workspaces"),
        count(details.policy_sets.len(), "policy set", "policy sets"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    html! { @if parts.is_empty() { "nobody" } @else { (parts.join(", ")) } }
}
