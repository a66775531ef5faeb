//! The files below a folder that may name a place, and writing them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{Change, Rewritten, rewritten};

/// A file that changes.
#[derive(Debug)]
pub struct File {
    pub path: PathBuf,
    pub before: String,
    pub after: String,
}

/// Something that somebody has to look at.
#[derive(Debug, PartialEq, Eq)]
pub struct Note {
    pub path: PathBuf,
    /// From 1 on.
    pub line: usize,
    pub text: String,
}

impl File {
    /// A unified diff, with paths as `patch -p1` expects them.
    pub fn diff(&self, root: &Path) -> String {
        let path = self.path.strip_prefix(root).unwrap_or(&self.path).display();
        similar::TextDiff::from_lines(&self.before, &self.after)
            .unified_diff()
            .header(&format!("a/{path}"), &format!("b/{path}"))
            .to_string()
    }
}

/// What would change below a folder. Links are not followed, and what tools keep beside configurations is left out.
///
/// # Errors
/// For what cannot be read.
pub fn find(root: &Path, change: &Change) -> Result<(Vec<File>, Vec<Note>)> {
    let (mut files, mut notes) = (Vec::new(), Vec::new());
    for path in below(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        let is_readable = is(&[".tf", ".tofu", ".tfbackend", ".tftest.hcl", ".tofutest.hcl"]);
        if !is_readable && !is(&[".tf.json", ".tofu.json"]) {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let note = |line, text: &str| Note { path: path.clone(), line, text: text.to_owned() };
        let Ok(before) = String::from_utf8(bytes) else {
            notes.push(note(1, "is not UTF-8 and was left as it is"));
            continue;
        };
        let found = if is_readable { rewritten(&before, change) } else { Err(String::new()) };
        let Rewritten { text: after, undecided } = found.unwrap_or_else(|why| {
            if !why.is_empty() {
                notes.push(note(1, &format!("cannot be read and was left as it is: {why}")));
            }
            Rewritten { text: before.clone(), undecided: Vec::new() }
        });
        for (at, why) in undecided {
            notes.push(note(before[..at].matches('\n').count() + 1, why));
        }
        let place = &change.from;
        let organization = format!("\"{}\"", place.organization);
        for (index, line) in after.lines().enumerate() {
            if line.contains(&place.host) || line.contains(&organization) {
                notes.push(note(index + 1, &format!("still says: {}", line.trim())));
            }
        }
        if before != after {
            files.push(File { path, before, after });
        }
    }
    Ok((files, notes))
}

fn below(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            if kind.is_dir() && name != ".terraform" && name != ".git" {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Replaces the file as a whole, unless it is not any more what it was.
///
/// # Errors
/// For what cannot be written, and for a file that somebody else has changed.
pub fn write(file: &File) -> Result<()> {
    let path = file.path.display().to_string();
    let now = fs::read(&file.path).with_context(|| path.clone())?;
    anyhow::ensure!(now == file.before.as_bytes(), "{path} has changed in the meantime");
    let folder = file.path.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder).with_context(|| path.clone())?;
    new.write_all(file.after.as_bytes())?;
    new.as_file().set_permissions(fs::metadata(&file.path)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&file.path).with_context(|| path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_shown_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let cloud = "terraform {\n  cloud {\n    organization = \"acme\"\n  }\n}\n";
        fs::create_dir_all(root.join("a/.terraform")).unwrap();
        for path in ["a/main.tf", "a/.terraform/copy.tf", "a/notes.md"] {
            fs::write(root.join(path), cloud).unwrap();
        }
        fs::write(root.join("broken.tf"), "terraform {").unwrap();
        fs::write(root.join("b.tf.json"), "{\"organization\": \"acme\"}").unwrap();
        let change = Change {
            from: "app.terraform.io/acme".parse().unwrap(),
            to: "tf.example.com/acme".parse().unwrap(),
        };
        let (files, notes) = find(root, &change).unwrap();
        assert_eq!(files.len(), 1);
        let diff = files[0].diff(root);
        assert!(diff.starts_with("--- a/a/main.tf\n+++ b/a/main.tf\n"), "{diff}");
        assert!(diff.contains("+    hostname     = \"tf.example.com\"\n"), "{diff}");
        let noted: Vec<_> = notes.iter().map(|note| note.path.file_name().unwrap()).collect();
        assert_eq!(noted, ["main.tf", "b.tf.json", "broken.tf"]);
        write(&files[0]).unwrap();
        assert_eq!(fs::read_to_string(&files[0].path).unwrap(), files[0].after);
        assert!(write(&files[0]).is_err(), "it is not any more what it was");
    }
}
