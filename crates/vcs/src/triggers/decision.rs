//! The decision for one workspace about one thing that happened, with the reason that people are shown.

use std::fmt;

use super::{FileRule, TagRule};

/// What a workspace says of its repository.
#[derive(Clone, Debug)]
pub struct Watch {
    /// `None`: the repository's default branch, whichever that is.
    pub branch: Option<String>,
    /// With it only tags start runs, on whatever branch they are.
    pub tags: Option<TagRule>,
    pub files: FileRule,
    /// `speculative-enabled`: pull requests are planned.
    pub speculative_enabled: bool,
    /// A run opens this gate, too: until then pushes are ignored.
    pub queue_all_runs: bool,
    /// Executed on people's own machines: nothing starts by itself.
    pub is_local: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    Push { branch: &'a str, is_deleted: bool },
    Tag { tag: &'a str, is_deleted: bool },
    PullRequest { base_branch: &'a str, from_fork: bool },
}

/// What is known around it.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    pub default_branch: &'a str,
    /// The site and the provider allow plans of what forks propose.
    pub allows_forks: bool,
    /// A run that was more than a plan has been here, of whatever status.
    pub has_had_run: bool,
    /// As what this commit has made a run in this workspace already.
    pub already: &'a [Kind],
    pub changed: Changed<'a>,
}

/// Runs of the same commit are the same work only within one kind: a plan of a pull request does not stand for the run
/// of the branch that it is merged into, even where the commit is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Push,
    Tag,
    PullRequest,
}

/// Relative to the repository's root.
#[derive(Clone, Copy, Debug)]
pub enum Changed<'a> {
    Paths(&'a [String]),
    /// A new branch, histories without a common commit, or more than are looked at: everything may have changed.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Run(Because),
    Pass(Passed),
}

/// Why a run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    AnyChange,
    UnknownChanges,
    Matched { path: String, rule: String },
    Tagged { tag: String },
}

/// Why none does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    Deleted,
    Local,
    OtherBranch { watched: String },
    TagsOnly,
    NoTags,
    TagUnmatched { rule: String },
    NotSpeculative,
    Fork,
    NoFirstRun,
    Duplicate,
    NoFileMatches,
}

impl Occasion<'_> {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Push { .. } => Kind::Push,
            Self::Tag { .. } => Kind::Tag,
            Self::PullRequest { .. } => Kind::PullRequest,
        }
    }
}

/// Whether what happened starts a run in the workspace that watches.
pub fn decide(watch: &Watch, occasion: &Occasion<'_>, around: &Circumstances<'_>) -> Decision {
    match passed(watch, occasion, around) {
        Some(passed) => Decision::Pass(passed),
        None => by_content(watch, occasion, around.changed),
    }
}

/// All reasons to pass but the files: from what is cheap to know, so that nothing need be fetched for those.
pub fn passed(
    watch: &Watch,
    occasion: &Occasion<'_>,
    around: &Circumstances<'_>,
) -> Option<Passed> {
    let watched = watch.branch.as_deref().unwrap_or(around.default_branch);
    if watch.is_local {
        return Some(Passed::Local);
    }
    match *occasion {
        Occasion::Push { is_deleted: true, .. } | Occasion::Tag { is_deleted: true, .. } => {
            return Some(Passed::Deleted);
        }
        Occasion::Push { .. } | Occasion::PullRequest { .. } if watch.tags.is_some() => {
            return Some(Passed::TagsOnly);
        }
        Occasion::Push { branch, .. } if branch != watched => {
            return Some(Passed::OtherBranch { watched: watched.into() });
        }
        Occasion::PullRequest { base_branch, .. } if base_branch != watched => {
            return Some(Passed::OtherBranch { watched: watched.into() });
        }
        Occasion::PullRequest { .. } if !watch.speculative_enabled => {
            return Some(Passed::NotSpeculative);
        }
        Occasion::PullRequest { from_fork: true, .. } if !around.allows_forks => {
            return Some(Passed::Fork);
        }
        Occasion::Tag { tag, .. } => match &watch.tags {
            None => return Some(Passed::NoTags),
            Some(rule) if !rule.matches(tag) => {
                return Some(Passed::TagUnmatched { rule: rule.as_str().into() });
            }
            Some(_) => {}
        },
        Occasion::Push { .. } | Occasion::PullRequest { .. } => {}
    }
    let is_plan = occasion.kind() == Kind::PullRequest;
    if !is_plan && !around.has_had_run && !watch.queue_all_runs {
        return Some(Passed::NoFirstRun);
    }
    around.already.contains(&occasion.kind()).then_some(Passed::Duplicate)
}

