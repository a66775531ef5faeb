//! Modules, static data, mocks, parameters and globals.

use statehouse_sentinel::{Frozen, Import, Outcome, Source, Verdict, World};

use crate::ask::{ask_in, world};

fn module(world: &mut World, name: &str, text: &str) {
    let source = Source::new(format!("{name}.sentinel"), text);
    world.imports.insert(name.to_owned(), Import::Module(source));
}

fn data(world: &mut World, name: &str, json: &str) {
    let data = Frozen::from_json(json.as_bytes()).unwrap();
    world.imports.insert(name.to_owned(), Import::data(data));
}

fn passes(world: &World, text: &str) {
    let outcome = ask_in(world, text);
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome:?}");
}

fn error(outcome: Outcome) -> String {
    assert_eq!(outcome.verdict, Verdict::Errored);
    outcome.error.unwrap().to_string()
}

#[test]
fn a_module_exports_all_of_its_names() {
    let mut world = world();
    module(
        &mut world,
        "m",
        "import \"strings\"\nlimit = 5\nok = rule { limit is 5 }\n\
        func up(s) { return strings.to_upper(s) }\nprint(\"once\")",
    );
    let text = "import \"m\"\nimport \"m\" as again\n\
        main = m.limit is 5 and m.ok and again.up(\"a\") is \"A\" and m.nosuch is not defined";
    passes(&world, text);
    // It runs once, however often it is imported.
    assert_eq!(ask_in(&world, text).printed, "once\n");
}

#[test]
fn a_module_knows_nothing_of_who_imports_it() {
    let mut world = world();
    module(&mut world, "m", "f = func() { return secret }");
    let outcome = ask_in(&world, "import \"m\"\nsecret = 1\nmain = m.f() is 1");
    assert_eq!(error(outcome), "m.sentinel:1:21: unknown identifier \"secret\"");
}

#[test]
fn data_of_a_module_is_copied_and_its_functions_see_their_own() {
    let mut world = world();
    module(&mut world, "m", "list = [1]\nadd = func(x) { append(list, x)\n return length(list) }");
    passes(
        &world,
        "import \"m\"\na = m.list\nappend(a, 2)\n\
         main = length(m.list) is 1 and m.add(5) is 2 and length(m.list) is 2 and a is [1, 2]",
    );
}

#[test]
fn a_module_cannot_have_parameters_nor_import_itself() {
    let mut world = world();
    module(&mut world, "p", "param x default 1");
    module(&mut world, "a", "import \"b\"");
    module(&mut world, "b", "import \"a\"");
    let outcome = ask_in(&world, "import \"p\"\nmain = true");
    assert_eq!(error(outcome), "p.sentinel:1:7: a module cannot have parameters");
    let outcome = ask_in(&world, "import \"a\"\nmain = true");
    assert_eq!(error(outcome), "b.sentinel:1:1: import \"a\" needs itself");
}

#[test]
fn a_module_that_errs_fails_the_policy() {
    let mut world = world();
    module(&mut world, "m", "x = 1 / 0");
    let outcome = ask_in(&world, "import \"m\"\nmain = true");
    assert!(error(outcome).starts_with("m.sentinel:1:5:"));
}

