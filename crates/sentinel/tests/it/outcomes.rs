//! What a policy says in the end, and what is told of the way there.

use statehouse_sentinel::{Class, Frozen, Verdict, trace};

use crate::ask::ask;

fn verdict(text: &str) -> Verdict {
    ask(text).verdict
}

#[test]
fn a_main_of_nothing_passes_and_a_main_of_something_fails() {
    for nothing in ["true", "\"\"", "[]", "{}", "0", "0.0", "rule { true }", "rule { [] }"] {
        assert_eq!(verdict(&format!("main = {nothing}")), Verdict::Passed, "{nothing}");
    }
    for something in ["false", "\"a\"", "[false]", "{1: 2}", "1", "-0.5", "rule { false }"] {
        assert_eq!(verdict(&format!("main = {something}")), Verdict::Failed, "{something}");
    }
    for nonsense in ["null", "func() { return true }", "rule { null }", "print"] {
        assert_eq!(verdict(&format!("main = {nonsense}")), Verdict::Errored, "{nonsense}");
    }
    assert_eq!(verdict("main = undefined"), Verdict::Undefined);
}

#[test]
fn a_policy_without_a_main_errs() {
    let outcome = ask("x = true");
    assert_eq!(outcome.verdict, Verdict::Errored);
    assert!(outcome.error.unwrap().text.contains("main"));
}

#[test]
fn the_place_where_undefined_arose_is_told() {
    let outcome = ask("a = {}\nb = a.x\n\nmain = rule { b and true }\n");
    assert_eq!(outcome.verdict, Verdict::Undefined);
    assert_eq!(outcome.arose.unwrap().to_string(), "policy.sentinel:2:7");
}

#[test]
fn whatever_makes_main_undefined_is_told_where() {
    for (text, place) in [
        ("main = 1 < \"a\"", "policy.sentinel:1:8"),
        ("a = [undefined]\nmain = rule { a is [1] }", "policy.sentinel:2:15"),
        ("f = func() { x = 1 }\nmain = f()", "policy.sentinel:2:8"),
        ("main = int(\"a\")", "policy.sentinel:1:8"),
        ("main = [1][2:]", "policy.sentinel:1:8"),
        ("main = {}[[1]]", "policy.sentinel:1:11"),
        ("main = any [1] as x { {}.a }", "policy.sentinel:1:26"),
    ] {
        assert_eq!(ask(text).arose.unwrap().to_string(), place, "{text}");
    }
}

#[test]
fn a_rule_that_cannot_be_told_is_an_error_there() {
    let outcome = ask("x = []\nappend(x, x)\nround = rule { x }\nmain = length(round) is 1");
    assert_eq!(outcome.verdict, Verdict::Errored);
    let error = outcome.error.unwrap();
    assert!(error.to_string().starts_with("policy.sentinel:3:1: cannot copy"), "{error}");
}

#[test]
fn an_error_names_file_line_and_column_in_bytes() {
    let place = |text: &str| ask(text).error.unwrap().to_string();
    assert_eq!(
        place("x = \"é\"\nif x { }\nmain = true"),
        "policy.sentinel:2:4: if condition must result in a boolean, got string"
    );
    assert_eq!(
        place("f = func(c) {\n\tfor c as x { }\n\treturn 1\n}\ny = f(undefined)\nmain = true"),
        "policy.sentinel:2:6: unsupported type for looping: undefined"
    );
    assert_eq!(
        place("x = [\n  1\n]\nmain = true"),
        "policy.sentinel:2:4: missing ',' before newline in list literal"
    );
    assert_eq!(
        place("param x\nmain = true"),
        "policy.sentinel:1:7: requires value for parameter x"
    );
}

#[test]
fn mistakes_are_of_a_class() {
    let class = |text: &str| ask(text).error.unwrap().class;
    assert_eq!(class("main = ="), Class::Syntax);
    assert_eq!(class("\u{0}"), Class::Syntax);
    for text in [
        "import \"nosuch\"\nmain = true",
        "import \"strings\"\nimport \"types\" as strings\nmain = true",
        "import \"strings\"\nstrings = 1\nmain = true",
        "import \"strings\"\nif true { strings = 1 }\nmain = true",
        "import \"strings\"\nfunc strings() { return 1 }\nmain = true",
        "param p default length(\"a\")\nmain = true",
        "param p\nparam p\nmain = true",
        "import \"a-b\"\nmain = true",
        "main = true\nbreak",
        "true = false",
    ] {
        assert_eq!(class(text), Class::Semantic, "{text}");
    }
    assert_eq!(class("main = 1 / 0"), Class::Runtime);
}

#[test]
fn a_local_variable_may_have_the_name_of_an_import() {
    let text = "import \"strings\"\nf = func(strings) { return strings }\n\
                g = func() { strings = 2\n return strings }\n\
                main = f(1) is 1 and g() is 2 and strings.has_prefix(\"ab\", \"a\")";
    assert_eq!(verdict(text), Verdict::Passed);
}

#[test]
fn rules_that_were_asked_are_told_with_comment_and_place() {
    let text = "\
# Head of the file
// in two lines.

import \"strings\"

# Not above a rule.

# Asked,
# and true.
asked = rule { true }
unasked = rule { true }
broken = rule { 1 / 0 }

main = rule { asked and [1] is [1] }
";
    let outcome = ask(text);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert_eq!(outcome.description, "Head of the file\nin two lines.");
    let names: Vec<&str> = outcome.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["main", "asked"]);
    assert_eq!(outcome.rules[1].description, "Asked,\nand true.");
    assert_eq!(outcome.rules[1].place.to_string(), "policy.sentinel:10:1");
    assert_eq!(outcome.rules[0].value, Some(Frozen::Bool(true)));
    let trace = trace(&outcome);
    assert_eq!(trace["rules"]["asked"]["position"]["offset"], text.find("asked =").unwrap());
    assert_eq!(trace["rules"]["main"]["value"], true);
    assert_eq!(trace["result"], true);
    assert!(trace["error"].is_null());
}

#[test]
fn a_rule_that_errs_is_in_the_trace_without_a_value() {
    let outcome = ask("bad = rule { 1 / 0 }\nmain = rule { bad }");
    assert_eq!(outcome.verdict, Verdict::Errored);
    let trace = trace(&outcome);
    assert_eq!(trace["rules"]["bad"]["value"], "(error in evaluating rule)");
    assert_eq!(trace["result"], false);
    assert!(trace["error"].as_str().unwrap().contains("divided by zero"));
}

#[test]
fn what_is_printed_is_kept_in_order_also_before_an_error() {
    let outcome = ask("print(\"a\", 1, 2.0, 93.888, null, undefined, true)\n\
         print([\"a\", {\"k\": [1.5]}, func() { return 1 }])\n\
         r = rule { \"rule\" }\nprint(r, print)\nprint()\nprint(1 / 0)\nmain = true");
    assert_eq!(outcome.verdict, Verdict::Errored);
    assert_eq!(
        outcome.printed,
        "a 1 2 93.888 null undefined true\n[\"a\", {\"k\": [1.5]}, func]\nrule func\n\n"
    );
}

#[test]
fn what_looks_like_a_mistake_is_warned_of_and_runs() {
    let outcome = ask("x = not true in [false]\nf = func() { x = 1 }\ny = append([], 1)\nmain = x");
    assert_eq!(outcome.verdict, Verdict::Passed);
    let warnings: Vec<String> = outcome.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].starts_with("policy.sentinel:1:5: `not a in b` is `(not a) in b`"));
}
