//! What has changed from one version of a state to another.

use axum::{
    extract::Query,
    response::{IntoResponse, Response},
};
use domain::{
    Granted, In, Paging, can,
    entity::state_version::Status,
    id::StateVersionId,
    plan_changes::Action,
    row::StateVersion,
    states::{self, Became, Compared, Comparison},
};
use maud::{Markup, html};
use serde::Deserialize;
use text::visible;

use crate::{
    components::{
        Button, Columns, Icon, Look, Notice, Tone, act_class, difference, empty, grouped, said,
        twist,
    },
    failure::{Result, Wrong},
    frame::{Place, Section, page},
    guard::May,
    query::address,
    visitor::SignedIn,
    workspaces::{self, Heading, Part},
};

/// Versions that are offered; any other can be named in the address.
const OFFERED: u64 = 50;
/// Things that are drawn, and rows of each.
const MOST: usize = 300;
const ROWS: usize = 60;

#[derive(Deserialize)]
pub struct Asked {
    /// Another version; without it the one before.
    #[serde(default)]
    from: String,
}

/// Where the version is compared with the one before it.
fn path(version: &In<StateVersion>) -> String {
    format!("{}/states/{}/compare", workspaces::path(&version.of), version.row.id)
}

pub async fn show(
    version: May<can::ReadState, In<StateVersion>>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let visitor = &version.visitor;
    let cx = &visitor.cx;
    let id: StateVersionId = if asked.from.is_empty() {
        let all = offered(visitor, &version).await?;
        // The first one has nothing before it, and differs from nothing.
        before(&all, &version.row).unwrap_or(&version.row).id.clone()
    } else {
        asked.from.parse().map_err(|_| domain::Error::NotFound)?
    };
    let from = cx.check::<can::ReadState, _>(states::find(cx, &id).await?)?;
    match Box::pin(states::compare(cx, &from, &version)).await {
        Ok(comparison) => {
            Ok(whole(visitor, &from, &version, &drawn(&comparison)).await?.into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let content = html! { (Notice::new(Tone::Bad, &html! { p { (wrong.sentence()) } })) };
            Ok(wrong.shown_in(whole(visitor, &from, &version, &content).await?))
        }
    }
}

async fn whole(
    visitor: &SignedIn,
    from: &In<StateVersion>,
    to: &In<StateVersion>,
    content: &Markup,
) -> Result<Markup> {
    let title = format!("From serial {} to {}", from.row.serial, to.row.serial);
    let states = format!("{}/states", workspaces::path(&to.of));
    let back =
        address(&format!("{states}/{}/compare", from.row.id), &[("from", to.row.id.as_str())]);
    let main = html! {
        (Heading { workspace: &to.of, here: Part::States }.draw(&visitor.cx))
        div.stack {
            h2 { (title) }
            p.soft {
                "From " a href={ (states) "/" (from.row.id) } { "serial " (from.row.serial) }
                " to " a href={ (states) "/" (to.row.id) } { "serial " (to.row.serial) } ". "
                a href=(back) { "The other way round" }
            }
            (content)
        }
    };
    let place = Place::In(&to.of.organization_name, Section::Workspaces);
    page(visitor, place, &title, &main).await
}

/// On the page of a version: with which other it is compared.
pub async fn form(
    visitor: &SignedIn,
    version: &Granted<can::ReadState, In<StateVersion>>,
) -> Result<Markup> {
    let all = offered(visitor, version).await?;
    let before = before(&all, &version.row);
    Ok(html! {
        @if !all.is_empty() {
            form method="get" action=(path(version)) {
                div.field {
                    label for="from" { "Compare with" }
                    select id="from" name="from" {
                        @for row in &all {
                            option value=(row.id) selected[before == Some(row)] { "serial " (row.serial) }
                        }
                    }
                }
                (Button { label: "Compare", look: Look::Plain, ..Button::default() })
            }
        }
    })
}

/// The other versions that have content, the newest first.
async fn offered(
    visitor: &SignedIn,
    version: &Granted<can::ReadState, In<StateVersion>>,
) -> Result<Vec<StateVersion>> {
    let cx = &visitor.cx;
    let found = domain::workspaces::find(cx, &version.of.id).await?;
    let workspace = cx.check::<can::ReadState, _>(found)?;
    let paging = Paging { number: 1, size: OFFERED };
    let mut all = states::list(cx, &workspace, None, paging).await?.items;
    all.retain(|row| row.status == Status::Finalized && row.id != version.row.id);
    Ok(all)
}

/// The one before it, which is what most people want to know.
fn before<'a>(all: &'a [StateVersion], version: &StateVersion) -> Option<&'a StateVersion> {
    all.iter().find(|row| row.serial < version.serial)
}

fn drawn(comparison: &Comparison) -> Markup {
    let Comparison { outputs, resources, unchanged, has_values } = comparison;
    html! {
        @if !has_values {
            p.hint { "One of these versions does not say which attributes are sensitive, so it is only shown which differ." }
        }
        @if outputs.is_empty() && resources.is_empty() {
            (empty(Icon::StSame, "Nothing differs", "Resources and outputs are the same in both.", &html! {}))
        } @else {
            div.plan {
                (group("Resources", resources))
                (group("Outputs", outputs))
            }
        }
        p.soft { (grouped(*unchanged)) @if *unchanged == 1 { " resource is" } @else { " resources are" } " the same in both." }
    }
}

fn group(name: &str, all: &[Compared]) -> Markup {
    html! {
        @if !all.is_empty() {
            details.group open {
                summary { (twist()) span { (name) } span.tally { span.count { (grouped(all.len() as u64)) } } }
                @for one in all.iter().take(MOST) { (compared(one)) }
                @if all.len() > MOST {
                    p.hint { (grouped((all.len() - MOST) as u64)) " more are not shown: download both to see all." }
                }
            }
        }
    }
}

fn compared(one: &Compared) -> Markup {
    let (action, word, columns) = match one.became {
        Became::Added => (Action::Create, "added", Columns { before: false, after: true }),
        Became::Removed => (Action::Delete, "removed", Columns { before: true, after: false }),
        Became::Changed => (Action::Update, "changed", Columns::BOTH),
    };
    html! {
        details class={ "res " (act_class(action)) } open[one.became == Became::Changed] {
            summary { (twist()) (said(action, word)) code.addr { (visible(&one.address)) } span.note {} }
            (difference(&one.address, &one.difference, columns, ROWS, None))
        }
    }
}