#[test]
fn static_data_is_a_value_and_can_be_entered_by_the_path() {
    let mut world = world();
    data(&mut world, "pets", r#"{"dogs": {"small": ["pug"]}, "n": 8, "f": 8.5, "null": null}"#);
    passes(
        &world,
        "import \"pets\"\nimport \"pets/dogs\" as d\nimport \"pets/dogs/small\"\n\
         main = d.small is [\"pug\"] and small[0] is \"pug\" and pets.n is 8 and pets.f is 8.5 \
         and pets[\"null\"] is null and keys(pets) is [\"dogs\", \"f\", \"n\", \"null\"]",
    );
    let outcome = ask_in(&world, "import \"pets/cats\"\nmain = true");
    assert!(error(outcome).contains("leads to nothing"));
}

#[test]
fn data_that_is_changed_is_a_copy() {
    let mut world = world();
    data(&mut world, "d", r#"{"list": [1, {"a": 1}], "map": {"x": {"y": 1}}}"#);
    passes(
        &world,
        "import \"d\"\nl = d.list\nappend(l, 3)\nl[1][\"a\"] = 2\nm = d.map\nm[\"x\"][\"y\"] = 2\n\
         delete(d.map, \"x\")\n\
         main = l is [1, {\"a\": 2}, 3] and m.x.y is 2 and d.list is [1, {\"a\": 1}] \
         and d.map is {\"x\": {\"y\": 1}}",
    );
}

#[test]
fn what_the_world_provides_goes_before_a_standard_import() {
    let mut world = world();
    module(&mut world, "strings", "has_prefix = func(a, b) { return \"mock\" }");
    passes(&world, "import \"strings\"\nmain = strings.has_prefix(\"a\", \"b\") is \"mock\"");
}

#[test]
fn a_parameter_comes_from_outside_or_from_its_default() {
    let mut world = world();
    world.params.insert("given".into(), Frozen::list([Frozen::Int(1)]));
    world.params.insert("nobody_asks".into(), Frozen::Null);
    passes(
        &world,
        "param given\nparam other default {\"a\": [-1, true, null]}\nparam third default \"x\"\n\
         main = given is [1] and other.a is [-1, true, null] and third is \"x\"",
    );
    world.params.insert("third".into(), Frozen::text("y"));
    passes(&world, "param third default \"x\"\nmain = third is \"y\"");
}

#[test]
fn a_global_is_known_everywhere_by_its_name() {
    let mut world = world();
    world.globals.insert("here".into(), Frozen::Int(7));
    module(&mut world, "m", "x = here");
    passes(&world, "import \"m\"\nmain = here is 7 and m.x is 7");
}

#[test]
fn an_import_is_no_value_unless_it_is_data() {
    let mut world = world();
    module(&mut world, "m", "x = 1");
    data(&mut world, "d", "[1]");
    for import in ["strings", "m"] {
        for text in [
            "print(I)",
            "x = I",
            "x = [I]",
            "x = {\"a\": I}",
            "x = I else 1",
            "x = I is defined",
            "x = I is I",
            "x = I[\"x\"]",
            "x = func(y) { return 1 }(I)",
            "x = rule { I }\nprint(x)",
            "for I as y { }",
        ] {
            let text = format!("import {import:?}\n{}\nmain = true", text.replace('I', import));
            let why = error(ask_in(&world, &text));
            assert!(why.contains("an import is no value"), "{text}: {why}");
        }
    }
    passes(&world, "import \"d\"\nx = d\nmain = x is [1] and [d] is [[1]]");
}

#[test]
fn a_function_beside_data_can_only_be_called_and_one_of_a_module_is_a_value() {
    let mut world = world();
    data(&mut world, "tfconfig/v2", "{}");
    module(&mut world, "m", "f = func(x) { return x }");
    let head = "import \"tfconfig/v2\" as tfconfig\nimport \"m\"\n";
    for text in ["x = tfconfig.strip_index", "x = tfconfig.strip_index else 1"] {
        let outcome = ask_in(&world, &format!("{head}{text}\nmain = true"));
        assert!(error(outcome).contains("tfconfig.strip_index can only be called"));
    }
    passes(
        &world,
        &format!("{head}f = m.f\nmain = f(1) is 1 and tfconfig.strip_index(\"a.b[0]\") is \"a.b\""),
    );
}

#[test]
fn what_an_import_does_not_have_is_undefined_as_a_value_and_as_a_call() {
    let mut world = world();
    data(&mut world, "tfplan/v2", "{}");
    data(&mut world, "static", r#"{"a": 1}"#);
    module(&mut world, "mock", "x = 1");
    module(&mut world, "version", "new = 1");
    for import in ["strings", "tfplan/v2", "static", "mock", "version"] {
        for member in ["nosuch", "nosuch(1)", "nosuch.deeper", "nosuch.deeper(1, 2)"] {
            let ask = |main: &str| {
                let text = format!("import {import:?} as i\nmain = {main}");
                ask_in(&world, &text)
            };
            let outcome = ask(&format!("i.{member}"));
            assert_eq!(outcome.verdict, Verdict::Undefined, "{import} {member}");
            assert_eq!(outcome.arose.unwrap().line, 2, "{import} {member}");
            let outcome = ask(&format!("(i.{member} else 5) is 5"));
            assert_eq!(outcome.verdict, Verdict::Passed, "{import} {member}");
            // What its author meant to be there is most often misspelt.
            let warned = outcome.warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
            match import {
                "strings" => assert_eq!(
                    warned,
                    ["policy.sentinel:2:11: the import strings has no \"nosuch\""]
                ),
                _ => assert!(warned.is_empty(), "{warned:?}"),
            }
        }
    }
}

#[test]
fn what_only_a_run_has_is_told_to_need_a_mock() {
    let known = |import| error(ask_in(&world(), &format!("import {import:?} as i\nmain = true")));
    assert!(known("tfstate/v2").ends_with("is not known; outside of a run it needs a mock"));
    assert!(known("tfplan-functions").ends_with("is not known"));
}

#[test]
fn the_same_import_twice_is_no_harm() {
    passes(
        &world(),
        "import \"strings\"\nimport \"strings\"\nmain = strings.has_prefix(\"ab\", \"a\")",
    );
}