fn by_content(watch: &Watch, occasion: &Occasion<'_>, changed: Changed<'_>) -> Decision {
    if let Occasion::Tag { tag, .. } = occasion {
        return Decision::Run(Because::Tagged { tag: (*tag).into() });
    }
    let because = match (&watch.files, changed) {
        (FileRule::Any, _) => Because::AnyChange,
        (_, Changed::Unknown) => Because::UnknownChanges,
        (rule, Changed::Paths(paths)) => match rule.first_match(paths) {
            Some((path, rule)) => Because::Matched { path: path.into(), rule: rule.into() },
            None => return Decision::Pass(Passed::NoFileMatches),
        },
    };
    Decision::Run(because)
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyChange => f.write_str("any change starts a run here"),
            Self::UnknownChanges => {
                f.write_str("it is not known which files changed, so that all may have")
            }
            Self::Matched { path, rule } => write!(f, "{path} has changed, which {rule} names"),
            Self::Tagged { tag } => write!(f, "the tag {tag} matches"),
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("it was deleted"),
            Self::Local => f.write_str("its runs are executed locally"),
            Self::OtherBranch { watched } => write!(f, "it follows the branch {watched}"),
            Self::TagsOnly => f.write_str("only tags start runs here"),
            Self::NoTags => f.write_str("tags start no runs here"),
            Self::TagUnmatched { rule } => write!(f, "the tag does not match {rule}"),
            Self::NotSpeculative => f.write_str("pull requests are not planned here"),
            Self::Fork => f.write_str("pull requests of forks are not planned"),
            Self::NoFirstRun => f.write_str("it has had no run that somebody started"),
            Self::Duplicate => f.write_str("Processing skipped for duplicate commit SHA"),
            Self::NoFileMatches => f.write_str("no changed file counts here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triggers::Files;

    fn watch() -> Watch {
        Watch {
            branch: None,
            tags: None,
            files: FileRule::Any,
            speculative_enabled: true,
            queue_all_runs: false,
            is_local: false,
        }
    }

    fn around() -> Circumstances<'static> {
        Circumstances {
            default_branch: "main",
            allows_forks: false,
            has_had_run: true,
            already: &[],
            changed: Changed::Paths(&[]),
        }
    }

    fn push(branch: &str) -> Occasion<'_> {
        Occasion::Push { branch, is_deleted: false }
    }

    fn tag(tag: &str) -> Occasion<'_> {
        Occasion::Tag { tag, is_deleted: false }
    }

    const PULL: Occasion<'static> = Occasion::PullRequest { base_branch: "main", from_fork: false };

    fn runs(decision: &Decision) -> bool {
        matches!(decision, Decision::Run(_))
    }

    #[test]
    fn a_push_concerns_the_branch_that_is_named_or_the_default_one() {
        let named = Watch { branch: Some("prod".into()), ..watch() };
        assert!(runs(&decide(&watch(), &push("main"), &around())));
        assert!(!runs(&decide(&named, &push("main"), &around())));
        assert!(runs(&decide(&named, &push("prod"), &around())));
        let renamed = Circumstances { default_branch: "trunk", ..around() };
        assert!(runs(&decide(&watch(), &push("trunk"), &renamed)));
        assert_eq!(
            decide(&watch(), &push("main"), &renamed),
            Decision::Pass(Passed::OtherBranch { watched: "trunk".into() })
        );
    }

    #[test]
    fn what_is_deleted_starts_nothing() {
        let tags = Watch { tags: Some(TagRule::new("v").unwrap()), ..watch() };
        let branch = Occasion::Push { branch: "main", is_deleted: true };
        let tag = Occasion::Tag { tag: "v1", is_deleted: true };
        assert_eq!(decide(&watch(), &branch, &around()), Decision::Pass(Passed::Deleted));
        assert_eq!(decide(&tags, &tag, &around()), Decision::Pass(Passed::Deleted));
    }

    #[test]
    fn with_a_rule_for_tags_only_tags_start_runs_whatever_the_branch() {
        let tags = Watch {
            branch: Some("prod".into()),
            tags: Some(TagRule::new(r"^v\d+").unwrap()),
            ..watch()
        };
        assert_eq!(
            decide(&tags, &tag("v1"), &around()),
            Decision::Run(Because::Tagged { tag: "v1".into() })
        );
        assert_eq!(
            decide(&tags, &tag("x1"), &around()),
            Decision::Pass(Passed::TagUnmatched { rule: r"^v\d+".into() })
        );
        assert_eq!(decide(&tags, &push("prod"), &around()), Decision::Pass(Passed::TagsOnly));
        assert_eq!(decide(&tags, &PULL, &around()), Decision::Pass(Passed::TagsOnly));
        assert_eq!(decide(&watch(), &tag("v1"), &around()), Decision::Pass(Passed::NoTags));
    }

    #[test]
    fn the_first_run_is_somebody_s_unless_all_are_queued() {
        let fresh = Circumstances { has_had_run: false, ..around() };
        let queues = Watch { queue_all_runs: true, ..watch() };
        assert_eq!(decide(&watch(), &push("main"), &fresh), Decision::Pass(Passed::NoFirstRun));
        assert!(runs(&decide(&queues, &push("main"), &fresh)));
        let tags = Watch { tags: Some(TagRule::new("v").unwrap()), ..watch() };
        assert_eq!(decide(&tags, &tag("v1"), &fresh), Decision::Pass(Passed::NoFirstRun));
        assert!(runs(&decide(&watch(), &PULL, &fresh)), "a plan does not wait for the first run");
    }

    #[test]
    fn a_commit_is_run_once_of_each_kind_so_that_a_merge_of_a_planned_head_runs() {
        let planned = Circumstances { already: &[Kind::PullRequest], ..around() };
        assert_eq!(decide(&watch(), &PULL, &planned), Decision::Pass(Passed::Duplicate));
        assert!(runs(&decide(&watch(), &push("main"), &planned)), "a fast-forward merge");
        let pushed = Circumstances { already: &[Kind::Push], ..around() };
        assert_eq!(decide(&watch(), &push("main"), &pushed), Decision::Pass(Passed::Duplicate));
        let tags = Watch { tags: Some(TagRule::new("v").unwrap()), ..watch() };
        assert!(runs(&decide(&tags, &tag("v1"), &pushed)));
    }

    #[test]
    fn pull_requests_are_planned_where_they_lead_to_and_where_it_is_wished() {
        let to = |base_branch, from_fork| Occasion::PullRequest { base_branch, from_fork };
        assert!(runs(&decide(&watch(), &PULL, &around())));
        assert!(!runs(&decide(&watch(), &to("prod", false), &around())));
        let never = Watch { speculative_enabled: false, ..watch() };
        assert_eq!(decide(&never, &PULL, &around()), Decision::Pass(Passed::NotSpeculative));
        assert_eq!(decide(&watch(), &to("main", true), &around()), Decision::Pass(Passed::Fork));
        let open = Circumstances { allows_forks: true, ..around() };
        assert!(runs(&decide(&watch(), &to("main", true), &open)));
    }

    #[test]
    fn files_decide_for_pushes_and_pull_requests_alike() {
        let prefixes = ["app".to_owned()];
        let files =
            Files { file_triggers_enabled: true, trigger_prefixes: &prefixes, ..Files::default() };
        let app = Watch { files: FileRule::new(files).unwrap(), ..watch() };
        let (inside, outside) = (["x.md".to_owned(), "app/a.tf".to_owned()], ["x.md".to_owned()]);
        for occasion in [push("main"), PULL] {
            let with = |changed| Circumstances { changed, ..around() };
            assert_eq!(
                decide(&app, &occasion, &with(Changed::Paths(&inside))),
                Decision::Run(Because::Matched { path: "app/a.tf".into(), rule: "/app".into() })
            );
            assert_eq!(
                decide(&app, &occasion, &with(Changed::Paths(&outside))),
                Decision::Pass(Passed::NoFileMatches)
            );
            assert_eq!(
                decide(&app, &occasion, &with(Changed::Unknown)),
                Decision::Run(Because::UnknownChanges)
            );
            // An empty commit changes no file.
            assert!(!runs(&decide(&app, &occasion, &with(Changed::Paths(&[])))));
            assert!(runs(&decide(&watch(), &occasion, &with(Changed::Paths(&[])))));
        }
    }

    #[test]
    fn local_workspaces_start_nothing() {
        let local = Watch { is_local: true, queue_all_runs: true, ..watch() };
        for occasion in [push("main"), PULL, tag("v1")] {
            assert_eq!(decide(&local, &occasion, &around()), Decision::Pass(Passed::Local));
        }
    }

    #[test]
    fn every_reason_is_a_sentence_of_its_own() {
        let reasons = [
            Passed::Deleted.to_string(),
            Passed::Local.to_string(),
            Passed::OtherBranch { watched: "main".into() }.to_string(),
            Passed::TagsOnly.to_string(),
            Passed::NoTags.to_string(),
            Passed::TagUnmatched { rule: "v".into() }.to_string(),
            Passed::NotSpeculative.to_string(),
            Passed::Fork.to_string(),
            Passed::NoFirstRun.to_string(),
            Passed::Duplicate.to_string(),
            Passed::NoFileMatches.to_string(),
            Because::AnyChange.to_string(),
            Because::UnknownChanges.to_string(),
        ];
        let different: std::collections::BTreeSet<_> = reasons.iter().collect();
        assert_eq!(different.len(), reasons.len());
    }
}
