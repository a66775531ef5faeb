//! What an import is going to do: a file that is read by people and by `apply`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    inventory::{FORMAT, Inventory, Item, Note, Secret},
    kinds::{KINDS, LINKS, ORGANIZATION},
    read::{Choice, Reader, kind},
};

/// By kind, from the name at the source to the name here.
pub type Names = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    pub format: u32,
    /// Where it goes to.
    pub address: String,
    pub organization: String,
    pub choice: Choice,
    /// Where it comes from, if from no server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<std::path::PathBuf>,
    /// Other names than at the source.
    #[serde(default)]
    pub names: Names,
    /// What is there already, by kind: nothing of it is changed, and what it lacks is added.
    pub present: BTreeMap<String, Vec<String>>,
    pub inventory: Inventory,
}

impl Plan {
    /// Looks at the target, which need not have the organization yet.
    ///
    /// # Errors
    /// If the target fails.
    pub async fn new(
        inventory: Inventory,
        choice: Choice,
        target: &Client,
        organization: &str,
        names: Names,
    ) -> Result<Self> {
        let mut plan = Self {
            format: FORMAT,
            address: target.address().to_owned(),
            organization: organization.to_owned(),
            choice,
            folder: None,
            names,
            present: BTreeMap::new(),
            inventory,
        };
        let path = ORGANIZATION.list.replace("{organization}", organization);
        if target.find(&path).await?.is_some() {
            let reader = Reader::open(target, organization, &Choice::default()).await?;
            let wanted = plan.renamed();
            for kind in KINDS {
                let there = wanted.of(kind.name).iter().map(|item| &item.name);
                let there: Vec<_> =
                    there.filter(|name| reader.doc(kind, name).is_some()).cloned().collect();
                plan.present.insert(kind.name.to_owned(), there);
            }
            plan.present.insert(ORGANIZATION.name.to_owned(), vec![organization.to_owned()]);
        }
        Ok(plan)
    }

    /// The inventory with the names that things are to have here.
    pub fn renamed(&self) -> Inventory {
        let mut inventory = self.inventory.clone();
        let new = |of: &str, name: &mut String| {
            if let Some(other) = self.names.get(of).and_then(|names| names.get(name)) {
                name.clone_from(other);
            }
        };
        for (of, items) in &mut inventory.items {
            let Some(kind) = kind(of) else { continue };
            for item in items {
                new(of, &mut item.name);
                if of == ORGANIZATION.name {
                    item.name.clone_from(&self.organization);
                }
                item.attributes.insert(kind.attributes[0].to_owned(), item.name.clone().into());
                let links =
                    LINKS.iter().filter(|link| link.of == of).map(|link| (link.name, link.to));
                let relations = kind.relations.iter().map(|relation| (relation.name, relation.to));
                for (name, to) in links.chain(relations) {
                    for related in item.relations.get_mut(name).into_iter().flatten() {
                        new(to, related);
                    }
                }
                for part in kind.parts {
                    for relation in part.relations {
                        for item in item.parts.get_mut(part.name).into_iter().flatten() {
                            for related in
                                item.relations.get_mut(relation.name).into_iter().flatten()
                            {
                                new(relation.to, related);
                            }
                            if part.owner.is_some() {
                                new(relation.to, &mut item.name);
                            }
                        }
                    }
                }
            }
        }
        inventory.organization.clone_from(&self.organization);
        inventory
    }

    /// For people.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let from = &self.inventory;
        let _ = writeln!(
            text,
            "From {} at {}\nto   {} at {}\n",
            from.organization, from.address, self.organization, self.address
        );
        for kind in KINDS {
            let count = from.of(kind.name).len();
            let there = self.present.get(kind.name).map_or(0, Vec::len);
            let there = if there > 0 {
                format!(", {there} of them are there already")
            } else {
                String::new()
            };
            let _ = writeln!(text, "{count:>6} {}{there}", kind.name);
        }
        let workspaces = from.of("workspaces");
        let states = workspaces.iter().flat_map(|item| &item.states);
        let bytes: u64 = states.clone().filter_map(|state| state.size).sum();
        let variables: usize = workspaces.iter().map(|item| item.part("variables").len()).sum();
        let _ = writeln!(text, "{variables:>6} variables of workspaces");
        let _ = writeln!(text, "{:>6} states, {bytes} bytes", states.count());
        let (source, target) = self.calls();
        let _ = writeln!(
            text,
            "\nThat takes about {source} calls at the source, {} minutes at 25 a second, and {target} here.",
            (source / 25).div_ceil(60)
        );
        if self.present.contains_key(ORGANIZATION.name) {
            let _ = writeln!(
                text,
                "\nThe organization {} is there already. Nothing that it has is changed; what it lacks is added.",
                self.organization
            );
        }
        for (kind, names) in &self.names {
            for (old, new) in names {
                let _ = writeln!(text, "{kind} {old} will be called {new}");
            }
        }
        for note in self.notes() {
            let _ = writeln!(text, "\n- {}: {}.\n  {}.", note.of, note.what, note.remedy);
        }
        let secrets: BTreeSet<_> = Secret::all(from).into_iter().collect();
        if !secrets.is_empty() {
            let _ = writeln!(
                text,
                "\n{} values are secret and told to nobody. `statehouse import secrets` writes a file to fill in; until \
                 then they are left out, and their workspaces are locked here:",
                secrets.len()
            );
            for secret in secrets {
                let _ = writeln!(text, "- {} {}: {}", secret.kind, secret.name, secret.key);
            }
        }
        text
    }

    /// What does not come over as it is.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = self.inventory.notes.clone();
        let enabled = |item: &Item| item.part("notifications").iter().any(|one| one.is("enabled"));
        for (kind, items) in &self.inventory.items {
            for item in items.iter().filter(|item| enabled(item)) {
                notes.push(Note::new(
                    format!("notifications of {kind} {}", item.name),
                    "are switched off here, and lose their tokens, which are told to nobody",
                    "switch them on here when they are to be sent from here, with their tokens",
                ));
            }
        }
        notes.sort();
        notes
    }

    /// Requests at the source and at the target, roughly.
    fn calls(&self) -> (usize, usize) {
        let workspaces = self.inventory.of("workspaces");
        let states: usize = workspaces.iter().map(|item| item.states.len()).sum();
        let items = self.inventory.items.values().flatten();
        let parts: usize = items.flat_map(|item| item.parts.values()).map(Vec::len).sum();
        let items: usize = self.inventory.items.values().map(Vec::len).sum();
        (workspaces.len() * 3 + states, items + parts + states + workspaces.len() * 2)
    }
}
