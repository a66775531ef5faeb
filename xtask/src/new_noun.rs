//! The first files of a noun, with the sentences they open with.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Writes them; refuses to touch a noun that is there.
pub fn run(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        bail!("{name:?} is not a noun in snake_case, such as run_tasks");
    }
    let files = files(name);
    let taken = |path: &PathBuf| path.exists() || path.with_extension("").is_dir();
    if let Some((path, _)) = files.iter().find(|(path, _)| taken(path)) {
        bail!("{} is there already", path.display());
    }
    for (path, text) in files {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    println!("Now: `mod {name};` beside each, and CONTRIBUTING.md, \"Adding an endpoint\".");
    Ok(())
}

fn files(name: &str) -> Vec<(PathBuf, String)> {
    let words = name.replace('_', " ");
    let file = |folder: &str, sentence: String| {
        (workspace::root().join("crates").join(folder).join(format!("{name}.rs")), sentence + "\n")
    };
    vec![
        file("domain/src", format!("//! What is true of {words}: rules, events and queries.")),
        file("api/src", format!("//! {words} as JSON:API: decode, call one domain verb, encode.")),
        file(
            "api/tests/it",
            format!("//! The endpoints of {words}, for those who may and those who may not."),
        ),
    ]
}
