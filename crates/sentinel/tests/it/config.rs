//! `sentinel.hcl` and its JSON form.

use std::collections::BTreeMap;
use std::path::Path;

use statehouse_sentinel::config::{Checksum, Config, Level, Location, Provided, Purpose};
use statehouse_sentinel::{Frozen, Import};

use crate::ask::world;

fn hcl(text: &str) -> Config {
    Config::parse("sentinel.hcl", text.as_bytes()).unwrap()
}

fn json(text: &str) -> Config {
    Config::parse("test.json", text.as_bytes()).unwrap()
}

fn local(path: &str) -> Location {
    Location::Local(path.into())
}

#[test]
fn all_blocks_are_read() {
    let config = hcl(r#"
        sentinel { features = { terraform = true, "apply-all" = true } }
        policy "a" {
          source = "./a.sentinel"
          enforcement_level = "soft-mandatory"
          params = { limit = 5, names = ["x", null, true, -1.5] }
        }
        policy "b" {}
        policy "c" { enforcement_level = "hard-mandatory" }
        module "old" { source = "old.sentinel" }
        import "module" "new" { source = "./new.sentinel" }
        import "static" "data" {
          source = "data.json"
          format = "json"
        }
        import "plugin" "time" { config = { timezone = "Europe/Vienna" } }
        mock "tfplan/v2" {
          module { source = "mock.sentinel" }
        }
        mock "tfrun" { data = { id = "run-1" } }
        param "p" { value = { deep = [1] } }
        global "g" { value = 1 }
        test { rules = { main = false } }
    "#);
    assert_eq!(config.policies.len(), 3);
    assert_eq!(config.policies[0].level, Level::SoftMandatory);
    assert_eq!(config.policies[0].params["limit"], Frozen::Int(5));
    let names = [Frozen::text("x"), Frozen::Null, Frozen::Bool(true), Frozen::Float(-1.5)];
    assert_eq!(config.policies[0].params["names"], Frozen::list(names));
    assert_eq!(config.policies[1].level, Level::Advisory);
    assert_eq!(config.policies[1].source, local("./b.sentinel"));
    assert_eq!(config.policies[2].level, Level::HardMandatory);
    assert_eq!(config.imports["old"], Provided::Module(local("old.sentinel")));
    assert_eq!(config.imports["new"], Provided::Module(local("./new.sentinel")));
    assert_eq!(config.imports["data"], Provided::Static(local("data.json")));
    assert_eq!(config.timezone.as_deref(), Some("Europe/Vienna"));
    assert_eq!(config.mocks["tfplan/v2"], Provided::Module(local("mock.sentinel")));
    assert_eq!(
        config.mocks["tfrun"],
        Provided::Data(Frozen::object([("id", Frozen::text("run-1"))]))
    );
    assert_eq!(config.params["p"].get("deep").items(), [Frozen::Int(1)]);
    assert_eq!(config.globals["g"], Frozen::Int(1));
    assert_eq!(config.expected, Some(BTreeMap::from([("main".into(), Frozen::Bool(false))])));
    assert_eq!(config.warnings.len(), 1);
    let shadow = hcl("module \"strings\" { source = \"s.sentinel\" }");
    assert_eq!(shadow.warnings, ["the module strings takes the place of an import"]);
}

#[test]
fn both_json_forms_say_the_same_as_hcl() {
    let same = hcl(r#"
        module "f" { source = "f.sentinel" }
        mock "tfplan" {
          module { source = "plan.sentinel" }
        }
        mock "tfrun" { data = { id = "run-1" } }
        param "p" { value = [1] }
        global "g" { value = "x" }
        test { rules = { main = true } }
    "#);
    let old = json(
        r#"{ "modules": {"f": {"path": "f.sentinel"}}, "param": {"p": [1]},
        "mock": {"tfplan": "plan.sentinel", "tfrun": {"id": "run-1"}}, "global": {"g": "x"},
        "test": {"main": true} }"#,
    );
    let new = json(
        r#"{ "module": {"f": {"source": "f.sentinel"}}, "param": {"p": {"value": [1]}},
        "mock": {"tfplan": {"module": {"source": "plan.sentinel"}}, "tfrun": {"data": {"id": "run-1"}}},
        "global": {"g": {"value": "x"}}, "test": {"rules": {"main": true}} }"#,
    );
    assert_eq!(old, same);
    assert_eq!(new, same);
    let set = json(
        r#"{ "policy": {"a": {"source": "a.sentinel", "enforcement_level": "advisory"}},
        "import": {"module": {"m": {"source": "m.sentinel"}}, "static": {"s": {"source": "s.json"}}} }"#,
    );
    assert_eq!(set.policies.len(), 1);
    assert_eq!(set.imports["m"], Provided::Module(local("m.sentinel")));
    assert_eq!(set.imports["s"], Provided::Static(local("s.json")));
}

