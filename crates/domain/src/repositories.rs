//! Which repository the files of a workspace or of a policy set come from, as requests name it.
//!
//! Whether the repository is there, and who may read it, is found out when it is fetched; which connections may be chosen
//! is said by `oauth_clients`.

use db::entity::workspace::VcsRepo;
use regex::Regex;

use crate::{Error, Result, free_text};

/// Characters of each text.
const TEXT_LIMIT: usize = 255;

/// What a request says of it; absent fields keep their value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub identifier: Option<String>,
    /// Empty for the repository's default branch.
    pub branch: Option<String>,
    pub ingress_submodules: Option<bool>,
    pub oauth_token_id: Option<Option<String>>,
    pub github_app_installation_id: Option<Option<String>>,
    /// Empty for none.
    pub tags_regex: Option<String>,
}

impl Change {
    pub(crate) fn has_tags_regex(&self) -> bool {
        self.tags_regex.as_ref().is_some_and(|text| !text.is_empty())
    }

    /// The repository afterwards. What says nothing changes nothing: pytfe sends an empty object where it wants no
    /// repository.
    ///
    /// # Errors
    /// Invalid, with a pointer below `vcs-repo`, by the rules of the Workspaces reference.
    pub(crate) fn apply(self, before: Option<&VcsRepo>) -> Result<Option<VcsRepo>> {
        if self == Self::default() {
            return Ok(before.cloned());
        }
        let mut repo = before.cloned().unwrap_or_default();
        // To connect in one way is to give up the other.
        let connects = |way: &Option<Option<String>>| matches!(way, Some(Some(_)));
        if connects(&self.oauth_token_id) || connects(&self.github_app_installation_id) {
            repo.oauth_token_id = None;
            repo.github_app_installation_id = None;
        }
        macro_rules! set {
            ($($field:ident),+) => { $(if let Some(value) = self.$field { repo.$field = value; })+ };
        }
        set!(identifier, branch, ingress_submodules, oauth_token_id, github_app_installation_id);
        if let Some(pattern) = self.tags_regex {
            repo.tags_regex = Some(pattern).filter(|pattern| !pattern.is_empty());
        }
        check(&repo)?;
        Ok(Some(repo))
    }
}

fn check(repo: &VcsRepo) -> Result<()> {
    let refused = |name: &str, why: &str| Err(Error::invalid(format_args!("vcs-repo/{name}"), why));
    for (name, text) in [
        ("identifier", Some(&repo.identifier)),
        ("branch", Some(&repo.branch)),
        ("oauth-token-id", repo.oauth_token_id.as_ref()),
        ("github-app-installation-id", repo.github_app_installation_id.as_ref()),
        ("tags-regex", repo.tags_regex.as_ref()),
    ] {
        let text = text.map_or("", String::as_str);
        free_text::line(&format!("vcs-repo/{name}"), text, TEXT_LIMIT)?;
    }
    let mut parts = repo.identifier.split('/');
    let is_name = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    if parts.clone().count() < 2 || !parts.all(is_name) {
        return refused(
            "identifier",
            "must be the name of a repository with its owner's: owner/name",
        );
    }
    match (&repo.oauth_token_id, &repo.github_app_installation_id) {
        (None, None) => {
            return refused("oauth-token-id", "or a github-app-installation-id is required");
        }
        (Some(_), Some(_)) => {
            return refused(
                "github-app-installation-id",
                "cannot be used together with oauth-token-id",
            );
        }
        _ => {}
    }
    if repo.tags_regex.as_ref().is_some_and(|pattern| Regex::new(pattern).is_err()) {
        return refused("tags-regex", "must be a regular expression");
    }
    Ok(())
}
