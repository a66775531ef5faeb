//! A noun made in a copy of the project: everything of it compiles, and of its tests one fails, for the reason that it
//! gives, on both databases.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;

use super::name::Name;
use crate::{
    commands::{command, tee},
    test::postgres::Cluster,
    workspace,
};

/// Of what nobody will ever want to have.
const NOUN: &str = "paper_clips";
/// Beside its own, the tests that look at all nouns.
const LAWS: [&str; 7] = [
    "access::",
    "attributes::",
    "compatibility::",
    "includes::",
    "names::",
    "nouns::",
    "parameters::",
];

/// Compiles most of the project in a folder of its own; third-party crates are those of this one's target.
pub async fn run() -> Result<()> {
    let copy = tempfile::tempdir()?;
    workspace::copy_to(copy.path()).await?;
    let name = Name::new(NOUN, None)?;
    super::write(copy.path(), &name)?;
    // The tables of all routes take the noun in, as they do for whoever reads the difference; the page is made of these.
    test(copy.path(), &["access::"], ("INSTA_UPDATE", "always")).await?;
    test(copy.path(), &["compatibility::"], ("UPDATE_COMPATIBILITY", "1")).await?;
    let told = test(copy.path(), &[&[NOUN], &LAWS[..]].concat(), ("INSTA_UPDATE", "no")).await?;
    check(&name, &told)?;
    // Its table is read by both databases.
    let cluster = Cluster::start().await?;
    let database = ("STATEHOUSE_TEST_DATABASE_URL", cluster.url());
    let told = test(copy.path(), &[NOUN, "nouns::"], (database.0, &database.1)).await?;
    check(&name, &told).context("on PostgreSQL")?;
    println!("\n{NOUN}: it compiles, and fails where it has to be said what it is for");
    Ok(())
}

async fn test(copy: &Path, which: &[&str], (variable, value): (&str, &str)) -> Result<String> {
    let mut cargo = command("cargo");
    cargo.args(["test", "-p", "statehouse-api", "--test", "it", "--"]).args(which);
    cargo.current_dir(copy).env(variable, value);
    cargo.env("CARGO_TARGET_DIR", workspace::root().join("target"));
    let (_, output) = tee(&mut cargo).await?;
    Ok(output)
}

/// What the tests of the noun said in the end is what it should.
fn check(name: &Name, told: &str) -> Result<()> {
    let line = Regex::new(r"(?m)^test (\S+) \.\.\. (ok|FAILED)$").expect("the pattern is constant");
    let tests: Vec<_> =
        line.captures_iter(told).map(|it| (it[1].to_owned(), &it[2] == "ok")).collect();
    ensure!(!tests.is_empty(), "no test ran: it does not compile");
    let open = name.applied_to("gad_gets::gad_gets_do_what_they_are_for");
    let failed: Vec<_> = tests.iter().filter(|(_, passed)| !passed).map(|(name, _)| name).collect();
    if failed != [&open] {
        bail!("{open} was to fail and nothing else; what failed: {failed:?}");
    }
    let why = name.applied_to("say here what gad gets are for");
    ensure!(told.contains(&why), "{open} failed without {why:?}");
    for other in ["gad_gets::a_gad_get_is_made_shown_changed_and_deleted", "nouns::"] {
        let other = name.applied_to(other);
        let is_there = tests.iter().any(|(name, _)| name.starts_with(&other));
        ensure!(is_there, "{other} did not run");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "\
test nouns::whatever_is_left_out_of_a_noun_is_named ... ok
test paper_clips::a_paper_clip_is_made_shown_changed_and_deleted ... ok
test paper_clips::paper_clips_do_what_they_are_for ... FAILED
say here what paper clips are for, and make it true in crates/domain/src/paper_clips
";

    #[test]
    fn only_the_test_of_what_it_is_for_may_fail_and_only_for_that() {
        let name = Name::new(NOUN, None).unwrap();
        check(&name, TOLD).unwrap();
        for (right, wrong, said) in [
            ("FAILED", "ok", "was to fail"),
            ("named ... ok", "named ... FAILED", "nouns::"),
            ("say here", "nothing", "failed without"),
            ("test nouns::whatever_is_left_out_of_a_noun_is_named ... ok\n", "", "did not run"),
            (TOLD, "error: could not compile", "does not compile"),
        ] {
            let refused = check(&name, &TOLD.replace(right, wrong)).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
