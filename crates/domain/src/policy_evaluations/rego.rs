//! Asking the policies of a set that are written in Rego.

use std::time::{Duration, Instant};

use ::policy::{Answer, Code, Dialect, Files, Module, Panel};

use super::{
    code::{Asked, Heard, SetCode},
    outcomes::{PolicyOutcome, Printed, Said},
};
use crate::row::PolicySet;

/// How long one policy may take.
const POLICY_TIME: Duration = Duration::from_secs(10);

pub(super) fn ask(mut set: SetCode, panel: &mut Panel<'_>, until: Instant) -> Heard {
    let asked = set.ask_groups(panel, POLICY_TIME, until);
    let outcomes = asked.answers.into_iter().map(|(policy, answer)| told(policy, answer));
    let outcomes = outcomes.collect();
    let mut heard = set.heard(outcomes, vec![]);
    heard.said.error = asked.error;
    heard
}

pub(super) fn unasked(mut set: SetCode, why: &str) -> Heard {
    let groups = std::mem::take(&mut set.groups).into_iter();
    let policies = groups.flat_map(|group| group.policies);
    let outcomes = policies.map(|policy| errored(policy, why)).collect();
    set.heard(outcomes, vec![])
}

pub(super) fn code(set: &PolicySet, modules: Vec<Module>) -> Code {
    Code::Rego { modules, dialect: dialect(set) }
}

/// Of a draft, for which nobody has pinned a version.
pub(super) fn new_code(files: Files) -> Code {
    Code::Rego { modules: modules(files), dialect: Dialect::Current }
}

/// The code of an archive. Tests are about policies; they say nothing about runs.
pub(super) fn modules(files: Files) -> Vec<Module> {
    let code = files.into_iter().filter(|(path, _)| is_rego(path));
    let read = |(path, content): (String, Vec<u8>)| {
        let code = String::from_utf8_lossy(&content).into_owned();
        Module { path, code }
    };
    code.map(read).collect()
}

fn is_rego(path: &str) -> bool {
    path.strip_suffix(".rego").is_some_and(|stem| !stem.ends_with("_test"))
}

/// Who pins a version from before 1.0 means its syntax.
fn dialect(set: &PolicySet) -> Dialect {
    let version = set.policy_tool_version.as_deref().unwrap_or_default();
    match semver::Version::parse(version.trim_start_matches('v')) {
        Ok(version) if version.major == 0 => Dialect::Old,
        _ => Dialect::Current,
    }
}

fn told(policy: Asked, answer: Answer) -> PolicyOutcome {
    match answer {
        Answer::Against(against) => {
            let status = if against.is_empty() { Said::Passed } else { Said::Failed };
            outcome(policy, status, against)
        }
        Answer::Unasked(why) => errored(policy, &why),
        Answer::Said(_) => errored(policy, "The policy is not written in Rego."),
    }
}

fn errored(policy: Asked, why: &str) -> PolicyOutcome {
    outcome(policy, Said::Errored, vec![why.to_owned()])
}

fn outcome(policy: Asked, status: Said, output: Vec<String>) -> PolicyOutcome {
    PolicyOutcome {
        enforcement_level: policy.enforcement_level,
        query: policy.query,
        status,
        policy_name: policy.name,
        description: policy.description.unwrap_or_default(),
        output: Printed::lines(output),
    }
}
