//! What the tests could not show on this machine: each test that meets such a limit says so, and the summary repeats it.

use anyhow::Result;
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::steps::Steps;

/// Names the file to which a test adds a line for each thing that this machine's kernel or folders do not let it show.
const VARIABLE: &str = "STATEHOUSE_TEST_UNSHOWN";

pub struct Unshown(NamedTempFile);

impl Unshown {
    pub fn new() -> Result<Self> {
        Ok(Self(NamedTempFile::new()?))
    }

    /// Lets the tests of this command add to it.
    pub fn ask(&self, command: &mut Command) {
        command.env(VARIABLE, self.0.path());
    }

    /// Hands over what was said, and what only we know.
    pub fn report(&self, steps: &mut Steps) -> Result<()> {
        for line in std::fs::read_to_string(self.0.path())?.lines() {
            steps.unshown(line);
        }
        if std::env::var_os("STATEHOUSE_OPENAPI").is_none() {
            steps.unshown(
                "answers against HashiCorp's published contract: STATEHOUSE_OPENAPI names no file",
            );
        }
        Ok(())
    }
}
