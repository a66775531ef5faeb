//! Moving one workspace: itself, what belongs to it, and its states.

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    apply::Mover,
    inventory::{Item, State},
    kinds::Kind,
    source::{Lock, MARK, lock},
    states::{self, Content, History},
};

/// What is to be done with a state.
enum Next {
    Nothing,
    Send(Box<Content>),
}

impl Mover<'_> {
    pub async fn workspace(
        &self,
        kind: &Kind,
        item: &Item,
        document: Option<&Value>,
    ) -> Result<()> {
        let is_locked = self.lock_source(item).await?;
        // What changed since the plan was made comes over as it is now.
        let states = self.source.states(item, self.plan.choice.history).await?;
        let newest = states.first();
        if newest.map(|state| &state.id) != item.states.first().map(|state| &state.id) {
            self.differs(
                format!("workspaces {}", item.name),
                "has another state than when the plan was made: the newer one comes over".into(),
                "nothing",
            );
        }
        let next = match newest {
            Some(state) => self.next(item, state, document).await?,
            None => Next::Nothing,
        };
        if document.is_none() {
            self.make(kind, item).await?;
        }
        let id = self.id(kind.name, &item.name)?;
        // Until nothing is missing, nobody is to run anything with half of the variables.
        let reason = format!(
            "{MARK}: comes from {} at {}; if it stays locked, values are missing",
            self.plan.inventory.organization, self.plan.inventory.address
        );
        let is_ours = match lock(self.target, &id, &reason).await.context("locking it here")? {
            Lock::Ours => true,
            Lock::Others(why) if matches!(next, Next::Send(_)) => {
                bail!("it is locked here by somebody else ({why}), so that its state cannot come")
            }
            Lock::Others(_) => false,
        };
        self.parts(kind, item, document).await?;
        if let (Next::Send(content), Some(state)) = (next, newest) {
            self.send(&id, state, *content).await.context("its current state")?;
        }
        let there = match document {
            Some(document) if states.len() > 1 => {
                states::list(self.target, &self.plan.organization, document, History::All).await?
            }
            _ => Vec::new(),
        };
        let is_there = |state: &State| {
            let same = |other: &State| {
                (other.serial, &other.created_at) == (state.serial, &state.created_at)
            };
            there.iter().any(same)
        };
        for past in states.iter().skip(1).filter(|state| !is_there(state)) {
            self.send_past(&id, past)
                .await
                .with_context(|| format!("its state {}", past.serial))?;
        }
        let source_name = self.source_name(kind, item);
        let is_whole = self
            .outcome
            .borrow()
            .missing
            .iter()
            .all(|secret| secret.kind != kind.name || secret.name != source_name);
        if is_ours && is_whole {
            self.target.post(&format!("workspaces/{id}/actions/unlock"), &json!({})).await?;
        }
        if self.options.unlock_source && is_locked {
            self.source.unlock(&item.id).await.context("unlocking it at the source")?;
        }
        Ok(())
    }

    /// With a text that says where it went, whether it is on its way or has arrived; says whether the lock is ours.
    async fn lock_source(&self, item: &Item) -> Result<bool> {
        if self.options.no_lock {
            return Ok(false);
        }
        let reason = format!(
            "{MARK}: moved to {}/app/{}/workspaces/{}",
            self.plan.address, self.plan.organization, item.name
        );
        if let Lock::Others(why) = self.source.lock(&item.id, &reason).await? {
            self.differs(
                format!("workspaces {}", item.name),
                format!("is locked at the source by somebody else ({why}); that lock stays"),
                "make sure that they do not change it any more",
            );
            return Ok(false);
        }
        Ok(true)
    }

    /// Looks at the state that is here before anything is done.
    async fn next(&self, item: &Item, state: &State, document: Option<&Value>) -> Result<Next> {
        let current = match document.and_then(|document| document["id"].as_str()) {
            Some(id) => self.target.find(&format!("workspaces/{id}/current-state-version")).await?,
            None => None,
        };
        let Some(current) = current else {
            return Ok(Next::Send(Box::new(self.source.content(state).await?)));
        };
        let current = &current["data"]["attributes"];
        let is = |md5: &str| current["md5"].as_str() == Some(md5);
        if state.md5.as_deref().is_some_and(is) {
            return Ok(Next::Nothing);
        }
        let content = self.source.content(state).await?;
        if is(&content.md5) {
            return Ok(Next::Nothing);
        }
        let lineage = content.lineage.as_deref().or(state.lineage.as_deref()).unwrap_or_default();
        let here = current["lineage"].as_str().unwrap_or_default();
        if lineage != here {
            bail!(
                "another workspace of this name is here, with a state of its own (lineage {here}): \
                 give this one another name with --rename"
            );
        }
        let serial = content.serial.unwrap_or(state.serial);
        if current["serial"].as_i64() >= Some(serial) {
            self.differs(
                format!("workspaces {}", item.name),
                format!("has gone on here since serial {serial}: its state here stays"),
                "look at both states",
            );
            return Ok(Next::Nothing);
        }
        Ok(Next::Send(Box::new(content)))
    }

    async fn send(&self, id: &str, state: &State, content: Content) -> Result<()> {
        let attributes = attributes(state, &content);
        let data = json!({ "type": "state-versions", "attributes": attributes });
        let path = format!("workspaces/{id}/state-versions");
        let made = self.target.post(&path, &json!({ "data": data })).await?;
        self.check(&made, &content)
    }

    async fn send_past(&self, id: &str, state: &State) -> Result<()> {
        let content = self.source.content(state).await?;
        let mut attributes = attributes(state, &content);
        attributes["created-at"] = state.created_at.clone().into();
        let data = json!({ "type": "state-versions", "attributes": attributes });
        let path = format!("workspaces/{id}/actions/import-state-version");
        let made = self.target.post(&path, &json!({ "data": data })).await?;
        self.check(&made, &content)
    }

    fn check(&self, made: &Value, content: &Content) -> Result<()> {
        let made = &made["data"]["attributes"];
        if made["md5"] != content.md5.as_str()
            || made["size"].as_u64() != Some(content.bytes.len() as u64)
        {
            bail!("what is kept here is not what was sent");
        }
        self.count("states");
        self.told.bytes(content.bytes.len());
        Ok(())
    }
}

fn attributes(state: &State, content: &Content) -> Value {
    json!({
        "serial": content.serial.unwrap_or(state.serial),
        "lineage": content.lineage.as_ref().or(state.lineage.as_ref()),
        "md5": content.md5,
        "state": STANDARD.encode(&content.bytes),
    })
}
