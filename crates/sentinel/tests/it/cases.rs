//! Test cases beside a policy, and how their results are told.

use std::path::{Path, PathBuf};

use statehouse_sentinel::Limits;
use statehouse_sentinel::testing::{Status, Tested, cases, json, policies, test, text};

use crate::ask::world;

/// A folder with files, which goes when it is dropped.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tested(&self, name: &str) -> Tested {
        test(&self.path(name), world().now, &Limits::default(), |_| true)
    }
}

const POLICY: &str = "import \"tfplan/v2\" as tfplan\nparam limit default 5\n\n\
    # Small is good.\nsmall = rule { tfplan.size < limit }\nmain = rule { small }\n";

fn folder() -> Folder {
    Folder::with(&[
        ("size.sentinel", POLICY),
        ("test/size/a-pass.hcl", "mock \"tfplan/v2\" { data = { size = 1 } }"),
        (
            "test/size/b-fail.hcl",
            "mock \"tfplan/v2\" {\n module {\n source = \"../mocks/big.sentinel\"\n}\n}\n\
             test {\n rules = { main = false, small = false }\n}",
        ),
        ("test/size/c.json", r#"{"mock": {"tfplan/v2": {"size": 9}}, "param": {"limit": 10}}"#),
        ("test/mocks/big.sentinel", "size = 100"),
        ("test/size/readme.txt", "no case"),
        ("untested.sentinel", "main = true"),
        ("notes.md", "no policy"),
    ])
}

#[test]
fn policies_and_their_cases_are_found_in_order() {
    let folder = folder();
    let found = policies(folder.0.path()).unwrap();
    assert_eq!(found, [folder.path("size.sentinel"), folder.path("untested.sentinel")]);
    assert_eq!(policies(&found[0]).unwrap(), [found[0].clone()]);
    assert!(policies(Path::new("/nosuch")).is_err());
    let names: Vec<PathBuf> = cases(&found[0]);
    assert_eq!(names.len(), 3);
    assert!(names[2].ends_with("test/size/c.json"));
}

#[test]
fn cases_pass_where_the_rules_are_what_they_should_be() {
    let tested = folder().tested("size.sentinel");
    assert_eq!(tested.status(), Status::Pass, "{tested:?}");
    assert_eq!(tested.cases.len(), 3);
    assert_eq!(folder().tested("untested.sentinel").status(), Status::Untested);
}

#[test]
fn a_case_that_differs_says_how_and_shows_the_trace() {
    let folder = Folder::with(&[
        ("p.sentinel", "print(\"looking\")\n# Why.\nmain = rule { false }\n"),
        ("test/p/late.hcl", "test {\n rules = { main = true, nosuch = 1 }\n}"),
        ("test/p/plain.hcl", ""),
    ]);
    let tested = folder.tested("p.sentinel");
    assert_eq!(tested.status(), Status::Fail);
    let told = text(&tested, false).replace(&*folder.0.path().to_string_lossy(), "");
    assert_eq!(
        told,
        "FAIL - /p.sentinel
  FAIL - /test/p/late.hcl
    expected \"main\" to be true, got: false
    expected \"nosuch\" to be 1, got: nothing, it was not evaluated

    logs:
      looking

    trace:
      p.sentinel:3:1 - Rule \"main\"
        Description:
          Why.

        Value:
          false

  FAIL - /test/p/plain.hcl
    expected \"main\" to be true, got: false

    logs:
      looking

    trace:
      p.sentinel:3:1 - Rule \"main\"
        Description:
          Why.

        Value:
          false

"
    );
}

#[test]
fn an_error_is_never_an_expected_result() {
    let folder = Folder::with(&[
        ("p.sentinel", "for undefined as x { }\nmain = false"),
        ("test/p/a.hcl", "test {\n rules = { main = false }\n}"),
        ("test/p/b.hcl", "nonsense {"),
        ("test/p/c.hcl", "module \"m\" { source = \"nosuch.sentinel\" }"),
        ("u.sentinel", "main = undefined"),
        ("test/u/a.hcl", "test {\n rules = { main = false }\n}"),
    ]);
    let tested = folder.tested("p.sentinel");
    assert!(tested.cases.iter().all(|case| case.status == Status::Error));
    assert_eq!(tested.cases[0].errors, ["p.sentinel:1:5: unsupported type for looping: undefined"]);
    assert!(tested.cases[2].missing && !tested.cases[1].missing);
    assert!(text(&tested, false).contains("    Error: p.sentinel:1:5:"));
    // Undefined is not false.
    assert_eq!(folder.tested("u.sentinel").status(), Status::Fail);
}

#[test]
fn results_as_json_have_the_shape_that_tools_read() {
    let folder = folder();
    let document = json(&[folder.tested("size.sentinel"), folder.tested("untested.sentinel")]);
    let policy = &document["policies"][folder.path("size.sentinel").to_str().unwrap()];
    assert_eq!(policy["status"], "PASS");
    let case = &policy["cases"][folder.path("test/size/b-fail.hcl").to_str().unwrap()];
    assert_eq!(case["status"], "PASS");
    assert_eq!(case["trace"]["result"], false);
    assert_eq!(case["trace"]["rules"]["small"]["position"]["line"], 5);
    assert_eq!(case["rule_detail"]["small"]["desc"], "Small is good.");
    assert_eq!(case["config_legacy"], false);
    let untested = &document["policies"][folder.path("untested.sentinel").to_str().unwrap()];
    assert_eq!(untested["status"], "?");
}
