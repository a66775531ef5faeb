//! Every function that policies can call, with what it makes of right, wrong and undefined arguments in each place.
//! Whoever adds one says so here; what lies at its edges stands in the probes.

use std::collections::BTreeSet;

use super::{Native, SPACES, decimal, http, time, version};
use crate::builtin::BUILTINS;
use crate::{Frozen, Limits, Source, Verdict, World, evaluate};

/// Its name, what is called, its arguments, and the value.
///
/// In the place of an argument null is an error, and undefined makes all of it undefined, unless a sign before it says
/// otherwise: `*` takes every type; `?` undefined as well; with `!` undefined is an error; with `1:` a number is what is
/// wrong, and not null.
struct Row(&'static str, &'static str, &'static [&'static str], &'static str);

const ROWS: &[Row] = &[
    Row("append", "append", &["![1]", "?2"], "undefined"),
    Row("bool", "bool", &["*0"], "false"),
    Row("compare", "compare", &["1", "2"], "-1"),
    Row("delete", "delete", &["!{\"a\": 1}", "!\"a\""], "undefined"),
    Row("float", "float", &["*1"], "1.0"),
    Row("int", "int", &["*\"2\""], "2"),
    Row("keys", "keys", &["{\"a\": 1}"], "[\"a\"]"),
    Row("length", "length", &["[1, 2]"], "2"),
    Row("print", "print", &["?1"], "true"),
    Row("range", "range", &["0", "3", "2"], "[0, 2]"),
    Row("string", "string", &["*1"], "\"1\""),
    Row("values", "values", &["{\"a\": 1}"], "[1]"),
    Row("base64.decode", "base64.decode", &["\"aGk=\""], "\"hi\""),
    Row("base64.encode", "base64.encode", &["\"hi\""], "\"aGk=\""),
    Row("base64.urldecode", "base64.urldecode", &["\"aGk=\""], "\"hi\""),
    Row("base64.urlencode", "base64.urlencode", &["\"hi\""], "\"aGk=\""),
    Row("collection.filter", "collection.filter", &["[1, 2]", "func(x) { return x > 1 }"], "[2]"),
    Row("collection.find", "collection.find", &["[1, 2]", "func(x) { return x > 1 }"], "2"),
    Row(
        "collection.matches",
        "collection.matches",
        &["[{\"a\": 1}, {}]", "{\"a\": 1}"],
        "[{\"a\": 1}]",
    ),
    Row("collection.reject", "collection.reject", &["[1, 2]", "func(x) { return x > 1 }"], "[1]"),
    Row("lists.concat", "lists.concat", &["[1]", "[2]", "[3]"], "[1, 2, 3]"),
    Row("lists.difference", "lists.difference", &["[1, 2]", "[2]"], "[1]"),
    Row("lists.intersection", "lists.intersection", &["[1, 2]", "[2]"], "[2]"),
    Row("lists.sort", "lists.sort", &["[2, 1]", "func(a, b) { return compare(a, b) }"], "[1, 2]"),
    Row("lists.sum", "lists.sum", &["[1, 2]"], "3.0"),
    Row("lists.union", "lists.union", &["[1]", "[1, 2]"], "[1, 2]"),
    Row("maps.get", "maps.get", &["1:{\"a\": 1}", "\"a\"", "?2"], "1"),
    Row("maps.has", "maps.has", &["1:{\"a\": 1}", "\"a\""], "true"),
    Row("maps.omit", "maps.omit", &["1:{\"a\": 1, \"b\": 2}", "[\"a\"]"], "{\"b\": 2}"),
    Row("maps.pick", "maps.pick", &["1:{\"a\": 1, \"b\": 2}", "[\"a\"]"], "{\"a\": 1}"),
    Row("maps.set", "maps.set", &["1:{\"a\": 1}", "\"a\"", "?2"], "{\"a\": 2}"),
    Row("maps.unset", "maps.unset", &["1:{\"a\": 1}", "\"a\""], "{}"),
    Row("json.marshal", "json.marshal", &["*[1]"], "\"[1]\""),
    Row("json.unmarshal", "json.unmarshal", &["\"[1]\""], "[1]"),
    Row("json.valid", "json.valid", &["*\"[1]\""], "true"),
    Row(
        "sockaddr.is_contained",
        "sockaddr.is_contained",
        &["\"10.0.0.0/8\"", "\"10.1.2.3\""],
        "true",
    ),
    Row("sockaddr.is_equal", "sockaddr.is_equal", &["\"10.0.0.1\"", "\"10.0.0.1\""], "true"),
    Row("sockaddr.is_ipv4", "sockaddr.is_ipv4", &["\"10.0.0.1\""], "true"),
    Row("sockaddr.is_ipv6", "sockaddr.is_ipv6", &["\"::1\""], "true"),
    Row("strings.has_prefix", "strings.has_prefix", &["\"ab\"", "\"a\""], "true"),
    Row("strings.has_suffix", "strings.has_suffix", &["\"ab\"", "\"b\""], "true"),
    Row("strings.join", "strings.join", &["[\"a\", 1]", "\"-\""], "\"a-1\""),
    Row("strings.replace", "strings.replace", &["\"aa\"", "\"a\"", "\"b\"", "1"], "\"ba\""),
    Row("strings.split", "strings.split", &["\"a,b\"", "\",\""], "[\"a\", \"b\"]"),
    Row("strings.to_lower", "strings.to_lower", &["\"A\""], "\"a\""),
    Row("strings.to_upper", "strings.to_upper", &["\"a\""], "\"A\""),
    Row("strings.trim", "strings.trim", &["\"xax\"", "\"x\""], "\"a\""),
    Row("strings.trim_left", "strings.trim_left", &["\"xax\"", "\"x\""], "\"ax\""),
    Row("strings.trim_prefix", "strings.trim_prefix", &["\"xax\"", "\"x\""], "\"ax\""),
    Row("strings.trim_right", "strings.trim_right", &["\"xax\"", "\"x\""], "\"xa\""),
    Row("strings.trim_space", "strings.trim_space", &["\" a \""], "\"a\""),
    Row("strings.trim_suffix", "strings.trim_suffix", &["\"xax\"", "\"x\""], "\"xa\""),
    Row("types.type_of", "types.type_of", &["?1"], "\"int\""),
    Row("time.load", "time.load", &["60"], "time.load(\"1970-01-01T00:01:00Z\")"),
    Row("time.add", "time.load(0).add", &["time.second"], "time.load(1)"),
    Row("time.after", "time.load(1).after", &["0"], "true"),
    Row("time.before", "time.load(0).before", &["1"], "true"),
    Row("time.equal", "time.load(0).equal", &["0"], "true"),
    Row("time.sub", "time.load(1).sub", &["0"], "1000000000"),
    Row("version.new", "version.new", &["\"1.2\""], "version.new(\"1.2\")"),
    Row("version.compare", "version.new(\"1.2\").compare", &["\"1.3\""], "-1"),
    Row("version.equals", "version.new(\"1.2\").equals", &["\"1.2.0\""], "true"),
    Row("version.greater_than", "version.new(\"1.2\").greater_than", &["\"1.1\""], "true"),
    Row(
        "version.greater_than_or_equals",
        "version.new(\"1.2\").greater_than_or_equals",
        &["\"1.2\""],
        "true",
    ),
    Row("version.less_than", "version.new(\"1.2\").less_than", &["\"1.3\""], "true"),
    Row(
        "version.less_than_or_equals",
        "version.new(\"1.2\").less_than_or_equals",
        &["\"1.2\""],
        "true",
    ),
    Row("version.satisfies", "version.new(\"1.2\").satisfies", &["\"~> 1.1\""], "true"),
    Row("decimal.new", "decimal.new", &["1.50"], "decimal.new(\"1.5\")"),
    Row("decimal.infinity", "decimal.infinity", &["-1"], "decimal.new(\"-Infinity\")"),
    Row("decimal.is_infinite", "decimal.is_infinite", &["\"inf\""], "true"),
    Row("decimal.is_nan", "decimal.is_nan", &["\"NaN\""], "true"),
    Row("decimal.is", "decimal.new(1).is", &["\"1.0\""], "true"),
    Row("decimal.is_not", "decimal.new(1).is_not", &["2"], "true"),
    Row("decimal.less_than", "decimal.new(1).less_than", &["2"], "true"),
    Row("decimal.less_than_or_equals", "decimal.new(1).less_than_or_equals", &["1"], "true"),
    Row("decimal.greater_than", "decimal.new(1).greater_than", &["0"], "true"),
    Row("decimal.greater_than_or_equals", "decimal.new(1).greater_than_or_equals", &["1"], "true"),
    Row("decimal.add", "decimal.new(1).add", &["2"], "decimal.new(3)"),
    Row("decimal.subtract", "decimal.new(1).subtract", &["2"], "decimal.new(-1)"),
    Row("decimal.multiply", "decimal.new(3).multiply", &["2"], "decimal.new(6)"),
    Row("decimal.divide", "decimal.new(3).divide", &["2"], "decimal.new(\"1.5\")"),
    Row("decimal.modulo", "decimal.new(3).modulo", &["2"], "decimal.new(1)"),
    Row("decimal.power", "decimal.new(3).power", &["2"], "decimal.new(9)"),
    Row("decimal.exp", "decimal.new(0).exp", &[], "decimal.new(1)"),
    Row("decimal.loge", "decimal.new(1).loge", &[], "decimal.new(0)"),
    Row("decimal.log10", "decimal.new(100).log10", &[], "decimal.new(2)"),
    Row("decimal.square_root", "decimal.new(9).square_root", &[], "decimal.new(3)"),
    Row("decimal.ceiling", "decimal.new(\"1.2\").ceiling", &[], "decimal.new(2)"),
    Row("decimal.floor", "decimal.new(\"1.2\").floor", &[], "decimal.new(1)"),
    Row("decimal.absolute", "decimal.new(-1).absolute", &[], "decimal.new(1)"),
    Row("decimal.negate", "decimal.new(1).negate", &[], "decimal.new(-1)"),
    Row("http.accept_status_codes", "http.accept_status_codes", &["[404]"], "http.client"),
    Row("http.request", "http.request", &["\"u\""], "http.request(\"u\")"),
    Row("http.with_retries", "http.with_retries", &["1"], "http.client"),
    Row("http.with_timeout", "http.with_timeout", &["1"], "http.client"),
    Row(
        "http.without_certificate_verification",
        "http.without_certificate_verification",
        &[],
        "http.client",
    ),
    Row(
        "request.with_basic_auth",
        "http.request(\"u\").with_basic_auth",
        &["\"a\"", "\"b\""],
        "http.request(\"u\")",
    ),
    Row("request.with_body", "http.request(\"u\").with_body", &["\"a\""], "http.request(\"u\")"),
    Row(
        "request.with_header",
        "http.request(\"u\").with_header",
        &["\"A\"", "\"b\""],
        "http.request(\"u\")",
    ),
];

