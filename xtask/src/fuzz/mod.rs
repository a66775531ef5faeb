//! `cargo xtask fuzz`: texts that nobody would write, against laws that hold for all texts. On stable, without tools; the
//! tests of this crate are its short form.

mod mutations;
mod targets;

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use mutations::Mutations;
use targets::{TARGETS, Target};

#[derive(clap::Args)]
pub struct Args {
    /// One of them alone: policy, config, plan, archive.
    #[arg(long)]
    target: Option<String>,
    /// For each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where chance begins; a failure names the one that finds it again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &Args) -> Result<()> {
    let wanted = |target: &&Target| args.target.as_deref().is_none_or(|name| name == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    if targets.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        bail!("there is no such target; there are {}", names.join(", "));
    }
    for target in targets {
        let end = Instant::now() + Duration::from_secs(args.seconds);
        let goes_on = |tried| tried < target.few || Instant::now() < end;
        let tried = fuzz(target, args.seed, goes_on)?;
        println!("{:10} {tried:>9} texts, none of them breaks a law", target.name);
    }
    Ok(())
}

/// Tries texts for as long as it shall go on; each has a seed of its own.
fn fuzz(target: &Target, seed: u64, goes_on: impl Fn(u64) -> bool) -> Result<u64> {
    let mut tried = 0;
    while goes_on(tried) {
        let own = seed.wrapping_add(tried);
        let text = Mutations::new(own).text(target.words);
        let held = catch_unwind(|| (target.law)(&text)).unwrap_or_else(|_| Err("it panics".into()));
        if let Err(why) = held {
            let text = String::from_utf8_lossy(&text);
            bail!("{} --seed {own}: {why}\n{text}", target.name);
        }
        tried += 1;
    }
    Ok(tried)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_texts_of_each_kind_break_no_law() {
        for target in TARGETS {
            fuzz(target, 1, |tried| tried < target.few).unwrap();
        }
    }

    #[test]
    fn a_broken_law_names_the_seed_that_shows_it_again() {
        let breaks = Target {
            name: "breaks",
            words: &["a"],
            law: |text| if text.len() > 3 { Err("too long".into()) } else { Ok(()) },
            few: 0,
        };
        let said = fuzz(&breaks, 7, |_| true).unwrap_err().to_string();
        let (_, seed) = said.split_once("--seed ").unwrap();
        let seed = seed.split(':').next().unwrap().parse().unwrap();
        assert!(fuzz(&breaks, seed, |tried| tried < 1).is_err(), "{said}");
        let panics = Target { name: "panics", law: |_| panic!("on purpose"), ..breaks };
        assert!(fuzz(&panics, 1, |_| true).unwrap_err().to_string().contains("it panics"));
    }
}
