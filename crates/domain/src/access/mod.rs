//! Who may do what. All rules stand in [`can`]; this is the machinery that makes them unavoidable.

mod actor;
pub mod can;
mod rights;
mod scopes;
mod subjects;

use std::{marker::PhantomData, ops::Deref};

use db::entity::{organization, project, team, workspace};

pub use actor::{Actor, Impersonator, Person, ShutOut, TeamRights};
pub use rights::{ProjectRights, WorkspaceRights};
pub use scopes::{Scope, TeamScope};
pub(crate) use subjects::awaited;
pub use subjects::{Ends, HeldToken, Installed, Member, Membership, Owner, Subscribable};

use crate::{Error, Result};

/// A permission: a type, so that functions can ask for it by name.
pub trait Permission: Send + Sync + 'static {
    /// What it is about.
    type On: Send + Sync;
    const NAME: &'static str;

    fn allowed(actor: &Actor, on: &Self::On) -> bool;

    /// The organization that it is in, where tokens of people may be refused by it.
    fn organization(_on: &Self::On) -> Option<&str> {
        None
    }

    /// What those with a valid token get instead.
    fn denied(actor: &Actor, on: &Self::On) -> Error;
}

/// Something that permissions about `On` can be checked for: `On` itself, or what lives in it.
pub trait Within<On>: Send + Sync {
    fn on(&self) -> &On;
}

/// A row together with what it lives in, by default its workspace.
#[derive(Clone, Debug)]
pub struct In<T, Of = workspace::Model> {
    pub row: T,
    pub of: Of,
}

impl<T, Of> Deref for In<T, Of> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.row
    }
}

impl<T: Send + Sync, Of: Send + Sync> Within<Of> for In<T, Of> {
    fn on(&self) -> &Of {
        &self.of
    }
}

/// Of these a permission looks at the row itself.
impl Within<Self> for In<db::entity::phase::Model> {
    fn on(&self) -> &Self {
        self
    }
}

impl Within<Self> for In<db::entity::configuration_version::Model> {
    fn on(&self) -> &Self {
        self
    }
}

impl Within<Self> for In<db::entity::task_result::Model> {
    fn on(&self) -> &Self {
        self
    }
}

macro_rules! within_itself {
    ($($name:ty),+ $(,)?) => {$(
        impl Within<$name> for $name {
            fn on(&self) -> &$name {
                self
            }
        }
    )+};
}
within_itself!(
    db::entity::organization::Model,
    db::entity::project::Model,
    db::entity::team::Model,
    db::entity::user::Model,
    db::entity::workspace::Model,
    crate::Site,
    HeldToken,
    Installed,
    Member,
    Membership,
    Owner,
    Subscribable,
);

/// Proof that the actor of this request may do `P`, together with what it was checked on. It can only be had
/// from [`crate::Ctx::check`].
#[derive(Debug)]
pub struct Granted<P: Permission, T = <P as Permission>::On> {
    on: T,
    proof: PhantomData<fn() -> P>,
}

impl<P: Permission, T> Granted<P, T> {
    pub(crate) fn proven(on: T) -> Self {
        Self { on, proof: PhantomData }
    }

    pub fn into_inner(self) -> T {
        self.on
    }
}

impl<P: Permission, T> Deref for Granted<P, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.on
    }
}

/// What was fetched but not yet allowed: opaque until checked.
#[derive(Debug)]
pub struct Found<T>(T);

impl<T> Found<T> {
    pub(crate) fn new(row: T) -> Self {
        Self(row)
    }

    pub(crate) fn into_unchecked(self) -> T {
        self.0
    }
}

/// Something that lives in an organization, and perhaps in a workspace of it.
pub trait Placed {
    fn organization_name(&self) -> &str;

    fn workspace_name(&self) -> Option<&str> {
        None
    }
}

impl<T: Placed> Found<T> {
    /// The same, if it is where an address says that it is; names differ by case alone.
    ///
    /// # Errors
    /// NotFound if it lives elsewhere.
    pub fn placed_in(self, organization: Option<&str>, workspace: Option<&str>) -> Result<Self> {
        let is = |name: &str, said: Option<&str>| {
            said.is_none_or(|said| said.to_lowercase() == name.to_lowercase())
        };
        let in_workspace = self.0.workspace_name().is_none_or(|name| is(name, workspace));
        if is(self.0.organization_name(), organization) && in_workspace {
            Ok(self)
        } else {
            Err(Error::NotFound)
        }
    }
}

impl<T> Placed for In<T> {
    fn organization_name(&self) -> &str {
        &self.of.organization_name
    }

    fn workspace_name(&self) -> Option<&str> {
        Some(&self.of.name)
    }
}

impl<T> Placed for In<T, organization::Model> {
    fn organization_name(&self) -> &str {
        &self.of.name
    }
}

impl<T> Placed for In<T, Owner> {
    fn organization_name(&self) -> &str {
        self.of.organization_name()
    }
}

impl<T, S> Placed for In<T, In<S, Owner>> {
    fn organization_name(&self) -> &str {
        self.of.of.organization_name()
    }
}

/// What is about a project or a team is in no workspace, whatever an address says.
impl<T> Placed for In<T, Subscribable> {
    fn organization_name(&self) -> &str {
        self.of.organization_name()
    }

    fn workspace_name(&self) -> Option<&str> {
        match &self.of {
            Subscribable::Workspace(workspace) => Some(&workspace.name),
            Subscribable::Project(_) | Subscribable::Team(_) => Some(""),
        }
    }
}

/// It is managed where runs are queued.
impl<T> Placed for In<T, Ends> {
    fn organization_name(&self) -> &str {
        &self.of.workspace.organization_name
    }

    fn workspace_name(&self) -> Option<&str> {
        Some(&self.of.workspace.name)
    }
}

/// Of a person it is in no organization.
impl Placed for HeldToken {
    fn organization_name(&self) -> &str {
        self.token.organization_name.as_deref().unwrap_or_default()
    }
}

impl Placed for workspace::Model {
    fn organization_name(&self) -> &str {
        &self.organization_name
    }

    fn workspace_name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl Placed for project::Model {
    fn organization_name(&self) -> &str {
        &self.organization_name
    }
}

impl Placed for team::Model {
    fn organization_name(&self) -> &str {
        &self.organization_name
    }
}
