//! Where in the house a page is. What is still to come has its place here as well, and no address yet, so that nothing
//! leads to it.

use domain::{Ctx, Site, can, row::Organization};

use crate::components::Icon;

/// What the side shows, and what of it is the page that one is on.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// Above all organizations.
    Top,
    /// In the organization of this name.
    In(&'a str, Section),
    Account(Account),
    Site(OnSite),
}

/// A link of the side.
#[derive(Debug)]
pub struct Link {
    pub label: &'static str,
    pub icon: Icon,
    pub href: String,
    /// The letter that goes there after `g`.
    pub key: Option<char>,
    pub is_here: bool,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),+ }
    };
}

words! {
    /// A part of an organization.
    Section {
        Workspaces, Projects, Runs, Health, Registry, VariableSets, Policies, AgentPools, VersionControl, AuditLog, Teams, Members, Settings,
    }
}

/// Under which heading which parts stand.
pub const SECTIONS: &[(Option<&str>, &[Section])] = &[
    (None, &[Section::Workspaces, Section::Projects, Section::Runs, Section::Health]),
    (Some("Shared"), &[Section::Registry, Section::VariableSets, Section::Policies]),
    (Some("Operations"), &[Section::AgentPools, Section::VersionControl, Section::AuditLog]),
    (Some("Organization"), &[Section::Teams, Section::Members, Section::Settings]),
];

impl Section {
    fn look(self) -> (&'static str, Icon, Option<char>) {
        match self {
            Self::Workspaces => ("Workspaces", Icon::Boxes, Some('w')),
            Self::Projects => ("Projects", Icon::Folder, Some('p')),
            Self::Runs => ("Runs", Icon::Play, Some('r')),
            Self::Health => ("Health", Icon::Heart, Some('h')),
            Self::Registry => ("Registry", Icon::Book, None),
            Self::VariableSets => ("Variable sets", Icon::Sliders, None),
            Self::Policies => ("Policies", Icon::Shield, Some('o')),
            Self::AgentPools => ("Agent pools", Icon::Server, Some('a')),
            Self::VersionControl => ("Version control", Icon::Branch, Some('v')),
            Self::AuditLog => ("Audit log", Icon::List, Some('l')),
            Self::Teams => ("Teams", Icon::People, None),
            Self::Members => ("Members", Icon::Person, None),
            Self::Settings => ("Settings", Icon::Gear, Some('s')),
        }
    }

    /// Below the organization's address; nothing for what is still to come, or not for this visitor.
    fn path(self, cx: &Ctx, organization: &Organization) -> Option<&'static str> {
        match self {
            Self::Workspaces => Some("workspaces"),
            Self::Runs => Some("runs"),
            Self::Projects => Some("projects"),
            Self::VariableSets => Some("variable-sets"),
            Self::Health => Some("health"),
            Self::Teams => Some("teams"),
            Self::Members => Some("members"),
            Self::Policies if cx.may::<can::ReadPolicies>(organization) => Some("policies"),
            Self::AgentPools if cx.may::<can::ReadAgentPools>(organization) => Some("agents"),
            Self::VersionControl if cx.may::<can::ReadOauthClients>(organization) => {
                Some("version-control")
            }
            Self::Settings if cx.may::<can::UpdateOrganization>(organization) => Some("settings"),
            // Who may not change it finds its tags there.
            Self::Settings => Some("settings/tags"),
            Self::AuditLog if cx.may::<can::ReadAuditTrail>(organization) => Some("audit"),
            Self::Registry
            | Self::Policies
            | Self::AgentPools
            | Self::VersionControl
            | Self::AuditLog => None,
        }
    }

    pub fn link(self, cx: &Ctx, organization: &Organization, here: Self) -> Option<Link> {
        let path = self.path(cx, organization)?;
        let (label, icon, key) = self.look();
        let href = format!("/app/{}/{path}", organization.name);
        Some(Link { label, icon, href, key, is_here: self == here })
    }
}

words! {
    /// A part of one's own account.
    Account { Tokens, Sessions, Password, SecondFactor }
}

impl Account {
    pub fn links(here: Self) -> Vec<Link> {
        let link = |which: Self| {
            let (label, icon, path) = match which {
                Self::Tokens => ("API tokens", Icon::Key, "tokens"),
                Self::Sessions => ("Sessions and look", Icon::Sun, "sessions"),
                Self::Password => ("Password", Icon::Lock, "password"),
                Self::SecondFactor => ("Second factor", Icon::Shield, "second-factor"),
            };
            let href = format!("/app/settings/{path}");
            Link { label, icon, href, key: None, is_here: which == here }
        };
        [Self::Tokens, Self::Sessions, Self::Password, Self::SecondFactor]
            .into_iter()
            .map(link)
            .collect()
    }
}

words! {
    /// A part of the whole installation, for its administrators.
    OnSite { Overview, Organizations, Runs, Users, Versions, Work, Settings, Audit, Parts }
}

impl OnSite {
    /// The catalogue of parts is for whoever is there; the rest for administrators.
    pub fn links(cx: &Ctx, here: Self) -> Vec<Link> {
        let link = |which: Self| {
            let (label, icon, path) = match which {
                Self::Overview => ("Overview", Icon::Heart, ""),
                Self::Organizations => ("Organizations", Icon::Boxes, "/organizations"),
                Self::Runs => ("Runs", Icon::Play, "/runs"),
                Self::Users => ("Users", Icon::People, "/users"),
                Self::Versions => ("Versions", Icon::Layers, "/versions"),
                Self::Work => ("Background work", Icon::Clock, "/work"),
                Self::Settings => ("Settings", Icon::Gear, "/settings"),
                Self::Audit => ("Audit log", Icon::List, "/audit"),
                Self::Parts => ("Parts", Icon::Book, "/parts"),
            };
            let href = format!("/app/site{path}");
            Link { label, icon, href, key: None, is_here: which == here }
        };
        let administered = [
            Self::Overview,
            Self::Organizations,
            Self::Runs,
            Self::Users,
            Self::Versions,
            Self::Work,
            Self::Settings,
            Self::Audit,
        ];
        let parts = [Self::Parts].into_iter().filter(|part| *part == here);
        let administered = administered.into_iter().filter(|_| cx.may::<can::ManageSite>(&Site));
        administered.chain(parts).map(link).collect()
    }
}
