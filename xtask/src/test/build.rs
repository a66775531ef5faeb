//! One build for all tests: the server and every test program, with the same features.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{commands::output, lint::cargo_with_clippy};

/// What the build made.
pub struct Built {
    /// The `statehouse` executable.
    pub server: PathBuf,
    tests: Vec<TestProgram>,
}

/// The tests of one target, as an executable.
pub struct TestProgram {
    pub program: PathBuf,
    /// The folder of the crate, where cargo would run it.
    pub folder: PathBuf,
    target: String,
}

impl TestProgram {
    /// Crate folder and target, for people.
    pub fn label(&self) -> String {
        let folder = self.folder.file_name().unwrap_or_default().to_string_lossy();
        format!("{folder} ({})", self.target)
    }
}

impl Built {
    /// The test programs of these crates, named by their folders.
    pub fn tests_of(&self, crates: &[&str]) -> impl Iterator<Item = &TestProgram> {
        let named = |test: &&TestProgram| {
            test.folder.file_name().is_some_and(|name| crates.iter().any(|it| name == *it))
        };
        self.tests.iter().filter(named)
    }
}

/// One line of cargo's report.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Builds everything that the tests run; an error if clippy has anything to say about it.
pub async fn all(release: bool) -> Result<Built> {
    let mut cargo = cargo_with_clippy().await?;
    cargo.args(["build", "--workspace", "--all-targets", "--locked"]);
    cargo.arg("--message-format=json-render-diagnostics");
    if release {
        cargo.arg("--release");
    }
    read(&output(&mut cargo).await?)
}

fn read(report: &str) -> Result<Built> {
    let (mut server, mut tests) = (None, Vec::new());
    for line in report.lines().filter(|line| line.starts_with('{')) {
        let message = serde_json::from_str(line).context("cargo's report")?;
        let Message::CompilerArtifact(artifact) = message else { continue };
        let Some(program) = artifact.executable else { continue };
        let folder = artifact.manifest_path.parent().unwrap_or(Path::new("/")).to_owned();
        if artifact.profile.test {
            tests.push(TestProgram { program, folder, target: artifact.target.name });
        } else if artifact.target.name == "statehouse" {
            server = Some(program);
        }
    }
    match server {
        Some(server) => Ok(Built { server, tests }),
        None => bail!("the build made no `statehouse` executable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(folder: &str, target: &str, test: bool) -> String {
        serde_json::json!({
            "reason": "compiler-artifact",
            "manifest_path": format!("/w/crates/{folder}/Cargo.toml"),
            "target": { "name": target },
            "profile": { "test": test },
            "executable": format!("/t/{target}"),
        })
        .to_string()
    }

    #[test]
    fn the_server_and_the_tests_of_a_crate_are_found() {
        let report = [
            line("statehouse", "statehouse", true),
            line("statehouse", "statehouse", false),
            line("db", "it", true),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let built = read(&report.join("\n")).unwrap();
        assert_eq!(built.server, Path::new("/t/statehouse"));
        let labels: Vec<_> = built.tests_of(&["db"]).map(TestProgram::label).collect();
        assert_eq!(labels, ["db (it)"]);
    }
}
