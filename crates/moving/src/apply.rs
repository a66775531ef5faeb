//! Making what a plan says. What is there already is never changed; what it lacks is added. So it may be ended at any
//! point and begun again, and a second time does nothing.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, stream};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    client::Client,
    inventory::{FORMAT, Inventory, Item, Note, Secret},
    kinds::{KINDS, Kind, ORGANIZATION},
    plan::Plan,
    read::{Choice, Reader, kind},
    source::Source,
    steps::Steps,
};

/// How many workspaces are moved at once.
const AT_ONCE: usize = 8;

/// What is asked for beside the plan.
#[derive(Debug, Default)]
pub struct Options {
    /// Leave the source's workspaces unlocked: for trying it out.
    pub no_lock: bool,
    /// Unlock them again at the end.
    pub unlock_source: bool,
    /// Invite the members.
    pub invite: bool,
    pub secrets: BTreeMap<Secret, SecretString>,
}

/// What has become of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By kind, parts and states included.
    pub made: BTreeMap<String, usize>,
    /// What came over otherwise than it was.
    pub differs: BTreeSet<Note>,
    /// What did not come over.
    pub failed: BTreeSet<Note>,
    /// Secrets that nobody has given.
    pub missing: BTreeSet<Secret>,
    /// Those that were given and are there.
    pub taken: BTreeSet<Secret>,
}

/// An import at work.
pub(crate) struct Mover<'m> {
    pub source: &'m Source,
    pub target: &'m Client,
    pub plan: &'m Plan,
    pub options: &'m Options,
    /// With the names here.
    pub wanted: Inventory,
    pub reader: Reader<'m>,
    /// Ids here, by kind and name.
    pub ids: RefCell<HashMap<(String, String), String>>,
    /// Whether the organization is new.
    pub is_new: bool,
    pub outcome: RefCell<Outcome>,
    pub told: &'m Steps<'m>,
}

/// Does what the plan says.
///
/// # Errors
/// For what concerns all of it. What concerns a single thing is in the outcome, and the others come over.
pub async fn apply(
    source: &Source,
    target: &Client,
    plan: &Plan,
    options: &Options,
    told: &Steps<'_>,
) -> Result<Outcome> {
    ensure!(plan.format == FORMAT, "the plan is of another version of statehouse: make it anew");
    ensure!(plan.address == target.address(), "the plan is for {}", plan.address);
    let wanted = plan.renamed();
    let is_new = found_organization(target, plan, &wanted).await?;
    let reader = Reader::open(target, &plan.organization, &Choice::default()).await?;
    let mover = Mover {
        source,
        target,
        plan,
        options,
        ids: RefCell::new(HashMap::new()),
        wanted,
        reader,
        is_new,
        outcome: RefCell::default(),
        told,
    };
    mover.run().await?;
    Ok(mover.outcome.into_inner())
}

/// Makes the organization if there is none; says whether it did.
async fn found_organization(target: &Client, plan: &Plan, wanted: &Inventory) -> Result<bool> {
    let path = ORGANIZATION.list.replace("{organization}", &plan.organization);
    if target.find(&path).await?.is_some() {
        return Ok(false);
    }
    let item = wanted.of(ORGANIZATION.name).first().context("the plan has no organization")?;
    let mut attributes = item.attributes.clone();
    // Its pools are not there yet.
    attributes.retain(|name, value| name != "default-execution-mode" || value != "agent");
    let sent = |attributes: &serde_json::Map<String, Value>| json!({ "data": { "type": "organizations", "attributes": attributes } });
    target.post("organizations", &sent(&attributes)).await.with_context(|| {
        format!("{} is not there and cannot be made: create it first", plan.organization)
    })?;
    Ok(true)
}

