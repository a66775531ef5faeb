//! Tags: flat ones of workspaces (`/workspaces/:id/relationships/tags`), those with values, and an organization's.

mod bindings;
mod organization;
mod reserved;

use domain::{
    Timestamp, can,
    row::Tag,
    tags::{self, Binding, TagFilter, TagRef},
};
use jsonapi::{Document, Empty, Error, Identifier, Identifiers, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use bindings::{by_project, by_workspace};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::text};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/relationships/tags", list)
        .post("/api/v2/workspaces/{workspace_id}/relationships/tags", add)
        .delete("/api/v2/workspaces/{workspace_id}/relationships/tags", remove)
        .merge(bindings::routes())
        .merge(organization::routes())
        .merge(reserved::routes())
}

/// `filter[tagged][0][key]` of lists.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tagged {
    key: Option<String>,
    value: Option<String>,
}

/// `bare` is for those without a value: whether they mean only bindings that have none.
///
/// # Errors
/// 400 for one without a key and without a value, as `filter[tagged][key]` has no index and so says nothing.
pub fn filters(tagged: &[Tagged], bare: bool) -> Result<Vec<TagFilter>> {
    let each = |tagged: &Tagged| {
        let (key, value) = (text(tagged.key.as_deref()), text(tagged.value.as_deref()));
        if key.is_none() && value.is_none() {
            let why = "needs an index and then a key or a value: filter[tagged][0][key]=env";
            let error = Error::bad_request("invalid query parameter", why);
            return Err(error.parameter("filter[tagged]").into());
        }
        Ok(TagFilter { key, value: value.or_else(|| bare.then(String::new)) })
    };
    tagged.iter().map(each).collect()
}

struct TagView(Tag);

impl Resource for TagView {
    const TYPE: &'static str = "tags";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: &'a str,
            created_at: Timestamp,
        }
        Attributes { name: &self.0.name, created_at: self.0.created_at }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("organization", "organizations", Some(&self.0.organization_name));
    }

    fn path(&self) -> Option<String> {
        None
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    name: Option<String>,
}

async fn list(
    workspace: May<can::ReadWorkspace>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let paging = paging(&query);
    let page = tags::list(&workspace.cx, &workspace, query.own.name.as_deref(), paging).await?;
    let views: Vec<_> = page.items.into_iter().map(TagView).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &workspace.cx).await
}

async fn add(workspace: May<can::ManageWorkspaceTags>, body: Identifiers) -> Result<Empty> {
    tags::add_flat(&workspace.cx, &workspace, references(body)?).await?;
    Ok(Empty)
}

async fn remove(workspace: May<can::ManageWorkspaceTags>, body: Identifiers) -> Result<Empty> {
    tags::remove(&workspace.cx, &workspace, references(body)?).await?;
    Ok(Empty)
}

fn references(body: Identifiers) -> Result<Vec<TagRef>> {
    let mut references = Vec::new();
    for (index, tag) in body.0.into_iter().enumerate() {
        tag.is_of_kind("tags", &format!("/data/{index}"))?;
        references.push(match (&tag.id, tag.attributes.get("name").and_then(Value::as_str)) {
            (Some(id), _) if !id.is_empty() => {
                let pointer = format!("/data/{index}/id");
                let wrong = || Error::unprocessable(pointer, "is not the id of a tag");
                TagRef::Id(id.parse().map_err(|_| wrong())?)
            }
            (_, Some(name)) => TagRef::Name(name.to_owned()),
            _ => {
                let pointer = format!("/data/{index}");
                return Err(Error::unprocessable(pointer, "needs an id or a name").into());
            }
        });
    }
    Ok(references)
}

/// The flat tags of a workspace's document.
pub fn flat(tags: &[Identifier]) -> Result<Vec<Binding>> {
    let pairs = pairs(tags, "/data/relationships/tags/data")?;
    let flat = |tag: Binding| if tag.value.is_empty() { Binding::flat(tag.key) } else { tag };
    Ok(pairs.into_iter().map(flat).collect())
}

/// The bindings of a document that has others beside them.
pub fn keyed(bindings: &[Identifier]) -> Result<Vec<Binding>> {
    pairs(bindings, "/data/relationships/tag-bindings/data")
}

/// Bindings as identifiers carry them, in bodies and in relationships: each key once, since of two values one would be
/// lost.
fn pairs<Id>(identifiers: &[Identifier<Id>], pointer: &str) -> Result<Vec<Binding>> {
    let mut pairs: Vec<Binding> = Vec::new();
    for (index, binding) in identifiers.iter().enumerate() {
        let text = |name: &str| binding.attributes.get(name).and_then(Value::as_str);
        let key = text("key").or_else(|| text("name")).ok_or_else(|| {
            Error::unprocessable(format!("{pointer}/{index}/attributes/key"), "is required")
        })?;
        let value = match binding.attributes.get("value") {
            None | Some(Value::Null) => "",
            Some(Value::String(value)) => value,
            Some(_) => {
                let pointer = format!("{pointer}/{index}/attributes/value");
                return Err(Error::unprocessable(pointer, "value must be a string").into());
            }
        };
        match pairs.iter().find(|other| other.key == key) {
            None => pairs.push(Binding::keyed(key, value)),
            Some(same) if same.value == value => {}
            Some(_) => {
                let pointer = format!("{pointer}/{index}/attributes/key");
                let why = format!("{key} is named twice, with two values");
                return Err(Error::unprocessable(pointer, why).into());
            }
        }
    }
    Ok(pairs)
}
