//! What an engine says of the variables file is no way to read a sensitive value.

use protocol::{PhaseResult, Variable};

use crate::bench::{Bench, resource, variable};

const SECRET: &str = "hunter2-s3cret";

fn secret(value: &str, hcl: bool) -> Variable {
    Variable { sensitive: true, ..variable("n", value, hcl) }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_complaint_about_a_sensitive_value_quotes_it() {
    let bench = Bench::start().await;
    let typed = |kind: &str| format!("variable \"n\" {{\n  type = {kind}\n}}\n");
    let checked = "variable \"n\" {\n  validation {\n    condition     = length(var.n) > 1000\n    \
                   error_message = \"Too short.\"\n  }\n}\n";
    let used =
        "variable \"n\" {}\nlocals { x = tonumber(var.n) }\noutput \"x\" { value = local.x }\n";
    for (main, value) in [
        (typed("number"), secret(SECRET, false)),
        (typed("bool"), secret(&format!("\"{SECRET}\""), true)),
        (typed("map(number)"), secret(&format!("{{\n  \"{SECRET}\" = \"x\"\n}}"), true)),
        (typed("object({ a = number })"), secret(&format!("{{ \"{SECRET}\" = 1 }}"), true)),
        (typed("list(number)"), secret(&format!("[1,\n2,\n\"{SECRET}\"]"), true)),
        (typed("string"), secret(&format!("{{ \"{SECRET}\" = "), true)),
        (typed("string"), secret(SECRET, true)),
        (typed("string"), secret(&format!("\"{SECRET}"), true)),
        (typed("string"), secret(&format!("f(\"{SECRET}\")"), true)),
        (typed("string"), secret(&format!("\"x\"\nn = \"{SECRET}\""), true)),
        (typed("number"), secret(&format!("<<EOT\n\n{SECRET}\n\nEOT"), true)),
        (checked.to_owned(), secret(SECRET, false)),
        (checked.to_owned(), secret(&format!("<<EOT\na\n\n{SECRET}\nEOT"), true)),
        (used.to_owned(), secret(SECRET, false)),
    ] {
        for (structured, plain) in [(false, false), (true, false), (false, true)] {
            let mut job = bench.plan(&[("main.tf", &main)]);
            job.variables = vec![value.clone(), variable("other", "open", false)];
            job.structured_output = structured;
            if plain {
                job.variables.push(crate::bench::environment("TF_CLI_ARGS", "-no-color"));
            }
            let record = bench.execute(&job).await;
            assert_eq!(record.outcome().result, PhaseResult::Errored, "{}", record.text());
            let message = record.outcome().message.as_deref().unwrap();
            assert!(!message.contains(SECRET), "{message}");
            let log = record.raw();
            assert!(!log.contains(SECRET), "{log}");
            assert!(log.ends_with('\u{3}') && log.contains("Error"), "{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_about_another_value_is_shown_in_full() {
    let bench = Bench::start().await;
    let main = "variable \"n\" { type = number }\nvariable \"m\" {}\n";
    let mut job = bench.plan(&[("main.tf", main)]);
    let hidden = Variable { sensitive: true, ..variable("m", SECRET, false) };
    job.variables = vec![variable("n", "not a number", false), hidden];
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    assert!(record.text().contains("n = \"not a number\""), "{}", record.text());
    assert!(!record.text().contains("sensitive variable"), "{}", record.text());
    job.id += "-hidden";
    let main = bench.plan(&[("main.tf", "variable \"m\" { type = number }\n")]);
    job.configuration_url = main.configuration_url;
    let record = bench.execute(&job).await;
    assert!(record.text().contains("value of the sensitive variable “m”"), "{}", record.text());
}

/// What people do with a secret, each in the shell of a resource.
const PRINTED: [&str; 14] = [
    "echo \"$S\"",
    "printf 'open se'; printf 'same?>~>~'",
    "printf %s \"$S\" | base64 -w0",
    "printf a%s \"$S\" | base64 -w0",
    "printf ab%sc \"$S\" | base64 -w0",
    "printf %s \"$S\" | base64 -w0 | tr '+/' '-_'",
    "printf %s \"$S\" | od -An -tx1 | tr -d ' \\n'",
    "printf %s \"$S\" | od -An -tx1 | tr -d ' \\n' | tr a-f A-F",
    "printf %s \"$S\" | sed 's/ /%20/g; s/?/%3F/g; s/>/%3E/g'",
    "printf '{\"a\": \"%s\"}' \"$S\"",
    "printf %s \"$S\" | base64 -w0 | base64 -w0",
    "printf %s \"$S\" | iconv -t UTF-16LE | base64 -w0",
    "printf %s \"$S\" | sed 's/>/\\&gt;/g'",
    "printf '{\"a\":\"%s\"}' \"$S\" | base64 -w0",
];

/// In several lines, each of which is an event of its own where logs are structured.
const APART: [&str; 2] =
    ["printf %s \"$S\" | od -An -tx1 -w5", "printf %s \"$S\" | sed 's/ /\\n│     /'"];

#[tokio::test(flavor = "multi_thread")]
async fn no_log_shows_a_secret_however_a_run_writes_it() {
    let bench = Bench::start().await;
    let value = "open sesame?>~>~";
    let known = [
        value.to_owned(),
        "sesame".into(),
        // In base64 at each place, in hexadecimal, in an address.
        "b3BlbiBzZXNhb".into(),
        "9wZW4gc2VzYW1l".into(),
        "cGVuIHNlc2FtZ".into(),
        "6f70656e20736573616d65".into(),
        "6F70656E20736573616D65".into(),
        "open%20sesame".into(),
        // Twice, as Windows has it, in rows.
        "YjNCbGJpQnpaWE5oY".into(),
        "bwBwAGUAbgAgAHMA".into(),
        "6f 70 65 6e 20".into(),
    ];
    let local = "variable \"n\" {}\nlocals { l = \"x ${var.n}\" }\n\
                 module \"m\" {\n  source = \"./m\"\n  n = local.l\n}\n\
                 resource \"terraform_data\" \"b\" { input = local.l }\n\
                 output \"o\" { value = jsonencode([local.l]) }\n";
    let module = "variable \"n\" {}\nresource \"terraform_data\" \"a\" { input = [var.n] }\n";
    for structured in [false, true] {
        let apart: &[&str] = if structured { &[] } else { &APART };
        let lines = PRINTED.iter().chain(apart).map(|line| format!("({line}); echo"));
        let main = local.to_owned() + &resource("c", &lines.collect::<Vec<_>>().join("; "));
        let mut plan = bench.plan(&[("main.tf", &main), ("m/main.tf", module)]);
        let secret = Variable { sensitive: true, ..crate::bench::environment("S", value) };
        plan.variables = vec![Variable { sensitive: true, ..variable("n", value, false) }, secret];
        plan.structured_output = structured;
        let (planned, applied) = bench.plan_and_apply(&plan).await;
        assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
        let count = applied.raw().matches("(sensitive value)").count();
        assert!(count >= PRINTED.len(), "{}", applied.raw());
        for log in [planned.raw(), applied.raw()] {
            for text in &known {
                assert!(!log.contains(text.as_str()), "{text}: {log}");
            }
            for line in log.lines().filter(|line| line.starts_with("{\"@")) {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
        }
        let state = String::from_utf8(applied.states.last().unwrap().to_vec()).unwrap();
        assert!(state.contains("open sesame?"), "states are whole: {state}");
    }
}

/// What the engine makes of a value before it shows it: composed letters, Go's own escapes, decoded texts, shorter numbers.
#[tokio::test(flavor = "multi_thread")]
async fn no_engine_shows_a_secret_in_its_own_spelling() {
    let bench = Bench::start().await;
    let object = "{ a = \"Gz6\\U0001F600kPqW9\", b = <<-EOT\n    Gz5abcdef $${q}\n  EOT\n}";
    for (value, hcl, shown) in [
        ("pa\u{308}ssword-e\u{301}-qwxyz", false, "pässword-é-qwxyz"),
        ("Gz8kPq\u{7f}W9vTrB3", false, "W9vTrB3"),
        ("Gz3kPq\u{7}W9vT\u{b}rB7", false, "W9vT"),
        ("Gz9kPq\u{1b}[31mW9vTrB4", false, "W9vTrB4"),
        ("Gz7kPq\u{e0041}W9vTrB11", false, "W9vTrB11"),
        ("{ password = \"Gz8kP\\\"qW9vT\u{a0}rB12\" }", true, "qW9vT"),
        (object, true, "kPqW9"),
        (object, true, "Gz5abcdef"),
        ("00918273645.50", false, "918273645.5"),
    ] {
        let kind = if value.starts_with('0') { "type = number" } else { "" };
        let main = format!(
            "variable \"n\" {{ {kind} }}\nresource \"terraform_data\" \"a\" {{ input = nonsensitive(var.n) }}\n\
             output \"o\" {{ value = nonsensitive(var.n) }}\n\
             output \"j\" {{ value = nonsensitive(jsonencode(var.n)) }}\n"
        );
        for structured in [false, true] {
            let mut plan = bench.plan(&[("main.tf", &main)]);
            plan.variables = vec![Variable { sensitive: true, ..variable("n", value, hcl) }];
            plan.structured_output = structured;
            let (planned, applied) = bench.plan_and_apply(&plan).await;
            assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
            for log in [planned.raw(), applied.raw()] {
                assert!(!log.contains(shown), "{value:?}: {log}");
            }
            let redacted = String::from_utf8_lossy(&planned.artifacts["json-plan-redacted"]);
            assert!(!redacted.contains(shown), "{value:?}: {redacted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_about_locals_modules_and_arguments_show_no_secret_either() {
    let bench = Bench::start().await;
    let local = "variable \"n\" {}\nlocals { l = \"x${var.n}\" }\n\
                 output \"o\" { value = tonumber(local.l) }\n";
    let called = "variable \"n\" {}\nmodule \"m\" {\n  source = \"./m\"\n  n = var.n\n}\n";
    let module = "variable \"n\" { type = number }\n";
    let arguments = |value: &str| Variable {
        sensitive: true,
        ..crate::bench::environment("TF_CLI_ARGS_plan", value)
    };
    for (main, variables) in [
        (local, vec![secret(SECRET, false)]),
        (called, vec![secret(SECRET, false)]),
        ("", vec![arguments(&format!("-{SECRET}"))]),
        ("", vec![arguments(&format!("--{SECRET}=x"))]),
        ("", vec![arguments(&format!("-parallelism={SECRET}"))]),
    ] {
        for structured in [false, true] {
            let mut job = bench.plan(&[("main.tf", main), ("m/main.tf", module)]);
            job.variables = variables.clone();
            job.structured_output = structured;
            let record = bench.execute(&job).await;
            assert_eq!(record.outcome().result, PhaseResult::Errored, "{}", record.text());
            let message = record.outcome().message.as_deref().unwrap();
            assert!(!message.contains(SECRET), "{message}");
            assert!(!record.raw().contains(SECRET), "{}", record.raw());
        }
    }
}
