//! `/app/{organization}/audit` and `/app/site/audit`: who did what to which thing, and from where, the newest first.

use axum::extract::Query;
use domain::{Page, Timestamp, audit, can, row::AuditEntry};
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    Routes,
    components::{Head, Header, Icon, Search, Table, count, empty, grouped, time},
    failure::Result,
    frame::{OnSite, Place, Section, page},
    guard::May,
    visitor::SignedIn,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/audit", of_organization)
        .get("/app/site/audit", of_site)
}

async fn of_organization(
    organization: May<can::ReadAuditTrail>,
    Query(asked): Query<Search>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let (text, paging) = (asked.text(), asked.paging());
    let list = audit::of_organization(&visitor.cx, &organization, text, paging).await?;
    let name = &organization.name;
    let place = Place::In(name, Section::AuditLog);
    draw(visitor, place, &format!("/app/{name}/audit"), name, &asked, list).await
}

async fn of_site(site: May<can::ManageSite>, Query(asked): Query<Search>) -> Result<Markup> {
    let visitor = &site.visitor;
    let list = audit::of_site(&visitor.cx, &site, asked.text(), asked.paging()).await?;
    let place = Place::Site(OnSite::Audit);
    draw(visitor, place, "/app/site/audit", "the site", &asked, list).await
}

async fn draw(
    visitor: &SignedIn,
    place: Place<'_>,
    here: &str,
    whose: &str,
    asked: &Search,
    list: Page<AuditEntry>,
) -> Result<Markup> {
    let heads = [
        Head::new("Did"),
        Head::new("Who"),
        Head::new("To"),
        Head::new("From"),
        Head::number("When"),
    ];
    let rows = list.items.iter().map(row).collect();
    let about = html! { span { "Every change and every reading of a state or a plan, by whom and from where." } };
    let main = html! {
        (Header { title: "Audit log", beside: count(list.total), about, ..Header::default() })
        (asked.field(here, "Find an entry", "Name, id, action or address"))
        @if list.total == 0 && asked.text().is_none() {
            (empty(Icon::List, "Nothing yet", "What happens is noted here shortly afterwards.", &html! {}))
        } @else if list.total == 0 {
            (empty(Icon::Search, "Nothing found", "No entry has that in it.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Entries, newest first", heads: &heads, rows }) }
        }
        (asked.pager(here, list.total))
        p.unseen role="status" { (grouped(list.total)) " entries found" }
    };
    page(visitor, place, &format!("Audit log of {whose}"), &main).await
}

fn row(entry: &AuditEntry) -> Vec<Markup> {
    // What is kept was made here; what cannot be read is shown as it is.
    let body: Value = serde_json::from_str(&entry.body).unwrap_or_default();
    let text =
        |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, action) = (text("/resource/type"), text("/resource/action"));
    let who = Some(text("/auth/description")).filter(|who| !who.is_empty());
    let id = text("/resource/id");
    let whole = serde_json::to_string_pretty(&body).unwrap_or_else(|_| entry.body.clone());
    vec![
        html! {
            code { (kind) "." (action) }
            details {
                summary.under { "All of it" span.unseen { " of entry " (entry.number) } }
                pre.scroll tabindex="0" role="group" aria-label={ "Entry " (entry.number) } { (whole) }
            }
        },
        html! {
            @match who { Some(who) => (who), None => span.faint { "the system" } }
            @let accessor = text("/auth/accessor_type");
            @if !accessor.is_empty() && accessor != "user" && accessor != "system" { " " span.faint { (accessor) } }
            @let impersonator = text("/auth/impersonator_id");
            @if !impersonator.is_empty() { span.under { "impersonated by " code { (impersonator) } } }
        },
        html! { @if !id.is_empty() { code { (id) } } },
        html! { @let from = text("/auth/address"); @if from.is_empty() { span.faint { "inside" } } @else { (from) } },
        time(Timestamp(entry.at.0)),
    ]
}
