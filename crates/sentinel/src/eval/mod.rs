//! Running a policy: the state of an evaluation, and its budget.

mod assign;
mod call;
mod convert;
mod expr;
mod import;
mod number;
mod ops;
mod print;
mod quant;
mod regexes;
mod same;
mod stmt;
mod tell;

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

pub(crate) use import::START;
pub(crate) use number::{compare_numbers, float};
pub(crate) use print::{float as float_text, quoted};
use regexes::Pattern;
pub(crate) use tell::MAX_VALUE;

use crate::source::{Eval, Fault, Pos, Source};
use crate::value::{Heap, Module, Rule, RuleState, Scope, Value};
use crate::world::{Limits, World};

/// Values may lie this deep within each other where they are walked.
pub(crate) const MAX_NESTING: usize = 500;

/// One evaluation of one policy.
pub(crate) struct Interp<'a> {
    pub heap: &'a Heap<'a>,
    pub world: &'a World,
    pub limits: &'a Limits,
    /// All files that were read, by their index.
    pub files: Vec<Source>,
    /// Modules by import name; `None` while one is running.
    modules: HashMap<&'a str, Option<&'a Module<'a>>>,
    /// The policy's own rules, in the order in which they were assigned.
    pub rules: Vec<(&'a str, Pos, &'a Rule<'a>)>,
    /// The scope of the policy's own file, once it is running.
    pub main: Option<&'a Scope<'a>>,
    pub printed: Vec<u8>,
    /// Whether more was printed than there is room for.
    pub print_cut: bool,
    pub warnings: Vec<(Pos, String)>,
    regexes: HashMap<&'a [u8], Rc<Pattern>>,
    started: Instant,
    steps: u64,
    calls: usize,
    depth: usize,
    importing: usize,
}

impl<'a> Interp<'a> {
    pub fn new(heap: &'a Heap<'a>, world: &'a World, limits: &'a Limits) -> Self {
        Self {
            heap,
            world,
            limits,
            files: Vec::new(),
            modules: HashMap::new(),
            rules: Vec::new(),
            main: None,
            printed: Vec::new(),
            print_cut: false,
            warnings: Vec::new(),
            regexes: HashMap::new(),
            started: Instant::now(),
            steps: 0,
            calls: 0,
            depth: 0,
            importing: 0,
        }
    }

    /// Counts work. Time is looked at every 1,024 steps.
    #[inline]
    pub fn spend(&mut self, steps: usize) -> Eval<()> {
        let before = self.steps;
        self.steps = before.saturating_add(steps as u64);
        if self.steps > self.limits.steps {
            return Err(Fault::limit(format!("more than {} steps", self.limits.steps)));
        }
        if self.heap.used() > self.limits.memory {
            return Err(self.out_of_memory());
        }
        if before >> 10 != self.steps >> 10 {
            return self.look_at_the_clock();
        }
        Ok(())
    }

    /// Ends the policy if its time is over.
    pub fn look_at_the_clock(&self) -> Eval<()> {
        if self.started.elapsed() >= self.limits.time {
            return Err(Fault::limit(format!("more than {:?} of time", self.limits.time)));
        }
        Ok(())
    }

    pub fn time_left(&self) -> Duration {
        self.limits.time.saturating_sub(self.started.elapsed())
    }

    /// Makes sure that so many bytes may be allocated, before they are.
    pub fn room(&self, bytes: usize) -> Eval<()> {
        if self.heap.used().saturating_add(bytes) > self.limits.memory {
            return Err(self.out_of_memory());
        }
        Ok(())
    }

    fn out_of_memory(&self) -> Fault {
        Fault::limit(format!("more than {} bytes of memory", self.limits.memory))
    }

    /// Says of a place that it looks like a mistake, once. Of very many the first ones are enough.
    pub fn warn(&mut self, pos: Pos, text: impl FnOnce() -> String) {
        const KEPT: usize = 100;
        if self.warnings.len() < KEPT && self.warnings.iter().all(|(known, _)| *known != pos) {
            self.warnings.push((pos, text()));
        }
    }

    /// A string that may be large.
    pub fn text(&mut self, bytes: impl Into<Box<[u8]>>) -> Eval<Value<'a>> {
        let value = self.heap.text(bytes);
        self.spend(1)?;
        Ok(value)
    }

    /// The value itself; of a rule what it says, of a long string its text.
    pub fn force(&mut self, value: Value<'a>) -> Eval<Value<'a>> {
        match self.look(value)? {
            Value::Rope(rope) => {
                self.room(rope.len())?;
                self.spend(rope.len() / 64)?;
                Ok(Value::Text(rope.flat(self.heap)))
            }
            value => Ok(value),
        }
    }

    /// The value itself; of a rule what it says. Long strings stay in pieces.
    pub fn look(&mut self, value: Value<'a>) -> Eval<Value<'a>> {
        match value {
            Value::Rule(rule) => self.rule(rule),
            _ => Ok(value),
        }
    }

    fn rule(&mut self, rule: &'a Rule<'a>) -> Eval<Value<'a>> {
        match &*rule.state.borrow() {
            RuleState::Done(value) => return Ok(*value),
            RuleState::Running => {
                return Err(Fault::at(rule.pos, "the rule needs its own value"));
            }
            RuleState::Failed(fault) => return Err(fault.clone()),
            RuleState::Pending => {}
        }
        *rule.state.borrow_mut() = RuleState::Running;
        let result = self.rule_body(rule);
        let state = match &result {
            Ok(value) => RuleState::Done(*value),
            Err(fault) => RuleState::Failed(fault.clone()),
        };
        *rule.state.borrow_mut() = state;
        result
    }

    fn rule_body(&mut self, rule: &'a Rule<'a>) -> Eval<Value<'a>> {
        if let Some(when) = &rule.body.when {
            match self.operand(when, rule.scope)? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(Value::Bool(true)),
                undefined @ Value::Undefined(_) => return Ok(undefined),
                other => {
                    let text = format!(
                        "the condition of a rule must be a boolean, got {:?}",
                        other.type_name()
                    );
                    return Err(Fault::at(when.pos, text));
                }
            }
        }
        match self.operand(&rule.body.body, rule.scope)? {
            value @ (Value::Func(_) | Value::Native(..)) => {
                let text = format!("a rule cannot be a {:?}", value.type_name());
                Err(Fault::at(rule.body.body.pos, text))
            }
            value => Ok(value),
        }
    }

    /// Goes into a value that lies `nesting` deep in another one, to do `what` with it.
    ///
    /// It is a level like any other: a rule that is found there may lead to further values.
    pub fn nested<T>(
        &mut self,
        nesting: usize,
        what: &str,
        inner: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> Eval<T> {
        if nesting > MAX_NESTING {
            let text = format!("cannot {what} values that are nested more than {MAX_NESTING} deep");
            return Err(Fault::limit(text));
        }
        self.deeper(inner)
    }

    /// Goes one level deeper for the time of `inner`.
    pub fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        if self.depth >= self.limits.depth {
            let text = format!("more than {} expressions within each other", self.limits.depth);
            return Err(Fault::limit(text));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