#[test]
fn what_is_wrong_is_said() {
    let deep = format!("param \"p\" {{ value = {}1{} }}", "[".repeat(5_000), "]".repeat(5_000));
    for (text, words) in [
        ("policy {", "1:9: expected a block or an attribute"),
        ("policy \"a\" {}}", "expected the end of the line"),
        ("param \"a\" { value = 1 2 }", "expected the end of the line"),
        ("param \"a\" {\n value = 1\n value = 2\n}", "there twice"),
        ("param \"a\" { value = [1 2] }", "in a list"),
        ("param \"a\" { value = {a 1} }", "after a key"),
        ("param \"a\" { value = {a = 1 b = 2} }", "in a map"),
        ("param \"a\" { value = \"\\q\" }", "unknown escape"),
        ("param \"a\" { value = \"x }", "not closed"),
        ("param \"a\" { value = 1.2.3 }", "no number"),
        ("param \"a\" { value = <<END\nx\n }", "not ended by END"),
        ("/* a", "comment is not closed"),
        ("policy {}", "unknown block \"policy\" with 0 labels"),
        ("police \"a\" {}", "unknown block \"police\""),
        ("a = 1", "unknown attribute \"a\""),
        ("policy \"a\" {}\npolicy \"a\" {}", "declared twice"),
        ("param \"a\" { value = 1 }\nparam \"a\" { value = 1 }", "declared twice"),
        ("policy \"a\" { enforcement_level = \"mandatory\" }", "not one of advisory"),
        ("policy \"a\" { source = 1 }", "policy \"a\": source must be a string"),
        ("policy \"a\" { params = 1 }", "params must be a map"),
        ("policy \"a\" { nosuch = 1 }", "unknown attribute \"nosuch\""),
        ("policy \"a\" {\n nosuch {}\n}", "unknown block \"nosuch\""),
        ("module \"a\" {}", "source is missing"),
        ("param \"a\" {}", "value is missing"),
        ("param \"a\" { value = var.x }", "only literals"),
        ("param \"a\" { value = \"${x}\" }", "templates"),
        ("mock \"a\" {}", "either data or a module"),
        ("import \"plugin\" \"corp\" { source = \"./corp\" }", "plugins are not supported"),
        ("import \"plugin\" \"time\" { config = { timezone = \"Mars\" } }", "no such timezone"),
        ("import \"plugin\" \"time\" { config = { zone = \"UTC\" } }", "unknown setting zone"),
        (
            "import \"static\" \"a\" {\n source = \"a\"\n format = \"yaml\"\n}",
            "only the format json",
        ),
        ("module \"a\" { source = \"git::https://example.com/a\" }", "only local files and https"),
        ("module \"a\" { source = \"https://example.com/a?checksum=sha256:12\" }", "checksum"),
        ("test {}\ntest {}", "more than one test"),
        (&deep, "nested more than"),
    ] {
        let error = Config::parse("sentinel.hcl", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    for text in
        ["", "[]", "{\"police\": {}}", "{\"mock\": 1}", "{\"test\": {\"rules\": {}, \"x\": 1}}"]
    {
        assert!(Config::parse("t.json", text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn what_nobody_knows_is_refused_with_its_name_and_line() {
    for (text, words) in [
        ("\npolice \"a\" {}", "2:1: unknown block \"police\" with 1 labels"),
        ("\n\na = 1", "3:1: unknown attribute \"a\""),
        (
            "policy \"a\" {\n  source = \"a\"\n  nosuch = 1\n}",
            "3:3: policy \"a\": unknown attribute \"nosuch\"",
        ),
        ("policy \"a\" {\n nosuch {}\n}", "2:2: policy \"a\": unknown block \"nosuch\""),
        ("policy \"a\" {\n params {\n  deep {}\n }\n}", "3:3: params: unknown block \"deep\""),
        ("test {\n rules \"x\" {}\n}", "2:2: test: rules takes no labels"),
        ("mock \"a\" {\n module \"x\" {}\n}", "2:2: mock \"a\": module takes no labels"),
        (
            "mock \"a\" {\n module {\n  source = \"x\"\n  path = \"y\"\n }\n}",
            "4:3: module: unknown attribute \"path\"",
        ),
        (
            "sentinel {\n  features = { terraform = true, nosuch = true }\n}",
            "2:3: sentinel: unknown feature \"nosuch\"; known are apply-all, terraform",
        ),
        ("sentinel {\n  features = { terraform = 1 }\n}", "2:3: sentinel: terraform must be true"),
        ("sentinel {\n  nosuch = 1\n}", "2:3: sentinel: unknown attribute \"nosuch\""),
        (
            "import \"plugin\" \"time\" {\n config = { zone = \"UTC\" }\n}",
            "2:2: the import time: unknown setting zone",
        ),
        (
            "\npolicy \"a\" {\n enforcement_level = \"mandatory\"\n}",
            "3:2: the policy a: enforcement_level is",
        ),
    ] {
        let error = Config::parse("sentinel.hcl", text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(words), "{text}: {error}");
    }
    for (text, words) in [
        ("{\n \"police\": {}\n}", "2:12: unknown block \"police\""),
        ("{\n \"mock\": 1\n}", "2:10: mock must be an object"),
        (
            "{\"policy\": {\"a\": {\n  \"source\": \"a\",\n  \"nosuch\": 1}}}",
            "3:13: policy \"a\": unknown attribute \"nosuch\"",
        ),
        ("{\"policy\": {\n \"a\": 1}}", "2:7: policy \"a\" must be an object"),
        (
            "{\"policy\": {\"a\": {}},\n \"policy\": {\"a\": {}}}",
            "2:18: the policy a is declared twice",
        ),
        (
            "{\"policy\": {\"a\": {\"source\": \"a\",\n \"source\": \"b\"}}}",
            "2:12: the attribute \"source\" is there twice",
        ),
        ("{\"import\": {\n \"module\": 1}}", "2:12: import must be an object"),
        (
            "{\"import\": {\"static\": {\"a\": {\"source\": \"a\",\n \"nosuch\": 1}}}}",
            "2:12: import \"static\" \"a\": unknown attribute \"nosuch\"",
        ),
        (
            "{\"mock\": {\"a\": {\"module\": {\n \"source\": \"a\",\n \"nosuch\": 1}}}}",
            "3:12: module: unknown attribute \"nosuch\"",
        ),
        ("{\"test\": {\"rules\": {},\n \"x\": 1}}", "2:7: test: unknown attribute \"x\""),
        (
            "{\"sentinel\": {\n \"features\": {\"nosuch\": true}}}",
            "2:14: sentinel: unknown feature \"nosuch\"",
        ),
        ("{\n \"policy\": {]}", "at line 2 column 13"),
    ] {
        let error = Config::parse("sentinel.json", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let several = json(
        r#"{"policy": [{"a": {}}, {"b": {}}], "import": {"module": [{"m": {"source": "m"}}]}}"#,
    );
    assert_eq!((several.policies.len(), several.imports.len()), (2, 1));
}

#[test]
fn a_remote_source_has_an_address_and_a_checksum() {
    let digest = "ab".repeat(32);
    let source = |source: &str| Location::parse(source).unwrap();
    let expected = Location::Remote {
        url: "https://example.com/p.sentinel?v=1".into(),
        checksum: Some(Checksum { algorithm: "sha256", digest: digest.clone() }),
    };
    assert_eq!(
        source(&format!("https://example.com/p.sentinel?checksum=sha256:{digest}&v=1")),
        expected
    );
    // Its length says which one it is.
    assert_eq!(source(&format!("https://example.com/p.sentinel?v=1&checksum={digest}")), expected);
    assert_eq!(
        source("http://example.com/p"),
        Location::Remote { url: "http://example.com/p".into(), checksum: None }
    );
}

#[test]
fn files_are_found_from_where_the_configuration_is() {
    let config = hcl(r#"
        module "m" { source = "../m.sentinel" }
        import "static" "s" { source = "./s/./s.json" }
        mock "k" { data = {} }
        param "p" { value = 1 }
    "#);
    let read = |path: &Path| match path.to_str().unwrap() {
        "a/m.sentinel" => Ok(b"x = 1".to_vec()),
        "a/b/s/s.json" => Ok(b"[1]".to_vec()),
        other => Err(format!("who wants {other}?")),
    };
    let mut world = world();
    config.provide(Path::new("a/b/sentinel.hcl"), Purpose::Run, &read, &mut world).unwrap();
    assert!(matches!(&world.imports["m"], Import::Module(source) if source.name == "a/m.sentinel"));
    assert!(world.imports.contains_key("s") && world.params.contains_key("p"));
    // A run is not mocked.
    assert!(!world.imports.contains_key("k"));
    let missing = hcl("module \"m\" { source = \"nosuch.sentinel\" }")
        .provide(Path::new("sentinel.hcl"), Purpose::Run, &read, &mut world)
        .unwrap_err();
    assert_eq!(missing.to_string(), "nosuch.sentinel: who wants nosuch.sentinel?");
    let remote = hcl("module \"m\" { source = \"https://example.com/m\" }")
        .provide(Path::new("sentinel.hcl"), Purpose::Run, &read, &mut world)
        .unwrap_err();
    assert_eq!(remote.path, "https://example.com/m");
}

#[test]
fn literals_are_read_as_people_write_them() {
    let config = hcl(r#"
        // One comment,
        # another, /* and */
        param "p" { /* a third */
          value = {
            text   = "a\"b\n\t\\ é \u00e9 $${x} 100%"
            "key"  : -1
            5      = 1e3, twice = 1
            twice  = 2 # the last one counts
            list   = [ 1, # one
                       2.5, ]
            nested = [{ a = true }, {}, null]
            long   = <<-END
              first
                second
            END
          }
        }
    "#);
    let value = &config.params["p"];
    assert_eq!(value.get("text").as_str(), Some("a\"b\n\t\\ é é ${x} 100%"));
    assert_eq!(*value.get("key"), Frozen::Int(-1));
    assert_eq!(*value.get("5"), Frozen::Float(1000.0));
    assert_eq!(*value.get("twice"), Frozen::Int(2));
    assert_eq!(*value.get("list"), Frozen::list([Frozen::Int(1), Frozen::Float(2.5)]));
    assert_eq!(value.get("nested").items().len(), 3);
    assert_eq!(value.get("long").as_str(), Some("first\n  second\n"));
}
