//! Repositories inside of a repository: where `.gitmodules` says that they are, as far as we would go there.

use std::collections::BTreeMap;

use super::archive::Part;
use super::cache::words;
use super::{Access, Address, Git, GitError, Remote, Repository, Wanted, Wishes};
use crate::CommitId;

/// Bytes of what `.gitmodules` says.
const MODULES_LIMIT: u64 = 1 << 20;

/// Where the repositories of one `.gitmodules` are, by their path.
pub(super) type Modules = BTreeMap<String, String>;

impl Repository {
    /// Read by `git` itself, from a file that is here.
    pub(super) async fn modules(&self, blob: &CommitId) -> Result<Modules, GitError> {
        let args = words(&["config", "--blob", blob.as_str(), "--null", "--list"]);
        let answer = self.ask(args, MODULES_LIMIT).await?;
        let answer = String::from_utf8_lossy(&answer);
        let mut by_name: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
        for entry in answer.split('\0') {
            let Some((key, value)) = entry.split_once('\n') else { continue };
            let Some(key) = key.strip_prefix("submodule.") else { continue };
            let Some((name, what)) = key.rsplit_once('.') else { continue };
            let of = by_name.entry(name).or_default();
            match what {
                "path" => of.0 = Some(value),
                "url" => of.1 = Some(value),
                _ => {}
            }
        }
        let both = by_name
            .into_values()
            .filter_map(|(path, url)| Some((path?.trim_matches('/').to_owned(), url?.to_owned())));
        Ok(both.collect())
    }

    /// The submodule at a path, fetched. Whatever is wrong with it names it.
    pub(super) async fn submodule(
        &self,
        path: &str,
        url: Option<&String>,
        commit: &CommitId,
        wishes: &Wishes,
    ) -> Result<Repository, GitError> {
        let named =
            |reason| GitError::Submodule { path: path.to_owned(), reason: Box::new(reason) };
        let url = url.ok_or_else(|| {
            named(GitError::Failed("the file .gitmodules does not say where it is".into()))
        })?;
        let address = self.remote.address.join(url).map_err(named)?;
        let repository = inside(&self.git, &self.remote, address, wishes);
        let wanted = Wanted { commit: Some(commit.clone()), reference: None };
        repository.fetch(&wanted).await.map_err(named)?;
        Ok(repository)
    }
}

/// With the credentials of the repository around it on the same server, with the key for submodules by ssh, else with
/// none: a token is shown to nobody but who gave it.
fn inside(git: &Git, around: &Remote, address: Address, wishes: &Wishes) -> Repository {
    let access = if address.is_same_server(&around.address) {
        around.access.clone()
    } else if let ("ssh", Some(key)) = (address.scheme(), &wishes.ssh_key) {
        Access::Ssh(key.clone())
    } else {
        Access::None
    };
    // Whoever may read one must not read what another has fetched with other credentials.
    let opened = match &access {
        Access::None => "open".to_owned(),
        _ => format!("by {}", around.address),
    };
    git.repository(&format!("submodule {address} {opened}"), Remote { address, access })
}

impl Part {
    /// Below this part of the archive.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}
