//! Reading an organization through the API, into things that refer to each other by name.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value};

use crate::{
    Steps,
    client::Client,
    inventory::{FORMAT, Inventory, Item, Note},
    kinds::{BINDINGS, KINDS, Kind, LINKS, ORGANIZATION, Part, RETENTION, Relation, TAGS},
    shape, states,
    states::History,
};

/// How many things are read at once.
const AT_ONCE: usize = 8;

/// What of an organization is read.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Choice {
    /// By name; with none of either everything.
    pub projects: Vec<String>,
    pub workspaces: Vec<String>,
    pub history: History,
}

/// The lists of an organization, and who has which name there.
#[derive(Debug)]
pub struct Reader<'c> {
    pub client: &'c Client,
    pub organization: &'c str,
    docs: BTreeMap<&'static str, Vec<Value>>,
    /// By kind and id.
    names: HashMap<(String, String), String>,
    notes: RefCell<BTreeSet<Note>>,
}

/// The table's entry for a kind that an inventory has.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().chain([&ORGANIZATION]).find(|kind| kind.name == name)
}

fn id(document: &Value) -> &str {
    document["id"].as_str().unwrap_or_default()
}

fn name<'d>(kind: &Kind, document: &'d Value) -> &'d str {
    document["attributes"][kind.attributes[0]].as_str().unwrap_or_default()
}

impl<'c> Reader<'c> {
    /// # Errors
    /// If the organization cannot be read.
    pub async fn open(client: &'c Client, organization: &'c str, choice: &Choice) -> Result<Self> {
        let path = ORGANIZATION.list.replace("{organization}", organization);
        let document = client.get(&path).await.with_context(|| {
            format!("the organization {organization} cannot be read at {}", client.address())
        })?;
        let mut reader = Self {
            client,
            organization,
            docs: BTreeMap::from([(ORGANIZATION.name, vec![document["data"].clone()])]),
            names: HashMap::new(),
            notes: RefCell::default(),
        };
        for kind in KINDS {
            let found = client.list(&kind.list.replace("{organization}", organization)).await?;
            if found.is_none() {
                reader.unseen(format!("all {}", kind.name));
            }
            reader.docs.insert(kind.name, found.unwrap_or_default());
        }
        reader.choose(choice);
        for kind in KINDS {
            for document in &reader.docs[kind.name] {
                let key = (kind.name.to_owned(), id(document).to_owned());
                reader.names.insert(key, name(kind, document).to_owned());
                let user = &document["relationships"]["user"]["data"];
                if kind.name == "organization-memberships" && user.is_object() {
                    let key = ("users".to_owned(), id(user).to_owned());
                    reader.names.insert(key, name(kind, document).to_owned());
                }
            }
        }
        Ok(reader)
    }

    /// Leaves out what is not wanted.
    fn choose(&mut self, choice: &Choice) {
        if choice.projects.is_empty() && choice.workspaces.is_empty() {
            return;
        }
        let project =
            |document: &Value| id(&document["relationships"]["project"]["data"]).to_owned();
        let named = |all: &[String], document: &Value| {
            all.iter().any(|wanted| document["attributes"]["name"] == wanted.as_str())
        };
        let projects = self.docs.entry("projects").or_default();
        let wanted: BTreeSet<_> = projects
            .iter()
            .filter(|document| named(&choice.projects, document))
            .map(|document| id(document).to_owned())
            .collect();
        let workspaces = self.docs.entry("workspaces").or_default();
        workspaces.retain(|document| {
            wanted.contains(&project(document)) || named(&choice.workspaces, document)
        });
        let kept: BTreeSet<_> = workspaces.iter().map(project).chain(wanted).collect();
        self.docs.entry("projects").or_default().retain(|document| kept.contains(id(document)));
    }

    fn unseen(&self, what: impl Into<String>) {
        let remedy = "if there are any: use the token of an owner, or make them by hand";
        self.notes.borrow_mut().insert(Note::new(what, "cannot be seen with this token", remedy));
    }

    pub fn note(&self, note: Note) {
        self.notes.borrow_mut().insert(note);
    }

