//! `statehouse import apply`, `verify` and `secrets`: what goes by the file of a plan.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use moving::{
    apply::{Options, Outcome, apply},
    compare::{bytes, differences},
    folder::Folder,
    inventory::Secret,
    plan::Plan,
    read::{Choice, Reader},
    source::Source,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::servers::{Tokens, shown};
use crate::private_file;

#[derive(Debug, Args)]
pub struct Apply {
    /// The file that `plan` has written.
    plan: PathBuf,
    /// Leave the source as it is: to try it out.
    #[arg(long)]
    no_lock: bool,
    /// Unlock the workspaces at the source again.
    #[arg(long, conflicts_with = "no_lock")]
    unlock_source: bool,
    /// Invite the members: they get mail.
    #[arg(long)]
    invite: bool,
    /// The file that `secrets` has written, filled in. It is removed once all that it has is taken.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    #[command(flatten)]
    tokens: Tokens,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The file that `plan` has written.
    plan: PathBuf,
    /// Compare members as well, which are invited only when that is asked for.
    #[arg(long)]
    members: bool,
    /// Read every state on both sides and compare their bytes as well.
    #[arg(long)]
    bytes: bool,
    #[command(flatten)]
    tokens: Tokens,
}

#[derive(Debug, Args)]
pub struct Secrets {
    /// The file that `plan` has written.
    plan: PathBuf,
    /// The file to write, which only this user can read. There must be none of this name.
    file: PathBuf,
}

/// A secret in the file to fill in.
#[derive(Serialize, Deserialize)]
struct Filled {
    #[serde(flatten)]
    secret: Secret,
    value: Option<String>,
}

fn read(path: &Path) -> Result<Plan> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no plan", path.display()))
}

fn source(plan: &Plan, tokens: &Tokens) -> Result<Source> {
    if let Some(folder) = &plan.folder {
        return Ok(Source::Folder(Folder(folder.clone())));
    }
    let from = &plan.inventory;
    let client = tokens.source(&from.address)?;
    Ok(Source::Server { client, organization: from.organization.clone() })
}

impl Apply {
    pub fn run(&self) -> Result<ExitCode> {
        let plan = read(&self.plan)?;
        let (source, target) = (source(&plan, &self.tokens)?, self.tokens.target(&plan.address)?);
        let filled = self.secrets.as_deref().map(filled).transpose()?.unwrap_or_default();
        let options = Options {
            no_lock: self.no_lock,
            unlock_source: self.unlock_source,
            invite: self.invite,
            secrets: filled,
        };
        let runtime = tokio::runtime::Runtime::new()?;
        let outcome = runtime.block_on(apply(&source, &target, &plan, &options, &shown()))?;
        if let Some(file) = &self.secrets {
            forget(file, &options.secrets, &outcome)?;
        }
        say(&outcome);
        let is_done = outcome.failed.is_empty();
        Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn filled(path: &Path) -> Result<BTreeMap<Secret, SecretString>> {
    if private_file::is_open_to_others(path)? {
        bail!("{} can be read by others: chmod 600 it", path.display());
    }
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    // What stands in it must not stand in an error.
    let all: Vec<Filled> = serde_json::from_slice(&text).ok().with_context(|| {
        format!("{} is not what `statehouse import secrets` writes", path.display())
    })?;
    let given = all.into_iter().filter_map(|one| Some((one.secret, one.value?.into())));
    Ok(given.collect())
}

/// The file is read once: what was taken is on the target, and the rest is still to be given.
fn forget(file: &Path, given: &BTreeMap<Secret, SecretString>, outcome: &Outcome) -> Result<()> {
    let left: Vec<_> = given.keys().filter(|secret| !outcome.taken.contains(secret)).collect();
    for secret in &left {
        eprintln!(
            "the value of {} {} {} was not taken: it is here already, or did not come over",
            secret.kind, secret.name, secret.key
        );
    }
    if left.is_empty() || outcome.failed.is_empty() {
        std::fs::remove_file(file).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn say(outcome: &Outcome) {
    for (kind, count) in &outcome.made {
        println!("{count:>6} {kind} made");
    }
    if outcome.made.is_empty() {
        println!("Nothing was lacking.");
    }
    for (title, notes) in [("Differs", &outcome.differs), ("FAILED", &outcome.failed)] {
        for note in notes {
            println!("\n{title}: {}: {}.\n  {}.", note.of, note.what, note.remedy);
        }
    }
    if !outcome.missing.is_empty() {
        println!("\nNobody has given these values yet (see `statehouse import secrets`):");
        for secret in &outcome.missing {
            println!("- {} {}: {}", secret.kind, secret.name, secret.key);
        }
    }
}

impl Verify {
    pub fn run(&self) -> Result<ExitCode> {
        let plan = read(&self.plan)?;
        let (source, target) = (source(&plan, &self.tokens)?, self.tokens.target(&plan.address)?);
        let runtime = tokio::runtime::Runtime::new()?;
        let found = runtime.block_on(async {
            let inventory = source.inventory(&plan.choice, &shown()).await?;
            let wanted = Plan { inventory, ..plan.clone() }.renamed();
            let everything = Choice::default();
            let reader = Reader::open(&target, &plan.organization, &everything).await?;
            let here = reader.inventory(&everything, &shown()).await?;
            let mut found = differences(&wanted, &here, self.members);
            if self.bytes {
                let organization = plan.organization.clone();
                let target =
                    Source::Server { client: self.tokens.target(&plan.address)?, organization };
                found.extend(bytes(&source, &wanted, &target, &here, &shown()).await?);
            }
            Ok::<_, anyhow::Error>(found)
        })?;
        for line in &found {
            println!("{line}");
        }
        println!("{} differences", found.len());
        Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Secrets {
    pub fn run(&self) -> Result<()> {
        let plan = read(&self.plan)?;
        let all = Secret::all(&plan.inventory);
        let all = all.into_iter().map(|secret| Filled { secret, value: None });
        let all: Vec<_> = all.collect();
        private_file::write(&self.file, serde_json::to_string_pretty(&all)?.as_bytes())?;
        println!("{} values to fill in instead of null; what stays null is left out.", all.len());
        Ok(())
    }
}
