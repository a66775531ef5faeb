//! `include=readme`

use std::collections::HashMap;

use domain::id::WorkspaceId;
use jsonapi::{Object, Resource};
use serde::Serialize;

/// A README on the wire: a workspace has one at most, so it has the workspace's id.
struct View {
    id: String,
    raw_markdown: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    raw_markdown: &'a str,
}

impl Resource for View {
    const TYPE: &'static str = "workspace-readme";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes { raw_markdown: &self.raw_markdown }
    }

    fn path(&self) -> Option<String> {
        None
    }
}

/// For includes: each beside the id of its workspace.
pub fn by_workspace(found: HashMap<WorkspaceId, String>) -> Vec<(String, Vec<Object>)> {
    let objects = |id: String, raw_markdown| {
        let object = Object::new(&View { id: id.clone(), raw_markdown });
        (id, vec![object])
    };
    found.into_iter().map(|(id, text)| objects(id.to_string(), text)).collect()
}
