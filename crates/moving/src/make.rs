//! Making one thing on the target, and what belongs to it.

use anyhow::Result;
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use crate::{
    apply::Mover,
    client::Refused,
    inventory::{Item, Secret},
    kinds::{Kind, Part, Relation},
};

/// What a thing may lack and still be the same: where the target refuses the value, its own default stands, and that is
/// said.
const SOFT: &[&str] = &[
    "assessments-enabled",
    "assessments-enforced",
    "auto-destroy-activity-duration",
    "auto-destroy-at",
    "collaborator-auth-policy",
    "cost-estimation-enabled",
    "description",
    "engine",
    "owners-team-saml-role-id",
    "policy-tool-version",
    "session-remember",
    "session-timeout",
    "source-name",
    "source-url",
    "sso-team-id",
    "terraform-version",
];

impl Mover<'_> {
    /// Makes a thing without its parts; false if it needs a secret that nobody has given.
    pub async fn make(&self, kind: &Kind, item: &Item) -> Result<bool> {
        let mut attributes = item.attributes.clone();
        let mut secret = None;
        if kind.name == "ssh-keys" {
            let of =
                Secret { kind: kind.name.into(), name: item.name.clone(), key: "value".into() };
            let Some(value) = self.secret(of.clone()) else { return Ok(false) };
            attributes.insert("value".into(), value.expose_secret().into());
            secret = Some(of);
        }
        let mut relations = Map::new();
        for relation in kind.relations {
            if let Some(data) = self.related(kind.name, item, relation) {
                // Of workspaces the pool is an attribute.
                if (kind.name, relation.name) == ("workspaces", "agent-pool") {
                    attributes.insert("agent-pool-id".into(), data["id"].clone());
                } else {
                    relations.insert(relation.name.into(), json!({ "data": data }));
                }
            }
        }
        let path = kind.list.replace("{organization}", &self.plan.organization);
        let of = format!("{} {}", kind.name, item.name);
        let id = self.post(&path, kind.name, &of, attributes, &relations).await?;
        self.ids.borrow_mut().insert((kind.name.into(), item.name.clone()), id);
        self.count(kind.name);
        if let Some(secret) = secret {
            self.took(secret);
        }
        Ok(true)
    }

    /// Identifiers of what a thing refers to; what is not there is said and left out.
    fn related(&self, of: &str, item: &Item, relation: &Relation) -> Option<Value> {
        let mut data = Vec::new();
        for name in item.related(relation.name) {
            match self.id(relation.to, name) {
                Ok(id) => data.push(json!({ "type": relation.to, "id": id })),
                Err(_) => self.differs(
                    format!("{of} {}", item.name),
                    format!(
                        "refers to {} {name} ({}), which is not here",
                        relation.to, relation.name
                    ),
                    "add it once that is here",
                ),
            }
        }
        if data.is_empty() {
            return None;
        }
        Some(if relation.is_one { data.swap_remove(0) } else { data.into() })
    }

    /// Answers the id. An attribute that may be left out and is refused is left out.
    async fn post(
        &self,
        path: &str,
        kind: &str,
        of: &str,
        mut attributes: Map<String, Value>,
        relations: &Map<String, Value>,
    ) -> Result<String> {
        loop {
            let mut data = json!({ "type": kind, "attributes": attributes });
            if !relations.is_empty() {
                data["relationships"] = relations.clone().into();
            }
            let error = match self.target.post(path, &json!({ "data": data })).await {
                Ok(made) => return Ok(made["data"]["id"].as_str().unwrap_or_default().to_owned()),
                Err(error) => error,
            };
            let Some((name, why)) = refused_softly(&error) else { return Err(error) };
            let Some(value) = attributes.remove(name) else { return Err(error) };
            let what = format!("{name} {value} is refused here ({why}): it has its default");
            self.differs(of.to_owned(), what, "set it by hand if it matters");
        }
    }

    /// What belongs to a thing and is not there. `document` is what was there before, if anything was.
    pub async fn parts(&self, kind: &Kind, item: &Item, document: Option<&Value>) -> Result<()> {
        for part in kind.parts {
            let wanted = item.part(part.name);
            if wanted.is_empty() {
                continue;
            }
            let there = match document {
                Some(document) => self.reader.part(kind, document, part).await?,
                None => Vec::new(),
            };
            let missing: Vec<_> = wanted
                .iter()
                .filter(|one| there.iter().all(|other| other.name != one.name))
                .collect();
            let id = self.id(kind.name, &item.name)?;
            let path = part.make(kind.name, &id);
            if matches!(part.name, "tags" | "tag-bindings") && !missing.is_empty() {
                let each = missing
                    .iter()
                    .map(|one| json!({ "type": part.wire, "attributes": one.attributes }));
                self.target.post(&path, &json!({ "data": each.collect::<Vec<_>>() })).await?;
                for _ in &missing {
                    self.count(part.name);
                }
                continue;
            }
            // There is one rule, whatever it is called.
            if part.name == "data-retention" && !there.is_empty() {
                continue;
            }
            for one in missing {
                self.part(kind, item, part, one, &path, &id).await?;
            }
        }
        Ok(())
    }

    async fn part(
        &self,
        kind: &Kind,
        item: &Item,
        part: &Part,
        one: &Item,
        path: &str,
        id: &str,
    ) -> Result<()> {
        let mut attributes = one.attributes.clone();
        let mut secret = None;
        if one.is_secret() {
            let of = Secret {
                kind: kind.name.into(),
                name: self.source_name(kind, item),
                key: one.name.clone(),
            };
            let Some(value) = self.secret(of.clone()) else { return Ok(()) };
            attributes.insert("value".into(), value.expose_secret().into());
            secret = Some(of);
        }
        let wire = match part.name {
            "data-retention" => one.name.as_str(),
            "notifications" => {
                attributes.insert("enabled".into(), false.into());
                part.wire
            }
            _ => part.wire,
        };
        let mut relations = Map::new();
        for relation in part.relations {
            match self.related(part.name, one, relation) {
                Some(data) => drop(relations.insert(relation.name.into(), json!({ "data": data }))),
                None if relation.is_one => return Ok(()),
                None => {}
            }
        }
        if let Some(owner) = part.owner {
            let data = json!({ "type": kind.name, "id": id });
            relations.insert(owner.into(), json!({ "data": data }));
        }
        let of = format!("{} {} of {} {}", part.name, one.name, kind.name, item.name);
        self.post(path, wire, &of, attributes, &relations)
            .await
            .map_err(|error| error.context(format!("{} {}", part.name, one.name)))?;
        self.count(part.name);
        if let Some(secret) = secret {
            self.took(secret);
        }
        Ok(())
    }

    /// Secrets are called as at the source, where people know them.
    pub fn source_name(&self, kind: &Kind, item: &Item) -> String {
        let known = self.plan.inventory.of(kind.name).iter().find(|other| other.id == item.id);
        known.map_or_else(|| item.name.clone(), |other| other.name.clone())
    }
}

/// The attribute that is refused, and why, where it may be left out.
fn refused_softly(error: &anyhow::Error) -> Option<(&'static str, String)> {
    let refused = error.downcast_ref::<Refused>()?;
    if refused.status != StatusCode::UNPROCESSABLE_ENTITY {
        return None;
    }
    refused.errors.iter().find_map(|(detail, pointer)| {
        let name = pointer.strip_prefix("/data/attributes/")?;
        let name = SOFT.iter().find(|soft| **soft == name)?;
        Some((*name, detail.clone()))
    })
}