/// What never has a value where nobody sends requests, or anywhere.
const WITHOUT: [&str; 4] = ["error", "http.get", "http.post", "http.send"];

fn all() -> impl Iterator<Item = &'static Native> {
    let spaces = SPACES.iter().flat_map(|space| space.natives);
    let methods = [time::METHODS, decimal::METHODS, version::METHODS, http::REQUEST];
    BUILTINS.iter().chain(spaces).chain(methods.into_iter().flatten())
}

fn value(call: &str) -> Result<Frozen, String> {
    let imports = SPACES.iter().map(|space| format!("import {:?}\n", space.name));
    let text = format!("{}r = {call}\nmain = true", imports.collect::<String>());
    let world = World::new(chrono::DateTime::UNIX_EPOCH);
    let mut outcome = evaluate(&Source::new("p", text), &world, &Limits::default(), &["r"]);
    match outcome.error {
        Some(error) => {
            assert_eq!(outcome.verdict, Verdict::Errored);
            Err(error.to_string())
        }
        None => Ok(outcome.names.remove("r").unwrap_or_default()),
    }
}

#[test]
fn every_function_stands_here_and_nothing_else_does() {
    let known: BTreeSet<&str> = ROWS.iter().map(|row| row.0).chain(WITHOUT).collect();
    let there: BTreeSet<&str> = all().map(|native| short(native.name)).collect();
    assert_eq!(known, there);
}

