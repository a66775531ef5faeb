//! What stands above every page of a workspace: its name, its lock, its parts. Those that the visitor may not open are
//! not there.

use domain::{Ctx, can, entity::workspace::LockKind, row::Workspace};
use maud::{Markup, html};

use super::path;
use crate::{
    components::{Crumb, Header, Icon, Look, Tab, Tone, badge, link_button, tabs},
    organizations,
};

/// A page of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Overview,
    Runs,
    States,
    Variables,
    Health,
    Settings,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Overview, Self::Runs, Self::States, Self::Variables, Self::Health, Self::Settings];

    fn tab<'a>(self, cx: &Ctx, workspace: &Workspace, here: Self) -> Option<Tab<'a>> {
        let (label, end, is_there) = match self {
            Self::Overview => ("Overview", "", true),
            Self::Runs => ("Runs", "/runs", cx.may::<can::ReadRun>(workspace)),
            Self::States => ("States", "/states", cx.may::<can::ReadState>(workspace)),
            Self::Variables => ("Variables", "/variables", cx.may::<can::ReadVariables>(workspace)),
            Self::Health => ("Health", "/health", true),
            // Who may not change the settings finds the lock there.
            Self::Settings if cx.may::<can::UpdateWorkspace>(workspace) => {
                ("Settings", "/settings", true)
            }
            Self::Settings => ("Settings", "/settings/locking", true),
        };
        let href = format!("{}{end}", path(workspace));
        is_there.then_some(Tab { label, href, is_here: self == here, count: None })
    }
}

/// The top of a page of a workspace.
#[derive(Debug)]
pub struct Heading<'a> {
    pub workspace: &'a Workspace,
    pub here: Part,
}

impl Heading<'_> {
    pub fn draw(&self, cx: &Ctx) -> Markup {
        let workspace = self.workspace;
        let organization = &workspace.organization_name;
        let crumbs = [Crumb { label: "Workspaces", href: organizations::path(organization) }];
        let all = Part::ALL.into_iter();
        let start = html! {
            @if cx.may::<can::QueueRun>(workspace) {
                (link_button(Look::Main, Icon::Play, "Start a run", &format!("{}/start-run", path(workspace))))
            }
        };
        let parts: Vec<_> = all.filter_map(|part| part.tab(cx, workspace, self.here)).collect();
        html! {
            (Header {
                crumbs: &crumbs,
                title: &workspace.name,
                beside: lock(workspace),
                actions: start,
                ..Header::default()
            })
            (tabs(&format!("Workspace {}", workspace.name), &parts))
        }
    }
}

fn lock(workspace: &Workspace) -> Markup {
    let text = match workspace.lock_kind {
        None => return html! {},
        Some(LockKind::Run) => "Locked by a run",
        Some(LockKind::User) => "Locked by somebody",
        Some(LockKind::Team) => "Locked by a team",
        Some(LockKind::Organization) => "Locked by the organization",
    };
    badge(Tone::Waiting, Icon::Lock, text)
}
