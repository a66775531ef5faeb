//! Runs as lists: of a workspace, of an organization, and those that wait for the visitor.

use axum::extract::Query;
use domain::{In, Page, Paging, can, row::Run, runs};
use maud::{Markup, html};
use serde::Deserialize;

use super::path;
use crate::{
    components::{Head, Header, Icon, Pager, Size, Table, count, empty, icon, run_status, time},
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    query::{self, address},
    visitor::SignedIn,
    workspaces::{
        self, Heading, Part,
        list::{Group, chips},
        rows::people,
    },
};

const PAGE_SIZE: u64 = 50;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    /// As the API calls it: `plan_only`, `destroy`…
    #[serde(default)]
    operation: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

const OPERATIONS: [(&str, &str); 5] = [
    ("plan_and_apply", "Plan and apply"),
    ("plan_only", "Plan only"),
    ("save_plan", "Saved plans"),
    ("refresh_only", "Refresh only"),
    ("destroy", "Destroy"),
];

impl Asked {
    fn with(&self, path: &str, name: &str, value: &str) -> String {
        let own = [("q", &*self.q), ("status", &self.status), ("operation", &self.operation)];
        let all = own.map(|(key, old)| if key == name { (key, value) } else { (key, old) });
        address(path, &all)
    }

    fn filter(&self) -> runs::Filter {
        let operation = Some(self.operation.clone()).filter(|word| !word.is_empty());
        runs::Filter {
            statuses: Group::parse(&self.status).map(Group::statuses),
            operations: operation.into_iter().collect(),
            search: Some(self.q.trim().to_owned()).filter(|text| !text.is_empty()),
            ..runs::Filter::default()
        }
    }

    fn is_asking(&self) -> bool {
        !(self.q.is_empty() && self.status.is_empty() && self.operation.is_empty())
    }

    fn draw(&self, here: &str) -> Markup {
        html! {
            form.filters method="get" action=(here) {
                span.search {
                    (icon(Icon::Search))
                    input type="search" name="q" value=(self.q) data-find aria-label="Find a run"
                        placeholder="Message, person or id";
                }
                @if !self.status.is_empty() { input type="hidden" name="status" value=(self.status); }
                (chips(Group::parse(&self.status), None, |word| self.with(here, "status", word), |_| None))
                label.row {
                    span.unseen { "What they do" }
                    select name="operation" {
                        option value="" { "Everything" }
                        @for (word, label) in OPERATIONS {
                            option value=(word) selected[word == self.operation] { (label) }
                        }
                    }
                }
                button type="submit" class="plain small" { "Find" }
            }
        }
    }
}

pub async fn of_workspace(
    workspace: May<can::ReadWorkspace>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let list = runs::list(&visitor.cx, &workspace, asked.filter(), paging).await?;
    let here = format!("{}/runs", workspaces::path(&workspace));
    let content = listed(visitor, &asked, &here, list, false).await?;
    let main = html! {
        (Heading { workspace: &workspace, here: Part::Runs }.draw(&visitor.cx))
        (content)
    };
    let title = format!("Runs of {}", workspace.name);
    let place = Place::In(&workspace.organization_name, Section::Workspaces);
    page(visitor, place, &title, &main).await
}

pub async fn of_organization(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let list =
        runs::list_of_organization(&visitor.cx, &organization, asked.filter(), paging).await?;
    let here = format!("/app/{}/runs", organization.name);
    let total = list.total;
    let content = listed(visitor, &asked, &here, list, true).await?;
    let main = html! {
        (Header { title: "Runs", beside: count(total), ..Header::default() })
        (content)
    };
    let title = format!("Runs of {}", organization.name);
    page(visitor, Place::In(&organization.name, Section::Runs), &title, &main).await
}

/// `/waiting`: what the visitor may decide, in all organizations, the longest waiting first.
pub async fn waiting(account: May<can::UseToken>) -> Result<Markup> {
    let visitor = &account.visitor;
    let runs = runs::waiting_for_caller(&visitor.cx).await?;
    let many = u64::try_from(runs.len()).unwrap_or(u64::MAX);
    let content = if runs.is_empty() {
        let text = "Runs that you may confirm, or whose policies you may override, stand here.";
        empty(Icon::StGood, "Nothing waits for you", text, &html! {})
    } else {
        html! { div.panel { (table(visitor, &runs, true).await?) } }
    };
    let main = html! {
        (Header { title: "Waiting for you", beside: count(many), ..Header::default() })
        (content)
    };
    page(visitor, Place::Top, "Waiting for you", &main).await
}

async fn listed(
    visitor: &SignedIn,
    asked: &Asked,
    here: &str,
    list: Page<In<Run>>,
    with_workspace: bool,
) -> Result<Markup> {
    let pager = Pager {
        number: asked.page,
        size: PAGE_SIZE,
        total: list.total,
        path: &asked.with(here, "page", ""),
    };
    let content = if list.items.is_empty() && asked.is_asking() {
        empty(Icon::Search, "Nothing found", "No run fits all that is asked for.", &html! {})
    } else if list.items.is_empty() {
        let text = "A run starts when somebody types terraform plan or apply, uploads a configuration, or presses \
                    a button.";
        empty(Icon::Play, "No runs yet", text, &html! {})
    } else {
        html! { div.panel { (table(visitor, &list.items, with_workspace).await?) } }
    };
    Ok(html! { (asked.draw(here)) (content) (pager) })
}

/// The newest first, each with what it is in unless that is known.
pub async fn table(visitor: &SignedIn, runs: &[In<Run>], with_workspace: bool) -> Result<Markup> {
    let people = people(visitor, runs).await?;
    let mut heads = vec![Head::new("Run"), Head::new("Status")];
    if with_workspace {
        heads.push(Head::new("Workspace"));
    }
    heads.extend([Head::new("By"), Head::number("Queued")]);
    let row = |run: &In<Run>| {
        let by = run.created_by_id.as_ref().and_then(|id| people.get(id));
        let mut cells = vec![
            html! { a href=(path(run)) { (run.message) } span.under { code { (run.id) } } },
            run_status(run.status, Size::Bare),
        ];
        if with_workspace {
            cells.push(html! { a.quietlink href=(workspaces::path(&run.of)) { (run.of.name) } });
        }
        cells.push(html! { (by.map_or("the system", String::as_str)) });
        cells.push(time(run.created_at));
        cells
    };
    let rows = runs.iter().map(row).collect();
    Ok(html! { (Table { caption: "Runs, newest first", heads: &heads, rows }) })
}
