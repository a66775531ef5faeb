//! The JSON form, both as it nests today and as it was before modules had blocks.

use super::block::Block;
use super::{Invalid, invalid};
use crate::frozen::Frozen;

pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, Invalid> {
    let root = Frozen::from_json(text).map_err(Invalid)?;
    let Frozen::Map(_) = root else { return invalid("it is not a JSON object") };
    let mut blocks = Vec::new();
    for (kind, content) in root.entries() {
        let kind = String::from_utf8_lossy(kind);
        // A list stands for several blocks of the same kind.
        let contents = match content {
            Frozen::List(items) => items.to_vec(),
            other => vec![other.clone()],
        };
        for content in contents {
            kind_of_block(&kind, &content, &mut blocks)?;
        }
    }
    Ok(blocks)
}

fn kind_of_block(kind: &str, content: &Frozen, blocks: &mut Vec<Block>) -> Result<(), Invalid> {
    let Frozen::Map(entries) = content else {
        return invalid(format!("{kind} must be an object"));
    };
    match kind {
        "test" => {
            let old = content.get("rules").is_undefined();
            let rules = if old { content.clone() } else { content.get("rules").clone() };
            let mut test = Block::new("test", &[]);
            test.attributes.insert("rules".into(), rules);
            if !old && entries.len() > 1 {
                return invalid("test: only rules are known");
            }
            blocks.push(test);
        }
        "sentinel" => blocks.push(filled(Block::new("sentinel", &[]), content)?),
        "param" | "params" | "global" | "globals" => {
            for (name, value) in entries.iter() {
                let name = String::from_utf8_lossy(name);
                let mut param = Block::new(kind.trim_end_matches('s'), &[&name]);
                // `{"value": …}` is the form of today.
                let new = value.entries().len() == 1 && !value.get("value").is_undefined();
                let value = if new { value.get("value") } else { value };
                param.attributes.insert("value".into(), value.clone());
                blocks.push(param);
            }
        }
        "mock" => {
            for (name, value) in entries.iter() {
                blocks.push(mock(&String::from_utf8_lossy(name), value));
            }
        }
        "import" => {
            for (class, imports) in entries.iter() {
                let class = String::from_utf8_lossy(class);
                if !matches!(&*class, "module" | "static" | "plugin") {
                    blocks.push(filled(Block::new("import", &[&class]), imports)?);
                    continue;
                }
                for (name, import) in imports.entries() {
                    let name = String::from_utf8_lossy(name);
                    blocks.push(filled(Block::new("import", &[&class, &name]), import)?);
                }
            }
        }
        "module" | "modules" | "policy" | "policies" => {
            let kind = if kind.starts_with("module") { "module" } else { "policy" };
            for (name, content) in entries.iter() {
                let name = String::from_utf8_lossy(name);
                let mut inner = filled(Block::new(kind, &[&name]), content)?;
                if let Some(path) = inner.take("path") {
                    inner.attributes.entry("source".into()).or_insert(path);
                }
                blocks.push(inner);
            }
        }
        other => return invalid(format!("unknown block {other:?}")),
    }
    Ok(())
}

fn filled(mut block: Block, content: &Frozen) -> Result<Block, Invalid> {
    let content = match content {
        Frozen::List(items) if items.len() == 1 => &items[0],
        other => other,
    };
    let Frozen::Map(entries) = content else {
        return invalid(format!("{} must be an object", block.kind));
    };
    for (key, value) in entries.iter() {
        block.attributes.insert(String::from_utf8_lossy(key).into_owned(), value.clone());
    }
    Ok(block)
}

/// A path, a module, or data: `"mock.sentinel"`, `{"module": {"source": …}}`, `{"data": {…}}`, `{…}`.
fn mock(name: &str, value: &Frozen) -> Block {
    let mut mock = Block::new("mock", &[name]);
    let source = match value {
        Frozen::Text(_) => Some(value),
        Frozen::Map(entries) if entries.len() == 1 => {
            let module = value.get("module");
            let module = module.items().first().unwrap_or(module);
            let source = [module.get("source"), module.get("path")];
            source.into_iter().find(|source| !source.is_undefined())
        }
        _ => None,
    };
    if let Some(source) = source {
        let mut module = Block::new("module", &[]);
        module.attributes.insert("source".into(), source.clone());
        mock.blocks.push(module);
        return mock;
    }
    let data = match value.get("data") {
        Frozen::Undefined => value.clone(),
        data if value.entries().len() == 1 => data.clone(),
        _ => value.clone(),
    };
    mock.attributes.insert("data".into(), data);
    mock
}
