//! Policies that are asked about one run: questions in, and answers from the engine of their language. In this process,
//! or in one apart.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::sentinel::{Frozen, Http, Mask};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::apart::Apart;
use crate::sentinel::{Facts, Outcome, Parameter, Run, SentinelSet, Written, secrets};
use crate::{Dialect, Input, Module, Rego};

/// Why nothing is asked any more.
pub(crate) const TOO_LONG: &str = "The policies of this run took too long.";
/// Bytes of what speaks against a run that one policy in Rego may say.
const SAID: usize = 1 << 20;

/// What all policies of a run are asked about.
#[derive(Debug)]
pub struct Case {
    /// JSON.
    pub plan: String,
    pub run: Run,
    /// What they take for the present.
    pub at: DateTime<Utc>,
    /// Who sends their requests, where they may send any.
    pub http: Option<Arc<dyn Http>>,
}

/// Policies that share all their code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    pub code: Code,
    /// Names of those in Sentinel's language, queries of those in Rego.
    pub policies: Vec<String>,
    pub parameters: BTreeMap<String, Parameter>,
    /// How long each of them may take.
    pub time: Duration,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Code {
    Rego { modules: Vec<Module>, dialect: Dialect },
    Sentinel(Written),
}

/// What one policy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// In Rego: what speaks against the run.
    Against(Vec<String>),
    /// In Sentinel's language.
    Said(Box<Outcome>),
    /// Nobody knows, and why.
    Unasked(String),
}

/// Where policies of a run are asked.
#[derive(Debug)]
pub enum Panel<'c> {
    Here(Box<Here<'c>>),
    Apart(Apart<'c>),
}

impl<'c> Panel<'c> {
    /// In processes of that program, of which [`crate::apart::serve`] is a command; without one in this process.
    pub fn of(case: &'c Case, program: Option<&'c Path>) -> Self {
        match program {
            Some(program) => Self::Apart(Apart::new(case, program)),
            None => Self::Here(Box::new(Here::of(case))),
        }
    }

    /// The process that is asked, where there is one at the moment.
    pub fn process(&self) -> Option<u32> {
        match self {
            Self::Here(_) => None,
            Self::Apart(apart) => apart.process(),
        }
    }

    /// One answer for each policy, in their order. Whoever comes after `until` is not asked.
    ///
    /// # Errors
    /// Where what they share cannot be read.
    pub fn ask(&mut self, question: &Question, until: Instant) -> Result<Vec<Answer>, String> {
        match self {
            Self::Here(here) => {
                let mut answers = Vec::with_capacity(question.policies.len());
                here.ask(question, 0, until, |_| {}, |answer| answers.push(answer))?;
                Ok(answers)
            }
            Self::Apart(apart) => apart.ask(question, until),
        }
    }
}

/// A case in the form of each language, made when the first policy in it is asked.
#[derive(Debug)]
pub struct Here<'c> {
    case: &'c Case,
    rego: OnceCell<Result<Input, String>>,
    sentinel: OnceCell<Result<Facts, String>>,
    /// Of the plan.
    secrets: OnceCell<Result<Vec<Frozen>, String>>,
}

/// Code that was read.
enum Ready<'h> {
    Rego(Box<Rego>),
    Sentinel(Box<SentinelSet>, &'h Facts),
}

impl<'c> Here<'c> {
    pub fn of(case: &'c Case) -> Self {
        Self { case, rego: OnceCell::new(), sentinel: OnceCell::new(), secrets: OnceCell::new() }
    }

