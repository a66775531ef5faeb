//! Where the branches and tags of a repository point to at one moment, and what has happened since an earlier one: how
//! those learn of pushes to whom nobody tells them.

use std::collections::BTreeMap;
use std::fmt;

use crate::events::{Event, Moved};
use crate::{CommitId, RefName};

/// Something that points to a commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    Branch(RefName),
    Tag(RefName),
    /// Of a pull request, without `refs/`: each provider has its own names for them.
    Other(RefName),
}

impl Reference {
    pub fn full(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
            Self::Other(name) => format!("refs/{name}"),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => write!(f, "branch {name}"),
            Self::Tag(name) => write!(f, "tag {name}"),
            Self::Other(name) => write!(f, "{name}"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    pub default_branch: Option<RefName>,
    pub branches: BTreeMap<RefName, CommitId>,
    /// To commits, also where a tag is an object of its own.
    pub tags: BTreeMap<RefName, CommitId>,
}

impl Refs {
    /// What `git ls-remote --symref` says. Names that git itself would refuse are passed over.
    pub(crate) fn read(heard: &str) -> Self {
        let mut refs = Self::default();
        for (what, name) in heard.lines().filter_map(|line| line.split_once('\t')) {
            if let Some(target) = what.strip_prefix("ref: refs/heads/") {
                if name == "HEAD" {
                    refs.default_branch = RefName::parse(target).ok();
                }
                continue;
            }
            let Ok(commit) = CommitId::parse(what) else { continue };
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                if let Ok(branch) = RefName::parse(branch) {
                    refs.branches.insert(branch, commit);
                }
            } else if let Some(tag) = name.strip_prefix("refs/tags/") {
                // The commit of an annotated tag follows the tag itself.
                if let Ok(tag) = RefName::parse(tag.strip_suffix("^{}").unwrap_or(tag)) {
                    refs.tags.insert(tag, commit);
                }
            }
        }
        refs
    }

    /// What would have been told by hooks.
    pub fn since(&self, earlier: &Self) -> Vec<Event> {
        let branches = moves(&earlier.branches, &self.branches)
            .map(|(branch, moved)| Event::Push { branch, moved });
        let tags = moves(&earlier.tags, &self.tags).map(|(tag, moved)| Event::Tag { tag, moved });
        branches.chain(tags).collect()
    }
}

type Points = BTreeMap<RefName, CommitId>;

fn moves(before: &Points, after: &Points) -> impl Iterator<Item = (RefName, Moved)> {
    let moved = |name: &RefName, from: Option<&CommitId>, to: Option<&CommitId>| {
        let moved = Moved { before: from.cloned(), after: to.cloned(), ..Moved::default() };
        (name.clone(), moved)
    };
    let gone = before
        .iter()
        .filter(|(name, _)| !after.contains_key(*name))
        .map(move |(name, from)| moved(name, Some(from), None));
    let there = after
        .iter()
        .filter(|(name, to)| before.get(*name) != Some(*to))
        .map(move |(name, to)| moved(name, before.get(name), Some(to)));
    gone.chain(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn heard(rows: &[(&str, &str)]) -> Refs {
        let lines: Vec<String> = rows.iter().map(|(id, name)| format!("{id}\t{name}\n")).collect();
        Refs::read(&format!("ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{}", lines.concat()))
    }

    #[test]
    fn what_a_server_lists_is_read_but_for_names_that_git_refuses() {
        let refs = heard(&[
            (A, "refs/heads/main"),
            (A, "refs/heads/--evil"),
            (A, "refs/heads/a..b"),
            (A, "refs/tags/v1"),
            (B, "refs/tags/v1^{}"),
            ("junk", "refs/heads/x"),
        ]);
        assert_eq!(refs.default_branch, Some(RefName::parse("main").unwrap()));
        assert_eq!(refs.branches.keys().map(RefName::as_str).collect::<Vec<_>>(), ["main"]);
        assert_eq!(refs.tags[&RefName::parse("v1").unwrap()].as_str(), B);
    }

    #[test]
    fn what_has_moved_come_and_gone_is_told_and_nothing_else() {
        let earlier =
            heard(&[(A, "refs/heads/main"), (A, "refs/heads/old"), (A, "refs/heads/same")]);
        let now = heard(&[
            (B, "refs/heads/main"),
            (A, "refs/heads/same"),
            (A, "refs/heads/new"),
            (A, "refs/tags/v1"),
        ]);
        let told: Vec<String> = now
            .since(&earlier)
            .into_iter()
            .map(|event| match event {
                Event::Push { branch, moved } => {
                    format!("{branch} {} {}", moved.before.is_some(), moved.after.is_some())
                }
                Event::Tag { tag, .. } => format!("tag {tag}"),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["old true false", "main true true", "new false true", "tag v1"]);
        assert!(now.since(&now).is_empty());
    }
}
