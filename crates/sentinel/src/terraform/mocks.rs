//! A run as mocks: files of code that stand for the Terraform imports where authors try their policies.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{imports, redact, redact::Hidden, v1::MODULES};
use crate::frozen::{Frozen, Text};
use crate::print::{assignment, assignments};
use crate::world::Import;

/// What declares the mocks.
const CONFIG: &str = "sentinel.hcl";

/// The imports with the files that stand for them. Those of the first generation have an older name, too.
const FILES: [(&str, &[&str]); 7] = [
    ("mock-tfconfig.sentinel", &["tfconfig", "tfconfig/v1"]),
    ("mock-tfconfig-v2.sentinel", &["tfconfig/v2"]),
    ("mock-tfplan.sentinel", &["tfplan", "tfplan/v1"]),
    ("mock-tfplan-v2.sentinel", &["tfplan/v2"]),
    ("mock-tfstate.sentinel", &["tfstate", "tfstate/v1"]),
    ("mock-tfstate-v2.sentinel", &["tfstate/v2"]),
    ("mock-tfrun.sentinel", &["tfrun"]),
];

/// `module` of an import of the first generation.
const MODULE: &str = "\
module = func(path) {
	return _modules[strings.join(path, \".\")]
}
";

/// `strip_index` of `tfconfig/v2`, which passes over brackets inside of keys.
const STRIP_INDEX: &str = r#"strip_index = func(address) {
	stripped = ""
	inside = false
	quoted = false
	escaped = false
	for range(length(address)) as at {
		c = address[at:at + 1]
		if not inside {
			if c is "[" {
				inside = true
			} else {
				stripped += c
			}
		} else if escaped {
			escaped = false
		} else if quoted and c is "\\" {
			escaped = true
		} else if c is "\"" {
			quoted = not quoted
		} else if c is "]" and not quoted {
			inside = false
		}
	}
	return stripped
}
"#;

/// The files of a bundle by their names: the mocks, without what is sensitive, and a configuration that names them.
///
/// # Errors
/// If the plan has too many secrets to look for.
pub fn mocks(
    plan: &Frozen,
    run: &Frozen,
    hidden: &Hidden,
) -> Result<Vec<(&'static str, String)>, String> {
    let (plan, secrets) = redact::redact(plan, hidden)?;
    let imports = imports(&Arc::new(plan));
    let mut files = Vec::new();
    let mut config = String::new();
    for (file, names) in FILES {
        let text = match imports.get(names[0]) {
            Some(Import::Data(data)) => code(names[0], data),
            Some(Import::Module(_)) | None => code(names[0], &secrets.without(run)),
        };
        files.push((file, text));
        for name in names {
            let block = "mock \"{}\" {\n  module {\n    source = \"{}\"\n  }\n}\n\n";
            let block = block.replacen("{}", name, 1).replacen("\"{}\"", &format!("{file:?}"), 1);
            config.push_str(&block);
        }
    }
    files.push((CONFIG, config.trim_end().to_owned() + "\n"));
    Ok(files)
}

fn code(name: &str, data: &Frozen) -> String {
    let mut text = String::new();
    let Frozen::Map(modules) = data.get(MODULES) else {
        assignments(&mut text, data.entries());
        if name == "tfconfig/v2" {
            text.push_str(STRIP_INDEX);
        }
        return text.trim_end().to_owned() + "\n";
    };
    text.push_str("import \"strings\"\n\n");
    assignment(&mut text, "_modules", &Frozen::Map(modules.clone()));
    let root = data.get(MODULES).get("");
    for (key, value) in data.entries().iter().filter(|(key, _)| **key != *MODULES.as_bytes()) {
        let key = String::from_utf8_lossy(key);
        if root.get(&key).is_undefined() {
            assignment(&mut text, &key, &plain(value));
        } else {
            write!(text, "{key} = _modules[\"\"].{key}\n\n").expect("a string takes everything");
        }
    }
    text + MODULE
}

/// An import inside of another one has no `module`.
fn plain(value: &Frozen) -> Frozen {
    let Frozen::Map(entries) = value else { return value.clone() };
    let named = |(key, _): &&(Text, Frozen)| **key != *MODULES.as_bytes();
    Frozen::map(entries.iter().filter(named).cloned())
}
