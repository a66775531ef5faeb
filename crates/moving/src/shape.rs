//! What a server says of a thing, boiled down to what was decided there: without what it inherits, and without what
//! means the same as nothing.

use serde_json::{Map, Value, json};

use crate::{
    inventory::{Item, Note},
    kinds::{Kind, Part},
};

/// Nothing in another form. Only of a variable an empty text is a value.
fn is_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() && name != "value",
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

fn clean(attributes: &mut Map<String, Value>) {
    attributes.retain(|name, value| !is_nothing(name, value));
}

pub fn item(kind: &Kind, item: &mut Item, document: &Value, note: &dyn Fn(Note)) {
    clean(&mut item.attributes);
    let said = &document["attributes"];
    match kind.name {
        "workspaces" => {
            own_mode(
                item,
                &said["setting-overwrites"]["execution-mode"],
                "execution-mode",
                "agent-pool",
            );
            if item.is("inherits-project-auto-destroy") {
                item.attributes.remove("auto-destroy-activity-duration");
            }
            if said["vcs-repo"].is_object() {
                let repository = said["vcs-repo"]["identifier"].as_str().unwrap_or_default();
                let branch = said["vcs-repo"]["branch"].as_str().unwrap_or_default();
                let branch = if branch.is_empty() { "its default branch" } else { branch };
                note(Note::new(
                    format!("workspaces {}", item.name),
                    format!("is connected to {repository} at {branch}"),
                    "connect it here; until then push configurations by the command line",
                ));
            }
        }
        "projects" => {
            let own = &said["setting-overwrites"]["default-execution-mode"];
            own_mode(item, own, "default-execution-mode", "default-agent-pool");
        }
        // Owners may do everything.
        "teams" if item.name == "owners" => {
            item.attributes.remove("organization-access");
            item.attributes.remove("visibility");
        }
        "teams" => {
            if let Some(Value::Object(rights)) = item.attributes.get_mut("organization-access") {
                rights.retain(|_, value| value == &Value::Bool(true));
            }
        }
        "policies" if !item.attributes.contains_key("enforcement-level") => {
            if let Some(mode) = said["enforce"][0]["mode"].as_str() {
                item.attributes.insert("enforcement-level".into(), json!(mode));
            }
        }
        "varsets" if item.is("global") => item.relations.retain(|name, _| name == "parent"),
        "policy-sets" => {
            if item.is("global") {
                item.relations
                    .retain(|name, _| !matches!(name.as_str(), "workspaces" | "projects"));
            }
            if said["versioned"] == true || said["vcs-repo"].is_object() {
                note(Note::new(
                    format!("policy-sets {}", item.name),
                    "has policies from an archive or a repository, which the API does not give out",
                    "upload the folder of these policies again",
                ));
            }
        }
        _ => {}
    }
}

/// A mode of execution that is inherited says nothing of the thing itself, and only agents have a pool.
fn own_mode(item: &mut Item, own: &Value, mode: &str, pool: &str) {
    if own == &Value::Bool(false) {
        item.attributes.remove(mode);
    }
    if item.text(mode) != "agent" {
        item.relations.remove(pool);
    }
}

pub fn part(part: &Part, item: &mut Item, document: &Value) {
    clean(&mut item.attributes);
    if item.is_secret() {
        item.attributes.remove("value");
    }
    item.name = match part.name {
        "access" => {
            // Words stand for rights; only where they are custom, each is said.
            if item.text("access") != "custom" {
                item.attributes.retain(|name, _| name == "access");
            }
            item.related("team").first().cloned().unwrap_or_default()
        }
        "data-retention" => document["type"].as_str().unwrap_or_default().to_owned(),
        _ => {
            let key: Vec<_> = part.key.iter().map(|attribute| item.text(attribute)).collect();
            key.join("/")
        }
    };
}

/// The flat tags of a workspace's document.
pub fn tags(document: &Value) -> Vec<Item> {
    let names = document["attributes"]["tag-names"].as_array().into_iter().flatten();
    let tag = |name: &str| Item {
        name: name.to_owned(),
        attributes: Map::from_iter([("name".to_owned(), json!(name))]),
        ..Item::default()
    };
    let mut tags: Vec<_> = names.filter_map(Value::as_str).map(tag).collect();
    tags.sort_by(|one, other| one.name.cmp(&other.name));
    tags
}
