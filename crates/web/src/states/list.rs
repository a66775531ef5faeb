//! The versions of a workspace's state, the newest first.

use std::collections::HashMap;

use axum::extract::Query;
use domain::{
    In, Paging, accounts,
    archivist::Content,
    can,
    entity::state_version::Status,
    id::{RunId, UserId},
    row::{Run, StateVersion},
    runs, states,
};
use maud::{Markup, html};

use crate::{
    components::{
        Head, Icon, Look, Pager, Table, Tone, badge, bytes, empty, icon_small, link_button, time,
    },
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    query::PageNumber,
    visitor::SignedIn,
    workspaces::{self, Heading, Part},
};

const PAGE_SIZE: u64 = 50;

pub async fn show(
    workspace: May<can::ReadState>,
    Query(PageNumber { page: number }): Query<PageNumber>,
) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let paging = Paging { number, size: PAGE_SIZE };
    let list = states::list(cx, &workspace, None, paging).await?;
    let around = Around::of(visitor, &list.items).await?;
    let here = format!("{}/states", workspaces::path(&workspace));
    let current = workspace.current_state_version_id.as_ref();
    let rows = list
        .items
        .iter()
        .map(|version| row(visitor, version, &around, &here, current == Some(&version.id)))
        .collect();
    let heads = [
        Head::new("Serial"),
        Head::new("Made by"),
        Head::number("Resources"),
        Head::number("Size"),
        Head::number("When"),
        Head::unseen("Actions"),
    ];
    let main = html! {
        (Heading { workspace: &workspace, here: Part::States }.draw(cx))
        @if cx.may::<can::CreateStateVersion>(&workspace) {
            div.row.gap { (link_button(Look::Plain, Icon::Up, "Upload a state", &format!("{}/upload-state", workspaces::path(&workspace)))) }
        }
        @if list.total == 0 {
            (empty(Icon::Layers, "No state yet", "The first apply makes one, or a state that is uploaded.", &html! {}))
        } @else {
            div.panel { (Table { caption: "State versions, newest first", heads: &heads, rows }) }
        }
        (Pager { number, size: PAGE_SIZE, total: list.total, path: &here })
    };
    let title = format!("States of {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}

/// What made them: runs and people, with one query for each kind.
pub struct Around {
    runs: HashMap<RunId, In<Run>>,
    people: HashMap<UserId, String>,
}

impl Around {
    pub async fn of(visitor: &SignedIn, versions: &[StateVersion]) -> Result<Self> {
        let ids: Vec<RunId> = versions.iter().filter_map(|row| row.run_id.clone()).collect();
        let runs = runs::load(&visitor.cx, &ids).await?;
        let ids: Vec<UserId> =
            versions.iter().filter_map(|row| row.created_by_id.clone()).collect();
        let users = accounts::load(&visitor.cx, &ids).await?;
        Ok(Self {
            runs: runs.into_iter().map(|run| (run.row.id.clone(), run)).collect(),
            people: users.into_iter().map(|user| (user.id, user.username)).collect(),
        })
    }

    pub fn maker(&self, version: &StateVersion) -> Markup {
        let run = version.run_id.as_ref().and_then(|id| self.runs.get(id));
        let person = version.created_by_id.as_ref().and_then(|id| self.people.get(id));
        html! {
            @match (run, person) {
                (Some(run), _) => a.quietlink href=(crate::runs::path(run)) { (run.message) }
                (None, Some(name)) => (name)
                (None, None) => span.faint { "the system" }
            }
        }
    }
}

/// Why it cannot be read, if it cannot.
pub fn unreadable(version: &StateVersion) -> Option<&'static str> {
    match version.status {
        Status::Finalized if states::is_encrypted(version) => Some("encrypted by OpenTofu"),
        Status::Finalized => None,
        Status::Pending => Some("announced, not here yet"),
        Status::Discarded => Some("never came"),
        Status::BackingDataSoftDeleted => Some("deleted, can be restored"),
        Status::BackingDataPermanentlyDeleted => Some("deleted for good"),
    }
}

fn row(
    visitor: &SignedIn,
    version: &StateVersion,
    around: &Around,
    here: &str,
    is_current: bool,
) -> Vec<Markup> {
    vec![
        html! {
            a href={ (here) "/" (version.id) } { (version.serial) }
            @if is_current { " " (badge(Tone::Good, Icon::StGood, "current")) }
            @if let Some(why) = unreadable(version) { span.under { (why) } }
        },
        around.maker(version),
        html! { (version.resource_count) },
        html! { (bytes(version.size.unsigned_abs())) },
        time(version.created_at),
        html! {
            @if version.status == Status::Finalized {
                a class="button quiet small" href=(visitor.blob(Content::State, &version.id))
                    download={ "state-" (version.serial) ".tfstate" } {
                    (icon_small(Icon::Download)) "Download" span.unseen { " serial " (version.serial) }
                }
            }
        },
    ]
}
