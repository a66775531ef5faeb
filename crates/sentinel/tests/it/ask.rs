//! Asking a small policy.

use statehouse_sentinel::{Frozen, Limits, Outcome, Source, World, evaluate};

/// A world without anything, at a certain time.
pub fn world() -> World {
    World::new("2026-01-02T03:04:05Z".parse().unwrap())
}

pub fn ask_in(world: &World, text: &str) -> Outcome {
    evaluate(&Source::new("policy.sentinel", text), world, &Limits::default(), &["r"])
}

pub fn ask(text: &str) -> Outcome {
    ask_in(&world(), text)
}

/// The value of `r` after a program, with all standard imports; or why there is none.
pub fn value(program: &str) -> Result<Frozen, String> {
    const IMPORTS: [&str; 14] = [
        "base64",
        "collection",
        "collection/lists",
        "collection/maps",
        "decimal",
        "http",
        "json",
        "runtime",
        "sockaddr",
        "strings",
        "time",
        "types",
        "units",
        "version",
    ];
    let imports = IMPORTS.map(|import| format!("import {import:?}\n")).concat();
    let program = program.replace(" ;; ", "\n");
    let outcome = ask(&format!("{imports}{program}\nprint(r)\nmain = true\n"));
    match outcome.error {
        Some(error) => Err(error.to_string()),
        None => Ok(outcome.names["r"].clone()),
    }
}
