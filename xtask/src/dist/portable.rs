//! On which systems the binary starts: the newest version of glibc that one of its symbols asks for.

use anyhow::{Context as _, Result, ensure};

use super::Release;
use crate::commands::{command, output};
use crate::debian;

/// That of Debian 12, Ubuntu 24.04, Fedora 37: what we say in docs/operations.md.
const NEWEST: (u32, u32) = (2, 36);

pub async fn check(release: &Release) -> Result<()> {
    if output(command("objdump").arg("--version")).await.is_err() {
        debian::install("binutils", "objdump").await?;
    }
    let mut objdump = command("objdump");
    let symbols = output(objdump.arg("--dynamic-syms").arg(&release.binary)).await?;
    let needed = newest(&symbols).context("the binary names no version of glibc")?;
    println!("  needs glibc {}.{}", needed.0, needed.1);
    ensure!(needed <= NEWEST, "that is newer than {}.{}, which we promise", NEWEST.0, NEWEST.1);
    Ok(())
}

fn newest(symbols: &str) -> Option<(u32, u32)> {
    symbols
        .split_whitespace()
        .filter_map(|word| word.trim_matches(['(', ')']).strip_prefix("GLIBC_"))
        .filter_map(|version| {
            let mut numbers = version.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let symbols = "0000 DF *UND* 0000 (GLIBC_2.9) a\n0000 DF *UND* 0000  GLIBC_2.34  b\n\
                       0000 w D *UND* 0000 (GLIBC_2.2.5) c\n0000 DF *UND* GLIBC_PRIVATE d";
        assert_eq!(newest(symbols), Some((2, 34)));
        assert_eq!(newest("nothing"), None);
    }
}
