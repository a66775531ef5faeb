//! What a run gets: every variable that reaches the workspace, with where it comes from, and what is used instead.

use domain::{
    Granted, can,
    entity::variable::Category,
    row::Workspace,
    variables::{self, Standing},
};
use maud::{Markup, Render, html};

use super::{
    form::{Input, sheet},
    paste, path, sets,
};
use crate::{
    components::{Head, Icon, Look, Panel, Table, Tone, badge, count, empty, icon, link_button},
    failure::{Result, Wrong},
    frame::{Place, Section, page},
    visitor::SignedIn,
    workspaces::{Heading, Part},
};

/// From the strongest on.
const STEPS: [&str; 6] = [
    "Sets with priority",
    "The command line, -var",
    "This workspace",
    "Sets of the project",
    "Sets of the organization, by workspace, then by project",
    "Sets for everywhere",
];

pub async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadVariables>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let all = variables::list_standing(cx, workspace).await?;
    let may_write = cx.may::<can::UpdateVariables>(workspace);
    let of = |category: Category| -> Vec<&Standing> {
        all.iter().filter(|one| one.shown.row.category == category).collect()
    };
    let sets = sets::panel(visitor, workspace).await?;
    let main = html! {
        (Heading { workspace, here: Part::Variables }.draw(cx))
        div.beside {
            div.stack {
                (panel("v-tf", "Terraform variables", workspace, &of(Category::Terraform), may_write))
                (panel("v-env", "Environment variables", workspace, &of(Category::Environment), may_write))
                @if may_write {
                    div.row { (link_button(Look::Plain, Icon::Copy, "Paste a .tfvars or .env file", &paste::here(workspace))) }
                    (Panel {
                        id: "v-new",
                        title: "Add a variable",
                        content: sheet("new", &path(workspace), visitor, input, None, wrong),
                        ..Panel::default()
                    })
                } @else {
                    p.hint { "Whoever may write variables in " (workspace.name) " can change these." }
                }
            }
            aside.stack aria-label="Where values come from" { (ladder()) (sets) }
        }
    };
    let title = format!("Variables of {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}

fn ladder() -> Markup {
    let content = html! {
        ol.ladder {
            @for (number, step) in STEPS.iter().enumerate() { li { span.n { (number + 1) } span { (step) } } }
        }
        p.hint { "Of two sets in one step, the one whose name sorts first wins. Files such as terraform.tfvars come after all of these." }
    };
    Panel { id: "v-wins", title: "Which value wins", content, ..Panel::default() }.render()
}

fn panel(
    id: &str,
    title: &str,
    workspace: &Workspace,
    all: &[&Standing],
    may_write: bool,
) -> Markup {
    let many = u64::try_from(all.iter().filter(|one| one.overwritten_by.is_none()).count());
    let content = if all.is_empty() {
        let text = "Neither this workspace nor a set that reaches it has any.";
        html! { div.in { (empty(Icon::Sliders, "None", text, &html! {})) } }
    } else {
        let heads =
            [Head::new("Key"), Head::new("Value"), Head::new("From"), Head::unseen("Actions")];
        let rows = all.iter().map(|one| row(workspace, one, may_write)).collect();
        Table { caption: title, heads: &heads, rows }.render()
    };
    let beside = count(many.unwrap_or_default());
    Panel { id, title, beside, content, is_table: true, is_risk: false }.render()
}

fn row(workspace: &Workspace, one: &Standing, may_write: bool) -> Vec<Markup> {
    let row = &one.shown.row;
    vec![
        html! {
            code { (row.name) }
            @if let Some(text) = &row.description { span.under { (text) } }
        },
        html! {
            @match one.shown.value() {
                Some(value) => { @if one.overwritten_by.is_some() { del { code { (value) } } } @else { code { (value) } } }
                None => span.sens { (icon(Icon::Lock)) "sensitive" }
            }
            @if row.hcl { " " span.faint { "HCL" } }
            @if let Some(winner) = &one.overwritten_by {
                span.under { (badge(Tone::Neutral, Icon::Warn, "not used")) " " (winner) " wins" }
            }
        },
        html! { (one.from) },
        html! {
            @if may_write && row.workspace_id.is_some() {
                a class="button quiet small" href={ (path(workspace)) "/" (row.id) } { "Edit" span.unseen { " " (row.name) } }
            }
        },
    ]
}
