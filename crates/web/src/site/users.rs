//! Everybody who has an account here.

use axum::extract::Query;
use domain::{accounts, can, row::User};
use maud::{Markup, html};

use crate::{
    components::{Head, Header, Icon, Search, Table, Tone, badge, count, empty, time},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
};

const HERE: &str = "/app/site/users";

pub async fn show(site: May<can::ManageSite>, Query(asked): Query<Search>) -> Result<Markup> {
    let visitor = &site.visitor;
    let list = accounts::find_users(&visitor.cx, &site, asked.text(), asked.paging()).await?;
    let rows = list.items.iter().map(row).collect();
    let heads = [Head::new("Name"), Head::new("E-mail"), Head::new("Is"), Head::number("Since")];
    let main = html! {
        (Header { title: "Users", beside: count(list.total), ..Header::default() })
        (asked.field(HERE, "Find a user", "Name or e-mail"))
        @if list.total == 0 {
            (empty(Icon::Search, "Nobody found", "No account has such a name or address.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Users", heads: &heads, rows }) }
        }
        (asked.pager(HERE, list.total))
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
