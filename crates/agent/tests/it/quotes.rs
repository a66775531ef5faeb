//! What an engine says of the variables file is no way to read a sensitive value.

use protocol::{PhaseResult, Variable};

use crate::bench::{Bench, variable};

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
