//! What an outcome tells of rules: enough to see why, and never more than a server can hold.

use std::time::Duration;

use statehouse_sentinel::{
    Frozen, Import, Limits, Mask, Outcome, RuleValue, Source, Verdict, World, evaluate, trace,
};

use crate::ask::world;

/// Who reads an outcome from another process takes so much at once.
const MESSAGE: usize = 64 << 20;

fn asked(world: &World, name: &str, text: String) -> Outcome {
    // The machine may be busy with other things.
    let limits = Limits { time: Duration::from_mins(5), ..Limits::default() };
    let outcome = evaluate(&Source::new(name, text), world, &limits, &[]);
    assert!(serde_json::to_string(&outcome).unwrap().len() < MESSAGE / 8);
    assert!(trace(&outcome).to_string().len() < MESSAGE / 8);
    outcome
}

/// So many rules of one value, and a main that asks each of them.
fn rules(count: usize, value: &str, separator: &str) -> String {
    let rules: Vec<String> = (0..count).map(|n| format!("r{n} = rule {{ {value} }}")).collect();
    let asks: Vec<String> = (0..count).map(|n| format!("r{n} is 0")).collect();
    let asks = asks.chunks(500).map(|asks| format!("x = [{}]", asks.join(", ")));
    let asks = asks.collect::<Vec<_>>().join("\n");
    format!("{}\n{asks}\nmain = rule {{ true }}\n", rules.join(separator))
}

#[test]
fn values_of_rules_are_cut_off_one_by_one_and_change_no_verdict() {
    for big in ["range(100000)", "\"x\"", "{\"k\": range(100000)}"] {
        let text = format!("big = {big}\n{}", rules(12, "big", "\n"));
        let text =
            text.replace("big = \"x\"", "big = \"0123456789\"\nfor range(17) as i { big += big }");
        let outcome = asked(&world(), "p.sentinel", text);
        assert_eq!(outcome.verdict, Verdict::Passed, "{big}: {:?}", outcome.error);
        assert_eq!(outcome.rules[0].name, "main");
        for rule in &outcome.rules[1..] {
            assert!(rule.shown().ends_with("... truncated"), "{}", rule.name);
        }
    }
}

#[test]
fn a_rule_about_all_of_a_large_plan_costs_no_more_than_what_is_told_of_it() {
    let resource = |n: i64| Frozen::object([("n", Frozen::Int(n)), ("null", Frozen::Undefined)]);
    let changes = Frozen::map((0..300_000).map(|n| (format!("a.b{n}").into_bytes(), resource(n))));
    let mut world = world();
    let plan = Frozen::object([("resource_changes", changes)]);
    world.imports.insert("tfplan/v2".into(), Import::data(plan));
    let text = "import \"tfplan/v2\" as tfplan\nall_of_it = rule { tfplan.resource_changes }\n\
        again = rule { [all_of_it, tfplan] }\nmain = rule { all_of_it is not empty and again is not empty }";
    let outcome = asked(&world, "p.sentinel", text.to_owned());
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?}", outcome.error);
    let all = outcome.rules.iter().find(|rule| rule.name == "all_of_it").unwrap().shown();
    assert!(all.starts_with("{\"a.b0\":{\"n\":0},\"a.b1\":{\"n\":1}"), "{}", &all[..50]);
}

#[test]
fn very_many_rules_are_told_as_far_as_there_is_room_and_that_is_said() {
    let name = "long/".repeat(100) + "p.sentinel";
    let outcome = asked(&world(), &name, rules(20_000, "1", "\n"));
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?}", outcome.error);
    assert_eq!(outcome.rules[0].name, "main");
    let (told, left) = (outcome.rules.len(), 20_001 - outcome.rules.len());
    assert!(told > 1_000 && left > 1_000, "{told}");
    assert_eq!(outcome.printed, format!("... truncated: {left} more rules are not told\n"));
}

#[test]
fn a_comment_above_very_many_rules_is_told_as_far_as_there_is_room() {
    let comment = "# why\n".repeat(50_000);
    let text = format!("x = 1\n{comment}{}", rules(5_000, "1", "; "));
    let outcome = asked(&world(), "p.sentinel", text);
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?}", outcome.error);
    assert!(outcome.rules[1].description.starts_with("... truncated\nwhy\n"));
    assert!(outcome.printed.contains("more rules are not told"));
    // It is not read anew for each of them.
    assert!(outcome.duration < Duration::from_mins(1), "{:?}", outcome.duration);
}

#[test]
fn rules_that_are_assigned_again_and_again_take_memory() {
    let text = "r = 0\nif true { r = rule { 1 } }\nx = rule { r }\n".repeat(1_000) + "main = true";
    assert_eq!(asked(&world(), "p.sentinel", text).verdict, Verdict::Passed);
}

#[test]
fn warnings_about_very_many_places_are_told_once_each_and_a_hundred_of_them() {
    let text = "f = func() { x = 1 }\n".repeat(10_000) + "main = true";
    assert_eq!(asked(&world(), "p.sentinel", text).warnings.len(), 100);
}

#[test]
fn a_secret_is_hidden_also_within_quotes() {
    let given = Frozen::text("first line\n\tsecond \"line\" <x> \\ end");
    let text = "import \"json\"\nparam key\nwritten = json.marshal(key)\n\
        print(key)\nprint([key])\nprint(written)\nprint([written])\nprint({key: written})\n\
        r = rule { [key, written] }\nmain = r is empty";
    let mut world = world();
    world.params.insert("key".into(), given.clone());
    let mut outcome = asked(&world, "p.sentinel", text.to_owned());
    assert_eq!(outcome.error, None);
    outcome.mask(&Mask::of([&given]).unwrap());
    let mut told: Vec<String> = outcome.rules.iter().map(RuleValue::shown).collect();
    told.push(outcome.printed.clone());
    assert_eq!(outcome.printed.matches("***").count(), 6, "{told:?}");
    for part in ["first", "second", "line", "<x>", "u003c", "end"] {
        assert!(!told.iter().any(|told| told.contains(part)), "{part}: {told:?}");
    }
}

#[test]
fn a_secret_is_hidden_also_where_a_text_was_cut_off_within_it() {
    let given = Frozen::text(&"0123456789".repeat(40));
    // A value, a key of one, an error, and an error that quotes.
    for end in [
        "s = rule { pad + key }\nmain = s is \"\"",
        "m = {}\nm[pad + key] = 1\ns = rule { m }\nmain = s is empty",
        "main = error(pad + key)",
        "main = decimal.new(key + \"x\")",
    ] {
        let text = format!(
            "import \"decimal\"\nparam key\npad = \"x\"\nfor range(16) as i {{ pad += pad }}\n\
             pad = pad[0:{}]\n{end}\n",
            (64 << 10) - 50
        );
        let mut world = world();
        world.params.insert("key".into(), given.clone());
        let limits = Limits { output: 64 << 10, ..Limits::default() };
        let mut outcome = evaluate(&Source::new("p.sentinel", text), &world, &limits, &[]);
        outcome.mask(&Mask::of([&given]).unwrap());
        let mut told: Vec<String> = outcome.rules.iter().map(RuleValue::shown).collect();
        told.extend(outcome.error.map(|error| error.to_string()));
        assert!(told.iter().any(|told| told.contains("***... truncated")), "{end}");
        assert!(!told.iter().any(|told| told.contains("0123")), "{end}");
    }
}
