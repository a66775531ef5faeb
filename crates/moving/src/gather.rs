//! Plain state files, as they lie in a folder or were copied from a bucket, made into what an export writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, json};

use crate::{
    folder::{Folder, write_export},
    inventory::{FORMAT, Inventory, Item, State},
    states::Content,
};

/// A line of the table: which file is the state of which workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Below the folder of the states.
    pub file: String,
    pub workspace: String,
    pub project: Option<String>,
}

/// Reads lines of `FILE,WORKSPACE` or `FILE,WORKSPACE,PROJECT`; those that begin with `#` say nothing.
///
/// # Errors
/// For a line of another form, and for a workspace that stands there twice.
pub fn table(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<_> = line.split(',').map(|part| part.trim().to_owned()).collect();
        let (file, workspace, project) = match parts.as_slice() {
            [file, workspace] => (file, workspace, None),
            [file, workspace, project] => (file, workspace, Some(project.clone())),
            _ => bail!("line {}: is not FILE,WORKSPACE or FILE,WORKSPACE,PROJECT", index + 1),
        };
        ensure!(!file.is_empty() && !workspace.is_empty(), "line {}: names nothing", index + 1);
        ensure!(
            seen.insert(workspace.clone()),
            "line {}: {workspace} has a state already",
            index + 1
        );
        let project = project.filter(|name| !name.is_empty());
        lines.push(Line { file: file.clone(), workspace: workspace.clone(), project });
    }
    Ok(lines)
}

/// Writes an export of these states.
///
/// # Errors
/// For what cannot be read or is no state; nothing counts then.
pub fn gather(root: &Path, lines: &[Line], organization: &str, folder: &Folder) -> Result<usize> {
    let named = |name: &str| Item {
        id: name.to_owned(),
        name: name.to_owned(),
        attributes: Map::from_iter([("name".to_owned(), json!(name))]),
        ..Item::default()
    };
    let projects: BTreeSet<_> = lines.iter().filter_map(|line| line.project.as_deref()).collect();
    let mut workspaces = Vec::new();
    let mut contents = BTreeMap::new();
    for line in lines {
        let path = root.join(&line.file);
        let shown = path.display().to_string();
        let bytes = fs::read(&path).with_context(|| shown.clone())?;
        let modified: DateTime<Utc> = fs::metadata(&path)?.modified()?.into();
        let content = Content::new(bytes);
        let serial = content.serial.with_context(|| format!("{shown} is not a state"))?;
        let mut item = named(&line.workspace);
        if let Some(project) = &line.project {
            item.relations.insert("project".into(), vec![project.clone()]);
        }
        item.states = vec![State {
            id: content.md5.clone(),
            serial,
            lineage: content.lineage.clone(),
            md5: Some(content.md5.clone()),
            size: Some(content.bytes.len() as u64),
            created_at: modified.to_rfc3339_opts(SecondsFormat::Millis, true),
            is_current: true,
            address: String::new(),
        }];
        contents.insert(content.md5.clone(), content.bytes);
        workspaces.push(item);
    }
    let count = workspaces.len();
    let inventory = Inventory {
        format: FORMAT,
        address: String::new(),
        organization: organization.to_owned(),
        items: BTreeMap::from([
            ("organizations".into(), vec![named(organization)]),
            ("projects".into(), projects.into_iter().map(named).collect()),
            ("workspaces".into(), workspaces),
        ]),
        notes: Vec::new(),
    };
    for (path, state) in folder.states_to_write(&inventory)? {
        folder.write(&path, &contents[&state.id])?;
    }
    write_export(&inventory, folder)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_line_by_line() {
        let lines =
            table("# mine\nnet/terraform.tfstate, net\n\ndb.tfstate,db,Data bases\n").unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].project.as_deref(), Some("Data bases"));
        assert!(table("a.tfstate").is_err());
        assert!(table("a,net\nb,net").unwrap_err().to_string().contains("line 2"));
    }
}
