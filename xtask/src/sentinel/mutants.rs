//! Other readings of the language, which no policy repository tells from ours: each is put into a copy of the engine, and
//! its probes have to notice.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::commands::{command, tee};
use crate::workspace;

/// One changed reading.
struct Mutant {
    what: &'static str,
    edits: &'static [Edit],
}

/// In a file of the engine: a text that stands there once, and what takes its place.
struct Edit(&'static str, &'static str, &'static str);

const ENGINE: &str = "crates/sentinel/src";

const MUTANTS: &[Mutant] = &[
    Mutant {
        what: "unlike types compare as undefined",
        edits: &[Edit(
            "eval/same.rs",
            "            _ => Some(false),",
            "(Value::Null, _) | (_, Value::Null) => Some(false), _ => None,",
        )],
    },
    Mutant {
        what: "unlike types compare as error",
        edits: &[Edit(
            "eval/same.rs",
            "            _ => Some(false),",
            "(Value::Null, _) | (_, Value::Null) => Some(false), \
             _ => return Err(crate::source::Fault::new(\"unlike types\")),",
        )],
    },
    Mutant {
        what: "null against other: undefined",
        edits: &[Edit(
            "eval/same.rs",
            "            _ => Some(false),",
            "(Value::Null, _) | (_, Value::Null) => None, _ => Some(false),",
        )],
    },
    Mutant {
        what: "null against other: error",
        edits: &[Edit(
            "eval/same.rs",
            "            _ => Some(false),",
            "(Value::Null, _) | (_, Value::Null) => return Err(crate::source::Fault::new(\"null\")), \
             _ => Some(false),",
        )],
    },
    Mutant {
        what: "bodies of if and else have their own scope",
        edits: &[Edit(
            "parse/stmt.rs",
            "        Ok(Stmt::If { cond, then, other })",
            "let own = |body| vec![Stmt::Block { body, slots: 0 }];
             Ok(Stmt::If { cond, then: own(then), other: other.map(own) })",
        )],
    },
    Mutant {
        what: "index on null is an error",
        edits: &[Edit(
            "eval/expr.rs",
            "            (Value::Null, _) => None,",
            "(Value::Null, _) => return Err(Fault::new(\"null has no elements\")),",
        )],
    },
    Mutant {
        what: "undefined and false is false",
        edits: &[Edit(
            "eval/expr.rs",
            "            Value::Undefined(_) if op == Binary::And => Ok(first),",
            "Value::Undefined(_) if op == Binary::And => match self.operand(right, scope)? {
                 second @ Value::Bool(false) => Ok(second),
                 _ => Ok(first),
             },",
        )],
    },
    Mutant {
        what: "filter skips undefined",
        edits: &[Edit(
            "eval/quant.rs",
            "                        Err(undefined) => return Ok(undefined.or_arose_at(pos)),",
            "Err(undefined) => drop(undefined.or_arose_at(pos)),",
        )],
    },
    Mutant {
        what: "a loop over undefined runs zero times",
        edits: &[Edit(
            "eval/stmt.rs",
            "            value => {\n                let text = format!(\"unsupported type",
            "Value::Undefined(_) => Vec::new(),
             value => {\n                let text = format!(\"unsupported type",
        )],
    },
    Mutant {
        what: "index on undefined is undefined",
        edits: &[Edit(
            "eval/expr.rs",
            "            (Value::Null, _) => None,",
            "(Value::Null | Value::Undefined(_), _) => None,",
        )],
    },
    Mutant {
        what: "if undefined takes else",
        edits: &[Edit(
            "eval/stmt.rs",
            "                Value::Bool(false) => self.run(",
            "Value::Bool(false) | Value::Undefined(_) => self.run(",
        )],
    },
    Mutant {
        what: "undefined predicates count as false",
        edits: &[Edit(
            "std/collection.rs",
            "        Value::Bool(holds) => Ok(holds),",
            "Value::Bool(holds) => Ok(holds), Value::Undefined(_) => Ok(false),",
        )],
    },
    Mutant {
        what: "not binds looser than comparison",
        edits: &[Edit(
            "parse/expr.rs",
            "        let operand = self.deeper(Self::unary)?;",
            "let looser = |parser: &mut Self| match op {
                 Unary::Not => parser.binary(3),
                 _ => parser.unary(),
             };
             let operand = self.deeper(looser)?;",
        )],
    },
    Mutant {
        what: "assigning a builtin's name replaces it everywhere",
        edits: &[
            Edit(
                "check.rs",
                "    checker.scopes.push(names);",
                "names.extend(crate::builtin::BUILTINS.iter().map(|native| Box::from(native.name)));
                 checker.scopes.push(names);",
            ),
            Edit(
                "eval/assign.rs",
                "                let cell = place(name, scope).or_else(",
                "let everywhere = match (crate::builtin::find(&name.text), name.slots.last()) {
                     (Some(_), Some(slot)) => {
                         let mut file = scope;
                         while let Some(parent) = file.parent {
                             file = parent;
                         }
                         file.slots.get(usize::from(slot.index))
                     }
                     _ => None,
                 };
                 let cell = place(name, scope).or(everywhere).or_else(",
            ),
        ],
    },
    Mutant {
        what: "rules are evaluated where they stand",
        edits: &[Edit(
            "eval/expr.rs",
            "                Ok(Value::Rule(self.heap.rule(Rule { body, pos: expr.pos, scope, state })))",
            "let rule = self.heap.rule(Rule { body, pos: expr.pos, scope, state });
             self.rule(rule)?;
             Ok(Value::Rule(rule))",
        )],
    },
    Mutant {
        what: "data of modules is shared",
        edits: &[Edit(
            "eval/expr.rs",
            "                Some(value) => Some(self.fresh(value, 0)?),",
            "Some(value) => Some(value),",
        )],
    },
    Mutant {
        what: "calling undefined is an error",
        edits: &[Edit(
            "eval/call.rs",
            "            Value::Undefined(_) => Ok(function),",
            "Value::Undefined(_) => Err(Fault::new(\"undefined cannot be called\")),",
        )],
    },
];

/// Compiles the engine and its probes once for each, in a copy of the project.
pub async fn run() -> Result<()> {
    let copy = tempfile::tempdir()?;
    workspace::copy_to(copy.path()).await?;
    let engine = copy.path().join(ENGINE);
    ensure!(notice(copy.path()).await?.is_empty(), "probes fail before anything is changed");
    let mut unnoticed = Vec::new();
    let mut told = Vec::new();
    for mutant in MUTANTS {
        let before = mutant.apply(&engine)?;
        let failed = notice(copy.path()).await.with_context(|| mutant.what)?;
        for (path, text) in before {
            std::fs::write(path, text)?;
        }
        if failed.is_empty() {
            unnoticed.push(mutant.what);
        }
        told.push(format!("{:55} {}", mutant.what, failed.join(", ")));
    }
    println!("\n{}", told.join("\n"));
    ensure!(unnoticed.is_empty(), "no probe notices that {}", unnoticed.join("; that "));
    Ok(())
}

impl Mutant {
    /// Changes the files of an engine, and tells what they were.
    fn apply(&self, engine: &Path) -> Result<Vec<(std::path::PathBuf, String)>> {
        let mut before = Vec::new();
        for Edit(file, from, to) in self.edits {
            let path = engine.join(file);
            let text = std::fs::read_to_string(&path)?;
            let found = text.matches(from).count();
            ensure!(found == 1, "{}: {file} has {found} times {from:?}", self.what);
            std::fs::write(&path, text.replace(from, to))?;
            before.push((path, text));
        }
        Ok(before)
    }
}

/// The tests that fail in a copy.
async fn notice(copy: &Path) -> Result<Vec<String>> {
    let mut cargo = command("cargo");
    cargo.args([
        "test",
        "-p",
        "statehouse-sentinel",
        "--test",
        "it",
        "--",
        "probes::",
        "imports::",
    ]);
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", workspace::root().join("target"));
    let (status, output) = tee(&mut cargo).await?;
    let failed: Vec<String> = failed(&output).map(str::to_owned).collect();
    if failed.is_empty() && !status.success() {
        bail!("it does not compile");
    }
    Ok(failed)
}

/// The names of tests that a runner says have failed.
fn failed(output: &str) -> impl Iterator<Item = &str> {
    output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_reading_still_has_its_place_in_the_engine() {
        let copy = tempfile::tempdir().unwrap();
        for mutant in MUTANTS {
            for Edit(file, ..) in mutant.edits {
                let to = copy.path().join(file);
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(workspace::root().join(ENGINE).join(file), to).unwrap();
            }
            for (path, text) in mutant.apply(copy.path()).unwrap() {
                assert_ne!(std::fs::read_to_string(&path).unwrap(), text, "{}", mutant.what);
            }
        }
    }

    #[test]
    fn tests_that_failed_are_named() {
        let told = "test probes::a ... ok\ntest imports::b ... FAILED\nfailures:\n    imports::b\n";
        assert_eq!(failed(told).collect::<Vec<_>>(), ["imports::b"]);
    }
}
