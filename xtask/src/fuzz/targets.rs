//! What must hold, whatever somebody writes: nothing panics, every limit ends its policy, the same text says the same, and
//! no policy passes by an error.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use chrono::DateTime;
use sentinel::config::{Config, Purpose};
use sentinel::{
    Frozen, Import, Limits, Outcome, Source, Verdict, World, evaluate, terraform, trace,
};

pub struct Target {
    pub name: &'static str,
    /// What texts are made of.
    pub words: &'static [&'static str],
    pub law: fn(&[u8]) -> Result<(), String>,
    /// How many texts are tried at least, and by the tests.
    pub few: u64,
}

pub const TARGETS: &[Target] = &[
    Target { name: "policy", words: POLICIES, law: policy, few: 1_500 },
    Target { name: "config", words: CONFIGS, law: config, few: 2_000 },
    Target { name: "plan", words: PLANS, law: plan, few: 1_000 },
    Target { name: "archive", words: CONFIGS, law: archive, few: 300 },
];

const POLICIES: &[&str] = &[
    include_str!("../../../crates/sentinel/tests/probes/builtins.probe"),
    "# What it is for.\n\nimport \"tfplan/v2\" as tfplan\nimport \"strings\"\nparam limit default 3\n\
     func names() { return map tfplan.resource_changes as a, c { strings.split(a, \".\")[0] } }\n\
     none = rule when limit > 2 { all names() as n { n not in [\"a\", null] } }\n\
     for tfplan.resource_changes as _, c { print(c.address, c.change.after.tags else {}) }\n\
     main = rule { none and length(names()) <= limit }",
    "import \"json\"\nimport \"decimal\"\nimport \"time\"\nimport \"version\"\nimport \"collection\"\n\
     import \"collection/maps\" as maps\nimport \"collection/lists\" as lists\n\
     x = json.unmarshal(\"{\\\"a\\\": [1, 2.5, null]}\")\ny = maps.set(x, \"a.0\", [x])\n\
     d = decimal.new(\"1.5\").power(3).add(2).string\nt = time.load(\"2024-03-03T05:06:07Z\").add(5)\n\
     v = version.new(\"1.2.3\").satisfies(\"~> 1.1, < 2\")\n\
     z = lists.sort(collection.reject([3, 1, 2], func(n) { return n > 2 }), func(a, b) { return compare(a, b) })\n\
     print(json.marshal(y), d, t, v, z)\nmain = v",
    "f = func(n) { if n <= 1 { return 1 } else { return n * f(n - 1) } }\nm = {\"a\": {1: [true, undefined]}}\n\
     case f(5) {\nwhen 120, \"x\":\n m[\"b\"] = m.a[1][0:1]\nelse:\n append(m.a, error(\"no\"))\n}\n\
     for m as k, v { if k is \"a\" { continue } \n break }\n\
     main = any m as k, v { (v else {}) is not empty and k matches \"^[a-z\\\\d]+$\" xor v is defined }",
    "s = \"ab\"\nl = [s]\nfor range(60) as i { s += s\n l += l\n print(l contains s, s[1:3]) }\nmain = true",
    "a = rule { b }\nb = rule { not c or d.e[\"f\"] else 1.5 / 0 % 0x1F }\nmain = a",
];

const CONFIGS: &[&str] = &[
    "policy \"a\" {\n  source = \"./a.sentinel\"\n  enforcement_level = \"soft-mandatory\"\n  params = { b = [1, null, \"x\"] }\n}\n\
     import \"static\" \"d\" {\n  source = \"./d.json\"\n  format = \"json\"\n}\nmodule \"m\" { source = \"m.sentinel\" }\n\
     param \"p\" { value = { k = true } }\nglobal \"g\" { value = -1.5e3 }\nmock \"time\" { data = { now = \"x\" } }\n\
     mock \"m\" { module { source = \"m.sentinel\" } }\ntest { rules = { main = false } }\nsentinel { features = { apply-all = true } }",
    "{\"policy\": {\"a\": {\"source\": \"a.sentinel\"}}, \"mock\": {\"tfplan\": \"mock.sentinel\"}, \"param\": {\"p\": {\"value\": 1}},\
     \"test\": {\"rules\": {\"main\": true}}, \"modules\": {\"n\": {\"path\": \"n.sentinel\"}}, \"global\": {\"g\": [1]}}",
    "import \"plugin\" \"time\" {\n  config = { timezone = \"Europe/Berlin\" }\n}\n# comment\n/* more */ policy \"b\" {}",
];

