//! `sentinel.hcl`, the files of test cases, and the JSON form of both: what they declare.

mod block;
mod hcl;
mod json;
mod location;
mod world;

use std::collections::BTreeMap;
use std::fmt;

use block::{Block, OrAt as _};
pub use location::{Checksum, Location};
pub use world::{Missing, Purpose, Read};

use crate::frozen::Frozen;
use crate::source::Lines;

/// How a failing policy is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    #[default]
    Advisory,
    SoftMandatory,
    HardMandatory,
}

impl Level {
    /// As files and answers spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::SoftMandatory => "soft-mandatory",
            Self::HardMandatory => "hard-mandatory",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One `policy` block.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub name: String,
    pub source: Location,
    pub level: Level,
    pub params: BTreeMap<String, Frozen>,
}

/// One import or mock.
#[derive(Debug, Clone, PartialEq)]
pub enum Provided {
    Module(Location),
    /// A file of JSON.
    Static(Location),
    Data(Frozen),
}

/// What a file declares.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// In the order of the file.
    pub policies: Vec<Policy>,
    pub imports: BTreeMap<String, Provided>,
    pub mocks: BTreeMap<String, Provided>,
    pub params: BTreeMap<String, Frozen>,
    pub globals: BTreeMap<String, Frozen>,
    /// The rules of the `test` block and their expected values; without a block `main` has to pass.
    pub expected: Option<BTreeMap<String, Frozen>>,
    /// The zone of `time.now`.
    pub timezone: Option<String>,
    /// What is accepted and means nothing here.
    pub warnings: Vec<String>,
}

/// What a `sentinel` block may switch on. Here all policies are asked, and all know Terraform, without it.
const FEATURES: [&str; 2] = ["apply-all", "terraform"];

/// Why a file is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The byte of the file, until the text says it as line and column.
    at: Option<usize>,
    text: String,
}

impl Invalid {
    fn new(text: impl Into<String>) -> Self {
        Self { at: None, text: text.into() }
    }

    fn told(self, file: &[u8]) -> Self {
        let Some(at) = self.at else { return self };
        let (line, column) = Lines::of(file).find(at);
        Self::new(format!("{line}:{column}: {}", self.text))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Invalid {}

fn invalid<T>(text: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid::new(text))
}

impl Config {
    /// Reads a file; one that is called `….json` is in the JSON form.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self, Invalid> {
        let extension = std::path::Path::new(name).extension();
        let is_json = extension.is_some_and(|extension| extension == "json");
        let blocks = if is_json { json::blocks(text) } else { hcl::blocks(text) };
        blocks.and_then(Self::of).map_err(|wrong| wrong.told(text))
    }

    fn of(blocks: Vec<Block>) -> Result<Self, Invalid> {
        let mut config = Self::default();
        for block in blocks {
            let at = block.at;
            config.add(block).or_at(at)?;
        }
        Ok(config)
    }

    fn add(&mut self, mut block: Block) -> Result<(), Invalid> {
        let labels: Vec<&str> = block.labels.iter().map(String::as_str).collect();
        match (block.kind.as_str(), labels.as_slice()) {
            ("policy", [name]) => {
                let policy = policy((*name).to_owned(), &mut block)?;
                if self.policies.iter().any(|other| other.name == policy.name) {
                    return invalid(format!("the policy {} is declared twice", policy.name));
                }
                self.policies.push(policy);
            }
            ("module", [name]) | ("import", ["module", name]) => {
                let name = (*name).to_owned();
                let source = Provided::Module(block.location()?);
                if crate::std::space(&name).is_some() {
                    self.warnings.push(format!("the module {name} takes the place of an import"));
                }
                once(&mut self.imports, "import", name, source)?;
            }
            ("import", ["static", name]) => {
                let name = (*name).to_owned();
                let format = block.text("format")?;
                if format.as_deref().is_some_and(|format| format != "json") {
                    return invalid(format!("the import {name}: only the format json is known"));
                }
                let source = Provided::Static(block.location()?);
                once(&mut self.imports, "import", name, source)?;
            }
            ("import", ["plugin", name] | [name]) => {
                let name = (*name).to_owned();
                self.plugin(&name, &mut block)?;
            }
            ("mock", [name]) => {
                let name = (*name).to_owned();
                let mock = mock(&name, &mut block)?;
                once(&mut self.mocks, "mock", name, mock)?;
            }
            ("param", [name]) => {
                let name = (*name).to_owned();
                let value = block.value("value")?;
                once(&mut self.params, "param", name, value)?;
            }
            ("global", [name]) => {
                let name = (*name).to_owned();
                let value = block.value("value")?;
                once(&mut self.globals, "global", name, value)?;
            }
            ("test", []) => {
                let rules = block.map("rules")?;
                if self.expected.replace(rules).is_some() {
                    return invalid("there is more than one test block");
                }
            }
            ("sentinel", []) => {
                let at = block.place("features");
                let features = block.map("features")?;
                features.iter().try_for_each(feature).or_at(at)?;
                if !features.is_empty() {
                    self.warnings.push("features are accepted and change nothing".to_owned());
                }
            }
            (kind, labels) => {
                return invalid(format!("unknown block {kind:?} with {} labels", labels.len()));
            }
        }
        block.finish()
    }