/// Without the folder that two imports are in.
fn short(name: &'static str) -> &'static str {
    name.strip_prefix("collection/").unwrap_or(name)
}

#[test]
fn every_function_answers_what_is_right_wrong_and_undefined_in_each_place() {
    for Row(name, called, arguments, expected) in ROWS {
        let plain =
            |argument: &str| argument.trim_start_matches(['*', '?', '!']).replacen("1:{", "{", 1);
        let given: Vec<String> = arguments.iter().map(|argument| plain(argument)).collect();
        let call =
            |called: &str, given: &[String]| value(&format!("{called}({})", given.join(", ")));
        let right = value(expected).unwrap();
        assert_eq!(call(called, &given), Ok(right.clone()), "{name}");
        for native in all().filter(|native| short(native.name) == *name) {
            for also in native.also {
                let (before, _) = called.rsplit_once('.').unwrap();
                assert_eq!(call(&format!("{before}.{also}"), &given), Ok(right.clone()), "{also}");
            }
        }
        for (place, argument) in arguments.iter().enumerate() {
            let with = |value: &str| {
                let mut given = given.clone();
                value.clone_into(&mut given[place]);
                call(called, &given)
            };
            let at = format!("{name}, argument {place}");
            match argument.chars().next() {
                Some('?') => {}
                Some('!') => assert!(with("undefined").is_err(), "{at}"),
                _ => assert_eq!(with("undefined"), Ok(Frozen::Undefined), "{at}"),
            }
            if !argument.starts_with(['*', '?']) {
                let wrong = if argument.starts_with("1:") { "1" } else { "null" };
                let why = with(wrong).unwrap_err();
                assert!(why.contains(name.rsplit('.').next().unwrap()), "{at}: {why}");
            }
        }
        let mut many = given.clone();
        many.resize(20, "1".to_owned());
        let takes_many =
            ["print", "lists.concat", "lists.difference", "lists.intersection", "lists.union"];
        assert!(takes_many.contains(name) || call(called, &many).is_err(), "{name}");
    }
}

#[test]
fn a_function_of_an_import_can_only_be_called_and_a_builtin_is_a_value() {
    let uses = [
        "F",
        "[F]",
        "{\"a\": F}",
        "F else 1",
        "F is defined",
        "print(F)",
        "types.type_of(F)",
        "func(x) { return 1 }(F)",
        "F is F",
        "rule { F is defined } and true",
    ];
    for Row(name, called, ..) in ROWS {
        for text in uses {
            let got = value(&text.replace('F', called));
            if called.contains('.') {
                let why = got.unwrap_err();
                assert!(why.contains("can only be called"), "{name}: {text}: {why}");
            } else {
                assert!(got.is_ok(), "{name}: {text}: {got:?}");
            }
        }
        if !called.contains('.') {
            let kind = value(&format!("types.type_of({called})"));
            assert_eq!(kind, Ok(Frozen::text("func")), "{name}");
        }
    }
}
