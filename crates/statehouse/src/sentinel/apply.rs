//! `statehouse sentinel apply`: asks policies, and prints what they say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sentinel::config::{Config, Level, Location, Purpose};
use sentinel::{Frozen, Limits, Outcome, Source, Verdict, World, evaluate, trace};
use serde_json::json;

use super::{code, now, print, time};

#[derive(Debug, Args)]
pub struct Apply {
    /// A policy; without one all policies of the configuration are asked.
    policy: Option<PathBuf>,
    /// A configuration with modules, mocks and parameters: sentinel.hcl, or a test case.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A parameter. What reads as JSON is that, all else is a string.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// A value that policies know by its name everywhere.
    #[arg(long = "global", value_name = "NAME=VALUE")]
    globals: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Print the trace of passing policies too.
    #[arg(long, visible_alias = "trace")]
    verbose: bool,
    /// What one policy may take: seconds, or a time such as 5m.
    #[arg(long, default_value = "60", value_parser = time)]
    timeout: Duration,
    /// For the scripts of others: nothing is printed in colours.
    #[arg(long = "color", hide = true, num_args = 0..=1, require_equals = true)]
    _color: Option<String>,
}

/// One policy to ask.
struct Named {
    name: String,
    level: Level,
    path: PathBuf,
    params: BTreeMap<String, Frozen>,
}

/// One policy that was asked.
struct Asked {
    name: String,
    level: Level,
    outcome: Outcome,
}

impl Apply {
    pub fn run(&self) -> Result<u8> {
        let started = Instant::now();
        let config = match &self.config {
            None => Config::default(),
            Some(path) => {
                let text = std::fs::read(path).with_context(|| path.display().to_string())?;
                let name = path.display().to_string();
                Config::parse(&name, &text).with_context(|| name.clone())?
            }
        };
        for warning in &config.warnings {
            eprintln!("Warning: {warning}");
        }
        let file = self.config.as_deref().unwrap_or(Path::new(""));
        let mut asked = Vec::new();
        for Named { name, level, path, params } in self.policies(&config, file)? {
            let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
            let world = self.world(&config, file, params)?;
            let source = Source::new(path.display().to_string(), text);
            let outcome = evaluate(&source, &world, &Limits::for_authors(self.timeout), &[]);
            asked.push(Asked { name, level, outcome });
        }
        // Mandatory policies decide; of one policy its own verdict does.
        let worst = asked.iter().filter(|one| asked.len() == 1 || one.level != Level::Advisory);
        let worst = worst.map(|one| code(one.outcome.verdict)).max().unwrap_or(0);
        if self.json {
            let duration = started.elapsed().as_millis();
            print(&format!("{:#}\n", as_json(&asked, worst, duration)))?;
        } else {
            for one in &asked {
                print(&as_text(one, self.verbose))?;
            }
        }
        Ok(worst)
    }

    fn policies(&self, config: &Config, file: &Path) -> Result<Vec<Named>> {
        if let Some(path) = &self.policy {
            return Ok(vec![Named {
                name: path.display().to_string(),
                level: Level::Advisory,
                path: path.clone(),
                params: BTreeMap::new(),
            }]);
        }
        let mut policies = Vec::new();
        for policy in &config.policies {
            let Location::Local(source) = &policy.source else {
                bail!(
                    "the policy {} is on another server; keep a copy beside the set",
                    policy.name
                );
            };
            let path = file.parent().unwrap_or(Path::new("")).join(source);
            let params = policy.params.clone();
            policies.push(Named { name: policy.name.clone(), level: policy.level, path, params });
        }
        if policies.is_empty() {
            bail!("name a policy, or a configuration that declares some");
        }
        Ok(policies)
    }

    fn world(
        &self,
        config: &Config,
        file: &Path,
        params: BTreeMap<String, Frozen>,
    ) -> Result<World> {
        let mut world = World::new(now());
        let read = |path: &Path| std::fs::read(path).map_err(|e| e.to_string());
        config.provide(file, Purpose::Test, &read, &mut world)?;
        world.params.extend(params);
        world.params.extend(named(&self.params)?);
        world.globals.extend(named(&self.globals)?);
        Ok(world)
    }
}

/// Pairs such as `limit=5`.
fn named(pairs: &[String]) -> Result<BTreeMap<String, Frozen>> {
    let named = pairs.iter().map(|pair| {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("{pair:?} has no \"=\""))?;
        let read = Frozen::from_json(value.as_bytes()).unwrap_or_else(|_| Frozen::text(value));
        Ok((name.to_owned(), read))
    });
    named.collect()
}

fn as_text(Asked { name, level, outcome }: &Asked, verbose: bool) -> String {
    let word = match outcome.verdict {
        Verdict::Passed => "Pass",
        Verdict::Failed => "Fail",
        Verdict::Undefined => "Undefined",
        Verdict::Errored => "Error",
    };
    let mut text = format!("{word} - {name} ({level})\n");
    if let Some(error) = &outcome.error {
        let _ = write!(text, "\nError: {error}\n");
    }
    if let Some(arose) = &outcome.arose {
        let _ = write!(text, "\nundefined arose at {arose}\n");
    }
    for warning in &outcome.warnings {
        let _ = write!(text, "\nWarning: {warning}\n");
    }
    if !outcome.printed.is_empty() {
        let _ = write!(text, "\nPrint messages:\n\n{}", outcome.printed);
    }
    if verbose || outcome.verdict != Verdict::Passed {
        for rule in &outcome.rules {
            let value = rule.shown();
            let _ =
                write!(text, "\n{} - Rule {:?}\n  Value:\n    {value}\n", rule.place, rule.name);
        }
    }
    text
}

fn as_json(asked: &[Asked], worst: u8, duration: u128) -> serde_json::Value {
    let policies = asked.iter().map(|Asked { name, level, outcome }| {
        json!({
            "policy": name,
            "result": outcome.verdict == Verdict::Passed,
            "error": outcome.error.as_ref().map(ToString::to_string),
            "trace": trace(outcome),
            "enforcement_level": level.as_str(),
            "duration": outcome.duration.as_millis(),
        })
    });
    let errors = asked.iter().filter_map(|one| one.outcome.error.as_ref());
    json!({
        "duration": duration,
        "error": errors.map(ToString::to_string).next(),
        "policies": policies.collect::<Vec<_>>(),
        "result": worst == 0,
    })
}
