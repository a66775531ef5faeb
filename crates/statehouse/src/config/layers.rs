//! Where a value comes from: flags over environment over file. Nothing here knows what a value means.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::catalogue::{Kind, SETTINGS, Setting};
use super::file;
use super::wrong::Wrong;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(String),
    Environment(String),
    File(PathBuf, String),
}

impl Origin {
    /// What the operator has written, to be found again.
    pub fn name(&self) -> String {
        match self {
            Self::Flag(name) => format!("--{name}"),
            Self::Environment(name) => name.clone(),
            Self::File(path, key) => format!("{key} in {}", path.display()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.name())
    }
}

/// A value somebody gave, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub values: Vec<String>,
    pub origin: Origin,
}

/// What was said on the command line, by flag name, and in the environment.
#[derive(Debug, Default, Clone)]
pub struct Layers {
    pub flags: BTreeMap<String, Vec<String>>,
    pub environment: BTreeMap<String, String>,
    file: Option<(PathBuf, toml::Table)>,
    unusable: Vec<String>,
}

impl Layers {
    pub fn new(
        flags: BTreeMap<String, Vec<String>>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self { flags, environment: environment.into_iter().collect(), ..Self::default() }
    }

    /// Reads the file, as far as it can be used, and gives all that is wrong in it.
    pub fn read_file(&mut self, path: &Path) -> Vec<Wrong> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let content = file::read(&text, path);
                self.file = Some((path.to_owned(), content.table));
                self.unusable = content.unusable;
                content.wrong
            }
            Err(e) => {
                vec![Wrong::of("config", &path.display().to_string(), self.config_origin(), e)]
            }
        }
    }

    /// Whether the file has this setting in a form that cannot be used, which is wrong enough.
    pub fn is_unusable(&self, key: &str) -> bool {
        self.unusable.iter().any(|given| given == key)
    }

    fn config_origin(&self) -> Option<Origin> {
        self.lookup("config", "").map(|given| given.origin)
    }

    /// The value of the highest layer that has one. A secret may stand in a file named by `…_file`;
    /// both in the same layer contradict each other.
    pub fn get(&self, setting: &'static Setting) -> Result<Option<Given>, Wrong> {
        if setting.kind != Kind::Secret {
            return Ok(self.lookup(setting.key, ""));
        }
        let plain = self.lookup(setting.key, "");
        let by_file = self.lookup(setting.key, "_file");
        match (plain, by_file) {
            (Some(plain), Some(file)) if plain.origin.level() == file.origin.level() => {
                Err(Wrong::contradiction(setting.key, &plain.origin, &file.origin))
            }
            (Some(plain), Some(file)) if plain.origin.level() < file.origin.level() => {
                Ok(Some(plain))
            }
            (_, Some(file)) => read_secret(setting, &file).map(Some),
            (plain, None) => Ok(plain),
        }
    }

    /// Every path that any setting names in any layer, be it overruled: what lies there is nobody
    /// else's business. Whatever is no address is taken for a path, so that a new setting is part
    /// of this without a word; only what [`OPEN`] lists is left out, and secrets themselves.
    pub fn named_paths(&self) -> Vec<PathBuf> {
        let mut named: Vec<PathBuf> = self.file.iter().map(|(path, _)| path.clone()).collect();
        for setting in SETTINGS.iter().filter(|setting| !OPEN.contains(&setting.key)) {
            let secret = setting.kind == Kind::Secret;
            let values =
                self.all(setting.key, "").into_iter().filter_map(|value| path(&value, secret));
            let files = self.all(setting.key, "_file").into_iter().map(PathBuf::from);
            named.extend(values.chain(files));
        }
        named.iter().filter_map(|path| std::path::absolute(path).ok()).collect()
    }

    /// The values of every layer.
    fn all(&self, key: &str, suffix: &str) -> Vec<String> {
        let key = format!("{key}{suffix}");
        let flags = self.flags.get(&key.replace('_', "-")).into_iter().flatten().cloned();
        let variable = self.environment.get(&format!("STATEHOUSE_{}", key.to_uppercase()));
        let file = self.file.as_ref().and_then(|(_, table)| table.get(&key)).map(texts);
        flags.chain(variable.cloned()).chain(file.into_iter().flatten()).collect()
    }

    fn lookup(&self, key: &str, suffix: &str) -> Option<Given> {
        let list = SETTINGS.iter().any(|s| s.key == key && s.kind == Kind::List);
        let key = format!("{key}{suffix}");
        let flag = key.replace('_', "-");
        if let Some(values) = self.flags.get(&flag) {
            return Some(Given { values: values.clone(), origin: Origin::Flag(flag) });
        }
        let name = format!("STATEHOUSE_{}", key.to_uppercase());
        // An empty variable means "not set": that is how compose files and units clear one.
        if let Some(value) = self.environment.get(&name).filter(|value| !value.is_empty()) {
            let values = if list {
                value.split(':').filter(|v| !v.is_empty()).map(str::to_owned).collect()
            } else {
                vec![value.clone()]
            };
            return Some(Given { values, origin: Origin::Environment(name) });
        }
        let (path, table) = self.file.as_ref()?;
        let value = table.get(&key)?;
        Some(Given { values: texts(value), origin: Origin::File(path.clone(), key) })
    }

    /// Variables with our prefix that are no setting: most likely a slip of the pen. They are not
    /// refused, because Kubernetes injects such names for a service called `statehouse`.
    pub fn unknown_variables(&self) -> Vec<&str> {
        let known = |name: &str| {
            SETTINGS.iter().any(|s| {
                name == s.env() || (s.kind == Kind::Secret && name == format!("{}_FILE", s.env()))
            })
        };
        self.environment
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with("STATEHOUSE_") && !known(name))
            .collect()
    }
}

impl Origin {
    fn level(&self) -> u8 {
        match self {
            Self::Flag(_) => 0,
            Self::Environment(_) => 1,
            Self::File(..) => 2,
        }
    }
}

/// Settings that name what runs are to use; and how an agent is called, which may be any word.
pub const OPEN: [&str; 3] = ["engine", "name", "sandbox_readable"];

/// The path in a value, also behind `sqlite://` and `file://`. Of secrets, only the former: others
/// are no paths, and must not become part of a list that is handed around.
fn path(value: &str, secret: bool) -> Option<PathBuf> {
    let path = match value.split_once("://") {
        Some(("sqlite" | "file", path)) => path,
        Some(_) => return None,
        None if secret => return None,
        None => value,
    };
    (!path.is_empty()).then(|| PathBuf::from(path))
}

fn read_secret(setting: &'static Setting, file: &Given) -> Result<Given, Wrong> {
    let path = file.values.first().map_or("", String::as_str);
    let text = std::fs::read_to_string(path).map_err(|e| {
        Wrong::of(&format!("{}_file", setting.key), path, Some(file.origin.clone()), e)
    })?;
    Ok(Given { values: vec![text.trim_end().to_owned()], origin: file.origin.clone() })
}

fn texts(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(values) => values.iter().flat_map(texts).collect(),
        toml::Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
