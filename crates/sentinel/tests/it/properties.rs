//! Laws that hold for all policies.

use std::time::Duration;

use proptest::prelude::*;
use statehouse_sentinel::config::Config;
use statehouse_sentinel::{Frozen, Limits, Outcome, Source, Verdict, evaluate};

use crate::ask::world;

fn ask(text: &[u8]) -> Outcome {
    let limits = Limits { steps: 20_000, memory: 16 << 20, ..Limits::default() };
    let mut outcome = evaluate(&Source::new("p.sentinel", text), &world(), &limits, &["x"]);
    outcome.duration = Duration::ZERO;
    outcome
}

/// Pieces of which policies are made, so that what is random gets past the parser.
fn piece() -> impl Strategy<Value = String> {
    let words = "main x y f [ ] { } ( ) , . : ; = += == is not in contains matches and or xor else if for as \
        all any filter map func return rule when case break continue import param default empty \
        defined undefined null true false 0 1 2.5 \"a\" \"(\" \\ append keys length range print \
        string int error strings json + - * / % < > ! # // /* `";
    let words: Vec<&'static str> = words.split_whitespace().collect();
    prop_oneof![
        10 => prop::sample::select(words).prop_map(str::to_owned),
        2 => Just("\n".to_owned()),
        1 => any::<char>().prop_map(String::from),
    ]
}

/// Whole expressions, some of them nonsense.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "undefined",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-3",
        "2.5",
        "\"\"",
        "\"ab\"",
        "[]",
        "{}",
        "[1, undefined]",
        "{\"a\": 1}",
        "x",
        "nosuch",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let op = prop::sample::select(vec![
            "+", "-", "*", "is", "is not", "<", ">=", "and", "or", "xor", "else", "in", "not in",
            "contains", "matches",
        ]);
        let quantifier = prop::sample::select(vec!["all", "any", "filter", "map"]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (quantifier, inner.clone(), inner.clone())
                .prop_map(|(q, over, body)| format!("({q} {over} as k, v {{ {body} }})")),
            inner.clone().prop_map(|a| format!("(not {a})")),
            inner.clone().prop_map(|a| format!("({a}).a")),
            inner.clone().prop_map(|a| format!("({a} is defined)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            inner.clone().prop_map(|a| format!("length({a})")),
            inner.prop_map(|a| format!("string({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let outcome = ask(&bytes);
        prop_assert!(outcome.error.is_none_or(|error| !error.text.contains("engine failed")));
        drop(Config::parse("sentinel.hcl", &bytes));
        drop(Config::parse("sentinel.json", &bytes));
    }

    #[test]
    fn any_pieces_end_in_an_outcome(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.join(" ");
        let outcome = ask(text.as_bytes());
        if let Some(error) = &outcome.error {
            prop_assert!(!error.text.contains("engine failed"), "{text}");
            // What errs never passes.
            prop_assert_eq!(outcome.verdict, Verdict::Errored);
        }
        // Nobody is left to guess why.
        prop_assert!(outcome.verdict != Verdict::Undefined || outcome.arose.is_some(), "{text}");
        drop(Config::parse("sentinel.hcl", text.as_bytes()));
    }

    #[test]
    fn the_same_policy_says_the_same_again(text in expression()) {
        let text = format!("x = [1]\nx = {text}\nprint(x)\nmain = x");
        prop_assert_eq!(ask(text.as_bytes()), ask(text.as_bytes()));
    }

    #[test]
    fn sameness_has_no_side(a in expression(), b in expression()) {
        let is = |a: &str, b: &str| {
            let outcome = ask(format!("x = [1]\na = {a}\nb = {b}\nx = a is b\nmain = true").as_bytes());
            outcome.names.get("x").cloned()
        };
        prop_assert_eq!(is(&a, &b), is(&b, &a));
    }

    #[test]
    fn a_rule_says_what_its_body_says(text in expression()) {
        let plain = ask(format!("x = [1]\nmain = {text}").as_bytes());
        let ruled = ask(format!("x = [1]\nmain = rule {{ {text} }}").as_bytes());
        // Only functions cannot be what a rule says; they cannot be main either.
        prop_assert_eq!(plain.verdict, ruled.verdict);
        prop_assert_eq!(plain.main, ruled.main);
    }

    #[test]
    fn filtering_by_true_changes_nothing(text in expression()) {
        let text = format!("x = [1]\nl = [{text}, {text}]\nx = (filter l as v {{ true }}) is l\n\
            y = (map l as v {{ v }}) is l\nmain = true");
        let outcome = ask(text.as_bytes());
        if outcome.error.is_none() {
            prop_assert!(matches!(outcome.names["x"], Frozen::Bool(true) | Frozen::Undefined));
        }
    }

    #[test]
    fn de_morgan_holds_from_left_to_right(a in 0..3_usize, b in 0..3_usize) {
        let values = ["true", "false", "undefined"];
        let (a, b) = (values[a], values[b]);
        let value = |text: String| ask(format!("x = {text}\nmain = true").as_bytes()).names["x"].clone();
        let left = value(format!("not ({a} or {b})"));
        let right = value(format!("not {a} and not {b}"));
        // `undefined or true` is true where `undefined and false` stays undefined; nothing else differs.
        if a != "undefined" {
            prop_assert_eq!(left, right);
        }
    }

    #[test]
    fn json_comes_back_as_it_was(text in "[a-z\"\\\\é\u{1F600}\n]{0,8}", n in any::<i64>(), f in any::<f64>()) {
        prop_assume!(f.is_finite());
        let json = serde_json::json!({ "t": text, "n": n, "f": [f, null, true], "m": {} });
        let frozen = Frozen::from_json(json.to_string().as_bytes()).unwrap();
        prop_assert_eq!(frozen.to_json(), json);
    }
}
