//! Which changes of a repository start runs: those below some prefixes, those that match patterns, or new tags.

use db::Json;

use super::change::Change;
use crate::{Error, Result, free_text, repositories, row::Workspace};

/// Characters of each, and numbers of elements.
const PATH_LIMIT: usize = 1_000;
const PATHS_LIMIT: usize = 1_000;

/// The three exclude each other: to send some of one is to take back those of the others. Prefixes and patterns do so even
/// where the list that is sent is empty.
pub(super) fn set(change: &mut Change, to: &mut Workspace) -> Result<()> {
    let any = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let tags = change.vcs_repo.iter().flatten().any(repositories::Change::has_tags_regex);
    let mut sent = [
        ("trigger-prefixes", any(&change.trigger_prefixes)),
        ("trigger-patterns", any(&change.trigger_patterns)),
        ("vcs-repo/tags-regex", tags),
    ]
    .into_iter()
    .filter_map(|(attribute, is_sent)| is_sent.then_some(attribute));
    if let Some(one) = sent.next() {
        if let Some(other) = sent.next() {
            let why = format!("cannot be used together with {one}");
            return Err(Error::invalid(other, why));
        }
        to.trigger_prefixes.0.clear();
        to.trigger_patterns.0.clear();
        if let Some(repo) = &mut to.vcs_repo {
            repo.0.tags_regex = None;
        }
    }
    match (&change.trigger_prefixes, &change.trigger_patterns) {
        (Some(_), None) => to.trigger_patterns.0.clear(),
        (None, Some(_)) => to.trigger_prefixes.0.clear(),
        _ => {}
    }
    if let Some(prefixes) = change.trigger_prefixes.take() {
        free_text::lines("trigger-prefixes", &prefixes, PATH_LIMIT, PATHS_LIMIT)?;
        to.trigger_prefixes = Json(prefixes);
    }
    if let Some(patterns) = change.trigger_patterns.take() {
        free_text::lines("trigger-patterns", &patterns, PATH_LIMIT, PATHS_LIMIT)?;
        to.trigger_patterns = Json(patterns);
    }
    Ok(())
}
