//! The JSON form, both as it nests today and as it was before modules had blocks.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::block::{Block, OrAt as _};
use super::{Invalid, invalid};
use crate::frozen::Frozen;

pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, Invalid> {
    let text = std::str::from_utf8(text).map_err(|_| Invalid::new("it is not UTF-8"))?;
    let root: &RawValue =
        serde_json::from_str(text).map_err(|why| Invalid::new(why.to_string()))?;
    let file = File(text);
    let Some(kinds) = members(root) else { return invalid("it is not a JSON object") };
    let mut blocks = Vec::new();
    for (kind, content) in kinds {
        for content in several(content) {
            file.kind_of_block(&kind, content, &mut blocks)?;
        }
    }
    Ok(blocks)
}

type Entries<'t> = Vec<(String, &'t RawValue)>;

/// The text, by which the place of each part of it is known.
struct File<'t>(&'t str);

impl<'t> File<'t> {
    fn at(&self, part: &RawValue) -> usize {
        part.get().as_ptr().addr() - self.0.as_ptr().addr()
    }

    /// The entries of what has to be an object.
    fn object(&self, what: &str, content: &'t RawValue) -> Result<Entries<'t>, Invalid> {
        match members(content) {
            Some(entries) => Ok(entries),
            None => invalid(format!("{what} must be an object")).or_at(self.at(content)),
        }
    }

    fn value(&self, part: &RawValue) -> Result<Frozen, Invalid> {
        let read = Frozen::from_json(part.get().as_bytes());
        read.map_err(Invalid::new).or_at(self.at(part))
    }

    fn kind_of_block(
        &self,
        kind: &str,
        content: &'t RawValue,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Invalid> {
        let at = self.at(content);
        let entries = self.object(kind, content)?;
        match kind {
            "test" => {
                let mut test = Block::new("test", &[], at);
                if entries.iter().any(|(key, _)| key == "rules") {
                    test = self.filled(test, content)?;
                } else {
                    test.set("rules", at, self.value(content)?)?;
                }
                blocks.push(test);
            }
            "sentinel" => blocks.push(self.filled(Block::new("sentinel", &[], at), content)?),
            "param" | "params" | "global" | "globals" => {
                for (name, value) in entries {
                    let at = self.at(value);
                    let mut param = Block::new(kind.trim_end_matches('s'), &[&name], at);
                    // `{"value": …}` is the form of today.
                    let value = match members(value).as_deref() {
                        Some([(key, value)]) if key == "value" => value,
                        _ => value,
                    };
                    param.set("value", at, self.value(value)?)?;
                    blocks.push(param);
                }
            }
            "mock" => {
                for (name, value) in entries {
                    blocks.push(self.mock(&name, value)?);
                }
            }
            "import" => {
                for (class, imports) in entries {
                    self.imports(&class, imports, blocks)?;
                }
            }
            "module" | "modules" | "policy" | "policies" => {
                let kind = if kind.starts_with("module") { "module" } else { "policy" };
                for (name, content) in entries {
                    let block = Block::new(kind, &[&name], self.at(content));
                    blocks.push(self.with_source(block, content)?);
                }
            }
            other => return invalid(format!("unknown block {other:?}")).or_at(at),
        }
        Ok(())
    }

    /// Imports of a class by their names, or one that has none.
    fn imports(
        &self,
        class: &str,
        imports: &'t RawValue,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Invalid> {
        if !matches!(class, "module" | "static" | "plugin") {
            let block = Block::new("import", &[class], self.at(imports));
            blocks.push(self.filled(block, imports)?);
            return Ok(());
        }
        for imports in several(imports) {
            for (name, import) in self.object("import", imports)? {
                let block = Block::new("import", &[class, &name], self.at(import));
                blocks.push(self.filled(block, import)?);
            }
        }
        Ok(())
    }

    fn filled(&self, mut block: Block, content: &'t RawValue) -> Result<Block, Invalid> {
        let content = match several(content)[..] {
            [content] => content,
            _ => content,
        };
        for (key, value) in self.object(&block.title(), content)? {
            block.set(&key, self.at(value), self.value(value)?)?;
        }
        Ok(block)
    }

    /// The same, with the `path` that older files have for `source`.
    fn with_source(&self, block: Block, content: &'t RawValue) -> Result<Block, Invalid> {
        let mut block = self.filled(block, content)?;
        if let Some(path) = block.attributes.remove("path") {
            block.attributes.entry("source".into()).or_insert(path);
        }
        Ok(block)
    }

    /// A path, a module, or data: `"mock.sentinel"`, `{"module": {"source": …}}`, `{"data": {…}}`, `{…}`.
    fn mock(&self, name: &str, value: &'t RawValue) -> Result<Block, Invalid> {
        let at = self.at(value);
        let mut mock = Block::new("mock", &[name], at);
        let mut data = value;
        match members(value).as_deref() {
            Some([(key, inner)]) if key == "data" => data = inner,
            // What has no source is data with a key of that name.
            Some([(key, inner)]) if key == "module" && has_source(inner) => {
                let module = Block::new("module", &[], self.at(inner));
                mock.blocks.push(self.with_source(module, inner)?);
                return Ok(mock);
            }
            _ => {}
        }
        let data = self.value(data)?;
        if let Frozen::Text(_) = data {
            let mut module = Block::new("module", &[], at);
            module.set("source", at, data)?;
            mock.blocks.push(module);
        } else {
            mock.set("data", at, data)?;
        }
        Ok(mock)
    }
}

/// What an object has, in the order of the file; nothing if it is none.
fn members(object: &RawValue) -> Option<Entries<'_>> {
    serde_json::from_str::<Object<'_>>(object.get()).ok().map(|object| object.0)
}

fn has_source(module: &RawValue) -> bool {
    let found = several(module).first().and_then(|module| members(module));
    found.is_some_and(|found| found.iter().any(|(key, _)| key == "source" || key == "path"))
}

/// A list stands for several blocks of the same kind.
fn several(content: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(content.get()).unwrap_or_else(|_| vec![content])
}

/// An object with all that it has, also where a key is there twice.
struct Object<'t>(Entries<'t>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Object(entries))
    }
}
