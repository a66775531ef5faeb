//! `statehouse sentinel` as the scripts of policy authors see it: output and exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the command in a folder; the answer is its exit code and what it printed.
fn sentinel(folder: &Path, arguments: &str) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_statehouse"))
        .arg("sentinel")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [stdout, stderr].concat();
    (status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("good.sentinel", "param limit default 1\nmain = rule { limit < 5 }\n"),
        ("test/good/a.hcl", "test {\n rules = { main = true }\n}"),
        ("test/good/b.json", r#"{"param": {"limit": 9}, "test": {"main": false}}"#),
        ("bad.sentinel", "print(\"seen\")\nmain = rule { false }\n"),
        ("test/bad/late.hcl", "test {\n rules = { main = true }\n}"),
        ("err.sentinel", "for undefined as x { }\nmain = true\n"),
        ("open.sentinel", "main = undefined\n"),
        (
            "soft.hcl",
            "policy \"bad\" {\n source = \"bad.sentinel\"\n}\n\
             policy \"good\" {\n source = \"./good.sentinel\"\n enforcement_level = \"hard-mandatory\"\n}",
        ),
        (
            "hard.hcl",
            "policy \"bad\" {\n source = \"bad.sentinel\"\n enforcement_level = \"soft-mandatory\"\n}\n\
             policy \"good\" {}",
        ),
    ];
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn tests_tell_which_cases_pass_and_exit_accordingly() {
    let folder = folder();
    let (code, told) = sentinel(folder.path(), "test good.sentinel");
    assert_eq!(code, 0, "{told}");
    assert!(
        told.starts_with(
            "PASS - good.sentinel\n  PASS - test/good/a.hcl\n  PASS - test/good/b.json\n"
        ),
        "{told}"
    );
    let (code, told) = sentinel(folder.path(), "test");
    assert_eq!(code, 1);
    assert!(told.contains("FAIL - bad.sentinel"), "{told}");
    assert!(told.contains("    expected \"main\" to be true, got: false"), "{told}");
    assert!(told.contains("PASS - open.sentinel [no test files]"), "{told}");
    assert_eq!(sentinel(folder.path(), "test nosuch").0, 9);
}

#[test]
fn single_dashes_choose_cases_and_forms_of_output() {
    let folder = folder();
    let (code, told) = sentinel(folder.path(), "test -run=good/b -verbose .");
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("b.json") && !told.contains("a.hcl"), "{told}");
    assert!(told.contains("Rule \"main\""), "{told}");
    let of_others = "test -timeout=5m -maxConcurrency=2 -color=false good.sentinel";
    assert_eq!(sentinel(folder.path(), of_others).0, 0);
    assert_eq!(sentinel(folder.path(), "test -timeout=soon good.sentinel").0, 9);
    let (code, told) = sentinel(folder.path(), "test -json bad.sentinel");
    assert_eq!(code, 1);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["policies"]["bad.sentinel"]["status"], "FAIL");
    let case = &told["policies"]["bad.sentinel"]["cases"]["test/bad/late.hcl"];
    assert_eq!(case["trace"]["print"], "seen\n");
}

#[test]
fn apply_exits_with_what_the_policy_says() {
    let folder = folder();
    let code = |arguments: &str| sentinel(folder.path(), arguments).0;
    assert_eq!(code("apply good.sentinel"), 0);
    assert_eq!(code("apply -param limit=7 good.sentinel"), 1);
    assert_eq!(code("apply open.sentinel"), 2);
    assert_eq!(code("apply err.sentinel"), 3);
    assert_eq!(code("apply nosuch.sentinel"), 9);
    assert_eq!(code("apply"), 9);
    assert_eq!(code("apply -nosuch good.sentinel"), 9);
    // Advisory policies decide nothing beside others.
    assert_eq!(code("apply -config=soft.hcl"), 0);
    assert_eq!(code("apply -config=hard.hcl"), 1);
}

#[test]
fn apply_tells_what_happened() {
    let folder = folder();
    let (_, told) = sentinel(folder.path(), "apply err.sentinel");
    assert!(told.contains("Error: err.sentinel:1:5: unsupported type for looping: undefined"));
    let proxy =
        "policy \"good\" {}\nimport \"plugin\" \"http\" { config = { proxy_address = \"x\" } }";
    std::fs::write(folder.path().join("proxy.hcl"), proxy).unwrap();
    let (code, told) = sentinel(folder.path(), "apply -config=proxy.hcl");
    assert!(code == 0 && told.contains("Warning: the import http: proxy_address"), "{told}");
    let (_, told) = sentinel(folder.path(), "apply -json -config=hard.hcl");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["result"], false);
    assert_eq!(told["policies"][0]["policy"], "bad");
    assert_eq!(told["policies"][0]["enforcement_level"], "soft-mandatory");
    assert_eq!(told["policies"][0]["trace"]["print"], "seen\n");
    assert_eq!(told["policies"][1]["result"], true);
}
