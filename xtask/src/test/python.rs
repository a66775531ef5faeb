//! The Python environment of the end-to-end tests, made again when its requirements change.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::commands::{command, output, succeed};
use crate::{debian, workspace};

/// A virtual environment with what `e2e/requirements.txt` asks for.
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// A program of the environment.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// The environment, made or still good.
pub async fn environment() -> Result<Environment> {
    chromium().await?;
    let environment = Environment { folder: workspace::cache().join("venv") };
    let wanted = std::fs::read_to_string(workspace::root().join("e2e/requirements.txt"))
        .context("cannot read e2e/requirements.txt")?;
    // Written last, so that an interrupted installation is not taken for a whole one.
    let stamp = environment.folder.join("installed-requirements.txt");
    let installed = std::fs::read_to_string(&stamp).ok();
    let runs = output(command(environment.program("python")).arg("--version")).await.is_ok();
    if runs && installed.as_ref() == Some(&wanted) {
        return Ok(environment);
    }
    ready().await?;
    let mut venv = command("python3");
    succeed(venv.args(["-m", "venv", "--clear"]).arg(&environment.folder)).await?;
    let mut pip = command(environment.program("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    succeed(pip.args(["--requirement", "e2e/requirements.txt"])).await?;
    std::fs::write(&stamp, wanted)?;
    Ok(environment)
}

/// Makes sure of the browser that the tests of the pages drive.
async fn chromium() -> Result<()> {
    if output(command("chromium").arg("--version")).await.is_ok() {
        return Ok(());
    }
    debian::install("chromium", "Chromium").await
}

/// Makes sure of Python; Debian ships it without what makes environments.
pub async fn ready() -> Result<()> {
    output(command("python3").arg("--version")).await.context("Python 3 is needed")?;
    let mut import = command("python3");
    import.args(["-c", "import ensurepip, venv"]).stderr(std::process::Stdio::null());
    if output(&mut import).await.is_ok() {
        return Ok(());
    }
    debian::install("python3-venv", "Python's venv module").await
}
