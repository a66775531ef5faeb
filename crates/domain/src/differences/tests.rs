//! What people see of differences: every case with one line for each row.

use super::*;

fn json(text: &str) -> Json {
    Json::read(text.as_bytes()).unwrap()
}

/// One line for each row.
fn drawn(difference: &Difference) -> Vec<String> {
    let row = |row: &Row| {
        let what = match &row.what {
            What::Heading => ":".to_owned(),
            What::Layout => " layout".to_owned(),
            What::Values { before, after } => format!(" {} > {}", side(before), side(after)),
            What::Lines { lines, as_json } => format!(" json={as_json} {lines:?}"),
        };
        let forces = if row.forces { " !" } else { "" };
        format!("{}{}{what}{forces}", "  ".repeat(row.depth.into()), row.name)
    };
    difference.rows.iter().map(row).collect()
}

fn side(shown: &Shown) -> String {
    match shown {
        Shown::Missing => "-".to_owned(),
        Shown::Null => "null".to_owned(),
        Shown::Sensitive => "(sensitive)".to_owned(),
        Shown::Unknown => "(unknown)".to_owned(),
        Shown::Value(text) => text.clone(),
        Shown::Long { bytes, .. } => format!("{bytes} bytes"),
    }
}

fn rows(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (json(before), json(after));
    let sides = Sides { before: Some(&before), after: Some(&after), ..Sides::default() };
    drawn(&between(sides, &[]))
}

