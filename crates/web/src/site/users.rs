//! Everybody who has an account here.

use axum::extract::Query;
use domain::{accounts, can, row::User};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Head, Header, Icon, Pager, Table, Tone, badge, count, empty, icon, time},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
    query::{self, address},
};

const PAGE_SIZE: u64 = 50;
const HERE: &str = "/app/site/users";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

pub async fn show(site: May<can::ManageSite>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &site.visitor;
    let text = asked.q.trim().to_lowercase();
    let mut all = accounts::list_users(&visitor.cx, &site).await?;
    all.retain(|user| {
        let address = user.email.as_deref().or(user.unconfirmed_email.as_deref());
        user.username.to_lowercase().contains(&text)
            || address.is_some_and(|address| address.to_lowercase().contains(&text))
    });
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from((asked.page - 1).saturating_mul(PAGE_SIZE)).unwrap_or(usize::MAX);
    let size = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
    let rows = all.iter().skip(skip).take(size).map(row).collect();
    let heads = [Head::new("Name"), Head::new("E-mail"), Head::new("Is"), Head::number("Since")];
    let main = html! {
        (Header { title: "Users", beside: count(total), ..Header::default() })
        form.filters method="get" action=(HERE) {
            span.search {
                (icon(Icon::Search))
                input type="search" name="q" value=(asked.q) data-find aria-label="Find a user" placeholder="Name or e-mail";
            }
            button type="submit" class="plain small" { "Find" }
        }
        @if total == 0 {
            (empty(Icon::Search, "Nobody found", "No account has such a name or address.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Users", heads: &heads, rows }) }
        }
        (Pager { number: asked.page, size: PAGE_SIZE, total, path: &address(HERE, &[("q", &asked.q)]) })
    };
    page(visitor, Place::Site(OnSite::Users), "Users", &main).await
}

fn row(user: &User) -> Vec<Markup> {
    vec![
        html! { (user.username) span.under { code { (user.id) } } },
        html! {
            @match (&user.email, &user.unconfirmed_email) {
                (Some(email), _) => (email),
                (None, Some(email)) => { (email) " " span.faint { "not confirmed" } },
                (None, None) => span.faint { "none" },
            }
        },
        html! {
            @if user.is_site_admin { (badge(Tone::Neutral, Icon::Shield, "administrator")) " " }
            @if user.is_suspended { (badge(Tone::Bad, Icon::StStop, "suspended")) " " }
            @if user.is_awaited { (badge(Tone::Neutral, Icon::StQueued, "invited")) }
        },
        time(user.created_at),
    ]
}
