//! Every setting of the site, with what holds and who has decided it. Secrets are not shown.

use std::collections::HashMap;

use domain::{
    accounts, can,
    id::UserId,
    site_settings::{self, Line, Source},
};
use maud::{Markup, html};

use super::{github_app, setting::LIST};
use crate::{
    components::{Head, Header, Icon, Table, icon, time},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
};

pub async fn show(site: May<can::ManageSite>) -> Result<Markup> {
    let visitor = &site.visitor;
    let lines = site_settings::lines(&visitor.cx, &site).await?;
    let ids: Vec<UserId> = lines.iter().filter_map(|line| decided_by(line)?.parse().ok()).collect();
    let people: HashMap<String, String> = accounts::load(&visitor.cx, &ids)
        .await?
        .into_iter()
        .map(|user| (user.id.to_string(), user.username))
        .collect();
    let heads = [
        Head::new("Setting"),
        Head::new("Holds"),
        Head::new("Decided by"),
        Head::new("Without that"),
    ];
    let rows = lines.iter().map(|line| row(line, &people)).collect();
    let main = html! {
        (Header { title: "Settings of the site", ..Header::default() })
        div.panel { (Table { caption: "Settings of the site", heads: &heads, rows }) }
        p.hint.gap { a href=(github_app::HERE) { "The GitHub App" } " that these make of the site, and who has installed it." }
        p.hint.gap { "What flags, variables or the file of whoever starts the server say stands above what is decided here." }
    };
    page(visitor, Place::Site(OnSite::Settings), "Settings of the site", &main).await
}

fn decided_by(line: &Line) -> Option<&str> {
    match &line.source {
        Source::Administrator { by, .. } => by.as_deref(),
        _ => None,
    }
}

fn row(line: &Line, people: &HashMap<String, String>) -> Vec<Markup> {
    vec![
        html! { a href={ (LIST) "/" (line.name) } { code { (line.name) } } },
        shown(line.value.as_deref()),
        html! {
            @match &line.source {
                Source::Default => span.faint { "nobody" },
                Source::Process(by) => { "whoever started the server, by " code { (by) } },
                Source::Administrator { by, at } => {
                    @let by = by.as_deref().unwrap_or("an administrator");
                    (people.get(by).map_or(by, String::as_str))
                    @if let Some(at) = at { ", " (time(*at)) }
                },
            }
        },
        shown(line.default.as_deref()),
    ]
}

fn shown(value: Option<&str>) -> Markup {
    html! {
        @match value {
            None => span.sens { (icon(Icon::Lock)) "secret" },
            Some("") => span.faint { "nothing" },
            Some(value) => code { (value) },
        }
    }
}
