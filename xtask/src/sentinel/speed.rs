//! How long the policies of a set take on a large plan, on one core.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono::DateTime;
use regex::Regex;
use sentinel::config::{Config, Location, Purpose};
use sentinel::terraform::imports;
use sentinel::{Frozen, Limits, Source, World, evaluate};

/// So many policies are asked about a plan of so many resources.
const POLICIES: usize = 50;
const RESOURCES: usize = 5_000;

pub fn run(sets: &[PathBuf]) -> Result<()> {
    for set in sets {
        let file = set.join("sentinel.hcl");
        let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let config = Config::parse("sentinel.hcl", &text)?;
        measure(&file, &config)?;
    }
    Ok(())
}

fn measure(file: &Path, config: &Config) -> Result<()> {
    let mut policies = Vec::new();
    for policy in config.policies.iter().take(POLICIES) {
        let Location::Local(source) = &policy.source else { continue };
        let path = file.with_file_name("").join(source);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        policies.push((policy.name.clone(), text));
    }
    let types = Regex::new("\"(aws_[a-z0-9_]+)\"").expect("the pattern is constant");
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for (_, text) in &policies {
        named.extend(types.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str())));
    }
    let json = plan(&named.into_iter().collect::<Vec<_>>(), RESOURCES);

    let begun = Instant::now();
    let plan = Arc::new(Frozen::from_json(json.as_bytes()).map_err(anyhow::Error::msg)?);
    let read = begun.elapsed();

    let mut world = World::new(DateTime::UNIX_EPOCH);
    let read_file = |path: &Path| std::fs::read(path).map_err(|e| e.to_string());
    config.provide(file, Purpose::Run, &read_file, &mut world)?;
    world.imports.extend(imports(&plan));
    let begun = Instant::now();
    let (mut errors, mut slowest) = (Vec::new(), (0, String::new()));
    for (name, text) in policies.iter().cycle().take(POLICIES) {
        let outcome = evaluate(&Source::new(name, &**text), &world, &Limits::default(), &[]);
        errors.extend(outcome.error.map(|error| error.to_string()));
        slowest = slowest.max((outcome.duration.as_millis(), name.clone()));
    }
    let asked = begun.elapsed();
    println!(
        "{POLICIES} policies of {}, {RESOURCES} resources, {} MB of plan: {read:?} to read it, \
         {asked:?} for derivation and policies, slowest {} with {} ms, {} errors, {}",
        file.display(),
        json.len() / 1_000_000,
        slowest.1,
        slowest.0,
        errors.len(),
        peak_memory(),
    );
    for error in errors {
        println!("  {error}");
    }
    Ok(())
}

/// What the process has used at most.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    peak.map_or_else(|| "peak memory unknown".into(), |line| line.replace('\t', " "))
}

/// A plan with so many resources of these types, each of about 2 KB.
pub fn plan(named: &[&str], resources: usize) -> String {
    let mut values = String::from("{");
    for n in 0..24 {
        let _ = write!(values, "\"attribute_{n}\": \"value {n} of some length\", ");
    }
    values += "\"tags\": {\"Name\": \"x\", \"Owner\": \"y\"}, \"list\": [1, 2, {\"a\": true}]}";
    let (mut changes, mut planned, mut configured) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..resources {
        let kind = named.get(n % named.len().max(1)).copied().unwrap_or("null_resource");
        let head = format!(
            "\"address\": \"{kind}.r{n}\", \"mode\": \"managed\", \"type\": \"{kind}\", \
             \"name\": \"r{n}\", \"provider_name\": \"registry.terraform.io/hashicorp/aws\""
        );
        changes.push(format!(
            "{{{head}, \"change\": {{\"actions\": [\"create\"], \"before\": null, \"after\": {values}, \
             \"after_unknown\": {{\"id\": true}}}}}}"
        ));
        planned.push(format!("{{{head}, \"values\": {values}}}"));
        configured.push(format!(
            "{{{head}, \"provider_config_key\": \"aws\", \
             \"expressions\": {{\"attribute_1\": {{\"constant_value\": \"x\"}}}}}}"
        ));
    }
    format!(
        "{{\"terraform_version\": \"1.9.8\", \"resource_changes\": [{}], \
         \"planned_values\": {{\"root_module\": {{\"resources\": [{}]}}}}, \
         \"configuration\": {{\"root_module\": {{\"resources\": [{}]}}}}}}",
        changes.join(","),
        planned.join(","),
        configured.join(",")
    )
}
