//! What waits and what goes on, in figures.

use domain::{
    can,
    figures::{self, Runs},
    stores::{self, Stores},
};
use maud::{Markup, Render, html};

use crate::{
    components::{
        Head, Header, Icon, Panel, Size, Table, Tone, bytes, duration, empty, grouped, run_status,
        run_tone, time,
    },
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
};

pub async fn show(site: May<can::ManageSite>) -> Result<Markup> {
    let visitor = &site.visitor;
    let figures = figures::gather(visitor.cx.app()).await?;
    let stores = stores::read(&visitor.cx, &site).await?;
    let of = |tone: Tone| {
        let all = figures.runs.iter().filter(|runs| run_tone(runs.status) == tone);
        all.map(|runs| runs.count).sum::<i64>()
    };
    let agents: i64 = figures.agents.iter().map(|agents| agents.count).sum();
    let tasks: i64 = figures.tasks.iter().map(|tasks| tasks.count).sum();
    let main = html! {
        (Header { title: "Site", ..Header::default() })
        dl.figures {
            (figure("Runs that wait", of(Tone::Neutral)))
            (figure("Runs under way", of(Tone::Busy)))
            (figure("Need a person", of(Tone::Waiting)))
            (figure("Agents", agents))
            (figure("Background work", tasks))
        }
        div.stack {
            (panel("s-runs", "Runs that are not over", runs(&figures.runs)))
            (panel("s-jobs", "Jobs", jobs(&figures)))
            (panel("s-agents", "Agents that are there", agents_by_pool(&figures)))
            (panel("s-tasks", "Background work", background(&figures)))
            (panel("s-stores", "What is kept", Some(kept(&stores))))
        }
    };
    page(visitor, Place::Site(OnSite::Overview), "Site", &main).await
}

fn figure(label: &str, number: i64) -> Markup {
    html! { div.figure { dt { (label) } dd { (grouped(number.unsigned_abs())) } } }
}

/// A table, or a sentence where there are no rows.
fn panel(id: &str, title: &str, table: Option<Markup>) -> Markup {
    let content = table.unwrap_or_else(|| {
        html! { div.in { (empty(Icon::StGood, "Nothing", "There is none at the moment.", &html! {})) } }
    });
    Panel { id, title, content, is_table: true, ..Panel::default() }.render()
}

fn table(caption: &str, heads: &[Head<'_>], rows: Vec<Vec<Markup>>) -> Option<Markup> {
    (!rows.is_empty()).then(|| Table { caption, heads, rows }.render())
}

fn number(count: i64) -> Markup {
    html! { (grouped(count.unsigned_abs())) }
}

fn runs(all: &[Runs]) -> Option<Markup> {
    let heads = [
        Head::new("Organization"),
        Head::new("Status"),
        Head::number("Runs"),
        Head::number("The longest"),
    ];
    let row = |runs: &Runs| {
        vec![
            html! { (runs.organization.as_deref().unwrap_or("all together")) },
            run_status(runs.status, Size::Bare),
            number(runs.count),
            html! { (duration(runs.seconds)) },
        ]
    };
    table("Runs that are not over", &heads, all.iter().map(row).collect())
}

fn jobs(figures: &figures::Figures) -> Option<Markup> {
    let heads = [Head::new("Pool"), Head::new("Status"), Head::number("Jobs")];
    let row = |jobs: &figures::Jobs| {
        vec![html! { (jobs.pool) }, html! { (jobs.status) }, number(jobs.count)]
    };
    table("Jobs", &heads, figures.jobs.iter().map(row).collect())
}

fn agents_by_pool(figures: &figures::Figures) -> Option<Markup> {
    let heads = [Head::new("Pool"), Head::number("Agents")];
    let row = |agents: &figures::Agents| vec![html! { (agents.pool) }, number(agents.count)];
    table("Agents", &heads, figures.agents.iter().map(row).collect())
}

fn background(figures: &figures::Figures) -> Option<Markup> {
    let heads = [Head::new("Work"), Head::number("Waiting"), Head::number("Due for")];
    let row = |tasks: &figures::Tasks| {
        vec![
            html! { (tasks.kind.replace(['_', '-'], " ")) },
            number(tasks.count),
            html! { (duration(tasks.seconds)) },
        ]
    };
    table("Background work", &heads, figures.tasks.iter().map(row).collect())
}

/// The database, then the folders of blobs, the largest first; and what is left of the disk.
fn kept(stores: &Stores) -> Markup {
    let heads = [Head::new("What"), Head::number("Objects"), Head::number("Size")];
    let database = if stores.is_postgres { "PostgreSQL" } else { "SQLite" };
    let size = |number: u64| html! { (bytes(number)) };
    let mut rows =
        vec![vec![html! { "Database, in " (database) }, html! {}, size(stores.database)]];
    if let Some(count) = &stores.blobs {
        let mut all: Vec<_> = count.usage.iter().collect();
        all.sort_by_key(|usage| std::cmp::Reverse(usage.bytes));
        let row = |usage: &stores::Usage| {
            let name = usage.folder.replace(['-', '_'], " ");
            vec![html! { "Blobs: " (name) }, html! { (grouped(usage.count)) }, size(usage.bytes)]
        };
        rows.extend(all.into_iter().map(row));
    }
    if let Some(room) = stores.room {
        let free = html! { "Free on the disk of the blobs, of " (bytes(room.total)) };
        rows.push(vec![free, html! {}, size(room.free)]);
    }
    html! {
        (Table { caption: "What is kept", heads: &heads, rows })
        div.in { p.hint {
            @match &stores.blobs {
                Some(count) => { "Blobs were counted " (time(count.at)) ", and are once an hour." },
                None => "Blobs are counted once an hour by the server that keeps house: not yet by this one.",
            }
        } }
    }
}
