//! Policies in a process apart: whatever one does there, the others are answered, and the server goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use policy::sentinel::{Http, HttpRequest, HttpResponse, Parameter, Run, Verdict, Written};
use policy::{Answer, Case, Code, Dialect, Module, Panel, Question};

#[derive(Debug, Default)]
struct Echo(Mutex<Vec<String>>);

impl Http for Echo {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        self.0.lock().unwrap().push(request.url.clone());
        let headers = BTreeMap::new();
        Ok(HttpResponse { status: 200, headers, body: request.url.clone().into_bytes() })
    }
}

fn case(http: Option<Arc<dyn Http>>) -> Case {
    let plan = r#"{"a": 1, "resource_changes": []}"#.to_owned();
    Case { plan, run: Run::default(), at: chrono::DateTime::UNIX_EPOCH, http }
}

fn question(code: Code, policies: &[&str]) -> Question {
    let policies = policies.iter().map(|name| (*name).to_owned()).collect();
    let parameters = [("limit".to_owned(), Parameter::read("3", false))].into();
    Question { code, policies, parameters, time: Duration::from_mins(1) }
}

fn rego(code: &str) -> Code {
    let modules = vec![Module { path: "a.rego".into(), code: code.into() }];
    Code::Rego { modules, dialect: Dialect::Current }
}

fn sentinel(policies: &[(&str, &str)]) -> Code {
    let manifest = policies.iter().map(|(name, _)| format!("policy \"{name}\" {{}}\n"));
    let manifest = ("sentinel.hcl".to_owned(), manifest.collect::<String>().into_bytes());
    let file = |(name, code): &(&str, &str)| (format!("{name}.sentinel"), code.as_bytes().to_vec());
    Code::Sentinel(Written::files(policies.iter().map(file).chain([manifest]).collect()))
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(2)
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_statehouse"))
}

#[test]
fn a_policy_that_ends_its_process_is_answered_for_and_the_others_are_asked() {
    let code = r#"package p
fine contains "it is one" if input.plan.a == 1
good := []
long := concat("", [t | some i in numbers.range(1, 20000); t := sprintf("%100d", [i])])
eats contains count(all) if {
  all := [t | some i in numbers.range(1, 20000); t := concat("", [long, format_int(i, 10)])]
}
"#;
    let case = case(None);
    let mut panel = Panel::of(&case, Some(program()));
    let queries = ["data.p.fine", "data.p.eats", "data.p.good", "data.p.no"];
    let answers = panel.ask(&question(rego(code), &queries), later()).unwrap();
    assert_eq!(answers[0], Answer::Against(vec!["it is one".to_owned()]));
    let Answer::Unasked(why) = &answers[1] else { panic!("{answers:?}") };
    assert!(why.contains("more memory"), "{why}");
    assert_eq!(answers[2], Answer::Against(vec![]));
    let Answer::Unasked(why) = &answers[3] else { panic!("{answers:?}") };
    assert!(why.contains("no result"), "{why}");
    // The same panel, and the next question.
    let refused = panel.ask(&question(rego("package"), &["data.p.fine"]), later()).unwrap_err();
    assert!(refused.starts_with("a.rego cannot be read"), "{refused}");
    let late = panel.ask(&question(rego(code), &["data.p.good"]), Instant::now()).unwrap();
    assert!(matches!(&late[..], [Answer::Unasked(why)] if why.contains("too long")), "{late:?}");
}

/// Answers when nobody waits for it any more.
#[derive(Debug)]
struct Silent;

impl Http for Silent {
    fn send(&self, _: &HttpRequest) -> Result<HttpResponse, String> {
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        let _ = never.recv_timeout(Duration::from_secs(6));
        Err("too late".to_owned())
    }
}

#[test]
fn a_policy_that_goes_on_when_its_time_is_over_ends_alone() {
    let case = case(Some(Arc::new(Silent)));
    let policies = [
        ("first", "main = true"),
        ("waits", "import \"http\"\nmain = http.get(\"https://example.com/a\").body is \"\""),
        ("last", "main = true"),
    ];
    let mut question = question(sentinel(&policies), &policies.map(|(name, _)| name));
    question.time = Duration::from_secs(1);
    let answers = Panel::of(&case, Some(program())).ask(&question, later()).unwrap();
    let passed =
        |answer: &Answer| matches!(answer, Answer::Said(said) if said.verdict == Verdict::Passed);
    let Answer::Unasked(why) = &answers[1] else { panic!("{answers:?}") };
    assert!(why.contains("time was over"), "{why}");
    assert!(passed(&answers[0]) && passed(&answers[2]), "{answers:?}");
}

#[test]
fn policies_say_the_same_in_a_process_apart_as_in_this_one() {
    use Verdict as V;
    let echo = Arc::new(Echo::default());
    let case = case(Some(echo.clone()));
    let policies = [
        (
            "asks",
            "import \"http\"\nmain = http.get(\"https://example.com/a\").body is \"https://example.com/a\"",
        ),
        (
            "deep",
            "x = 1\nfor range(90) as i { x = [x] }\nshown = rule { x }\nmain = shown is empty",
        ),
        ("errs", "main = rule { 1 / 0 }"),
        ("grows", "x = range(100000000)\nmain = true"),
        (
            "limits",
            "# Few.\n\nparam limit\n# Three.\nfew = rule { limit is 3 }\nprint(\"\\xff\", limit)\nmain = rule { few }",
        ),
        ("undefined", "import \"tfplan/v2\" as tfplan\nmain = tfplan.raw.b"),
    ];
    let names = policies.map(|(name, _)| name);
    let question = question(sentinel(&policies), &names);
    let asked = |program: Option<&Path>| {
        let mut answers = Panel::of(&case, program).ask(&question, later()).unwrap();
        for answer in &mut answers {
            let Answer::Said(outcome) = answer else { panic!("{answer:?}") };
            outcome.duration = Duration::ZERO;
        }
        answers
    };
    let apart = asked(Some(program()));
    assert_eq!(apart, asked(None));
    let verdicts = apart.iter().map(|answer| match answer {
        Answer::Said(outcome) => outcome.verdict,
        other => panic!("{other:?}"),
    });
    let expected = [V::Passed, V::Failed, V::Errored, V::Errored, V::Passed, V::Undefined];
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
    assert_eq!(echo.0.lock().unwrap().len(), 2);
}