const PLANS: &[&str] = &[
    r#"{"format_version": "1.2", "terraform_version": "1.9.8", "variables": {"v": {"value": "secret"}, "n": {}},
"planned_values": {"outputs": {"o": {"sensitive": true, "value": [1]}}, "root_module": {"resources": [{"address": "a.b[0]",
"mode": "managed", "type": "a", "name": "b", "index": 0, "provider_name": "p", "values": {"x": {"y": null}},
"sensitive_values": {"x": true}}], "child_modules": [{"address": "module.m[\"k.l\"]", "resources": [{"address": "module.m.data.c.d",
"mode": "data", "type": "c", "name": "d", "values": null, "depends_on": ["a.b"], "tainted": true}]}]}},
"resource_changes": [{"address": "a.b[0]", "module_address": "module.m", "mode": "managed", "type": "a", "name": "b", "index": "0",
"deposed": "00aa", "change": {"actions": ["delete", "create"], "before": {"l": [{"z": 1.5}]}, "after": {"l": []},
"after_unknown": {"id": true, "l": [true]}, "before_sensitive": {"l": [true]}, "after_sensitive": false, "replace_paths": [["l"]]}}],
"resource_drift": [{"address": "e.f", "change": {"actions": ["update"]}}],
"output_changes": {"o": {"actions": ["create"], "after_unknown": true}},
"prior_state": {"terraform_version": "1.9.8", "values": {"outputs": {"o": {"value": 1}}, "root_module": {"resources": []}}},
"configuration": {"provider_config": {"p": {"name": "p", "full_name": "x/y/p", "alias": "w", "module_address": "module.m",
"version_constraint": "~> 1", "expressions": {"r": {"constant_value": "z"}}}}, "root_module": {"variables": {"v": {"default": 1,
"sensitive": true, "description": "d"}}, "outputs": {"o": {"expression": {"references": ["a.b.id", "a.b"]}, "sensitive": true}},
"resources": [{"address": "a.b", "mode": "managed", "type": "a", "name": "b", "provider_config_key": "p", "schema_version": 0,
"expressions": {"t": {}, "n": [{"k": {"constant_value": 1}}]}, "count_expression": {"references": ["var.v"]},
"provisioners": [{"type": "local-exec", "expressions": {"command": {"constant_value": "true"}}}]}],
"module_calls": {"m": {"source": "./m", "expressions": {"i": {"references": ["var.v"]}}, "for_each_expression": {"constant_value": {}},
"version_constraint": "1", "module": {"resources": [{"address": "c.d", "mode": "data", "type": "c", "name": "d"}]}}}}}}"#,
    r#"{"resource_changes": [{"address": 1, "change": null}, null, [], {"change": {"actions": "x", "before": [], "after": {}}}],
"planned_values": [], "prior_state": {"values": {"root_module": {"child_modules": [{"child_modules": [{}]}]}}}, "configuration": {"root_module": 5}}"#,
];

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut world = World::new(DateTime::UNIX_EPOCH);
    let plan = Frozen::from_json(PLANS[0].as_bytes()).unwrap_or_default();
    world.imports = terraform::imports(&Arc::new(plan));
    world
});

fn ask(text: &[u8], limits: &Limits) -> Outcome {
    let mut outcome = evaluate(&Source::new("p.sentinel", text), &WORLD, limits, &["x"]);
    outcome.duration = Duration::ZERO;
    outcome
}