impl Mover<'_> {
    async fn run(&self) -> Result<()> {
        self.know();
        let total = KINDS.iter().map(|kind| self.wanted.of(kind.name).len()).sum();
        self.told.begin("move", total);
        for item in self.wanted.of(ORGANIZATION.name) {
            self.ids.borrow_mut().insert(
                (ORGANIZATION.name.to_owned(), item.name.clone()),
                self.plan.organization.clone(),
            );
            let document = self.reader.docs(ORGANIZATION.name).first();
            self.fallible(&ORGANIZATION, item, self.parts(&ORGANIZATION, item, document)).await?;
        }
        for kind in KINDS {
            if kind.name == "organization-memberships" && !self.options.invite {
                continue;
            }
            let each = stream::iter(self.wanted.of(kind.name)).map(|item| async move {
                let done = self.fallible(kind, item, self.whole(kind, item)).await;
                self.told.step();
                done
            });
            let mut each = each.buffer_unordered(AT_ONCE);
            while let Some(done) = each.next().await {
                done?;
            }
        }
        for (of, items) in &self.wanted.items {
            let Some(kind) = kind(of) else { continue };
            for item in items {
                self.fallible(kind, item, self.links(kind, item)).await?;
            }
        }
        Ok(())
    }

    /// What is there, by name.
    fn know(&self) {
        let mut ids = self.ids.borrow_mut();
        for kind in KINDS {
            for item in self.wanted.of(kind.name) {
                if let Some(document) = self.reader.doc(kind, &item.name) {
                    let id = document["id"].as_str().unwrap_or_default().to_owned();
                    ids.insert((kind.name.to_owned(), item.name.clone()), id);
                }
            }
            // Owners and the default project are referred to whether or not they are in the plan.
            for document in self.reader.docs(kind.name) {
                let item = self.reader.item(kind, document);
                ids.entry((kind.name.to_owned(), item.name)).or_insert(item.id.clone());
                let user = &document["relationships"]["user"]["data"]["id"];
                if let (true, Some(user)) = (kind.name == "organization-memberships", user.as_str())
                {
                    let email = document["attributes"]["email"].as_str().unwrap_or_default();
                    ids.insert(("users".to_owned(), email.to_owned()), user.to_owned());
                }
            }
        }
    }

    /// What concerns one thing alone is written down, and the others go on.
    async fn fallible(
        &self,
        kind: &Kind,
        item: &Item,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let Err(error) = work.await else { return Ok(()) };
        let of = format!("{} {}", kind.name, item.name);
        if error.chain().any(|part| part.to_string().ends_with("the token is not accepted")) {
            return Err(error.context(of));
        }
        let remedy = "apply again once that is mended; all else is done";
        self.outcome.borrow_mut().failed.insert(Note::new(of, format!("{error:#}"), remedy));
        Ok(())
    }

    async fn whole(&self, kind: &Kind, item: &Item) -> Result<()> {
        let document = self.reader.doc(kind, &item.name);
        if kind.name == "workspaces" {
            return self.workspace(kind, item, document).await;
        }
        if document.is_none() && !self.make(kind, item).await? {
            return Ok(());
        }
        self.parts(kind, item, document).await?;
        if let ("policies", Some(code)) = (kind.name, &item.code)
            && document.is_none_or(|document| document["links"]["download"].is_null())
        {
            let path = format!("policies/{}/upload", self.id(kind.name, &item.name)?);
            self.target.put(&path, code.clone().into_bytes()).await.context("its code")?;
        }
        Ok(())
    }

    pub fn id(&self, kind: &str, name: &str) -> Result<String> {
        let ids = self.ids.borrow();
        let id = ids.get(&(kind.to_owned(), name.to_owned())).cloned();
        id.with_context(|| format!("{kind} {name} is not there"))
    }

    pub fn count(&self, kind: &str) {
        *self.outcome.borrow_mut().made.entry(kind.to_owned()).or_default() += 1;
    }

    pub fn differs(&self, of: String, what: String, remedy: &str) {
        self.outcome.borrow_mut().differs.insert(Note::new(of, what, remedy));
    }

    /// The value of a secret, if somebody gave it; what is missing is written down.
    pub fn secret(&self, secret: Secret) -> Option<&SecretString> {
        let given = self.options.secrets.get(&secret);
        if given.is_none() {
            self.outcome.borrow_mut().missing.insert(secret);
        }
        given
    }

    pub fn took(&self, secret: Secret) {
        self.outcome.borrow_mut().taken.insert(secret);
    }
}
