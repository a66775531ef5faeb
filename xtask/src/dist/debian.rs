//! The Debian package: the binary, a service that the operator starts, a user of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::Release;
use crate::commands::{command, output, succeed};
use crate::{debian, workspace};

const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

pub async fn write(release: &Release) -> Result<()> {
    if output(command("dpkg-deb").arg("--version")).await.is_err() {
        debian::install("dpkg", "dpkg-deb").await?;
    }
    let staged = tempfile::Builder::new().prefix("statehouse-deb-").tempdir()?;
    let root = staged.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
    let source = workspace::root();
    put(&release.binary, root, "usr/bin/statehouse", 0o755)?;
    for (from, to) in [
        ("packaging/statehouse.service", "lib/systemd/system/statehouse.service"),
        ("docs/operations.md", "usr/share/doc/statehouse/operations.md"),
        ("CHANGELOG.md", "usr/share/doc/statehouse/changelog.md"),
        ("LICENSE", "usr/share/doc/statehouse/copyright"),
    ] {
        put(&source.join(from), root, to, 0o644)?;
    }
    for script in SCRIPTS {
        put(
            &source.join("packaging/debian").join(script),
            root,
            &format!("DEBIAN/{script}"),
            0o755,
        )?;
    }
    let size = fs::metadata(&release.binary)?.len().div_ceil(1024);
    let control = control(&release.version, architecture(release.architecture)?, size);
    fs::write(root.join("DEBIAN/control"), control)?;

    let name =
        format!("statehouse_{}_{}.deb", release.version, architecture(release.architecture)?);
    let package = release.folder.join(name);
    let mut build = command("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "--build"]).arg(root).arg(&package);
    succeed(&mut build).await?;
    // What cannot be installed here is at least read back as apt would read it.
    let listed = output(command("dpkg-deb").arg("--contents").arg(&package)).await?;
    ensure!(listed.contains("./usr/bin/statehouse"), "the package has no binary: {listed}");
    Ok(())
}

fn put(from: &Path, root: &Path, to: &str, mode: u32) -> Result<()> {
    let to = root.join(to);
    fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
    fs::copy(from, &to).with_context(|| from.display().to_string())?;
    fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Debian's word for what Rust calls it.
fn architecture(rust: &str) -> Result<&'static str> {
    Ok(match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("Debian's name for {other} is not known here"),
    })
}

fn control(version: &str, architecture: &str, kib: u64) -> String {
    format!(
        "Package: statehouse
Version: {version}
Architecture: {architecture}
Maintainer: The Statehouse authors <statehouse@localhost>
Installed-Size: {kib}
Depends: libc6 (>= 2.34), libgcc-s1, ca-certificates, passwd
Recommends: git, openssh-client
Section: admin
Priority: optional
Description: self-hosted server for the HCP Terraform / Terraform Enterprise API
 Remote runs, state, variables, teams and policies for Terraform and OpenTofu,
 from one binary: an embedded database, or PostgreSQL.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_says_what_it_needs() {
        let control = control("0.1.0", architecture("x86_64").unwrap(), 12);
        for line in ["Version: 0.1.0", "Architecture: amd64", "Installed-Size: 12"] {
            assert!(control.lines().any(|it| it == line), "{line} in {control}");
        }
        assert!(control.ends_with('\n') && !control.contains("\n\n"));
        assert!(architecture("pdp11").is_err());
    }
}
