//! What stands beside a page: the parts of the organization, of the site or of the account. On narrow screens it is
//! behind a button, without script.

use domain::{can, organizations};
use maud::{Markup, html};

use super::place::{Account, Link, OnSite, Place, SECTIONS, Section};
use crate::{
    components::{Icon, icon},
    failure::Result,
    visitor::SignedIn,
};

type Group = (Option<&'static str>, Vec<Link>);

pub async fn of(visitor: &SignedIn, place: Place<'_>) -> Result<Markup> {
    let (label, groups) = match place {
        Place::Top => ("Main".to_owned(), vec![(None, top())]),
        Place::In(name, section) => {
            (format!("Organization {name}"), organization(visitor, name, section).await?)
        }
        Place::Account(here) => {
            ("Account".to_owned(), vec![(Some("Account"), Account::links(here))])
        }
        Place::Site(here) => {
            ("Site".to_owned(), vec![(Some("Site"), OnSite::links(&visitor.cx, here))])
        }
    };
    Ok(draw(&label, &groups))
}

fn top() -> Vec<Link> {
    vec![Link {
        label: "Organizations",
        icon: Icon::Boxes,
        href: "/".to_owned(),
        key: None,
        is_here: true,
    }]
}

/// Of somebody who reaches a workspace, but not its organization as a whole, there is nothing to show beside it.
async fn organization(visitor: &SignedIn, name: &str, here: Section) -> Result<Vec<Group>> {
    let cx = &visitor.cx;
    let found = organizations::find(cx, name).await?;
    let organization = match cx.check::<can::ReadOrganization, _>(found) {
        Ok(organization) => organization,
        Err(domain::Error::NotFound) => return Ok(vec![(None, top())]),
        Err(other) => return Err(other.into()),
    };
    let links = |sections: &[Section]| {
        let all = sections.iter();
        all.filter_map(|section| section.link(cx, &organization, here)).collect::<Vec<_>>()
    };
    let groups = SECTIONS.iter().map(|(heading, sections)| (*heading, links(sections)));
    Ok(groups.filter(|(_, links)| !links.is_empty()).collect())
}

fn draw(label: &str, groups: &[Group]) -> Markup {
    html! {
        nav.side id="nav" popover aria-label=(label) {
            button type="button" class="quiet icon close" popovertarget="nav"
                popovertargetaction="hide" {
                (icon(Icon::Close)) span.unseen { "Close the menu" }
            }
            @for (heading, links) in groups {
                @if let Some(heading) = heading { h2 { (heading) } }
                @for link in links {
                    a href=(link.href) aria-current=[link.is_here.then_some("page")]
                        data-go=[link.key.map(String::from)] {
                        (icon(link.icon)) (link.label)
                    }
                }
            }
        }
    }
}
