//! `cargo xtask dist`: what people install who do not compile. A binary, an archive, a Debian package, a container
//! file, a bill of materials, and the checksums of all.

mod archive;
mod debian;
mod portable;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::commands::{command, output, succeed};
use crate::steps::Steps;
use crate::workspace;

#[derive(clap::Args)]
pub struct Args {
    /// The folder to fill; what is in it from before is replaced.
    #[arg(long, default_value = "target/dist/out")]
    into: PathBuf,
    /// Take this executable instead of building one, such as one for another machine.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// What all files are named after.
pub struct Release {
    pub version: String,
    /// As Rust calls it: `x86_64`, `aarch64`.
    pub architecture: &'static str,
    /// The folder that is filled.
    pub folder: PathBuf,
    /// The executable, in that folder.
    pub binary: PathBuf,
}

impl Release {
    /// `statehouse-<version>-<architecture>-linux`
    pub fn name(&self) -> String {
        format!("statehouse-{}-{}-linux", self.version, self.architecture)
    }
}

pub async fn run(args: Args) -> Result<()> {
    let mut steps = Steps::new();
    let Some(release) = steps.step("binary", prepare(args)).await else { return steps.finish() };
    steps.step("glibc", portable::check(&release)).await;
    steps.step("bill of materials", sbom::write(&release)).await;
    steps.step("archive", async { archive::write(&release) }).await;
    steps.step("Debian package", debian::write(&release)).await;
    steps.step("container file", async { container(&release) }).await;
    steps.step("checksums", async { checksums(&release) }).await;
    steps.finish()
}

async fn prepare(args: Args) -> Result<Release> {
    let folder = workspace::root().join(args.into);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder)?;
    let built = match args.binary {
        Some(path) => path,
        None => build().await?,
    };
    let binary = folder.join("statehouse");
    fs::copy(&built, &binary).with_context(|| built.display().to_string())?;
    let version = version(&output(command(&binary).arg("--version")).await?)?;
    let size = fs::metadata(&binary)?.len();
    println!("statehouse {version}: {} MB", size / 1_000_000);
    Ok(Release { version, architecture: std::env::consts::ARCH, folder, binary })
}

/// By the profile `dist`: stripped and linked as a whole, which takes too long for daily use.
async fn build() -> Result<PathBuf> {
    let mut cargo = command("cargo");
    cargo.args(["build", "--profile=dist", "--locked", "--package=statehouse"]);
    succeed(&mut cargo).await?;
    let mut metadata = command("cargo");
    metadata.args(["metadata", "--format-version=1", "--no-deps", "--locked"]);
    let metadata: Metadata = serde_json::from_str(&output(&mut metadata).await?)?;
    Ok(metadata.target_directory.join("dist/statehouse"))
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

/// From `statehouse 0.1.0`.
fn version(said: &str) -> Result<String> {
    let version = said.split_whitespace().nth(1).context("the binary does not say its version")?;
    Ok(version.to_owned())
}

/// It can be built where there is a container engine; here it is only put beside the binary that it takes.
fn container(release: &Release) -> Result<()> {
    let content = workspace::root().join("packaging/Containerfile");
    fs::copy(content, release.folder.join("Containerfile"))?;
    println!("  not built: that needs podman or docker, see its first lines");
    Ok(())
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn checksums(release: &Release) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&release.folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let lines = names
        .iter()
        .map(|name| Ok(format!("{}  {name}\n", digest(&release.folder.join(name))?)))
        .collect::<Result<String>>()?;
    print!("{lines}");
    fs::write(release.folder.join("SHA256SUMS"), lines)?;
    Ok(())
}

fn digest(path: &Path) -> Result<String> {
    Ok(hex::encode(Sha256::digest(fs::read(path)?)))
}
