//! Asking the policies of a set that are written in Rego.

use std::time::{Duration, Instant};

use ::policy::{Dialect, Files, Module, Rego};

use super::{
    code::{Asked, Code, Group, Heard, SetCode},
    input::Facts,
    outcomes::{PolicyOutcome, Printed, Said},
};
use crate::row::PolicySet;

/// How long one policy may take.
const POLICY_TIME: Duration = Duration::from_secs(10);

pub(super) fn ask(mut set: SetCode, facts: &Facts<'_>, until: Instant) -> Heard {
    let input = match facts.rego() {
        Ok(input) => input,
        Err(why) => return set.unasked(why),
    };
    let dialect = dialect(&set.set);
    let groups = std::mem::take(&mut set.groups);
    let (mut outcomes, mut errors, count) = (vec![], vec![], groups.len());
    for Group { policies, code } in groups {
        let rego = code.and_then(|code| {
            let modules = match code {
                Code::Rego(modules) => modules,
                Code::Sentinel(_) => return Err("The policy is not written in Rego.".to_owned()),
            };
            let rego = Rego::new(modules, dialect, input, POLICY_TIME);
            rego.map_err(|refusal| refusal.to_string())
        });
        match rego {
            Ok(mut rego) => {
                outcomes.extend(policies.into_iter().map(|it| ask_one(&mut rego, it, until)));
            }
            Err(why) => {
                outcomes.extend(policies.into_iter().map(|policy| errored(policy, &why)));
                errors.push(why);
            }
        }
    }
    let is_all = errors.len() == count;
    let mut heard = set.heard(outcomes, vec![]);
    heard.said.error = errors.into_iter().next().filter(|_| is_all);
    heard
}

pub(super) fn unasked(mut set: SetCode, why: &str) -> Heard {
    let groups = std::mem::take(&mut set.groups).into_iter();
    let policies = groups.flat_map(|group| group.policies);
    let outcomes = policies.map(|policy| errored(policy, why)).collect();
    set.heard(outcomes, vec![])
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

fn ask_one(rego: &mut Rego, policy: Asked, until: Instant) -> PolicyOutcome {
    if Instant::now() >= until {
        return errored(policy, "The policies of this run took too long.");
    }
    match rego.ask(policy.query.as_deref().unwrap_or_default()) {
        Ok(against) => {
            let status = if against.is_empty() { Said::Passed } else { Said::Failed };
            outcome(policy, status, against)
        }
        Err(refusal) => errored(policy, &refusal.to_string()),
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
