//! Asking Rego: modules and an input in, and for each query the list of what speaks against it.

use std::{num::NonZeroU32, time::Duration};

use regorus::{Engine, Value, utils::limits::ExecutionTimerConfig};
use serde::{Deserialize, Serialize};

/// Steps between two looks at the clock.
const CHECK_EVERY: NonZeroU32 = NonZeroU32::new(128).expect("128 is not zero");

/// The release of OPA that this Rego behaves like: what `regorus` is verified against (its README, "OPA Conformance").
pub const OPA_VERSION: &str = "1.2.0";

/// Which syntax a module is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    /// That of OPA 1.0 and later; what cannot be read so is read as the older one.
    Current,
    /// That of OPA before 1.0, for whoever says so.
    Old,
}

/// One file of code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Module {
    pub path: String,
    pub code: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{path} cannot be read: {why}")]
    Module { path: String, why: String },
    #[error("The input cannot be read: {0}")]
    Input(String),
    #[error("The query failed: {0}")]
    Query(String),
    #[error("The query has no result: there is no such rule.")]
    Undefined,
    #[error("The query must result in one array or set, not in {0}.")]
    NoList(&'static str),
}

/// What policies are asked about.
#[derive(Clone, Debug)]
pub struct Input(Value);

impl Input {
    /// # Errors
    /// If it is no JSON.
    pub fn read(json: &str) -> Result<Self, Refusal> {
        Value::from_json_str(json).map(Self).map_err(|error| Refusal::Input(error.to_string()))
    }
}

/// Modules that were read, and the input that all queries are about.
pub struct Rego {
    engine: Engine,
}

impl std::fmt::Debug for Rego {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rego").finish_non_exhaustive()
    }
}

impl Rego {
    /// Reads all modules.
    ///
    /// # Errors
    /// For the first module that cannot be read.
    pub fn new(modules: Vec<Module>, dialect: Dialect, input: &Input) -> Result<Self, Refusal> {
        let mut engine = Engine::new();
        for module in modules {
            add(&mut engine, module, dialect)?;
        }
        engine.set_rego_v0(dialect == Dialect::Old);
        engine.set_input(input.0.clone());
        Ok(Self { engine })
    }

    /// What a query results in: each item as text, or as JSON where it is none. Nothing means that all is well.
    ///
    /// # Errors
    /// If it fails, takes more than `time`, is undefined, or results in anything but a list.
    pub fn ask(&mut self, query: &str, time: Duration) -> Result<Vec<String>, Refusal> {
        self.engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: time,
            check_interval: CHECK_EVERY,
        });
        let results = self
            .engine
            .eval_query(query.to_owned(), false)
            .map_err(|error| Refusal::Query(error.to_string()))?;
        let mut values = results
            .result
            .into_iter()
            .flat_map(|result| result.expressions)
            .map(|found| found.value);
        let value = values.next().ok_or(Refusal::Undefined)?;
        if values.next().is_some() {
            return Err(Refusal::NoList("several values"));
        }
        match value {
            Value::Array(items) => Ok(items.iter().map(text).collect()),
            Value::Set(items) => Ok(items.iter().map(text).collect()),
            Value::Undefined => Err(Refusal::Undefined),
            Value::Null => Err(Refusal::NoList("null")),
            Value::Bool(_) => Err(Refusal::NoList("a boolean")),
            Value::Number(_) => Err(Refusal::NoList("a number")),
            Value::String(_) => Err(Refusal::NoList("a string")),
            Value::Object(_) => Err(Refusal::NoList("an object")),
        }
    }
}

fn add(
    engine: &mut Engine,
    Module { path, code }: Module,
    dialect: Dialect,
) -> Result<(), Refusal> {
    let mut read = |old: bool| {
        engine.set_rego_v0(old);
        engine.add_policy(path.clone(), code.clone())
    };
    let read = match dialect {
        Dialect::Old => read(true),
        // Whoever writes the new syntax wants to hear what is wrong with it.
        Dialect::Current => read(false).or_else(|error| read(true).map_err(|_| error)),
    };
    read.map(drop).map_err(|error| Refusal::Module { path, why: error.to_string() })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => serde_json::to_string(other).unwrap_or_else(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "data.example.rule";

    fn ask(code: &str, query: &str) -> Result<Vec<String>, Refusal> {
        let module = Module { path: "a.rego".into(), code: code.into() };
        let input = Input::read(
            r#"{"plan":{"resource_changes":[{"address":"a.b"}]},"run":{"message":"hi"}}"#,
        )
        .unwrap();
        Rego::new(vec![module], Dialect::Current, &input)?.ask(query, Duration::from_millis(500))
    }

    #[test]
    fn the_old_syntax_and_the_new_one_are_both_read() {
        let old = |holds| format!("package example rule[\"not allowed\"] {{ {holds} }}");
        assert_eq!(ask(&old(true), QUERY).unwrap(), ["not allowed"]);
        assert!(ask(&old(false), QUERY).unwrap().is_empty());
        let new = "package example\nrule contains msg if {\n some c in input.plan.resource_changes\n msg := sprintf(\"no %s\", [c.address])\n}";
        assert_eq!(ask(new, QUERY).unwrap(), ["no a.b"]);
    }

    #[test]
    fn what_is_no_text_is_told_as_json() {
        let code = "package example\nrule contains {\"why\": input.run.message}";
        assert_eq!(ask(code, QUERY).unwrap(), [r#"{"why":"hi"}"#]);
    }

    #[test]
    fn anything_but_a_list_is_refused() {
        let refused = |code: &str| ask(code, QUERY).unwrap_err().to_string();
        assert!(refused("package example").contains("no such rule"));
        assert!(refused("package other").contains("no such rule"));
        assert!(refused("package example\nrule := true").contains("boolean"));
        assert!(refused("package example\nrule := \"no\"").contains("string"));
        assert!(refused("package example\nrule := {").contains("a.rego cannot be read"));
        assert!(ask("package example", "not a query").is_err());
    }

    #[test]
    fn nobody_can_ask_the_network() {
        let code = "package example\nrule contains \"x\" if {\n r := http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1/\"})\n r.status_code == 200\n}";
        assert!(ask(code, QUERY).is_err());
    }

    #[test]
    fn what_takes_too_long_is_stopped() {
        let code = "package example\nrule contains \"x\" if {\n some i in numbers.range(1, 2000)\n some j in numbers.range(1, 2000)\n some k in numbers.range(1, 2000)\n i * j * k == 0\n}";
        let refused = ask(code, QUERY).unwrap_err().to_string();
        assert!(refused.contains("time"), "{refused}");
    }
}
