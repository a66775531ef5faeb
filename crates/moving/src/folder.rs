//! An organization as plain files: what an export writes, and an import reads.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    inventory::{FORMAT, Inventory, Item, Note, State},
    kinds::{KINDS, ORGANIZATION},
    source::Source,
    states::{Content, History},
    steps::Steps,
};

const README: &str = include_str!("folder/README.md");

/// The file that is written last: without it a folder is half of an export.
const HEAD: &str = "export.json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    format: u32,
    address: String,
    organization: String,
    notes: Vec<Note>,
}

/// What an export has written.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

/// Writes everything that can be read of an organization. What is there already is not read again.
///
/// # Errors
/// If the source fails, or the folder has something else in it.
pub async fn export(
    source: &Source,
    inventory: &Inventory,
    folder: &Folder,
    told: &Steps<'_>,
) -> Result<()> {
    let states = folder.states_to_write(inventory)?;
    told.begin("export", states.len());
    for (path, state) in states {
        if !folder.has(&path, state) {
            let content = source.content(state).await.with_context(|| path.clone())?;
            told.bytes(content.bytes.len());
            folder.write(&path, &content.bytes)?;
        }
        told.step();
    }
    write_export(inventory, folder)
}

/// All but the states, which are there already.
///
/// # Errors
/// If the folder cannot be written.
pub fn write_export(inventory: &Inventory, folder: &Folder) -> Result<()> {
    for policy in inventory.of("policies") {
        if let Some(code) = &policy.code {
            folder.write(&policy_path(policy), code.as_bytes())?;
        }
    }
    for kind in KINDS.iter().chain([&ORGANIZATION]) {
        let mut items = inventory.of(kind.name).to_vec();
        for item in &mut items {
            // It is a file of its own.
            item.code = None;
        }
        let path = format!("{}.json", kind.name);
        folder.write(&path, serde_json::to_string_pretty(&items)?.as_bytes())?;
    }
    folder.write("README.md", README.as_bytes())?;
    let head = Head {
        format: FORMAT,
        address: inventory.address.clone(),
        organization: inventory.organization.clone(),
        notes: inventory.notes.clone(),
    };
    folder.write(HEAD, serde_json::to_string_pretty(&head)?.as_bytes())
}

/// Where the engine's command line looks for it, for the current one.
fn state_path(workspace: &Item, state: &State) -> String {
    let name = &workspace.name;
    if state.is_current {
        format!("workspaces/{name}/terraform.tfstate")
    } else {
        format!("workspaces/{name}/states/{}-{}.tfstate", state.serial, state.id)
    }
}

fn policy_path(policy: &Item) -> String {
    let end = if policy.text("kind") == "opa" { "rego" } else { "sentinel" };
    format!("policies/{}.{end}", policy.name)
}

impl Folder {
    /// # Errors
    /// If it is no export, or a half one.
    pub fn inventory(&self, history: History) -> Result<Inventory> {
        let head: Head =
            self.json(HEAD).with_context(|| format!("{} has no whole export", self.0.display()))?;
        ensure!(head.format == FORMAT, "the export is of another version of statehouse");
        let mut items = BTreeMap::new();
        for kind in KINDS.iter().chain([&ORGANIZATION]) {
            let mut all: Vec<Item> = self.json(&format!("{}.json", kind.name))?;
            for item in &mut all {
                if kind.name == "policies" && self.path(&policy_path(item))?.exists() {
                    item.code = Some(String::from_utf8(self.read(&policy_path(item))?)?);
                }
                item.states = chosen(item, history);
            }
            items.insert(kind.name.to_owned(), all);
        }
        let Head { format, address, organization, notes } = head;
        Ok(Inventory { format, address, organization, items, notes })
    }

    /// # Errors
    /// If the workspace is not in it.
    pub fn states(&self, workspace: &Item, history: History) -> Result<Vec<State>> {
        let all: Vec<Item> = self.json("workspaces.json")?;
        let found = all.iter().find(|item| item.id == workspace.id);
        Ok(chosen(found.context("the folder has no such workspace any more")?, history))
    }

    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let path = self.path(path)?;
        fs::read(&path).with_context(|| path.display().to_string())
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T> {
        serde_json::from_slice(&self.read(path)?).with_context(|| path.to_owned())
    }

    /// Below the folder, whatever names say.
    fn path(&self, path: &str) -> Result<PathBuf> {
        let below = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(below, "{path} would be outside of the folder");
        Ok(self.0.join(path))
    }

    /// Whether the state is there, as far as its digest is known.
    fn has(&self, path: &str, state: &State) -> bool {
        let found = self.read(path).ok();
        found.is_some_and(|bytes| state.md5.as_ref() == Some(&Content::new(bytes).md5))
    }

    /// The states of an organization with the files that they belong into. From here on until all is written the folder
    /// is no export.
    ///
    /// # Errors
    /// If it has an export of something else.
    pub fn states_to_write<'i>(
        &self,
        inventory: &'i Inventory,
    ) -> Result<Vec<(String, &'i State)>> {
        if let Ok(head) = self.json::<Head>(HEAD) {
            let same = (&head.address, &head.organization)
                == (&inventory.address, &inventory.organization);
            ensure!(same, "{} has an export of something else", self.0.display());
            fs::remove_file(self.path(HEAD)?)?;
        }
        let workspaces = inventory.of("workspaces").iter();
        let each = |workspace: &'i Item| {
            let states = workspace.states.iter();
            states.map(|state| (state_path(workspace, state), state)).collect::<Vec<_>>()
        };
        Ok(workspaces.flat_map(each).collect())
    }

    /// As a whole, and for its owner alone: states have secrets in them.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        let path = self.path(path)?;
        let parent = path.parent().unwrap_or(&self.0);
        private(parent)?;
        let mut new = tempfile::NamedTempFile::new_in(parent)
            .with_context(|| parent.display().to_string())?;
        new.write_all(content)?;
        new.as_file().sync_all()?;
        new.persist(&path).with_context(|| path.display().to_string())?;
        Ok(())
    }
}

fn private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| folder.display().to_string())
}

/// The states of a workspace in a folder, with the files that they are in.
fn chosen(workspace: &Item, history: History) -> Vec<State> {
    let states = workspace.states.iter();
    let at = |state: &State| State { address: state_path(workspace, state), ..state.clone() };
    let most = match history {
        History::All => usize::MAX,
        History::Last(count) => count + 1,
    };
    states.map(at).take(most).collect()
}
