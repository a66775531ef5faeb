//! Asking the policies of a set that are written in Sentinel's language.

use std::time::{Duration, Instant};

use ::policy::{
    Answer, Panel,
    sentinel::{Level, Outcome, Verdict, report::Judged},
};
use db::entity::policy::Enforcement;

use super::{
    code::{Asked, Heard, SetCode},
    forum::Forum,
    outcomes::{PolicyOutcome, Printed, Said},
};

/// How long one policy may take.
const POLICY_TIME: Duration = Duration::from_secs(10);

pub(super) fn ask(mut set: SetCode, panel: &mut Panel<'_>, until: Instant) -> Heard {
    let asked = set.ask_groups(panel, POLICY_TIME, until);
    let outcome = |answer: Answer| match answer {
        Answer::Said(outcome) => *outcome,
        Answer::Unasked(why) => Outcome::unasked(why),
        Answer::Against(_) => Outcome::unasked("The policy is not written in Sentinel's language."),
    };
    let said = asked.answers.into_iter().map(|(policy, answer)| (policy, outcome(answer)));
    let mut heard = heard(set, said.collect());
    heard.said.error = asked.error;
    heard
}

pub(super) fn unasked(mut set: SetCode, why: &str) -> Heard {
    let groups = std::mem::take(&mut set.groups).into_iter();
    let policies = groups.flat_map(|group| group.policies);
    let said = policies.map(|policy| (policy, Outcome::unasked(why))).collect();
    heard(set, said)
}

fn heard(set: SetCode, said: Vec<(Asked, Outcome)>) -> Heard {
    let is_check = Forum::of(&set.set) == Forum::Check;
    let outcomes = said.iter().map(|(policy, outcome)| told(policy, outcome, is_check)).collect();
    let judged = said.into_iter().map(|(policy, outcome)| Judged {
        name: format!("{}/{}", set.set.name, policy.name),
        level: level(policy.enforcement_level),
        outcome,
    });
    let judged = judged.collect();
    set.heard(outcomes, judged)
}

/// Whatever is no advice and may not be overridden is hard-mandatory.
fn level(enforcement: Enforcement) -> Level {
    match enforcement {
        Enforcement::Advisory => Level::Advisory,
        Enforcement::SoftMandatory => Level::SoftMandatory,
        Enforcement::HardMandatory | Enforcement::Mandatory => Level::HardMandatory,
    }
}

/// In task stages there is one level beside advice, and the set says whether it can be overridden.
fn in_task_stages(enforcement: Enforcement) -> Enforcement {
    match enforcement {
        Enforcement::Advisory => Enforcement::Advisory,
        Enforcement::SoftMandatory | Enforcement::HardMandatory | Enforcement::Mandatory => {
            Enforcement::Mandatory
        }
    }
}

fn told(policy: &Asked, outcome: &Outcome, is_check: bool) -> PolicyOutcome {
    let status = match outcome.verdict {
        Verdict::Passed => Said::Passed,
        Verdict::Failed | Verdict::Undefined => Said::Failed,
        Verdict::Errored => Said::Errored,
    };
    let enforcement = policy.enforcement_level;
    PolicyOutcome {
        enforcement_level: if is_check { enforcement } else { in_task_stages(enforcement) },
        query: None,
        status,
        policy_name: policy.name.clone(),
        description: policy.description.clone().unwrap_or_else(|| outcome.description.clone()),
        output: Printed::lines(output(outcome)),
    }
}

/// What a policy printed, and why it did not pass.
fn output(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if !outcome.printed.is_empty() {
        lines.push(outcome.printed.trim_end_matches('\n').to_owned());
    }
    lines.extend(outcome.error.as_ref().map(ToString::to_string));
    let arose = outcome.arose.as_ref();
    lines.extend(arose.map(|arose| format!("The result is undefined; that arose at {arose}")));
    if matches!(outcome.verdict, Verdict::Failed | Verdict::Undefined) {
        lines.extend(outcome.rules.iter().map(|rule| rule.text("").trim_end().to_owned()));
    }
    lines
}
