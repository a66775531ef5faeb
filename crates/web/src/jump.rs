//! Jump to anything: `/jump` is the palette that a script shows, `/search` the page of the same search without one.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    In, Order, Paging, Site, can,
    id::{RunId, WorkspaceId},
    organizations,
    row::{Run, Workspace},
    runs,
    workspaces::{self, Filter, Sort},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{Header, Icon, empty, icon, run_icon, run_word},
    failure::Result,
    frame::{Place, page},
    guard::May,
    visitor::SignedIn,
};

pub fn routes() -> Routes {
    Routes::default().get("/jump", palette).get("/search", search)
}

/// Of each organization; and so many organizations.
const WORKSPACES: u64 = 50;
const ORGANIZATIONS: usize = 10;

/// Something that can be jumped to.
struct Goal {
    icon: Icon,
    label: String,
    beside: String,
    href: String,
}

/// Those that changed last, or that are called so, in the organizations of the visitor.
async fn workspaces_of(visitor: &SignedIn, called: Option<&str>) -> Result<Vec<Workspace>> {
    let cx = &visitor.cx;
    let mut found = Vec::new();
    for name in visitor.organizations().into_iter().take(ORGANIZATIONS) {
        let organization =
            cx.check::<can::ReadOrganization, _>(organizations::find(cx, name).await?)?;
        let filter = Filter { search: called.map(str::to_owned), ..Filter::default() };
        let (sort, order) = (Sort::LatestChangeAt, Order::Descending);
        let paging = Paging { number: 1, size: WORKSPACES };
        let list = workspaces::list(cx, &organization, filter, sort, order, paging).await?;
        found.extend(list.items);
    }
    Ok(found)
}

fn workspace(row: &Workspace) -> Goal {
    Goal {
        icon: Icon::Boxes,
        label: row.name.clone(),
        beside: row.organization_name.clone(),
        href: crate::workspaces::path(row),
    }
}

fn run(run: &In<Run>) -> Goal {
    Goal {
        icon: run_icon(run.status),
        label: format!("{} {}", run.id, run.message),
        beside: run_word(run.status).to_lowercase(),
        href: crate::runs::path(run),
    }
}

fn places(visitor: &SignedIn) -> Vec<Goal> {
    let goal =
        |icon, label: String, href: String| Goal { icon, label, beside: String::new(), href };
    let mut all = vec![goal(Icon::StWait, "Runs that wait for you".into(), "/waiting".into())];
    for name in visitor.organizations().into_iter().take(ORGANIZATIONS) {
        let of = |what: &str, icon, path: &str| {
            goal(icon, format!("{what} of {name}"), format!("/app/{name}/{path}"))
        };
        all.push(of("Workspaces", Icon::Boxes, "workspaces"));
        all.push(of("Runs", Icon::Play, "runs"));
    }
    if visitor.cx.may::<can::UseAccount>(&Site) {
        all.push(goal(Icon::Key, "API tokens".into(), "/app/settings/tokens".into()));
        all.push(goal(Icon::Lock, "Password".into(), "/app/settings/password".into()));
    }
    all
}

