//! `/app/{organization}/workspaces`: found by name, project, tag and how they stand; whatever is asked for stands in the
//! address.

use axum::extract::Query;
use domain::{
    Order, Paging, can,
    entity::run::Status,
    projects,
    workspaces::{self, Filter, Health, Sort},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::rows::{self, Heads};
use crate::{
    components::{
        Header, Icon, Look, Pager, Tone, count, empty, grouped, icon, link_button, run_tone,
    },
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    query::{self, address},
};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    /// A [`Group`].
    #[serde(default)]
    status: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    tag: String,
    /// `warning`: where the last assessment has found something.
    #[serde(default)]
    health: String,
    #[serde(default)]
    sort: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

const PAGE_SIZE: u64 = 50;

/// How the current run of a workspace stands, or one beside it that only plans, as far as people look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Waiting,
    UnderWay,
    Queued,
    Failed,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::UnderWay, Self::Queued, Self::Failed];

    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::UnderWay => "under-way",
            Self::Queued => "queued",
            Self::Failed => "failed",
        }
    }

    fn label(self) -> (&'static str, &'static str, Icon) {
        match self {
            Self::Waiting => ("Need a person", "waiting", Icon::StWait),
            Self::UnderWay => ("Under way", "busy", Icon::StBusy),
            Self::Queued => ("Queued", "neutral", Icon::StQueued),
            Self::Failed => ("Failed", "bad", Icon::StBad),
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.word() == word)
    }

    pub fn has(self, status: Status) -> bool {
        match (self, run_tone(status)) {
            (Self::Waiting, Tone::Waiting)
            | (Self::UnderWay, Tone::Busy)
            | (Self::Failed, Tone::Bad) => true,
            (Self::Queued, Tone::Neutral) => !domain::runs::status::is_final(status),
            _ => false,
        }
    }

    pub fn statuses(self) -> Vec<Status> {
        Status::ALL.iter().copied().filter(|status| self.has(*status)).collect()
    }
}

/// Links to each group of a list, with how many there are where that is known.
pub fn chips(
    here: Option<Group>,
    total: Option<u64>,
    link: impl Fn(&str) -> String,
    many: impl Fn(Group) -> Option<u64>,
) -> Markup {
    let number = |many: Option<u64>| html! { @if let Some(many) = many { " " (count(many)) } };
    html! {
        a.chip href=(link("")) aria-current=[here.is_none().then_some("true")] { "All" (number(total)) }
        @for group in Group::ALL {
            @let (label, tone, sign) = group.label();
            a class={ "chip " (tone) } href=(link(group.word()))
                aria-current=[(here == Some(group)).then_some("true")] {
                (icon(sign)) (label) (number(many(group)))
            }
        }
    }
}

impl Asked {
    /// The address with one thing asked otherwise; from its first page.
    fn with(&self, path: &str, name: &str, value: &str) -> String {
        let own = [
            ("q", &*self.q),
            ("status", &self.status),
            ("project", &self.project),
            ("tag", &self.tag),
            ("health", &self.health),
            ("sort", &self.sort),
        ];
        let all = own.map(|(key, old)| if key == name { (key, value) } else { (key, old) });
        address(path, &all)
    }

    fn sort(&self) -> (Sort, Order) {
        match self.sort.as_str() {
            "-name" => (Sort::Name, Order::Descending),
            "changed" => (Sort::LatestChangeAt, Order::Ascending),
            "-changed" => (Sort::LatestChangeAt, Order::Descending),
            _ => (Sort::Name, Order::Ascending),
        }
    }

