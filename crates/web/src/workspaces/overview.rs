//! The first page of a workspace: what it is, and what happened last.

use domain::{Paging, can, entity::workspace::ExecutionMode, runs, states, workspaces};
use maud::{Markup, Render, html};

use super::{Heading, Part, engines, path};
use crate::{
    components::{Head, Icon, Panel, Table, copy_id, count, empty, stacked_facts, time},
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    query::address,
    runs::list::table as table_of_runs,
    states::output,
};

const LAST: u64 = 10;

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let last = Paging { number: 1, size: LAST };
    let list = runs::list(cx, &workspace, runs::Filter::default(), last).await?;
    let total = list.total;
    let details = workspaces::details_of(cx, (**workspace).clone()).await?;
    let beside = html! {
        (count(total))
        a.push href={ (path(&workspace)) "/runs" } { "All runs" }
    };
    let content = if list.items.is_empty() {
        let text = "A run starts when somebody types terraform plan or apply, uploads a configuration, or presses \
                    a button.";
        html! { div.in { (empty(Icon::Play, "No runs yet", text, &html! {})) } }
    } else {
        table_of_runs(visitor, &list.items, false).await?
    };
    let runs =
        Panel { id: "h-runs", title: "Last runs", beside, content, is_table: true, is_risk: false };
    let list_path = crate::organizations::path(&workspace.organization_name);
    let execution = match details.execution.mode {
        ExecutionMode::Remote => "On this server",
        ExecutionMode::Agent => "On agents",
        ExecutionMode::Local => "Where somebody types",
    };
    let tags = html! {
        span.tags {
            @for tag in &details.tag_names { a.tag href=(address(&list_path, &[("tag", tag)])) { (tag) } }
        }
    };
    let apply = if workspace.auto_apply { "by itself" } else { "by hand" };
    let mut facts = vec![
        ("Id", copy_id(&workspace.id)),
        ("Runs happen", html! { (execution) }),
        ("Engine", html! { (engines::shown(workspace.engine, &workspace.terraform_version)) }),
        ("Apply", html! { (apply) }),
        ("Resources", html! { (workspace.resource_count) }),
        ("Made", time(workspace.created_at)),
    ];
    if !details.tag_names.is_empty() {
        facts.push(("Tags", tags));
    }
    let outputs = outputs(&workspace).await?;
    let main = html! {
        (Heading { workspace: &workspace, here: Part::Overview }.draw(cx))
        div.beside {
            div.stack {
                @if let Some(description) = &workspace.description { p { (description) } }
                (runs)
                @if let Some(outputs) = &outputs { (outputs) }
            }
            aside.stack aria-label={ "About " (workspace.name) } {
                (Panel { id: "h-about", title: "About", content: stacked_facts(&facts), ..Panel::default() })
            }
        }
    };
    let place = Place::In(&workspace.organization_name, Section::Workspaces);
    page(visitor, place, &workspace.name, &main).await
}

/// As many as a page can show.
const MOST_OUTPUTS: u64 = 1_000;

/// Of the current state, for those who may read them; sensitive ones are not shown.
async fn outputs(workspace: &May<can::ReadWorkspace>) -> Result<Option<Markup>> {
    let cx = &workspace.visitor.cx;
    let found = workspaces::find(cx, &workspace.id).await?;
    let Ok(granted) = cx.check::<can::ReadStateOutputs, _>(found) else { return Ok(None) };
    let first = Paging { number: 1, size: MOST_OUTPUTS };
    let outputs = match states::current_outputs(cx, &granted, Some(first)).await {
        Ok(outputs) if outputs.total > 0 => outputs,
        // Nothing can be read from an encrypted state, and the page of states says so; very many are yet to be read.
        Ok(_) | Err(domain::Error::Conflict(_) | domain::Error::Unavailable(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let heads = [Head::new("Name"), Head::new("Type"), Head::new("Value")];
    let rows = outputs.items.iter().map(output).collect();
    let content = Table { caption: "Outputs", heads: &heads, rows }.render();
    let beside = count(outputs.total);
    let panel =
        Panel { id: "h-out", title: "Outputs", beside, content, is_table: true, is_risk: false };
    Ok(Some(panel.render()))
}
