//! Budgets: each of them ends the policy, none of them the process.

use std::time::Duration;

use statehouse_sentinel::{Class, Error, Import, Limits, Source, Verdict, evaluate};

use crate::ask::world;

fn stopped(text: &str, limits: &Limits) -> Error {
    let outcome = evaluate(&Source::new("p.sentinel", text), &world(), limits, &[]);
    assert_eq!(outcome.verdict, Verdict::Errored, "{outcome:?}");
    let error = outcome.error.unwrap();
    assert_eq!(error.class, Class::Limit, "{error}");
    error
}

fn small() -> Limits {
    Limits { steps: 200_000, memory: 4 << 20, ..Limits::default() }
}

#[test]
fn endless_work_runs_out_of_steps() {
    let loops = "for range(1000) as a { for range(1000) as b { } }\nmain = true";
    let error = stopped(loops, &Limits { memory: 1 << 30, ..small() });
    assert!(error.text.contains("200000 steps") && error.place.is_some(), "{error}");
}

#[test]
fn time_runs_out() {
    let limits = Limits { time: Duration::ZERO, ..Limits::default() };
    let error = stopped("for range(5000) as a { }\nmain = true", &limits);
    assert!(error.text.contains("of time"), "{error}");
}

#[test]
fn everything_that_grows_runs_out_of_memory() {
    for text in [
        "x = range(10000000)",
        "x = \"ab\"\nfor range(60) as i { x += x }\nprint(x)",
        "x = [1]\nfor range(60) as i { x += x }",
        "l = []\nfor range(100000) as i { append(l, i) }",
        "m = {}\nfor range(100000) as i { m[i] = i }",
        "import \"strings\"\nx = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n\
         for range(20) as i { x = strings.replace(x, \"a\", x) }",
        "import \"strings\"\nx = \"abcdefgh\"\nfor range(60) as i { x = strings.join([x, x, x], x) }",
        "import \"json\"\nx = [1, 2, 3]\nfor range(60) as i { x = [x, x, x]\n y = json.marshal(x) }",
        "import \"base64\"\nx = \"abcdefgh\"\nfor range(200) as i { x = base64.encode(x) }",
        "import \"collection/lists\"\nx = [1]\nfor range(60) as i { x = lists.concat(x, x) }",
        "x = [1]\nfor range(60) as i { x = [x, x]\n print(x) }",
    ] {
        let error = stopped(&format!("{text}\nmain = true"), &small());
        assert!(error.text.contains("memory") || error.text.contains("steps"), "{text}: {error}");
    }
}

#[test]
fn what_a_policy_puts_together_line_by_line_is_not_copied_each_time() {
    let limits = Limits { memory: 32 << 20, steps: 2_000_000, ..Limits::default() };
    let text = "s = \"\"\nl = []\nfor range(20000) as i { s += \"a line of a report\"\n l += [i] }\n\
        main = length(s) is 360000 and length(l) is 20000";
    let outcome = evaluate(&Source::new("p.sentinel", text), &world(), &limits, &[]);
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome:?}");
}

#[test]
fn calls_within_each_other_are_counted() {
    let error = stopped("f = func(n) { return f(n + 1) }\nmain = f(0)", &Limits::default());
    assert!(error.text.contains("200 calls"), "{error}");
    // Also through functions of ours, and through rules.
    stopped(
        "import \"collection\"\nf = func(n) { return collection.find([1], f) }\nmain = f(0)",
        &Limits::default(),
    );
    stopped(
        "f = func(n) { r = rule { f(n) }\n return r and true }\nmain = f(0)",
        &Limits::default(),
    );
}

#[test]
fn the_deepest_calls_of_the_deepest_expressions_fit_the_stack() {
    let deep = format!("{}f(n){}", "(1 + ".repeat(900), ")".repeat(900));
    let text = format!("f = func(n) {{ return {deep} }}\nmain = f(0)");
    stopped(&text, &Limits { calls: 1_000_000, ..Limits::default() });
}