    /// Without how they stand, which is counted.
    fn filter(&self) -> Option<Filter> {
        let project = if self.project.is_empty() {
            None
        } else {
            // No project has such an id, so that nothing is in it.
            Some(self.project.parse().ok()?)
        };
        Some(Filter {
            search: Some(self.q.trim().to_owned()).filter(|text| !text.is_empty()),
            tags: Some(self.tag.clone()).filter(|tag| !tag.is_empty()).into_iter().collect(),
            project,
            health: (self.health == "warning").then_some(Health::Ill),
            ..Filter::default()
        })
    }
}

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let here = crate::organizations::path(&organization.name);
    let group = Group::parse(&asked.status);
    let Some(mut filter) = asked.filter() else {
        return Err(domain::Error::NotFound.into());
    };
    let all = workspaces::count(cx, &organization, filter.clone()).await?;
    let mut counts = Vec::new();
    for group in Group::ALL {
        let of = Filter { run_status: group.statuses(), ..filter.clone() };
        counts.push((group, workspaces::count(cx, &organization, of).await?));
    }
    let many = |group: Group| {
        counts.iter().find(|(counted, _)| *counted == group).map_or(0, |(_, many)| *many)
    };
    filter.run_status = group.map(Group::statuses).unwrap_or_default();
    let (sort, order) = asked.sort();
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let list = workspaces::list(cx, &organization, filter, sort, order, paging).await?;
    let total = list.total;
    let by = |which: Sort, up: &str, down: &str| {
        let now = (sort == which).then_some(match order {
            Order::Ascending => "ascending",
            Order::Descending => "descending",
        });
        let next = if now == Some("ascending") { down } else { up };
        Some((asked.with(&here, "sort", next), now))
    };
    let heads = Heads::sorted(
        by(Sort::Name, "name", "-name"),
        by(Sort::LatestChangeAt, "changed", "-changed"),
    );
    let table = rows::table(visitor, list.items, &heads).await?;
    let project = project_name(&organization, &asked.project).await?;
    let new = if may_create(&organization).await? {
        let href = super::create::path(&organization.name);
        link_button(Look::Main, Icon::Plus, "New workspace", &href)
    } else {
        html! {}
    };
    let main = html! {
        (Header { title: "Workspaces", beside: count(all), actions: new, ..Header::default() })
        form.filters method="get" action=(here) {
            span.search {
                (icon(Icon::Search))
                input type="search" name="q" value=(asked.q) data-find aria-label="Find a workspace"
                    placeholder="Part of the name";
            }
            @for (name, value) in [("status", &asked.status), ("project", &asked.project), ("tag", &asked.tag), ("health", &asked.health), ("sort", &asked.sort)] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            (chips(group, Some(all), |word| asked.with(&here, "status", word), |group| Some(many(group))))
            @let is_ill = asked.health == "warning";
            a.chip href=(asked.with(&here, "health", if is_ill { "" } else { "warning" })) aria-current=[is_ill.then_some("true")] { (icon(Icon::Heart)) "Health warning" }
            @if let Some(name) = &project {
                span class="chip set" { (icon(Icon::Folder)) (name) a href=(asked.with(&here, "project", "")) { (icon(Icon::Close)) span.unseen { "Any project" } } }
            }
            @if !asked.tag.is_empty() {
                span class="chip set" { (icon(Icon::Tag)) (asked.tag) a href=(asked.with(&here, "tag", "")) { (icon(Icon::Close)) span.unseen { "Any tag" } } }
            }
            button type="submit" class="plain small" { "Find" }
        }
        @if total == 0 { (nothing(&asked, all)) } @else { div.panel id="list" { (table) } }
        (Pager { number: asked.page, size: PAGE_SIZE, total, path: &asked.with(&here, "page", "") })
        p.unseen role="status" { (grouped(total)) " workspaces found" }
    };
    let name = &organization.name;
    let title = format!("Workspaces of {name}");
    page(visitor, Place::In(name, Section::Workspaces), &title, &main).await
}

/// Whether there is a project that the visitor may make a workspace in.
async fn may_create(organization: &May<can::ReadOrganization>) -> Result<bool> {
    let cx = &organization.visitor.cx;
    if cx.may::<can::CreateWorkspace>(organization) {
        return Ok(true);
    }
    let filter = projects::Filter { can_create_workspace: true, ..projects::Filter::default() };
    let paging = Paging { number: 1, size: 1 };
    Ok(projects::list(cx, organization, filter, None, paging).await?.total > 0)
}

async fn project_name(
    organization: &May<can::ReadOrganization>,
    id: &str,
) -> Result<Option<String>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let found = projects::load(&organization.visitor.cx, &[id]).await?;
    Ok(found.into_iter().next().map(|project| project.name))
}

fn nothing(asked: &Asked, all: u64) -> Markup {
    if asked.q.is_empty()
        && asked.project.is_empty()
        && asked.tag.is_empty()
        && asked.health.is_empty()
        && all == 0
    {
        let text = "There are no workspaces that you may see. A workspace is one configuration with its \
                    variables, its state and its runs; a command line makes one when it needs one.";
        empty(Icon::Boxes, "No workspaces yet", text, &html! {})
    } else {
        empty(Icon::Search, "Nothing found", "No workspace fits all that is asked for.", &html! {})
    }
}
