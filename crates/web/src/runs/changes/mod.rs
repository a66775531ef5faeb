//! What a plan changes: on the page of its run as far as it fits there, on a page of its own with everything that is
//! asked for, and as parts that are read when they are opened.

mod one;
mod tree;

use axum::extract::Query;
use domain::{
    Granted, In, Paging, can,
    plan_changes::{self, Action, Changes, Known, PIECE, Wanted},
    row::{Run, Workspace},
};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::path;
use crate::{
    Routes,
    components::{
        Crumb, Header, Icon, Notice, Pager, Tone, act_word, counted, empty, grouped, icon,
        live_fragment,
    },
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    query::{self, address},
    visitor::SignedIn,
    workspaces,
};

pub fn routes() -> Routes {
    const RUN: &str = "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/plan";
    Routes::default()
        .get(RUN, show)
        .get(
            "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/plan/section",
            section,
        )
        .get(
            "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/plan/changes",
            part,
        )
}

/// What is asked for of a list.
#[derive(Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    action: String,
    /// The place of a group in the list.
    #[serde(default)]
    group: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

impl Asked {
    fn wanted(&self) -> Wanted {
        Wanted {
            text: self.q.clone(),
            actions: action_of(&self.action).into_iter().collect(),
            parts: Vec::new(),
            group: self.group.parse().ok(),
        }
    }
}

/// As the address has it.
fn action_of(word: &str) -> Option<Action> {
    Action::deserialize(serde_json::Value::from(word)).ok()
}

fn word_of(action: Action) -> String {
    let word = action.serialize(serde_json::value::Serializer).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// What is drawn beside the changes themselves.
pub struct Look<'a> {
    visitor: &'a SignedIn,
    /// The page with all of the changes; those of a group are read below it.
    path: String,
    /// Whether the visitor may see values.
    values: bool,
}

impl<'a> Look<'a> {
    /// Of a list that has its page at this path.
    pub fn at(visitor: &'a SignedIn, path: String, workspace: &Workspace) -> Self {
        Self { visitor, path, values: visitor.cx.may::<can::ReadPlanJson>(workspace) }
    }

    fn of(visitor: &'a SignedIn, run: &In<Run>) -> Self {
        Self::at(visitor, format!("{}/plan", path(run)), &run.of)
    }

    fn path(&self) -> &str {
        &self.path
    }
}

/// On the page of the run; it is read again until the list is there, or will never be.
pub async fn draw(visitor: &SignedIn, run: &Granted<can::ReadRun, In<Run>>) -> Result<Markup> {
    let inside = inside(visitor, run).await?;
    Ok(live_fragment(&format!("{}/plan/section", path(run)), &inside))
}

async fn section(run: May<can::ReadRun, In<Run>>) -> Result<Markup> {
    inside(&run.visitor, &run).await
}

async fn inside(visitor: &SignedIn, run: &Granted<can::ReadRun, In<Run>>) -> Result<Markup> {
    let look = Look::of(visitor, run);
    Ok(match plan_changes::of(&visitor.cx, run).await? {
        Known::Later => {
            html! { p.soft { "What the plan changes stands here as soon as it is known." } }
        }
        Known::Never => html! { div data-final {} },
        Known::List(list) => html! {
            section.stack.tight id="plan" aria-labelledby="changes-title" data-final {
                h2 id="changes-title" { "What the plan changes" }
                (notices(&list, look.values))
                (whole(&look, &list).await?)
            }
        },
    })
}

/// As much of a list as fits on a page, with what it can be asked for.
pub async fn whole(look: &Look<'_>, list: &Changes) -> Result<Markup> {
    let tree = tree::draw(look, list).await?;
    Ok(html! { plan-view { (filters(look, list, &Asked::default())) (tree) } })
}

/// Everything that fits what is asked for, a page at a time.
async fn show(run: May<can::ReadRun, In<Run>>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &run.visitor;
    let (title, content) = match plan_changes::of(&visitor.cx, &run).await? {
        Known::List(list) => found(&Look::of(visitor, &run), &list, &asked).await?,
        Known::Later | Known::Never => {
            let text = "It is made when a plan has ended well. The log of the plan is on the page of the run.";
            let nothing = empty(Icon::List, "No list of changes", text, &html! {});
            ("What the plan changes".to_owned(), nothing)
        }
    };
    let workspace = workspaces::path(&run.of);
    let crumbs = [
        Crumb { label: &run.of.name, href: workspace.clone() },
        Crumb { label: "Runs", href: format!("{workspace}/runs") },
        Crumb { label: &run.message, href: path(&run) },
    ];
    let main = html! {
        (Header { crumbs: &crumbs, title: &title, ..Header::default() })
        div.stack { (content) }
    };
    let place = Place::In(&run.organization_name, Section::Workspaces);
    page(visitor, place, &title, &main).await
}

