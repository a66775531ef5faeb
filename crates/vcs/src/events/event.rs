//! What happened, in one language for all providers.

use crate::{CommitId, NameError, RefName};

/// One delivery, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Where it happened; compare its id with that of the repository that the hook was made for.
    pub subject: Option<Subject>,
    pub sender: Option<Person>,
    /// The installation of a GitHub App by which it came.
    pub installation: Option<String>,
    /// In their order. Bitbucket tells several in one delivery.
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The provider's own id, which stays when the repository is renamed.
    pub id: String,
    /// `ORG/REPO`, as far as the event tells.
    pub name: String,
    pub default_branch: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub avatar_url: Option<String>,
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Push {
        branch: RefName,
        moved: Moved,
    },
    Tag {
        tag: RefName,
        moved: Moved,
    },
    PullRequest(Box<PullRequest>),
    /// The provider tries out whether somebody is there.
    Ping,
    /// A GitHub App was installed, removed, suspended, or given other repositories.
    Installation {
        action: String,
    },
    /// Nothing that concerns us.
    Unknown {
        name: String,
    },
}

/// A branch or tag that points elsewhere now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// `None`: it is new.
    pub before: Option<CommitId>,
    /// `None`: it is gone. Of an annotated tag the commit, where the provider tells, else the tag itself.
    pub after: Option<CommitId>,
    pub is_forced: bool,
    /// Of the commit at `after`, where the provider tells them.
    pub message: Option<String>,
    pub commit_url: Option<String>,
    pub compare_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    pub action: Action,
    pub number: u64,
    pub title: String,
    pub body: String,
    pub url: Option<String>,
    pub is_draft: bool,
    pub head: Side,
    pub base: Side,
    /// What the pull request proposes: the head of its branch, never the provider's own merge.
    pub head_commit: CommitId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub branch: RefName,
    /// `None`: the repository is gone.
    pub repository_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Also opened again.
    Opened,
    /// Its head may have changed, or what it leads to.
    Updated,
    /// Title, labels, votes: nothing to plan anew.
    Edited,
    Closed,
    Merged,
}

impl PullRequest {
    /// By ids, for names change; a head whose repository is gone was somebody else's.
    pub fn is_from_fork(&self) -> bool {
        self.head.repository_id.is_none() || self.head.repository_id != self.base.repository_id
    }
}

impl Event {
    /// By the whole name of what has moved; what is neither branch nor tag (notes, pull requests' own) concerns nobody.
    pub(super) fn moved(reference: &str, moved: Moved) -> Result<Self, NameError> {
        if let Some(branch) = reference.strip_prefix("refs/heads/") {
            Ok(Self::Push { branch: RefName::parse(branch)?, moved })
        } else if let Some(tag) = reference.strip_prefix("refs/tags/") {
            Ok(Self::Tag { tag: RefName::parse(tag)?, moved })
        } else {
            Ok(Self::Unknown { name: "push to neither branch nor tag".into() })
        }
    }
}