    pub fn docs(&self, kind: &str) -> &[Value] {
        self.docs.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The document of this name; case counts only where two differ by nothing else.
    pub fn doc(&self, kind: &Kind, wanted: &str) -> Option<&Value> {
        let docs = self.docs(kind.name);
        let exact = docs.iter().find(|document| name(kind, document) == wanted);
        let alike = |document: &&Value| name(kind, document).eq_ignore_ascii_case(wanted);
        exact.or_else(|| docs.iter().find(alike))
    }

    /// All of it.
    ///
    /// # Errors
    /// If the server fails; what may not be seen is a note.
    pub async fn inventory(&self, choice: &Choice, told: &Steps<'_>) -> Result<Inventory> {
        let mut items = BTreeMap::new();
        let total = self.docs.values().map(Vec::len).sum();
        told.begin("read", total);
        for kind in KINDS.iter().chain([&ORGANIZATION]) {
            let each = stream::iter(&self.docs[kind.name]).map(|document| async move {
                let item = self.whole(kind, document, choice).await;
                told.step();
                item.with_context(|| format!("{} {}", kind.name, name(kind, document)))
            });
            items.insert(kind.name.to_owned(), each.buffered(AT_ONCE).try_collect().await?);
        }
        Ok(Inventory {
            format: FORMAT,
            address: self.client.address().to_owned(),
            organization: self.organization.to_owned(),
            items,
            notes: self.notes.borrow().iter().cloned().collect(),
        })
    }

    /// A thing with all its parts.
    async fn whole(&self, kind: &Kind, document: &Value, choice: &Choice) -> Result<Item> {
        let mut item = self.item(kind, document);
        for part in kind.parts {
            let parts = self.part(kind, document, part).await?;
            if !parts.is_empty() {
                item.parts.insert(part.name.to_owned(), parts);
            }
        }
        item.relations.extend(self.links(kind, document).await?);
        if kind.name == "policies" {
            item.code = self.code(document).await?;
        }
        if kind.name == "workspaces" {
            item.states =
                states::list(self.client, self.organization, document, choice.history).await?;
        }
        Ok(item)
    }

    /// A thing without its parts.
    pub fn item(&self, kind: &Kind, document: &Value) -> Item {
        let mut item = Item {
            id: id(document).to_owned(),
            name: name(kind, document).to_owned(),
            attributes: attributes(kind.attributes, document),
            ..Item::default()
        };
        for relation in kind.relations {
            self.relate(&mut item, relation, document);
        }
        shape::item(kind, &mut item, document, &|note| self.note(note));
        item
    }

    fn relate(&self, item: &mut Item, relation: &Relation, document: &Value) {
        let names = self.related(relation.to, &document["relationships"][relation.name]["data"]);
        if !names.is_empty() {
            item.relations.insert(relation.name.to_owned(), names);
        }
    }

    /// The names of those of a kind, in order; others are left out.
    fn related(&self, to: &str, data: &Value) -> Vec<String> {
        let each = match data {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut names: Vec<String> = each
            .iter()
            .filter(|one| one["type"] == to)
            .filter_map(|one| self.names.get(&(to.to_owned(), id(one).to_owned())).cloned())
            .collect();
        names.sort();
        names
    }

    /// What of one kind belongs to a thing.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn part(&self, kind: &Kind, document: &Value, part: &Part) -> Result<Vec<Item>> {
        let is = |one: &Part| part.name == one.name;
        if is(&TAGS) {
            return Ok(shape::tags(document));
        }
        if is(&RETENTION) && !document["relationships"]["data-retention-policy"]["data"].is_object()
        {
            return Ok(Vec::new());
        }
        let path = part.list(kind.name, id(document));
        let Some(found) = self.client.list(&path).await? else {
            self.unseen(format!("{} of {}", part.name, kind.name));
            return Ok(Vec::new());
        };
        let mut items: Vec<Item> = Vec::new();
        for found in &found {
            let mut item = Item {
                id: id(found).to_owned(),
                attributes: attributes(part.attributes, found),
                ..Item::default()
            };
            for relation in part.relations {
                self.relate(&mut item, relation, found);
            }
            shape::part(part, &mut item, found);
            let alike = items.iter().filter(|other| other.name == item.name).count();
            if alike > 0 {
                item.name = format!("{} ({})", item.name, alike + 1);
            }
            items.push(item);
        }
        if is(&BINDINGS) {
            let flat = shape::tags(document);
            items.retain(|binding| {
                !binding.text("value").is_empty() || flat.iter().all(|tag| tag.name != binding.name)
            });
        }
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(items)
    }

    /// What a thing refers to that is added once all is there.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn links(
        &self,
        kind: &Kind,
        document: &Value,
    ) -> Result<BTreeMap<String, Vec<String>>> {
        let mut links = BTreeMap::new();
        for link in LINKS.iter().filter(|link| link.of == kind.name) {
            let here = format!("workspaces/{}", id(document));
            let names = match link.name {
                "run-triggers" => {
                    let path =
                        format!("{here}/run-triggers?filter%5Brun-trigger%5D%5Btype%5D=inbound");
                    let found = self.client.list(&path).await?.unwrap_or_default();
                    let sources =
                        found.iter().map(|one| &one["relationships"]["sourceable"]["data"]);
                    sources.flat_map(|one| self.related("workspaces", one)).collect()
                }
                // Of those that everybody may read, servers list everybody.
                "remote-state-consumers"
                    if document["attributes"]["global-remote-state"] == true =>
                {
                    Vec::new()
                }
                "remote-state-consumers" => {
                    let path = format!(
                        "{here}/relationships/remote-state-consumers?show_only_configured=true"
                    );
                    let found = self.client.list(&path).await?.unwrap_or_default();
                    found.iter().flat_map(|one| self.related("workspaces", one)).collect()
                }
                name => self.related(link.to, &document["relationships"][name]["data"]),
            };
            if !names.is_empty() {
                let mut names: Vec<String> = names;
                names.sort();
                links.insert(link.name.to_owned(), names);
            }
        }
        Ok(links)
    }

    async fn code(&self, document: &Value) -> Result<Option<String>> {
        let Some(address) = document["links"]["download"].as_str() else { return Ok(None) };
        let bytes = self.client.download(address).await?;
        let code = String::from_utf8(bytes).ok();
        if code.is_none() {
            let of = format!("the policy {}", document["attributes"]["name"]);
            self.note(Note::new(of, "is not UTF-8", "upload its text by hand"));
        }
        Ok(code)
    }
}

fn attributes(wanted: &[&str], document: &Value) -> Map<String, Value> {
    let each = wanted.iter().filter_map(|name| {
        let value = document["attributes"].get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    each.collect()
}
