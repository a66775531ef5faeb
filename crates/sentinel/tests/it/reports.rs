//! What a set of policies said, as logs and tools show it.

use statehouse_sentinel::config::Level;
use statehouse_sentinel::report::{Counts, Judged, log, set_json};
use statehouse_sentinel::{Frozen, Mask, Outcome};

use crate::ask::ask;

fn judged(name: &str, level: Level, text: &str) -> Judged {
    Judged { name: format!("set/{name}"), level, outcome: ask(text) }
}

fn set() -> Vec<Judged> {
    vec![
        judged("good", Level::HardMandatory, "main = rule { true }"),
        judged("advice", Level::Advisory, "main = rule { false }"),
        judged(
            "tags",
            Level::SoftMandatory,
            "# Tags.\n\nprint(\"no \\u001b[1mtag\")\n# Why.\nmain = rule { [1] }",
        ),
        judged("broken", Level::HardMandatory, "main = rule { 1 / 0 }"),
    ]
}

#[test]
fn failures_are_counted_by_level_and_an_error_is_one() {
    let counts = Counts::of(&set());
    assert_eq!((counts.passed, counts.total_failed()), (1, 3));
    assert_eq!((counts.advisory_failed, counts.soft_failed, counts.hard_failed), (1, 1, 1));
    assert!(!counts.result());
    assert!(Counts::of(&set()[..2]).result());
    assert!(Counts::of(&[]).result());
}

#[test]
fn the_log_has_the_lines_that_people_look_for() {
    let told = log(Some("set"), &set());
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0].len(), 80);
    assert!(lines[0].starts_with("====") && lines[0].contains("= Results for policy set: set ="));
    assert_eq!(lines[2], "Sentinel Result: false");
    for line in [
        "4 policies evaluated.",
        "## Policy 1: set/advice (advisory)",
        "## Policy 2: set/tags (soft-mandatory)",
        "## Policy 3: set/broken (hard-mandatory)",
        "## Policy 4: set/good (hard-mandatory)",
        "Print messages:",
        "no \u{1b}[1mtag",
        "policy.sentinel:5:1 - Rule \"main\"",
        "An error occurred:",
        "  policy.sentinel:1:15: an integer cannot be divided by zero",
    ] {
        assert!(lines.contains(&line), "{line:?} is not in\n{told}");
    }
    assert!(lines.iter().all(|line| line.len() <= 80), "{told}");
    assert!(told.contains("Description:\n  Tags.\n"));
    assert!(told.contains("  Description:\n    Why.\n\n  Value:\n    [1]\n"));
    let one = log(None, &set()[..1]);
    assert!(one.contains("<empty policy set name>") && one.contains("1 policies evaluated."));
    assert!(one.contains("Sentinel Result: true"));
}

#[test]
fn tools_find_each_policy_with_its_trace() {
    let told = set_json(&set());
    assert_eq!(told["result"], false);
    assert_eq!(told["can-override"], false);
    assert_eq!(told["policies"][0]["policy"]["name"], "set/advice");
    assert_eq!(told["policies"][0]["allowed-failure"], true);
    assert_eq!(told["policies"][1]["policy"]["enforcement-level"], "soft-mandatory");
    assert_eq!(told["policies"][1]["trace"]["rules"]["main"]["value"][0], 1);
    assert!(told["policies"][2]["error"].as_str().unwrap().contains("zero"));
    assert_eq!(told["policies"][3]["result"], true);
    assert_eq!(set_json(&set()[..3])["can-override"], true);
}

#[test]
fn secrets_are_hidden_wherever_a_policy_tells_them() {
    let mut world = crate::ask::world();
    let secret =
        Frozen::from_json(br#"{"token": "s3cr3t-t0ken", "pin": 73518, "no": 12}"#).unwrap();
    world.params.insert("key".into(), secret.clone());
    let mut outcome = crate::ask::ask_in(
        &world,
        "param key\nprint(\"is\", key.token, key.no)\nlisted = rule { [key.pin, {key.token: 12}] }\n\
         main = rule { listed is not [] and error(\"bad \" + key.token) }",
    );
    let told = |outcome: &Outcome| {
        let judged = |outcome: &Outcome| Judged {
            name: "a".into(),
            level: Level::Advisory,
            outcome: outcome.clone(),
        };
        format!("{outcome:?}{}{}", log(None, &[judged(outcome)]), set_json(&[judged(outcome)]))
    };
    for clear in ["s3cr3t-t0ken", "73518"] {
        assert!(told(&outcome).contains(clear), "{outcome:?}");
    }
    outcome.mask(&Mask::of([&secret]).unwrap());
    for clear in ["s3cr3t-t0ken", "73518"] {
        assert!(!told(&outcome).contains(clear), "{outcome:?}");
    }
    assert_eq!(outcome.printed, "is *** 12\n");
}
