//! `/app/{organization}/workspaces/{workspace}/settings`: what a workspace is, its lock, and its end.

mod destruction;
mod general;
mod locking;

use domain::{Ctx, can, row::Workspace};
use maud::{Markup, html};

use super::{Heading, Part, path};
use crate::{
    Routes,
    components::{Tab, subnav},
    failure::Result,
    frame::{Place, Section, page},
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
        .get(below!("settings/locking"), locking::show)
        .post(below!("lock"), locking::lock)
        .post(below!("unlock"), locking::unlock)
        .post(below!("force-unlock"), locking::force_unlock)
        .get(below!("settings/destruction"), destruction::show)
        .post(below!("delete"), destruction::delete)
}

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    General,
    Locking,
    Destruction,
}

impl Setting {
    fn tab<'a>(self, cx: &Ctx, workspace: &Workspace, here: Self) -> Option<Tab<'a>> {
        let (label, end, is_there) = match self {
            Self::General => ("General", "", cx.may::<can::UpdateWorkspace>(workspace)),
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
    let all = [Setting::General, Setting::Locking, Setting::Destruction].into_iter();
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
