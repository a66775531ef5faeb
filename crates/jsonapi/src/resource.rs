//! What an endpoint shows: a resource with its attributes, relationships and links.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use std::fmt::Display;

/// Something with a `type` and an `id` that the API shows.
pub trait Resource {
    const TYPE: &'static str;

    fn id(&self) -> String;

    /// A struct in kebab-case. It must be plain data: writing it cannot fail.
    fn attributes(&self) -> impl Serialize;

    fn relationships(&self, _to: &mut Relationships) {}

    /// Where the resource lives, shown as `links.self`; `None` for what has no address of its own.
    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/{}/{}", Self::TYPE, self.id()))
    }

    /// Links beside `self`.
    fn links(&self, _to: &mut Links) {}
}

/// How one resource names another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Linkage {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Data {
    One(Option<Linkage>),
    Many(Vec<Linkage>),
}

impl Data {
    pub(crate) fn targets(&self) -> &[Linkage] {
        match self {
            Self::One(target) => target.as_slice(),
            Self::Many(targets) => targets,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Relation {
    /// `None` when the row does not know whom it is related to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Data>,
    #[serde(skip_serializing_if = "Links::is_empty")]
    links: Links,
}

/// The relationships of one resource, in the order in which they were named.
#[derive(Clone, Debug, Default)]
pub struct Relationships(Vec<(&'static str, Relation)>);

impl Relationships {
    /// A relation to one resource or, as `null`, to none.
    pub fn one(&mut self, name: &'static str, kind: &'static str, id: Option<&dyn Display>) {
        self.at(name).data = Some(Data::One(id.map(|id| Linkage { id: id.to_string(), kind })));
    }

    /// A relation to any number of resources of one type.
    pub fn many<I: Display>(
        &mut self,
        name: &'static str,
        kind: &'static str,
        ids: impl IntoIterator<Item = I>,
    ) {
        let targets = ids.into_iter().map(|id| Linkage { id: id.to_string(), kind }).collect();
        self.at(name).data = Some(Data::Many(targets));
    }

    /// A relation known only by the address of what is related.
    pub fn link(&mut self, name: &'static str, related_path: impl Into<String>) {
        self.at(name).links.add("related", related_path);
    }

    /// A relation to one resource or none, and the address of what is related.
    pub fn one_with_link(
        &mut self,
        name: &'static str,
        kind: &'static str,
        id: Option<&dyn Display>,
        related_path: impl Into<String>,
    ) {
        self.one(name, kind, id);
        self.link(name, related_path);
    }

    /// A relation to several resources, and the address of what is related.
    pub fn many_with_link<I: Display>(
        &mut self,
        name: &'static str,
        kind: &'static str,
        ids: impl IntoIterator<Item = I>,
        related_path: impl Into<String>,
    ) {
        self.many(name, kind, ids);
        self.link(name, related_path);
    }

    /// The relation of that name, made if it is not there yet.
    pub(crate) fn at(&mut self, name: &'static str) -> &mut Relation {
        let place = self.0.iter().position(|(n, _)| *n == name).unwrap_or_else(|| {
            self.0.push((name, Relation::default()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }

    /// The relation of that name in any spelling.
    pub(crate) fn find(&self, name: &str) -> Option<&Relation> {
        self.0.iter().find(|(n, _)| crate::spelling::same(n, name)).map(|(_, relation)| relation)
    }
}

impl Serialize for Relationships {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, relation)| (name, relation)))
    }
}

/// Named addresses, in the order in which they were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Vec<(&'static str, Option<String>)>);

impl Links {
    pub fn add(&mut self, name: &'static str, href: impl Into<String>) {
        self.set(name, Some(href.into()));
    }

    /// `None` is written as `null`: the link exists in general, but leads nowhere now.
    pub fn set(&mut self, name: &'static str, href: Option<String>) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = href,
            None => self.0.push((name, href)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, href) in &self.0 {
            map.serialize_entry(name, href)?;
        }
        map.end()
    }
}

/// A resource whose Rust type is forgotten, ready to be written.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    #[serde(flatten)]
    linkage: Linkage,
    attributes: Box<RawValue>,
    pub(crate) relationships: Relationships,
    #[serde(skip_serializing_if = "Links::is_empty")]
    links: Links,
}

impl Object {
    pub fn new<R: Resource>(resource: &R) -> Self {
        let mut relationships = Relationships::default();
        resource.relationships(&mut relationships);
        let mut links = Links::default();
        if let Some(path) = resource.path() {
            links.add("self", path);
        }
        resource.links(&mut links);
        Self {
            linkage: Linkage { id: resource.id(), kind: R::TYPE },
            attributes: serde_json::value::to_raw_value(&resource.attributes())
                .expect("attributes are plain data, as the trait asks"),
            relationships,
            links,
        }
    }

    /// The `type` and `id` under which others refer to this one.
    pub fn linkage(&self) -> &Linkage {
        &self.linkage
    }

    pub fn id(&self) -> &str {
        &self.linkage.id
    }

    pub fn kind(&self) -> &'static str {
        self.linkage.kind
    }
}