/// What it is called, and what it shows.
pub async fn found(look: &Look<'_>, list: &Changes, asked: &Asked) -> Result<(String, Markup)> {
    let wanted = asked.wanted();
    let paging = Paging { number: asked.page, size: PIECE };
    let found = list.list(&look.visitor.cx, &wanted, look.values, paging).await?;
    let here = address(
        look.path(),
        &[("q", &asked.q), ("action", &asked.action), ("group", &asked.group)],
    );
    let name = wanted.group.and_then(|at| list.head.groups.get(at)).map(tree::name);
    let title = name.unwrap_or_else(|| "What the plan changes".to_owned());
    let content = html! {
        (notices(list, look.values))
        (filters(look, list, asked))
        @if found.items.is_empty() {
            (empty(Icon::Search, "Nothing fits", "Nothing in this plan has all that is asked for.", &html! {}))
        } @else {
            p.soft { (grouped(found.total)) @if found.total == 1 { " change" } @else { " changes" } }
            div.plan {
                @for (_, part, change) in &found.items { (one::draw(look, *part, change, usize::MAX)) }
            }
        }
        (Pager { number: asked.page, size: PIECE, total: found.total, path: &here })
    };
    Ok((title, content))
}

/// What a group shows when it is opened, and where it goes on; nothing where there is nothing.
async fn part(run: May<can::ReadRun, In<Run>>, Query(asked): Query<Asked>) -> Result<Markup> {
    match plan_changes::of(&run.visitor.cx, &run).await? {
        Known::List(list) => group(&Look::of(&run.visitor, &run), &list, &asked).await,
        Known::Later | Known::Never => Ok(html! {}),
    }
}

/// The changes of one group, from one of its pages.
pub async fn group(look: &Look<'_>, list: &Changes, asked: &Asked) -> Result<Markup> {
    let group = asked.wanted().group.and_then(|at| Some((at, list.head.groups.get(at)?)));
    let Some((at, group)) = group else { return Ok(html! {}) };
    let changes = list.piece(&look.visitor.cx, group, asked.page - 1).await?;
    Ok(html! {
        @for change in changes { (one::draw(look, group.part, &look.allowed(change), one::ROWS)) }
        @if group.total > asked.page * PIECE { (tree::rest(look, at, group, asked.page + 1)) }
    })
}

fn notices(list: &Changes, values: bool) -> Markup {
    use plan_changes::State as S;
    let said = match list.head.state {
        S::Whole => None,
        S::Incomplete => Some((
            Tone::Neutral,
            "This plan is not complete: another run is needed for what is left.",
        )),
        S::Failed => {
            Some((Tone::Bad, "This plan failed part-way. This is what was known by then."))
        }
        S::Newer => Some((Tone::Bad, "This plan is newer than this server. Read the log.")),
        S::Unreadable => {
            Some((Tone::Bad, "This plan could not be read into a list. Read the log."))
        }
    };
    html! {
        @if let Some((tone, said)) = said { (Notice::new(tone, &html! { p { (said) } })) }
        @if !values {
            p.hint { "Values are shown to whoever may read the state of this workspace." }
        }
    }
}

fn filters(look: &Look<'_>, list: &Changes, asked: &Asked) -> Markup {
    let counts = list.head.counts(plan_changes::Part::Resources);
    let here = look.path();
    html! {
        form.filters method="get" action=(here) {
            span.search {
                (icon(Icon::Search))
                input type="search" name="q" value=(asked.q) data-find aria-label="Find a change"
                    placeholder="Address, attribute or value";
            }
            @for (action, number) in &counts {
                @let word = word_of(*action);
                @let is_here = word == asked.action;
                @let other = if is_here { "" } else { &*word };
                a.chip href=(address(here, &[("q", &asked.q), ("action", other), ("group", &asked.group)]))
                    aria-current=[is_here.then_some("true")] {
                    (counted(*action, *number))
                    span.unseen { " only to " (act_word(*action)) }
                }
            }
            @for (name, value) in [("action", &asked.action), ("group", &asked.group)] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            span.row.push {
                output {}
                button type="submit" class="plain small" { "Find" }
            }
        }
    }
}
