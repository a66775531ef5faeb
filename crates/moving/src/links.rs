//! What things refer to that is added once all of them are there.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    apply::Mover,
    inventory::Item,
    kinds::{Kind, LINKS, Link},
};

impl Mover<'_> {
    pub async fn links(&self, kind: &Kind, item: &Item) -> Result<()> {
        let wanted: Vec<_> = LINKS
            .iter()
            .filter(|link| link.of == kind.name && !item.related(link.name).is_empty())
            .collect();
        // What could not be made is said already.
        let Ok(id) = self.id(kind.name, &item.name) else { return Ok(()) };
        if wanted.is_empty() {
            return Ok(());
        }
        let there = match self.reader.doc(kind, &item.name) {
            Some(document) if kind.name != "organizations" => {
                self.reader.links(kind, document).await?
            }
            _ => std::collections::BTreeMap::new(),
        };
        for link in wanted {
            let there = there.get(link.name).map_or(&[][..], Vec::as_slice);
            let mut missing = Vec::new();
            for name in item.related(link.name).iter().filter(|name| !there.contains(name)) {
                match self.id(link.to, name) {
                    Ok(id) => missing.push(json!({ "type": link.to, "id": id })),
                    Err(_) => self.differs(
                        format!("{} {}", kind.name, item.name),
                        format!("refers to {} {name} ({}), which is not here", link.to, link.name),
                        "apply again once that is here",
                    ),
                }
            }
            if !missing.is_empty() {
                self.link(link, &id, item, there, missing).await?;
            }
        }
        Ok(())
    }

    async fn link(
        &self,
        link: &Link,
        id: &str,
        item: &Item,
        there: &[String],
        mut missing: Vec<Value>,
    ) -> Result<()> {
        let here = format!("{}/{id}", link.of);
        match link.name {
            "run-triggers" => {
                for source in missing {
                    let relations = json!({ "sourceable": { "data": source } });
                    let data = json!({ "type": "run-triggers", "relationships": relations });
                    self.target
                        .post(&format!("{here}/run-triggers"), &json!({ "data": data }))
                        .await?;
                    self.count(link.name);
                }
                return Ok(());
            }
            "remote-state-consumers" => {
                let path = format!("{here}/relationships/remote-state-consumers");
                self.target.post(&path, &json!({ "data": missing })).await?;
            }
            // One that it has here is its own affair.
            "ssh-key" if !there.is_empty() => return Ok(()),
            "ssh-key" => {
                let data =
                    json!({ "type": "workspaces", "attributes": { "id": missing[0]["id"] } });
                self.target
                    .patch(&format!("{here}/relationships/ssh-key"), &json!({ "data": data }))
                    .await?;
            }
            "default-agent-pool" if !self.is_new => return Ok(()),
            "default-agent-pool" => {
                let mode = item.attributes.get("default-execution-mode");
                let data = json!({
                    "type": link.of,
                    "attributes": { "default-execution-mode": mode },
                    "relationships": { link.name: { "data": missing[0] } },
                });
                self.target.patch(&here, &json!({ "data": data })).await?;
            }
            _ => {
                for name in there {
                    missing.push(json!({ "type": link.to, "id": self.id(link.to, name)? }));
                }
                let data =
                    json!({ "type": link.of, "relationships": { link.name: { "data": missing } } });
                self.target.patch(&here, &json!({ "data": data })).await?;
            }
        }
        self.count(link.name);
        Ok(())
    }
}
