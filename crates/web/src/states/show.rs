//! One version of a state: where it comes from, and its outputs. Sensitive ones are not shown.

use domain::{
    Granted, In, Paging,
    archivist::Content,
    can,
    entity::state_version::Status,
    row::StateVersion,
    states::{self, Output},
};
use maud::{Markup, Render, html};

use super::{
    compare,
    list::{Around, unreadable},
    rollback,
};
use crate::{
    components::{
        Head, Icon, Notice, Panel, Table, Tone, bytes, copy_id, count, empty, icon, stacked_facts,
        time,
    },
    failure::{Result, Wrong},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
    workspaces::{Heading, Part},
};

/// As many outputs as a page can show.
const MOST: u64 = 1_000;

pub async fn show(version: May<can::ReadState, In<StateVersion>>) -> Result<Markup> {
    draw(&version.visitor, &version, None).await
}

/// `wrong` is why it was not made the current one.
pub async fn draw(
    visitor: &SignedIn,
    version: &Granted<can::ReadState, In<StateVersion>>,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let row = &version.row;
    let around = Around::of(visitor, std::slice::from_ref(row)).await?;
    let mut facts = vec![
        ("Id", copy_id(&row.id)),
        ("Serial", html! { (row.serial) }),
        ("Lineage", html! { code { (row.lineage) } }),
        ("Made by", around.maker(row)),
        ("When", time(row.created_at)),
        ("Size", html! { (bytes(row.size.unsigned_abs())) }),
        ("Resources", html! { (row.resource_count) }),
    ];
    if let Some(engine) = &row.terraform_version {
        facts.push(("Engine version", html! { (engine) }));
    }
    let main = html! {
        (Heading { workspace: &version.of, here: Part::States }.draw(cx))
        div.beside {
            div.stack {
                @if let Some(why) = unreadable(row) {
                    (Notice::new(Tone::Neutral, &html! { p { "What is in this version cannot be shown: " (why) "." } }))
                } @else { (outputs(visitor, version).await?) }
            }
            aside.stack aria-label={ "About serial " (row.serial) } {
                (Panel { id: "s-about", title: &format!("Serial {}", row.serial), content: stacked_facts(&facts), ..Panel::default() })
                @if row.status == Status::Finalized {
                    a class="button plain" href=(visitor.blob(Content::State, &row.id)) download={ "state-" (row.serial) ".tfstate" } {
                        (icon(Icon::Download)) "Download the state"
                    }
                    p.hint { "A state can hold secrets in clear text." }
                    (compare::form(visitor, version).await?)
                    (rollback::form(visitor, version, wrong))
                }
            }
        }
    };
    let title = format!("Serial {} of {}", row.serial, version.of.name);
    page(visitor, Place::In(&version.of.organization_name, Section::Workspaces), &title, &main)
        .await
}

async fn outputs(
    visitor: &SignedIn,
    version: &Granted<can::ReadState, In<StateVersion>>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let found = states::find(cx, &version.row.id).await?;
    let granted = cx.check::<can::ReadStateOutputs, _>(found)?;
    let all = match states::list_outputs(cx, &granted, Paging { number: 1, size: MOST }).await {
        Err(domain::Error::Unavailable(why)) => {
            let content = html! { div.in { (empty(Icon::Out, "Outputs", &why, &html! {})) } };
            return Ok(
                Panel { id: "s-out", title: "Outputs", content, ..Panel::default() }.render()
            );
        }
        other => other?,
    };
    let content = if all.items.is_empty() {
        html! { div.in { (empty(Icon::Out, "No outputs", "The configuration gives none.", &html! {})) } }
    } else {
        let heads = [Head::new("Name"), Head::new("Type"), Head::new("Value")];
        let rows = all.items.iter().map(output).collect();
        Table { caption: "Outputs", heads: &heads, rows }.render()
    };
    let beside = count(all.total);
    Ok(Panel { id: "s-out", title: "Outputs", beside, content, is_table: true, is_risk: false }
        .render())
}

pub fn output(output: &Output) -> Vec<Markup> {
    let value = output.value.as_ref().filter(|_| !output.row.sensitive);
    vec![
        html! { code { (output.row.name) } },
        html! { span.soft { (output.row.kind) } },
        html! {
            @match value {
                Some(value) => code { (value.get()) }
                None => span.sens { (icon(Icon::Lock)) "sensitive" }
            }
        },
    ]
}
