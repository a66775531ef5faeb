//! What every file must say first, and what none may say.

use std::path::Path;

use anyhow::Result;
use regex::Regex;

use crate::workspace;

/// Checks all files of the project.
pub async fn check() -> Result<()> {
    let machine_paths = machine_paths();
    let mut complaints = Vec::new();
    for path in workspace::files().await? {
        // What is not text has nothing to say.
        let Ok(text) = std::fs::read_to_string(workspace::root().join(&path)) else { continue };
        complaints.extend(opening(&path, &text));
        complaints.extend(paths_in(&machine_paths, &path, &text));
    }
    super::verdict(&complaints)
}

/// A Rust file opens with a sentence that says what the room is for.
fn opening(path: &Path, text: &str) -> Option<String> {
    let rust = path.extension().is_some_and(|extension| extension == "rs");
    let sentence = text.lines().next().and_then(|line| line.strip_prefix("//! "));
    let missing = rust && sentence.is_none_or(|sentence| sentence.trim().is_empty());
    missing.then(|| {
        format!("{}:1: does not open with a `//!` sentence: what is it for?", path.display())
    })
}

/// Absolute paths that exist on one person's machine only.
fn machine_paths() -> Regex {
    Regex::new(r#"(?:^|[\s"'`(=:])/(?:work/(?:main|shared)|home/\w+|Users/\w+)/"#)
        .expect("the pattern is constant")
}

fn paths_in(machine_paths: &Regex, path: &Path, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| machine_paths.is_match(line))
        .map(|(number, _)| {
            format!("{}:{}: names a path of somebody's machine", path.display(), number + 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_file_opens_with_its_sentence() {
        let rust = Path::new("src/lib.rs");
        assert!(opening(rust, "//! Locks.\n").is_none());
        assert!(opening(rust, "use std::fs;\n").is_some());
        assert!(opening(rust, "").is_some());
        assert!(opening(Path::new("README.md"), "# Statehouse\n").is_none());
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_a_url_is_not() {
        let paths = machine_paths();
        let folder = ["/home", "ada", "statehouse"].join("/");
        let found = paths_in(&paths, Path::new("a.md"), &format!("first\nsee `{folder}`\n"));
        assert_eq!(found, ["a.md:2: names a path of somebody's machine"]);
        let fine = "https://example.com/home/ada/ and /workspaces/ws-1 and $HOME/x";
        assert!(paths_in(&paths, Path::new("a.md"), fine).is_empty());
    }
}