fn policy(text: &[u8]) -> Result<(), String> {
    let limits = Limits { steps: 20_000, memory: 16 << 20, output: 4 << 10, ..Limits::default() };
    let begun = Instant::now();
    let outcome = ask(text, &limits);
    // A hundred times of what so many steps take.
    if begun.elapsed() > Duration::from_secs(30) {
        return Err("no limit ends it".into());
    }
    let error = outcome.error.as_ref();
    if error.is_some_and(|error| error.text.contains("engine failed")) {
        return Err("the engine panics".into());
    }
    if error.is_some() != (outcome.verdict == Verdict::Errored) {
        return Err(format!("{:?} with {error:?}", outcome.verdict));
    }
    if outcome.printed.len() > limits.output + 100 {
        return Err(format!("it prints {} bytes", outcome.printed.len()));
    }
    // As text, in which what is no number is like itself.
    let told = |outcome: &Outcome| serde_json::to_string(outcome).map_err(|why| why.to_string());
    let first = told(&outcome)?;
    if first != told(&ask(text, &limits))? {
        return Err("it says something else the next time".into());
    }
    let heard: Outcome = serde_json::from_str(&first).map_err(|why| why.to_string())?;
    if told(&heard)? != first {
        return Err("it arrives in another form than it was sent".into());
    }
    let traced = trace(&outcome).to_string();
    serde_json::from_str::<serde_json::Value>(&traced).map(drop).map_err(|why| why.to_string())
}

fn config(text: &[u8]) -> Result<(), String> {
    for name in ["sentinel.hcl", "sentinel.json"] {
        let Ok(config) = Config::parse(name, text) else { continue };
        let again = Config::parse(name, text).map_err(|why| why.to_string())?;
        if format!("{config:?}") != format!("{again:?}") {
            return Err(format!("{name} is read otherwise the next time"));
        }
        let read = |path: &Path| match path.extension() {
            Some(known) if known == "json" => Ok(b"{}".to_vec()),
            Some(_) => Ok(b"main = true".to_vec()),
            None => Err("no such file".to_owned()),
        };
        for purpose in [Purpose::Run, Purpose::Test] {
            let mut world = World::new(DateTime::UNIX_EPOCH);
            drop(config.provide(Path::new(name), purpose, &read, &mut world));
        }
    }
    Ok(())
}

fn plan(text: &[u8]) -> Result<(), String> {
    let Ok(plan) = Frozen::from_json(text) else { return Ok(()) };
    let again = Frozen::from_json(plan.to_json().to_string().as_bytes())?;
    if again != plan {
        return Err("its JSON is another one".into());
    }
    let plan = Arc::new(plan);
    for import in terraform::imports(&plan).values() {
        if let Import::Data(data) = import {
            // Derives it.
            drop(data.to_json());
        }
    }
    let hidden = terraform::Hidden { texts: vec!["secret".into()], ..Default::default() };
    let run = Frozen::from(&terraform::Run::default());
    if let Ok(files) = terraform::mocks(&plan, &run, &hidden) {
        for (name, text) in files {
            if name.ends_with(".sentinel") {
                let source = Source::new(name, format!("{text}\nmain = true\n"));
                let limits = Limits::for_authors(Duration::from_mins(1));
                let outcome = evaluate(&source, &World::new(DateTime::UNIX_EPOCH), &limits, &[]);
                if let Some(error) = outcome.error {
                    return Err(format!("its mock {name} cannot be read: {error}"));
                }
            }
        }
    }
    Ok(())
}

fn archive(text: &[u8]) -> Result<(), String> {
    // Bytes as they are, and a sound archive with these in it.
    drop(policy::unpack(text));
    let mut tar =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for name in ["sentinel.hcl", "policies.hcl"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text).map_err(|why| why.to_string())?;
    }
    let packed = tar
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(|why| why.to_string())?;
    let files = policy::unpack(&packed).map_err(|why| why.to_string())?;
    if files.get("sentinel.hcl").map(Vec::as_slice) != Some(text) {
        return Err("it comes out as another one".into());
    }
    drop(policy::declared(&files));
    drop(policy::sentinel::SentinelSet::of_archive(&files));
    Ok(())
}