    /// Only what configures a standard import; there are no plugins here.
    fn plugin(&mut self, name: &str, block: &mut Block) -> Result<(), Invalid> {
        let at = block.place("config");
        let mut config = block.map("config")?;
        for key in ["source", "path", "args", "env"] {
            if block.take(key).is_some() {
                return invalid(format!("the import {name}: plugins are not supported"));
            }
        }
        let known: &[&str] = match name {
            "time" => &["timezone"],
            "http" => &["proxy_address"],
            _ => return invalid(format!("the import {name}: plugins are not supported")),
        };
        if let Some(zone) = config.remove("timezone").filter(|_| name == "time") {
            match zone.as_str() {
                Some(zone) if zone.parse::<chrono_tz::Tz>().is_ok() => {
                    self.timezone = Some(zone.to_owned());
                }
                _ => return invalid("the import time: no such timezone").or_at(at),
            }
        }
        if name == "http" && config.remove("proxy_address").is_some() {
            let text =
                "the import http: proxy_address is ignored; the server decides how it gets out";
            self.warnings.push(text.to_owned());
        }
        match config.into_keys().next() {
            Some(key) => {
                let known = known.join(", ");
                let text = format!("the import {name}: unknown setting {key}; known is {known}");
                invalid(text).or_at(at)
            }
            None => Ok(()),
        }
    }
}

/// Who switches on what nobody knows would find it off.
fn feature((name, value): (&String, &Frozen)) -> Result<(), Invalid> {
    if !FEATURES.contains(&name.as_str()) {
        let known = FEATURES.join(", ");
        return invalid(format!("sentinel: unknown feature {name:?}; known are {known}"));
    }
    match value {
        Frozen::Bool(_) => Ok(()),
        _ => invalid(format!("sentinel: {name} must be true or false")),
    }
}

fn once<T>(
    all: &mut BTreeMap<String, T>,
    kind: &str,
    name: String,
    value: T,
) -> Result<(), Invalid> {
    if all.contains_key(&name) {
        return invalid(format!("the {kind} {name} is declared twice"));
    }
    all.insert(name, value);
    Ok(())
}

fn policy(name: String, block: &mut Block) -> Result<Policy, Invalid> {
    let source_at = block.place("source");
    let source = match block.text("source")? {
        Some(source) => Location::parse(&source).or_at(source_at)?,
        None => Location::Local(format!("./{name}.sentinel")),
    };
    let at = block.place("enforcement_level");
    let level = match block.text("enforcement_level")?.as_deref() {
        None | Some("advisory") => Level::Advisory,
        Some("soft-mandatory") => Level::SoftMandatory,
        Some("hard-mandatory") => Level::HardMandatory,
        Some(other) => {
            return invalid(format!(
                "the policy {name}: enforcement_level is {other:?}, not one of advisory, \
                 soft-mandatory, hard-mandatory"
            ))
            .or_at(at);
        }
    };
    Ok(Policy { name, source, level, params: block.map("params")? })
}

fn mock(name: &str, block: &mut Block) -> Result<Provided, Invalid> {
    let data = block.take("data");
    let module = block.child("module")?;
    match (data, module) {
        (Some(data), None) => Ok(Provided::Data(data)),
        (None, Some(mut module)) => {
            let source = module.location()?;
            module.finish()?;
            Ok(Provided::Module(source))
        }
        _ => invalid(format!("the mock {name} needs either data or a module")),
    }
}