#[test]
fn expressions_within_each_other_are_counted_before_they_run() {
    let limits = Limits::default();
    for text in [
        format!("main = {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("main = {}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("main = {}true", "not ".repeat(5_000)),
        format!("main = {}1", "1 + ".repeat(5_000)),
        format!("main = a{}", ".a".repeat(5_000)),
        format!("main = a{}", "(1)".repeat(5_000)),
        format!("main = {}1{}", "func() { return ".repeat(5_000), " }".repeat(5_000)),
        format!("{}main = 1{}", "if true { ".repeat(5_000), " }".repeat(5_000)),
        format!("if true {{ }}{}", " else if true { }".repeat(5_000)),
        format!("{}main = 1{}", "{".repeat(5_000), "}".repeat(5_000)),
        format!("main = {}1{}", "rule { ".repeat(5_000), " }".repeat(5_000)),
    ] {
        let outcome = evaluate(&Source::new("p.sentinel", &*text), &world(), &limits, &[]);
        let error = outcome.error.unwrap();
        assert_eq!(error.class, Class::Syntax, "{error}");
        assert!(error.text.contains("1000 expressions"), "{error}");
    }
}

#[test]
fn values_within_each_other_end_the_policy_and_not_the_process() {
    let nested = "x = []\nfor range(100000) as i { x = [x] }\n";
    let limits = Limits { memory: 1 << 30, ..Limits::default() };
    for use_of_it in ["print(x)", "y = x is [x]", "y = [x] contains x"] {
        let text = format!("{nested}{use_of_it}\nmain = true");
        let outcome = evaluate(&Source::new("p.sentinel", &*text), &world(), &limits, &[]);
        assert_eq!(outcome.error.unwrap().class, Class::Limit, "{use_of_it}");
    }
    // Nobody looks into it: it is made, and freed, without going down.
    let outcome = evaluate(
        &Source::new("p.sentinel", format!("{nested}main = true")),
        &world(),
        &limits,
        &[],
    );
    assert_eq!(outcome.verdict, Verdict::Passed);
    stopped("import \"json\"\nl = []\nappend(l, l)\nx = json.marshal(l)\nmain = true", &limits);
    stopped(
        "import \"collection/maps\"\nm = {}\nm[\"a\"] = m\nx = maps.get(m, \"a\")\nmain = true",
        &limits,
    );
}

#[test]
fn rules_inside_of_values_inside_of_rules_fit_the_stack() {
    // On a busy machine the time would be over first.
    let time = Duration::from_mins(5);
    let limits = Limits { memory: 1 << 30, time, ..Limits::default() };
    for look in ["mine is mine", "print(mine)", "json.marshal(mine) is \"\"", "mine contains mine"]
    {
        let text = format!(
            "import \"json\"\nlast = rule {{ 1 }}\nfor range(1000) as n {{\n mine = last\n \
             for range(400) as i {{ mine = [mine] }}\n last = rule {{ {look} }}\n}}\nmain = last"
        );
        let error = stopped(&text, &limits);
        assert!(error.text.contains("expressions within each other"), "{look}: {error}");
    }
    let path = ["a"; 400].join(".");
    let text = format!(
        "import \"collection/maps\"\nlast = rule {{ 1 }}\nfor range(1000) as n {{\n mine = last\n \
         for range(400) as i {{ mine = {{\"a\": mine}} }}\n \
         last = rule {{ maps.get(mine, \"{path}\") }}\n}}\nmain = last"
    );
    stopped(&text, &limits);
}

#[test]
fn what_functions_read_is_counted() {
    let million = "x = \"1\"\nfor range(20) as i { x += x }\n";
    for call in [
        "int(x)",
        "float(x)",
        "strings.has_prefix(x, x)",
        "version.new(\"1\").satisfies(\">\" + x) else 1",
        "sockaddr.is_ipv4(x)",
    ] {
        let text = format!(
            "import \"sockaddr\"\nimport \"strings\"\nimport \"version\"\n{million}\
             for range(10000) as i {{ y = {call} }}\nmain = true"
        );
        let outcome = evaluate(&Source::new("p.sentinel", text), &world(), &small(), &[]);
        assert_eq!(outcome.verdict, Verdict::Errored, "{call}");
        assert!(outcome.duration < Duration::from_secs(20), "{call}: {:?}", outcome.duration);
    }
}

#[test]
fn requests_that_are_built_take_memory() {
    for change in ["with_header(\"A\", \"b\")", "with_basic_auth(\"a\", \"b\")"] {
        let text = format!(
            "import \"http\"\nx = \"x\"\nfor range(16) as i {{ x += x }}\nq = http.request(\"u\").with_body(x)\n\
             for range(1000) as i {{ q = q.{change} }}\nmain = true"
        );
        assert!(stopped(&text, &small()).text.contains("memory"), "{change}");
    }
}

#[test]
fn what_an_error_says_is_cut_off() {
    let limits = Limits { output: 1_000, ..Limits::default() };
    for call in ["error(x)", "version.new(x)", "decimal.new(x)", "sockaddr.is_equal(x, x)"] {
        let text = format!(
            "import \"decimal\"\nimport \"sockaddr\"\nimport \"version\"\nx = \"x\"\n\
             for range(16) as i {{ x += x }}\nmain = {call}"
        );
        let outcome = evaluate(&Source::new("p.sentinel", text), &world(), &limits, &[]);
        assert_eq!(outcome.verdict, Verdict::Errored);
        assert!(outcome.error.unwrap().text.len() < 1_100, "{call}");
    }
}

#[test]
fn what_is_printed_beyond_the_limit_is_cut_off_once() {
    let limits = Limits { output: 100, ..Limits::default() };
    let text = "for range(1000) as i { print(\"0123456789\") }\nmain = true";
    let outcome = evaluate(&Source::new("p.sentinel", text), &world(), &limits, &[]);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert_eq!(outcome.printed.matches("truncated").count(), 1);
    assert!(outcome.printed.len() < 200);
}

#[test]
fn regular_expressions_are_bounded() {
    let patterns = ["((a{100}){100}){100}", &"a".repeat(20_000), "a{2000}"];
    for pattern in patterns {
        let text = format!("main = \"a\" matches \"{pattern}\"");
        let outcome = evaluate(&Source::new("p.sentinel", text), &world(), &Limits::default(), &[]);
        assert_eq!(outcome.verdict, Verdict::Errored);
    }
    // A large one on a long text would take minutes, and nothing could end it.
    let text = "x = \"ab\"\nfor range(22) as i { x += x }\nmain = x matches \"(a|b)*a(a|b){900}c\"";
    assert!(stopped(text, &Limits::for_authors(Duration::from_secs(10))).text.contains("search"));
    // Many of them cost steps, and are not all kept.
    let text =
        "for range(100000) as i { x = \"a\" matches \"(a|b){100}\" + string(i) }\nmain = true";
    stopped(text, &small());
}

#[test]
fn files_and_imports_are_counted() {
    let mut world = world();
    for n in 0..200 {
        let text = format!("import \"m{}\"", n + 1);
        world.imports.insert(format!("m{n}"), Import::Module(Source::new("m", text)));
    }
    let source = Source::new("p.sentinel", "import \"m0\"\nmain = true");
    let outcome = evaluate(&source, &world, &Limits::default(), &[]);
    assert!(outcome.error.unwrap().text.contains("20 imports"));
    let many = (0..150).map(|n| format!("import \"s{n}\"\n")).collect::<Vec<_>>().concat();
    for n in 0..150 {
        world.imports.insert(format!("s{n}"), Import::Module(Source::new("s", "x = 1")));
    }
    let source = Source::new("p.sentinel", format!("{many}main = true"));
    let outcome = evaluate(&source, &world, &Limits::default(), &[]);
    assert!(outcome.error.unwrap().text.contains("100 files"));
}

#[test]
fn more_names_than_there_are_places_for_are_refused() {
    let many = (0..66_000).map(|n| format!("n{n}=1\n")).collect::<Vec<_>>().concat();
    let source = Source::new("p.sentinel", format!("main = false\n{many}"));
    let outcome = evaluate(&source, &world(), &Limits::default(), &[]);
    assert_eq!(outcome.error.unwrap().to_string(), "p.sentinel:1:1: too many names");
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let text = format!("main = true\n{}", "#".repeat(2 << 20));
    let outcome = evaluate(&Source::new("p.sentinel", text), &world(), &Limits::default(), &[]);
    assert_eq!(outcome.error.unwrap().class, Class::Limit);
}
