//! `/app/{organization}/workspaces/{workspace}/settings`: what a workspace is, who reaches it, what follows from it, its
//! lock, and its end.

mod access;
mod destruction;
mod general;
mod locking;
mod notifications;
mod preview;
mod relocation;
mod repositories;
mod retention;
mod run_tasks;
mod run_triggers;
mod schedules;
mod ssh_key;
mod state_sharing;
mod tags;
mod version_control;

use domain::{Ctx, can, notifications::Subscribable, row::Workspace};
use maud::{Markup, html};

use super::{Heading, Part, path};
use crate::{
    Routes,
    components::{Tab, subnav},
    failure::Result,
    frame::{Place, Section, page},
    teams,
    visitor::SignedIn,
};

macro_rules! below {
    ($path:literal) => {
        concat!("/app/{organization_name}/workspaces/{workspace_name}/", $path)
    };
}

pub fn routes() -> Routes {
    Routes::default()
        .get(below!("settings"), general::show)
        .post(below!("settings"), general::save)
        .post(below!("move"), relocation::save)
        .get(below!("settings/tags"), tags::show)
        .post(below!("settings/tags"), tags::save)
        .get(below!("settings/access"), teams::access::show::<Workspace>)
        .post(below!("settings/access"), teams::access::add::<Workspace>)
        .get(below!("settings/access/{team_workspace_id}"), teams::access::edit::<Workspace>)
        .post(below!("settings/access/{team_workspace_id}"), teams::access::change::<Workspace>)
        .post(
            below!("settings/access/{team_workspace_id}/delete"),
            teams::access::remove::<Workspace>,
        )
        .get(below!("settings/notifications"), notifications::show)
        .post(below!("settings/notifications"), notifications::create)
        .get(
            below!("settings/notifications/{notification_configuration_id}"),
            notifications::one::show,
        )
        .post(
            below!("settings/notifications/{notification_configuration_id}"),
            notifications::one::save,
        )
        .post(
            below!("settings/notifications/{notification_configuration_id}/verify"),
            notifications::one::verify,
        )
        .post(
            below!("settings/notifications/{notification_configuration_id}/delete"),
            notifications::one::delete,
        )
        .get(below!("settings/run-triggers"), run_triggers::show)
        .post(below!("settings/run-triggers"), run_triggers::add)
        .post(below!("settings/triggered-runs"), run_triggers::save)
        .post(below!("settings/run-triggers/{run_trigger_id}/delete"), run_triggers::remove)
        .get(below!("settings/run-tasks"), run_tasks::show)
        .post(below!("settings/run-tasks"), run_tasks::add)
        .post(below!("settings/run-tasks/{workspace_task_id}/delete"), run_tasks::remove)
        .get(below!("settings/schedules"), schedules::show)
        .post(below!("settings/schedules"), schedules::create)
        .get(below!("settings/schedules/{run_schedule_id}"), schedules::edit)
        .post(below!("settings/schedules/{run_schedule_id}"), schedules::save)
        .post(below!("settings/schedules/{run_schedule_id}/delete"), schedules::delete)
        .get(below!("settings/run-tasks/{workspace_task_id}"), run_tasks::edit)
        .post(below!("settings/run-tasks/{workspace_task_id}"), run_tasks::save)
        .get(below!("settings/state-sharing"), state_sharing::show)
        .post(below!("settings/state-sharing"), state_sharing::save)
        .post(below!("settings/state-sharing/consumers"), state_sharing::add)
        .post(below!("settings/state-sharing/consumers/remove"), state_sharing::remove)
        .get(below!("settings/ssh-key"), ssh_key::show)
        .post(below!("settings/ssh-key"), ssh_key::save)
        .get(below!("settings/retention"), retention::show)
        .post(below!("settings/retention"), retention::save)
        .get(below!("settings/version-control"), version_control::show)
        .post(below!("settings/version-control"), version_control::save)
        .get(below!("settings/version-control/preview"), preview::show)
        .get(below!("settings/version-control/repositories"), repositories::show)
        .get(below!("settings/locking"), locking::show)
        .post(below!("lock"), locking::lock)
        .post(below!("unlock"), locking::unlock)
        .post(below!("force-unlock"), locking::force_unlock)
        .get(below!("settings/destruction"), destruction::show)
        .post(below!("settings/destruction"), destruction::schedule)
        .post(below!("delete"), destruction::delete)
}

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    General,
    VersionControl,
    Tags,
    Access,
    Notifications,
    RunTriggers,
    RunTasks,
    Schedules,
    StateSharing,
    SshKey,
    Retention,
    Locking,
    Destruction,
}

impl Setting {
    const ALL: [Self; 13] = [
        Self::General,
        Self::VersionControl,
        Self::Tags,
        Self::Access,
        Self::Notifications,
        Self::RunTriggers,
        Self::RunTasks,
        Self::Schedules,
        Self::StateSharing,
        Self::SshKey,
        Self::Retention,
        Self::Locking,
        Self::Destruction,
    ];

    fn tab<'a>(self, cx: &Ctx, workspace: &Workspace, here: Self) -> Option<Tab<'a>> {
        let administers = || cx.may::<can::UpdateWorkspace>(workspace);
        let (label, end, is_there) = match self {
            Self::General => ("General", "", administers()),
            Self::VersionControl => ("Version control", "/version-control", administers()),
            Self::Tags => ("Tags", "/tags", true),
            Self::Access => ("Access of teams", "/access", true),
            Self::Notifications => ("Notifications", "/notifications", {
                let subscribable = Subscribable::Workspace(Box::new(workspace.clone()));
                cx.may::<can::ManageNotifications>(&subscribable)
            }),
            Self::RunTriggers => {
                ("Run triggers", "/run-triggers", cx.may::<can::ReadRun>(workspace))
            }
            Self::RunTasks => ("Run tasks", "/run-tasks", true),
            Self::Schedules => ("Schedules", "/schedules", cx.may::<can::ReadRun>(workspace)),
            Self::StateSharing => ("State sharing", "/state-sharing", true),
            Self::SshKey => ("SSH key", "/ssh-key", administers()),
            Self::Retention => ("Retention", "/retention", true),
            Self::Locking => ("Locking", "/locking", true),
            Self::Destruction => ("Destruction", "/destruction", true),
        };
        let href = format!("{}/settings{end}", path(workspace));
        is_there.then_some(Tab { label, href, is_here: self == here, count: None })
    }
}

/// The frame of a page of the settings.
async fn draw(
    visitor: &SignedIn,
    workspace: &Workspace,
    here: Setting,
    content: &Markup,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let all = Setting::ALL.into_iter();
    let tabs: Vec<_> = all.filter_map(|one| one.tab(cx, workspace, here)).collect();
    let main = html! {
        (Heading { workspace, here: Part::Settings }.draw(cx))
        div class="beside left" {
            (subnav("Settings", &tabs))
            div.stack { (content) }
        }
    };
    let title = format!("Settings of {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}
