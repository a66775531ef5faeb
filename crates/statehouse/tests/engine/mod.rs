//! The Terraform that tests are run with.

use std::path::PathBuf;
use std::process::Command;

/// The real engine, and its version.
pub fn engine() -> (PathBuf, String) {
    let path = std::env::var_os("STATEHOUSE_TEST_ENGINE").map(PathBuf::from).or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|folder| folder.join("terraform"))
            .find(|path| path.is_file())
    });
    let path = path.expect("this test needs a Terraform on PATH, or in STATEHOUSE_TEST_ENGINE");
    let output = Command::new(&path).arg("version").env("CHECKPOINT_DISABLE", "1").output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let version = text.lines().next().and_then(|line| line.strip_prefix("Terraform v")).unwrap();
    (path, version.to_owned())
}
