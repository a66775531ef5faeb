//! What two plans say together: which resources have drifted, and what the configuration's checks say.
//!
//! `resource_drift` alone is too much: providers change `null` to `{}` when they read something for the first time, and
//! `ignore_changes` makes a difference that nobody minds. `resource_changes` alone is too much as well: it has what was
//! changed in the configuration or its variables. What is in both has drifted; where a plan broke off, so has what it
//! did not come to.

use std::collections::{HashMap, HashSet};

use protocol::{Check, Findings};
use serde::Deserialize;

/// Of one object; the first say enough.
const PROBLEMS: usize = 20;
/// Characters of each.
const PROBLEM: usize = 1000;
/// Bytes of all objects that are told of one by one, those first that do not hold: a message has an end.
const CHECKS: usize = 512 << 10;
/// Likewise of resources.
const DRIFTED: usize = 256 << 10;
/// What each of them takes beside its texts.
const AROUND: usize = 80;

/// `terraform show -json` of a plan, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Plan {
    resource_drift: Vec<Resource>,
    resource_changes: Vec<Resource>,
    checks: Option<Vec<Checked>>,
    prior_state: State,
    /// It broke off, and what it has not come to is not in it.
    errored: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    address: String,
    mode: String,
    deposed: Option<String>,
    change: Change,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change {
    actions: Vec<String>,
    importing: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    values: Values,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Values {
    root_module: Module,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Module {
    resources: Vec<Resource>,
    child_modules: Vec<Module>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Checked {
    address: Address,
    status: String,
    instances: Vec<Instance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    kind: String,
    to_display: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Instance {
    problems: Vec<Problem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
}

impl Plan {
    pub fn read(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    pub fn has_changed_outside(&self) -> bool {
        self.resource_drift.iter().any(Resource::is_changed)
    }

    pub fn has_failed_checks(&self) -> bool {
        self.checks.iter().flatten().any(|check| check.status == "fail" || check.status == "error")
    }

    /// This is the plan that only refreshes; the other one is missing where it would say nothing new.
    pub fn findings(&self, full: Option<&Self>) -> Findings {
        let drifted = full.map(|full| self.drifted(full)).unwrap_or_default();
        let mut managed = HashSet::new();
        self.prior_state.values.root_module.managed(&mut managed);
        let undrifted = managed.iter().filter(|address| !drifted.contains(*address)).count();
        let mut drifted: Vec<String> = drifted.into_iter().map(str::to_owned).collect();
        drifted.sort();
        keep(&mut drifted, DRIFTED, String::len);
        let checks = self.checks.as_ref().map(|checks| {
            let mut checks: Vec<Check> = checks.iter().map(Checked::told).collect();
            checks.sort_by_key(|check| check.status == "pass");
            keep(&mut checks, CHECKS, |check| {
                check.address.len() + check.problems.iter().map(String::len).sum::<usize>()
            });
            checks
        });
        Findings { drifted, undrifted: u32::try_from(undrifted).unwrap_or(u32::MAX), checks }
    }

    /// What was changed outside and would be changed back, as far as is known.
    fn drifted<'a>(&'a self, full: &'a Self) -> HashSet<&'a str> {
        let planned: HashMap<&str, &Resource> = full
            .resource_changes
            .iter()
            .filter(|resource| resource.is_managed())
            .map(|resource| (resource.address.as_str(), resource))
            .collect();
        let seen = if full.errored { &self.resource_drift } else { &full.resource_drift };
        seen.iter()
            .filter(|resource| resource.is_changed())
            .map(|resource| resource.address.as_str())
            .filter(|address| {
                planned.get(address).map_or(full.errored, |change| change.is_changed())
            })
            .collect()
    }
}

/// The first ones, as many as fit.
fn keep<T>(all: &mut Vec<T>, room: usize, size: impl Fn(&T) -> usize) {
    let mut taken = 0;
    all.retain(|one| {
        taken += size(one) + AROUND;
        taken <= room
    });
}

impl Resource {
    fn is_managed(&self) -> bool {
        self.mode == "managed" && self.deposed.is_none()
    }

    /// Something else than a move, an import, or that it is managed no longer.
    fn is_changed(&self) -> bool {
        let idle = |action: &String| matches!(action.as_str(), "no-op" | "read" | "forget");
        self.is_managed()
            && self.change.importing.is_none()
            && !self.change.actions.iter().all(idle)
    }
}

impl Module {
    fn managed<'a>(&'a self, found: &mut HashSet<&'a str>) {
        let managed = self.resources.iter().filter(|resource| resource.is_managed());
        found.extend(managed.map(|resource| resource.address.as_str()));
        self.child_modules.iter().for_each(|module| module.managed(found));
    }
}

impl Checked {
    fn told(&self) -> Check {
        let problems = self.instances.iter().flat_map(|instance| &instance.problems);
        Check {
            address: self.address.to_display.clone(),
            kind: self.address.kind.clone(),
            status: self.status.clone(),
            problems: problems
                .take(PROBLEMS)
                .map(|problem| problem.message.chars().take(PROBLEM).collect())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn resource(address: &str, mode: &str, actions: &[&str]) -> Value {
        json!({ "address": address, "mode": mode, "change": { "actions": actions } })
    }

    fn plan(document: &Value) -> Plan {
        Plan::read(document.to_string().as_bytes()).unwrap()
    }

    /// As Terraform 1.15.5 shows it of three resources that were changed behind its back and one that was not.
    fn measured() -> (Plan, Plan) {
        let update = ["update"].as_slice();
        let drift = json!([
            resource("aws_ssm_parameter.declared", "managed", update),
            resource("aws_ssm_parameter.gone", "managed", &["delete"]),
            resource("aws_ssm_parameter.ignored", "managed", update),
            resource("aws_ssm_parameter.still", "managed", update),
        ]);
        let there = |names: &[&str]| -> Vec<Value> {
            let address = |name: &&str| format!("aws_ssm_parameter.{name}");
            names.iter().map(|name| resource(&address(name), "managed", &[])).collect()
        };
        let refresh = plan(&json!({
            "resource_drift": drift,
            "prior_state": { "values": { "root_module": {
                "resources": there(&["declared", "ignored"]),
                "child_modules": [{ "resources": there(&["still"]) }],
            } } },
        }));
        let full = plan(&json!({
            "resource_drift": drift,
            "resource_changes": [
                resource("aws_ssm_parameter.declared", "managed", update),
                resource("aws_ssm_parameter.gone", "managed", &["create"]),
                resource("aws_ssm_parameter.ignored", "managed", &["no-op"]),
                resource("aws_ssm_parameter.still", "managed", &["no-op"]),
            ],
        }));
        (refresh, full)
    }

    #[test]
    fn drift_is_what_was_changed_outside_and_would_be_changed_back() {
        let (refresh, full) = measured();
        assert!(refresh.has_changed_outside());
        let found = refresh.findings(Some(&full));
        assert_eq!(found.drifted, ["aws_ssm_parameter.declared", "aws_ssm_parameter.gone"]);
        assert_eq!(found.undrifted, 2, "what the provider or ignore_changes makes is no drift");
    }

    #[test]
    fn what_the_configuration_changes_is_no_drift() {
        let edited = json!([resource("a.edited", "managed", &["update"])]);
        let full = plan(&json!({ "resource_changes": edited }));
        let refresh = plan(&json!({ "output_changes": { "a": { "actions": ["update"] } } }));
        assert!(!refresh.has_changed_outside());
        assert_eq!(refresh.findings(Some(&full)).drifted, [""; 0]);
    }

    #[test]
    fn moves_imports_data_and_what_is_deposed_are_no_drift() {
        let imported = json!({ "address": "a.imported", "mode": "managed",
            "change": { "actions": ["update"], "importing": { "id": "1" } } });
        let deposed = json!({ "address": "a.deposed", "mode": "managed", "deposed": "0123abcd",
            "change": { "actions": ["delete"] } });
        let all = json!([
            resource("a.moved", "managed", &["no-op"]),
            resource("data.a.read", "data", &["update"]),
            resource("a.forgotten", "managed", &["forget"]),
            imported,
            deposed,
        ]);
        let both = plan(&json!({ "resource_drift": all, "resource_changes": all }));
        assert!(!both.has_changed_outside());
        assert_eq!(both.findings(Some(&both)).drifted, [""; 0]);
    }

    #[test]
    fn checks_are_told_object_by_object_those_first_that_do_not_hold() {
        let check = |kind: &str, name: &str, status: &str, messages: &[&str]| {
            let problems: Vec<_> = messages.iter().map(|it| json!({ "message": it })).collect();
            json!({ "address": { "kind": kind, "to_display": name }, "status": status,
                "instances": [{ "status": status, "problems": problems }] })
        };
        let refresh = plan(&json!({ "checks": [
            check("check", "check.health", "pass", &[]),
            check("resource", "terraform_data.a", "fail", &["It is too small.", "It is closed."]),
            check("output_value", "output.address", "unknown", &[]),
            check("var", "var.size", "pass", &[]),
        ] }));
        assert!(refresh.has_failed_checks());
        let checks = refresh.findings(None).checks.unwrap();
        let shown: Vec<_> =
            checks.iter().map(|it| (it.address.as_str(), it.status.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("terraform_data.a", "fail"),
                ("output.address", "unknown"),
                ("check.health", "pass"),
                ("var.size", "pass"),
            ]
        );
        assert_eq!(checks[0].problems, ["It is too small.", "It is closed."]);
        assert_eq!(plan(&json!({})).findings(None).checks, None, "an engine that knows no checks");
    }

    /// As Terraform 1.15.5 shows three situations, each with a check of something else beside it.
    #[test]
    fn checks_are_told_as_the_refresh_has_seen_them_and_not_as_the_plan_would_make_them() {
        let checks = |first: (&str, &str), other: &str| {
            let check = |(name, status): (&str, &str)| {
                let (kind, _) = name.split_once('.').unwrap();
                let kind = if kind == "check" { kind } else { "resource" };
                json!({ "address": { "kind": kind, "to_display": name }, "status": status })
            };
            json!([check(first), check(("check.other", other))])
        };
        let drift = json!([resource("terraform_data.a", "managed", &["update"])]);
        let there = json!({ "values": { "root_module": {
            "resources": [resource("terraform_data.a", "managed", &[])] } } });
        for (name, refreshed, planned, breaks) in [
            // It would hold once what has drifted is changed back.
            ("check.drifted", ("fail", "pass"), ("pass", "pass"), false),
            // It breaks the plan off, and nobody knows what would become of what is behind it.
            ("terraform_data.a", ("fail", "pass"), ("fail", "unknown"), true),
            ("check.fails", ("fail", "pass"), ("fail", "pass"), false),
        ] {
            let refresh = plan(&json!({ "resource_drift": drift, "prior_state": there,
                "checks": checks((name, refreshed.0), refreshed.1) }));
            let changes = if breaks { json!([]) } else { drift.clone() };
            let full = plan(&json!({ "resource_drift": drift, "resource_changes": changes,
                "errored": breaks, "checks": checks((name, planned.0), planned.1) }));
            assert!(refresh.has_failed_checks(), "{name}: no failure of the assessment");
            let found = refresh.findings(Some(&full));
            let told = found.checks.unwrap();
            let told: Vec<_> = told.iter().map(|it| (&*it.address, &*it.status)).collect();
            assert_eq!(told, [(name, refreshed.0), ("check.other", refreshed.1)]);
            assert_eq!(found.drifted, ["terraform_data.a"], "{name}");
        }
    }

    #[test]
    fn what_is_found_fits_into_a_message() {
        let fails = |number: usize| {
            let problem = json!({ "message": "x".repeat(5000) });
            json!({ "address": { "kind": "check", "to_display": format!("check.a{number}") },
                "status": "fail", "instances": [{ "problems": vec![problem; 30] }] })
        };
        let found = plan(&json!({ "checks": (0..100).map(fails).collect::<Vec<_>>() }));
        let found = found.findings(None);
        assert_eq!(found.checks.as_ref().unwrap()[0].problems.len(), PROBLEMS);
        assert!(serde_json::to_vec(&found).unwrap().len() < 1 << 20);
    }
}
