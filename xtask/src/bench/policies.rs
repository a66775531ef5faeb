//! What policies add to a run: fifty on a large plan, and a small one on a small plan, in the process that they are asked in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use policy::sentinel::{Run, Verdict, Written};
use policy::{Answer, Case, Code, Dialect, Files, Module, Panel, Question};

use super::load::Latencies;
use super::report::{Report, megabytes, millis};
use crate::sentinel::speed::plan;

const POLICIES: usize = 50;
const RESOURCES: usize = 5_000;

/// Asks everything so often.
pub fn measure(report: &mut Report, program: &Path, times: usize) -> Result<()> {
    let kinds: Vec<String> = (0..POLICIES).map(|n| format!("aws_kind_{n}")).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let large = case(plan(&kinds, RESOURCES));
    let small = case(plan(&["aws_kind_0"], 1));
    for (language, many, one) in
        [("Sentinel", sentinel(POLICIES), sentinel(1)), ("OPA", rego(POLICIES), rego(1))]
    {
        let (mut took, mut peak) = (Vec::new(), 0);
        for _ in 0..times.min(5) {
            let (time, memory) = asked(&large, program, &many)?;
            took.push(time);
            peak = peak.max(memory);
        }
        let aim = |text| if language == "Sentinel" { text } else { "" };
        report.add(
            &format!("{POLICIES} {language} policies on a plan of {RESOURCES} resources, all told (median)"),
            &millis(Latencies::new(took)?.percentile(50)),
            aim("< 1 s"),
        );
        report.add(
            "the same: memory of their process at the peak",
            &megabytes(peak),
            aim("< 315 MB"),
        );
        let mut took = Vec::new();
        for _ in 0..times * 2 {
            took.push(asked(&small, program, &one)?.0);
        }
        report.add(
            &format!(
                "a small {language} policy on a small plan, with the start of its process (median)"
            ),
            &millis(Latencies::new(took)?.percentile(50)),
            "< 20 ms",
        );
    }
    Ok(())
}

/// How long it takes until all is said, and the memory of the process that says it.
fn asked(case: &Case, program: &Path, question: &Question) -> Result<(Duration, u64)> {
    let begun = Instant::now();
    let mut panel = Panel::of(case, Some(program));
    let until = begun + Duration::from_mins(2);
    let answers = panel.ask(question, until).map_err(anyhow::Error::msg)?;
    let took = begun.elapsed();
    for answer in &answers {
        let is_well = match answer {
            Answer::Against(against) => !against.is_empty(),
            Answer::Said(outcome) => outcome.verdict == Verdict::Failed,
            Answer::Unasked(_) => false,
        };
        if !is_well {
            bail!("a policy of the bench said {answer:?}");
        }
    }
    let process = panel.process().context("policies were asked in this process")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok((took, peak.context("the kernel does not tell its memory")? * 1024))
}

fn case(plan: String) -> Case {
    Case { plan, run: Run::default(), at: chrono::DateTime::UNIX_EPOCH, http: None }
}

fn question(code: Code, policies: Vec<String>) -> Question {
    Question { code, policies, parameters: BTreeMap::new(), time: Duration::from_mins(1) }
}

/// Of the shape and the length that large sets have: what is wrong is looked for with functions of modules, and told.
fn sentinel(count: usize) -> Question {
    let mut files = Files::new();
    let mut add = |name: &str, text: &str| files.insert(name.to_owned(), text.into());
    add("modules/resources.sentinel", RESOURCES_MODULE);
    add("modules/report.sentinel", REPORT_MODULE);
    let mut manifest = String::from(
        "module \"resources\" { source = \"./modules/resources.sentinel\" }\n\
         module \"report\" { source = \"./modules/report.sentinel\" }\n",
    );
    for n in 0..count {
        let _ = writeln!(manifest, "policy \"p{n}\" {{ source = \"./p{n}.sentinel\" }}");
        add(&format!("p{n}.sentinel"), &POLICY.replace("KIND", &format!("aws_kind_{n}")));
    }
    add("sentinel.hcl", &manifest);
    let names = (0..count).map(|n| format!("p{n}")).collect();
    question(Code::Sentinel(Written::files(files)), names)
}

const RESOURCES_MODULE: &str = r#"
import "tfplan/v2" as tfplan
import "collection"

of_type = func(kind) {
  planned = values(tfplan.planned_values.resources)
  return collection.filter(planned, func(resource) { return resource.type is kind })
}

is_changed = func(address) {
  change = tfplan.resource_changes[address] else {}
  return (change.change.actions else []) contains "create"
}
"#;

const REPORT_MODULE: &str = r#"
import "strings"

tell = func(summary) {
  lines = [summary.name]
  for summary.violations as violation {
    append(lines, "  " + violation.address + ": " + violation.message)
  }
  print(strings.join(lines, "\n"))
  return true
}
"#;

const POLICY: &str = r#"# Each of these has an owner, is tagged, and has what it needs to be found again.

import "tfconfig/v2" as tfconfig
import "collection"
import "collection/maps" as maps
import "strings"
import "resources"
import "report"

const = {
  "name": "KIND",
  "owners": ["platform", "security"],
  "message": "has no owner that we know, or an attribute that nobody may use",
}

# What is planned.
planned = resources.of_type(const.name)

# Where it is configured without an attribute that it needs.
configured = collection.reject(
  collection.filter(values(tfconfig.resources), func(resource) { return resource.type is const.name }),
  func(resource) { return maps.get(resource, "config.attribute_1.constant_value", null) is null },
)

without_owner = collection.reject(planned, func(resource) {
  owner = maps.get(resource, "values.tags.Owner", "")
  return owner is defined and strings.to_lower(owner) in const.owners
})

forbidden = collection.filter(planned, func(resource) {
  return maps.get(resource, "values.attribute_3", "") matches "^value [3-9]"
})

violations = map without_owner as _, resource {
  {
    "address": resource.address,
    "message": const.message,
    "is_new": resources.is_changed(resource.address),
    "is_forbidden": forbidden contains resource,
  }
}

summary = {
  "name": const.name,
  "violations": violations,
  "configured": length(configured),
}

told = report.tell(summary)

main = rule { violations is empty and told }
"#;

fn rego(count: usize) -> Question {
    let mut code = String::from("package bench\nimport rego.v1\n");
    for n in 0..count {
        let _ = write!(
            code,
            "rule_{n} contains text if {{\n some change in input.plan.resource_changes\n \
             change.type == \"aws_kind_{n}\"\n \"create\" in change.change.actions\n \
             not lower(change.change.after.tags.Owner) in {{\"platform\", \"security\"}}\n \
             text := sprintf(\"%s has no owner that we know\", [change.address])\n}}\n"
        );
    }
    let modules = vec![Module { path: "bench.rego".into(), code }];
    let names = (0..count).map(|n| format!("data.bench.rule_{n}")).collect();
    question(Code::Rego { modules, dialect: Dialect::Current }, names)
}