    /// Asks those policies that are not among the first ones. Of each it is said before how long it may take.
    ///
    /// # Errors
    /// Where what they share cannot be read; then none is asked.
    pub fn ask(
        &self,
        question: &Question,
        first: usize,
        until: Instant,
        begins: impl Fn(Duration),
        mut each: impl FnMut(Answer),
    ) -> Result<(), String> {
        let mut ready = self.read(question)?;
        let mask = self.mask(question)?;
        for policy in question.policies.iter().skip(first) {
            let left = share(until).min(question.time);
            begins(left);
            each(match &mut ready {
                _ if left.is_zero() => Answer::Unasked(TOO_LONG.to_owned()),
                Ready::Rego(rego) => match rego.ask(policy, left) {
                    Ok(against) => {
                        let told = against.iter().map(|text| mask.text(text));
                        Answer::Against(short(told.collect()))
                    }
                    Err(refusal) => Answer::Unasked(mask.text(&refusal.to_string())),
                },
                Ready::Sentinel(set, facts) => {
                    let mut said = set.ask(policy, facts, &question.parameters, left);
                    said.mask(&mask);
                    Answer::Said(Box::new(said))
                }
            });
        }
        Ok(())
    }

    fn read(&self, question: &Question) -> Result<Ready<'_>, String> {
        Ok(match &question.code {
            Code::Rego { modules, dialect } => {
                let input = self.rego()?;
                let rego = Rego::new(modules.clone(), *dialect, input);
                Ready::Rego(Box::new(rego.map_err(|refusal| refusal.to_string())?))
            }
            Code::Sentinel(written) => {
                Ready::Sentinel(Box::new(SentinelSet::read(written)?), self.sentinel()?)
            }
        })
    }

    /// What policies are told and may tell nobody: whoever writes them, and whoever reads what they say, need not be one
    /// of those who may read the workspace's variables.
    fn mask(&self, question: &Question) -> Result<Mask, String> {
        let look = || {
            let plan = match self.sentinel.get() {
                Some(Ok(facts)) => facts.plan.clone(),
                _ => Arc::new(Frozen::from_json(self.case.plan.as_bytes())?),
            };
            Ok(secrets(&plan, &self.case.run))
        };
        let of_plan = self.secrets.get_or_init(look).as_ref().map_err(Clone::clone)?;
        let given = question.parameters.values().filter(|parameter| parameter.is_secret);
        Mask::of(of_plan.iter().chain(given.map(|parameter| &parameter.value)))
    }

    fn rego(&self) -> Result<&Input, String> {
        let read = || {
            let (plan, mut run) = (&self.case.plan, Frozen::from(&self.case.run).to_json());
            for key in ["replace_addrs", "target_addrs"] {
                // Rego has no functions for null.
                if run[key].is_null() {
                    run[key] = json!([]);
                }
            }
            for key in ["created_by", "commit_sha"] {
                // Nobody, and not somebody without a name.
                if run[key] == "" {
                    run[key] = Value::Null;
                }
            }
            let json = format!("{{\"plan\":{plan},\"run\":{run}}}");
            Input::read(&json).map_err(|refusal| refusal.to_string())
        };
        self.rego.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    fn sentinel(&self) -> Result<&Facts, String> {
        let read = || Facts::read(self.case).map_err(|refusal| refusal.to_string());
        self.sentinel.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

/// As much of it as can be told.
fn short(mut against: Vec<String>) -> Vec<String> {
    let mut size = 0;
    let fits = against.iter().take_while(|text| {
        size += text.len();
        size <= SAID
    });
    let (told, all) = (fits.count(), against.len());
    if told < all {
        against.truncate(told);
        against.push(format!("{} more, which are too long to be told", all - told));
    }
    against
}

/// What one policy may take of the time that is left for all, so that there is some for each of the others.
fn share(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::{Category, VariableKind};

    #[test]
    fn what_one_policy_says_has_an_end() {
        let few = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(short(few.clone()), few);
        let told = short(vec!["x".repeat(SAID / 2); 5]);
        assert_eq!((told.len(), &*told[2]), (3, "3 more, which are too long to be told"));
        assert_eq!(short(vec!["x".repeat(SAID + 1)]), ["1 more, which are too long to be told"]);
    }

    #[test]
    fn what_is_sensitive_in_a_plan_is_told_by_no_policy() {
        let plan = r#"{
            "variables": { "key": { "value": "first-secret" }, "open": { "value": "shown" } },
            "resource_changes": [{ "change": { "after": { "a": "second \"secret\"", "b": "seen" },
                "after_sensitive": { "a": true } } }]
        }"#;
        let kind = VariableKind { category: Category::Terraform, sensitive: true };
        let run = Run { variables: [("key".to_owned(), kind)].into(), ..Run::default() };
        let case = Case { plan: plan.into(), run, at: DateTime::UNIX_EPOCH, http: None };
        let rego = "package p\ndeny contains msg if { msg := sprintf(\"%v %v\", [input.plan.variables, \
            input.plan.resource_changes]) }";
        let modules = vec![Module { path: "p.rego".into(), code: rego.into() }];
        let sentinel = "import \"tfplan/v2\" as p\nimport \"json\"\n\
            print(p.variables, p.raw.resource_changes, json.marshal(p.raw))\nmain = rule { p.variables is null }";
        let one = Written::One { name: "p".into(), path: "p".into(), code: sentinel.into() };
        for (code, policy) in [
            (Code::Rego { modules, dialect: Dialect::Current }, "data.p.deny"),
            (Code::Sentinel(one), "p"),
        ] {
            let question = Question {
                code,
                policies: vec![policy.into()],
                parameters: BTreeMap::new(),
                time: Duration::from_secs(10),
            };
            let until = Instant::now() + Duration::from_secs(20);
            let said = Panel::of(&case, None).ask(&question, until).unwrap();
            let told = serde_json::to_string(&said).unwrap();
            assert!(told.contains("shown") && told.contains("seen"), "{told}");
            assert!(told.contains("***") && !told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn a_policy_without_an_end_leaves_time_for_those_behind_it() {
        let case =
            Case { plan: "{}".into(), run: Run::default(), at: DateTime::UNIX_EPOCH, http: None };
        let all = "numbers.range(1, 2000)";
        let code = format!(
            "package p\nendless contains \"x\" if {{\n some i in {all}\n some j in {all}\n some k in {all}\n \
             i * j * k == 0\n}}\nfine := []"
        );
        let question = Question {
            code: Code::Rego {
                modules: vec![Module { path: "p.rego".into(), code }],
                dialect: Dialect::Current,
            },
            policies: vec!["data.p.endless".into(), "data.p.fine".into()],
            parameters: BTreeMap::new(),
            time: Duration::from_hours(1),
        };
        let until = Instant::now() + Duration::from_secs(2);
        let said = Panel::of(&case, None).ask(&question, until).unwrap();
        assert!(matches!(said[0], Answer::Unasked(_)), "{said:?}");
        assert_eq!(said[1], Answer::Against(Vec::new()));
    }

    #[test]
    fn nobody_is_null_and_not_a_name_in_rego() {
        let case =
            Case { plan: "{}".into(), run: Run::default(), at: DateTime::UNIX_EPOCH, http: None };
        let code = "package p\nnone contains key if {\n some key in [\"created_by\", \"commit_sha\"]\n \
            input.run[key] == null\n}\nempty contains key if {\n some key in [\"replace_addrs\", \"target_addrs\"]\n \
            input.run[key] == []\n}";
        let modules = vec![Module { path: "p.rego".into(), code: code.into() }];
        let question = Question {
            code: Code::Rego { modules, dialect: Dialect::Current },
            policies: vec!["data.p.none".into(), "data.p.empty".into()],
            parameters: BTreeMap::new(),
            time: Duration::from_secs(10),
        };
        let until = Instant::now() + Duration::from_secs(10);
        let said = Panel::of(&case, None).ask(&question, until).unwrap();
        let words = |two: [&str; 2]| Answer::Against(two.map(str::to_owned).into());
        assert_eq!(
            said,
            [words(["commit_sha", "created_by"]), words(["replace_addrs", "target_addrs"])]
        );
        assert_eq!(
            Panel::of(&case, None).ask(&question, Instant::now()).unwrap(),
            [Answer::Unasked(TOO_LONG.into()), Answer::Unasked(TOO_LONG.into())]
        );
    }
}