/// Read by the script when it is first wanted, and narrowed there.
async fn palette(account: May<can::BePerson>) -> Result<Markup> {
    let visitor = &account.visitor;
    let workspaces = workspaces_of(visitor, None).await?;
    let ids: Vec<RunId> =
        workspaces.iter().filter_map(|row| row.latest_run_id.clone()).take(30).collect();
    let last = runs::load(&visitor.cx, &ids).await?;
    let groups = [
        ("go", "Go to", places(visitor)),
        ("workspaces", "Workspaces", workspaces.iter().map(workspace).collect()),
        ("runs", "Runs", last.iter().map(run).collect()),
    ];
    let ask = "Jump to a workspace, run, project or setting";
    Ok(html! {
        dialog.palette id="palette" aria-label="Jump to" {
            div.ask {
                (icon(Icon::Search))
                input type="text" role="combobox" aria-expanded="true" aria-controls="jump-list"
                    aria-autocomplete="list" aria-label=(ask) placeholder="Workspace, run id, setting"
                    autocomplete="off" spellcheck="false";
            }
            div.found id="jump-list" role="listbox" aria-label="Found" {
                @for (id, label, goals) in groups.iter().filter(|(.., goals)| !goals.is_empty()) {
                    div role="group" aria-labelledby={ "jump-g-" (id) } {
                        h3 id={ "jump-g-" (id) } { (label) }
                        @for (number, goal) in goals.iter().enumerate() {
                            a role="option" id={ "jump-" (id) "-" (number) } aria-selected="false"
                                tabindex="-1" href=(goal.href) {
                                (icon(goal.icon)) (goal.label) span.count { (goal.beside) }
                            }
                        }
                    }
                }
            }
            p class="none soft" hidden { "Nothing is called that here. " a href="/search" { "Search everywhere" } }
            footer {
                span { kbd { "↑" } " " kbd { "↓" } " choose" }
                span { kbd { "Enter" } " open" }
                span { kbd { "Esc" } " close" }
            }
        }
        (keys())
    })
}

/// What the keyboard does on every page.
const KEYS: [(&str, &str); 12] = [
    ("Ctrl K", "Jump to anything"),
    ("/", "Find on this page"),
    ("?", "Show these keys"),
    ("j k", "Next, previous row or change"),
    ("Enter", "Open what has the focus"),
    ("[ ]", "Previous, next page"),
    ("g w", "Workspaces"),
    ("g r", "Runs"),
    ("g p", "Projects"),
    ("g o", "Policies"),
    ("g a", "Agent pools"),
    ("g s", "Settings"),
];

fn keys() -> Markup {
    html! {
        dialog id="keys" aria-labelledby="keys-title" {
            header {
                h2 id="keys-title" { "Keys" }
                button type="button" class="quiet icon" commandfor="keys" command="close" {
                    (icon(Icon::Close)) span.unseen { "Close" }
                }
            }
            div.in {
                dl.facts {
                    @for (keys, what) in KEYS {
                        dt { @for key in keys.split(' ') { kbd { (key) } " " } }
                        dd { (what) }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
}

/// By a part of the name of a workspace, or by the whole id of a workspace or a run, which leads there at once.
async fn search(account: May<can::BePerson>, Query(Asked { q }): Query<Asked>) -> Result<Response> {
    let visitor = &account.visitor;
    let text = q.trim();
    if let Some(href) = named_by_id(visitor, text).await? {
        return Ok(Redirect::to(&href).into_response());
    }
    let found =
        if text.is_empty() { Vec::new() } else { workspaces_of(visitor, Some(text)).await? };
    let main = html! {
        (Header { title: "Search", ..Header::default() })
        form.filters method="get" action="/search" {
            span.search {
                (icon(Icon::Search))
                input type="search" name="q" value=(q) data-find aria-label="Find a workspace or a run"
                    placeholder="Part of a name, or an id" autofocus;
            }
            button type="submit" class="plain" { "Find" }
        }
        @if !found.is_empty() {
            ul.prose { @for row in &found { li { a href=(crate::workspaces::path(row)) { (row.name) } " in " (row.organization_name) } } }
        } @else if !text.is_empty() {
            (empty(Icon::Search, "Nothing found", "No workspace that you may see is called so, and nothing has this id.", &html! {}))
        }
    };
    Ok(page(visitor, Place::Top, "Search", &main).await?.into_response())
}

async fn named_by_id(visitor: &SignedIn, text: &str) -> Result<Option<String>> {
    let cx = &visitor.cx;
    if let Ok(id) = text.parse::<RunId>() {
        let found = runs::load(cx, &[id]).await?;
        return Ok(found.first().map(crate::runs::path));
    }
    if let Ok(id) = text.parse::<WorkspaceId>() {
        let found = workspaces::load(cx, &[id]).await?;
        return Ok(found.first().map(crate::workspaces::path));
    }
    Ok(None)
}
