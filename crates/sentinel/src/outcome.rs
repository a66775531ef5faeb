//! Asking a policy: from its text and a world to what it says, with all that happened on the way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::eval::{Interp, START};
use crate::frozen::Frozen;
use crate::mask::CUT;
use crate::source::{Class, Error, Fault, Place, Source, Why};
use crate::told::{head_comment, rules};
use crate::value::{Heap, Module, RuleState, Value};
use crate::world::{Limits, World};

/// What a policy says in the end. Only one of them lets a run go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Passed,
    Failed,
    /// `main` is undefined; the policy fails.
    Undefined,
    /// The policy could not be asked or gave up; it fails.
    Errored,
}

/// One rule that was evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleValue {
    pub name: String,
    /// Where it was assigned.
    pub place: Place,
    /// The comment directly above.
    pub description: String,
    /// `None` if evaluating it failed.
    pub value: Option<Frozen>,
}

/// All that is known after a policy has run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// The value of `main`, if there is one.
    pub main: Option<Frozen>,
    pub error: Option<Error>,
    /// For an undefined `main`: where that arose.
    pub arose: Option<Place>,
    /// What was printed, as it is; escape it where it is shown.
    pub printed: String,
    /// The policy's own rules that were evaluated, `main` first, then by name.
    pub rules: Vec<RuleValue>,
    /// The comment at the head of the file.
    pub description: String,
    /// What looks like a mistake.
    pub warnings: Vec<Error>,
    /// The names asked for that have a value: variables, and rules that were evaluated.
    pub names: BTreeMap<String, Frozen>,
    pub duration: Duration,
}

/// The stack of an evaluation; its pages are taken only when they are used.
const STACK: usize = 256 << 20;

/// Asks a policy. It never panics and always ends; what goes wrong is in the outcome.
///
/// `watch` are names of the policy's own file whose values the outcome tells.
pub fn evaluate(policy: &Source, world: &World, limits: &Limits, watch: &[&str]) -> Outcome {
    let started = Instant::now();
    // A thread of its own has a stack whose size is known.
    let asked = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("policy".into()).stack_size(STACK);
        let run = || ask(policy, world, limits, watch);
        match thread.spawn_scoped(scope, run) {
            Ok(thread) => thread.join().map_err(|_| "the policy engine failed".to_owned()),
            Err(error) => Err(format!("cannot start a thread: {error}")),
        }
    });
    let mut outcome = asked.unwrap_or_else(|text| Outcome {
        description: head_comment(&policy.text),
        ..Outcome::unasked(text)
    });
    outcome.duration = started.elapsed();
    outcome
}

impl Outcome {
    /// Of a policy that could not be asked, and why.
    pub fn unasked(why: impl Into<String>) -> Self {
        let error = Error { class: Class::Runtime, place: None, text: why.into() };
        Self { error: Some(error), ..Self::empty() }
    }

    /// Nothing is known yet, so nothing passed.
    fn empty() -> Self {
        Self {
            verdict: Verdict::Errored,
            main: None,
            error: None,
            arose: None,
            printed: String::new(),
            rules: Vec::new(),
            description: String::new(),
            warnings: Vec::new(),
            names: BTreeMap::new(),
            duration: Duration::ZERO,
        }
    }
}

fn ask(policy: &Source, world: &World, limits: &Limits, watch: &[&str]) -> Outcome {
    let heap = Heap::default();
    let mut interp = Interp::new(&heap, world, limits);
    let mut outcome = Outcome { description: head_comment(&policy.text), ..Outcome::empty() };
    let ran = interp.policy(policy);
    let main = ran.and_then(|module| {
        let Some(main) = module.get("main") else {
            return Err(Fault::at(START, "the policy has no \"main\""));
        };
        let main = interp.force(main)?;
        outcome.names = watched(&mut interp, module, watch).map_err(|fault| fault.or_at(START))?;
        if let Value::Undefined(Some(pos)) = main {
            outcome.arose = Some(place(&interp, pos));
        }
        let verdict = verdict(&interp, main)?;
        outcome.main = Some(interp.tell(main).map_err(|fault| fault.or_at(START))?.0);
        Ok(verdict)
    });
    match main {
        Ok(verdict) => outcome.verdict = verdict,
        Err(fault) => outcome.error = Some(error(&interp, fault)),
    }
    match rules(&mut interp, policy) {
        Ok((rules, untold)) => {
            outcome.rules = rules;
            if untold > 0 {
                let text = format!("{CUT}: {untold} more rules are not told\n");
                interp.printed.extend_from_slice(text.as_bytes());
            }
        }
        // What cannot be told was too much for the limits.
        Err(fault) => {
            outcome.verdict = Verdict::Errored;
            outcome.error.get_or_insert(error(&interp, fault));
        }
    }
    outcome.printed = String::from_utf8_lossy(&interp.printed).into_owned();
    let warnings = std::mem::take(&mut interp.warnings).into_iter();
    outcome.warnings = warnings
        .map(|(pos, text)| Error { class: Class::Semantic, place: Some(place(&interp, pos)), text })
        .collect();
    outcome
}

/// What a value of `main` means: true, zero or nothing in it is a yes.
fn verdict(interp: &Interp<'_>, main: Value<'_>) -> crate::source::Eval<Verdict> {
    let passed = match main {
        Value::Undefined(_) => return Ok(Verdict::Undefined),
        Value::Bool(value) => value,
        Value::Int(value) => value == 0,
        Value::Float(value) => value == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::List(list) => list.len() == 0,
        Value::Map(map) => map.len() == 0,
        _ => {
            let pos =
                interp.rules.iter().find(|(name, ..)| *name == "main").map(|(_, pos, _)| *pos);
            let text = format!("\"main\" cannot be {:?}", main.type_name());
            return Err(Fault::at(pos.unwrap_or(START), text));
        }
    };
    Ok(if passed { Verdict::Passed } else { Verdict::Failed })
}

fn watched<'a>(
    interp: &mut Interp<'a>,
    module: &'a Module<'a>,
    watch: &[&str],
) -> crate::source::Eval<BTreeMap<String, Frozen>> {
    let mut names = BTreeMap::new();
    for name in watch {
        let value = match module.get(name) {
            Some(Value::Rule(rule)) => match &*rule.state.borrow() {
                RuleState::Done(value) => *value,
                _ => continue,
            },
            Some(value) => value,
            None => continue,
        };
        names.insert((*name).to_owned(), interp.freeze(value, 0)?);
    }
    Ok(names)
}

fn place(interp: &Interp<'_>, pos: crate::source::Pos) -> Place {
    Place::of(&interp.files[usize::from(pos.file)], pos.at as usize)
}

fn error(interp: &Interp<'_>, fault: Fault) -> Error {
    let Why { class, pos, text } = fault.into_why();
    let known = pos.filter(|pos| usize::from(pos.file) < interp.files.len());
    Error { class, place: known.map(|pos| place(interp, pos)), text }
}