#[test]
fn only_what_differs_stands_in_rows_and_the_rest_is_counted() {
    let (before, after) = (
        json(r#"{"a":1,"b":{"x":"1","y":[1,2]},"c":null,"t":{"owner":"p"}}"#),
        json(r#"{"a":1,"b":{"x":"1","y":[1,2]},"c":null,"t":{"owner":"q","tier":"g"}}"#),
    );
    let sides = Sides { before: Some(&before), after: Some(&after), ..Sides::default() };
    let found = between(sides, &[]);
    assert_eq!(drawn(&found), ["t:", "  owner \"p\" > \"q\"", "  tier - > \"g\""]);
    assert_eq!((found.unchanged, found.left_out), (3, 0));
}

#[test]
fn null_and_empty_and_missing_look_different() {
    let before = r#"{"a":null,"b":"","c":[],"d":{},"e":1,"g":null}"#;
    let after = r#"{"a":"","b":null,"c":null,"d":[],"f":null,"g":{}}"#;
    assert_eq!(
        rows(before, after),
        [
            "a null > \"\"",
            "b \"\" > null",
            "c [] > null",
            "d {} > []",
            "e 1 > -",
            "f - > null",
            "g null > {}"
        ]
    );
}

#[test]
fn numbers_keep_their_digits() {
    let after = r#"{"n":9007199254740993,"m":1e400,"k":0.10}"#;
    assert_eq!(
        rows(r#"{"n":9007199254740992,"m":1E400,"k":0.1}"#, after),
        ["k 0.1 > 0.10", "m 1E400 > 1e400", "n 9007199254740992 > 9007199254740993"]
    );
}

#[test]
fn what_is_not_known_is_in_no_value_and_still_has_its_row() {
    let (before, after) =
        (json(r#"{"id":"a","l":[{"k":1}],"n":null}"#), json(r#"{"l":[{"k":1}]}"#));
    let unknown = json(r#"{"id":true,"l":[{"z":true}],"n":true,"m":{"k":true}}"#);
    let sides = Sides {
        before: Some(&before),
        after: Some(&after),
        unknown: Some(&unknown),
        ..Sides::default()
    };
    assert_eq!(
        drawn(&between(sides, &[])),
        [
            "id \"a\" > (unknown)",
            "l:",
            "  [0]:",
            "    z - > (unknown)",
            "m:",
            "  k - > (unknown)",
            "n null > (unknown)"
        ]
    );
    let all = json("true");
    let sides = Sides { unknown: Some(&all), ..Sides::default() };
    assert_eq!(drawn(&between(sides, &[])), ["value - > (unknown)"]);
}

#[test]
fn what_is_sensitive_on_one_side_is_masked_on_both_wherever_it_stands() {
    let (before, after) = (
        json(
            r#"{"p":"s3cret","same":"s3cret","deep":[{"k":"s3cret","o":1}],"was":"s3cret","odd":"x"}"#,
        ),
        json(
            r#"{"p":"s4cret","same":"s3cret","deep":[{"k":"s4cret","o":2}],"was":"s5cret","odd":{"k":"s4cret"}}"#,
        ),
    );
    let (old, new) = (
        json(r#"{"p":true,"same":true,"deep":[{"k":true}],"was":true}"#),
        json(r#"{"p":true,"deep":[{"k":true}],"odd":{"k":true}}"#),
    );
    let sides = Sides {
        before: Some(&before),
        after: Some(&after),
        sensitive_before: Some(&old),
        sensitive_after: Some(&new),
        ..Sides::default()
    };
    let shown = drawn(&between(sides, &[]));
    assert!(!shown.join("\n").contains("cret"), "{shown:?}");
    assert_eq!(
        shown,
        [
            "deep:",
            "  [0]:",
            "    k (sensitive) > (sensitive)",
            "    o 1 > 2",
            "odd \"x\" > {\"k\":\"(sensitive)\"}",
            "p (sensitive) > (sensitive)",
            "was (sensitive) > (sensitive)"
        ]
    );
}

#[test]
fn a_sensitive_whole_is_one_row_without_a_name_of_a_member() {
    let (after, mask) = (json(r#"{"k":"v"}"#), json("true"));
    let sides = Sides { after: Some(&after), sensitive_after: Some(&mask), ..Sides::default() };
    assert_eq!(drawn(&between(sides, &[])), ["value - > (sensitive)"]);
}

#[test]
fn elements_of_sets_find_each_other_wherever_they_stand() {
    let before =
        r#"{"rule":[{"port":22,"note":"a"},{"port":80,"note":"b"},{"port":443,"note":"c"}]}"#;
    let after =
        r#"{"rule":[{"port":443,"note":"c"},{"port":80,"note":"z"},{"port":8080,"note":"y"}]}"#;
    assert_eq!(
        rows(before, after),
        [
            "rule:",
            "  [0]:",
            "    note \"a\" > -",
            "    port 22 > -",
            "  [1]:",
            "    note \"b\" > \"z\"",
            "  [2]:",
            "    note - > \"y\"",
            "    port - > 8080"
        ]
    );
    assert_eq!(rows(r#"{"l":["a","b"]}"#, r#"{"l":["a","c"]}"#), [r#"l ["a","b"] > ["a","c"]"#]);
}

#[test]
fn json_in_a_text_is_compared_as_json() {
    let shown = rows(r#"{"p":"{\"b\":1,\"a\":[1]}"}"#, r#"{"p":"{ \"a\": [1, 2], \"b\": 1 }"}"#);
    assert_eq!(shown.len(), 1);
    assert!(shown[0].contains("json=true") && shown[0].contains("Added(\"    2\")"), "{shown:?}");
    assert_eq!(
        rows(r#"{"p":"{\"b\":1,\"a\":[1]}"}"#, r#"{"p":"{\"a\":[1],\"b\":1}"}"#),
        ["p layout"]
    );
}

#[test]
fn texts_of_lines_are_compared_by_lines_and_long_ones_are_cut() {
    assert_eq!(
        rows(r#"{"t":"a\nb\nc"}"#, r#"{"t":"a\nB\nc"}"#),
        ["t json=false [Same(\"a\"), Removed(\"b\"), Added(\"B\"), Same(\"c\")]"]
    );
    assert_eq!(rows(r#"{"t":"a\n b"}"#, r#"{"t":"a\nb\n"}"#), ["t layout"]);
    let many: Vec<String> = (0..2_000).map(|line| line.to_string()).collect();
    let before = Json::Members([("t".to_owned(), Json::Text(many.join("\n")))].into());
    let after =
        Json::Members([("t".to_owned(), Json::Text("x\n".to_owned() + &many.join("\n")))].into());
    let sides = Sides { before: Some(&before), after: Some(&after), ..Sides::default() };
    let What::Lines { lines, .. } = &between(sides, &[]).rows[0].what else { panic!("lines") };
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4], Line::Skipped(1_997));
    let gone = Sides { before: Some(&before), ..Sides::default() };
    let What::Lines { lines, .. } = &between(gone, &[]).rows[0].what else { panic!("lines") };
    assert_eq!((lines.len(), lines.last()), (401, Some(&Line::Cut(1_600))));
}

#[test]
fn what_nobody_reads_is_its_length_and_digest() {
    let key = format!("Ab1+{}", "QUJD".repeat(60));
    let pem = "-----BEGIN CERTIFICATE-----\\nAA\\n-----END CERTIFICATE-----";
    let shown = rows(
        &format!(r#"{{"k":"{key}","c":"{pem}"}}"#),
        &format!(r#"{{"k":"x{key}","c":"{pem}\n"}}"#),
    );
    assert_eq!(shown, ["c 56 bytes > 57 bytes", "k 244 bytes > 245 bytes"]);
}

#[test]
fn what_forces_a_replacement_is_marked_at_its_own_row() {
    let (before, after) = (
        json(r#"{"l":["m"],"n":1,"o":{"a":1,"b":{"c":1}},"p":[{"q":1}]}"#),
        json(r#"{"l":["x"],"n":2,"o":{"a":2,"b":{"c":2}},"p":[{"q":2}]}"#),
    );
    let sides = Sides { before: Some(&before), after: Some(&after), ..Sides::default() };
    let path = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect();
    let forcing = [path(&["l", "0"]), path(&["o", "b"]), path(&["p", "0", "q"])];
    assert_eq!(
        drawn(&between(sides, &forcing)),
        [
            r#"l ["m"] > ["x"] !"#,
            "n 1 > 2",
            "o:",
            "  a 1 > 2",
            "  b: !",
            "    c 1 > 2",
            "p:",
            "  [0]:",
            "    q 1 > 2 !"
        ]
    );
}

#[test]
fn there_is_an_end_to_rows() {
    let members = (0..2_500).map(|number| (number.to_string(), Json::Bool(true))).collect();
    let after = Json::Members(members);
    let found = between(Sides { after: Some(&after), ..Sides::default() }, &[]);
    assert_eq!((found.rows.len(), found.left_out), (2_000, 500));
}
