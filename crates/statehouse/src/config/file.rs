//! The configuration file: what of it can be used, and every mistake in it.

use std::path::Path;

use text::without_credentials;

use super::catalogue::{Kind, SETTINGS, Setting};
use super::wrong::{Wrong, meant};

/// More mistakes than these are not worth reading.
const ENOUGH: usize = 20;

/// What a file says.
#[derive(Debug, Default)]
pub struct Content {
    pub table: toml::Table,
    pub wrong: Vec<Wrong>,
    /// Keys that were given, and cannot be used.
    pub unusable: Vec<String>,
}

/// Reads a file. A line that is no TOML is named and passed over, so that the rest is looked at as well.
pub fn read(text: &str, path: &Path) -> Content {
    let mut content = Content::default();
    let mut lines: Vec<&str> = text.lines().collect();
    content.table = loop {
        match lines.join("\n").parse::<toml::Table>() {
            Ok(table) => break table,
            Err(error) => {
                let at = error.span().map_or(0, |span| line_at(&lines, span.start));
                let line = lines.get(at).copied().unwrap_or_default();
                let key = line.split('=').next().unwrap_or_default().trim();
                content.wrong.push(Wrong::file(path, &mistake(at, key, line, &error)));
                content.unusable.push(key.to_owned());
                if content.wrong.len() >= ENOUGH || line.is_empty() {
                    break toml::Table::new();
                }
                lines[at] = "";
            }
        }
    };
    content.table.retain(|key, value| {
        let Some(why) = unusable(key, value) else { return true };
        content.wrong.push(Wrong::file(path, &why));
        content.unusable.push(key.to_owned());
        false
    });
    content
}

fn line_at(lines: &[&str], offset: usize) -> usize {
    let mut end = 0;
    let found = lines.iter().position(|line| {
        end += line.len() + 1;
        offset < end
    });
    found.unwrap_or(lines.len().saturating_sub(1))
}

/// Never with the line itself, which may hold a secret.
fn mistake(at: usize, key: &str, line: &str, error: &toml::de::Error) -> String {
    let why = error.message().lines().collect::<Vec<_>>().join(", ");
    // The parser has no words for a line that ends behind its sign of equality.
    let why = if why.trim().is_empty() { "has no value" } else { &without_credentials(&why) };
    let place = format!("line {}", at + 1);
    let Some(setting) = setting(key) else { return format!("{place}: {why}") };
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    // A number that is wrong is not mended by quotes.
    let is_bare_text = value.starts_with(|c: char| c.is_alphabetic() || c == '/');
    let quotes = if is_bare_text { ": a text stands in quotes" } else { "" };
    format!("{place}: {key}: {why}{quotes}; allowed: {}", setting.allowed)
}

fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().filter(|s| s.key != "config").find(|s| {
        s.key == key || (s.kind == Kind::Secret && key.strip_suffix("_file") == Some(s.key))
    })
}

/// Why this line of the file cannot be a setting.
fn unusable(key: &str, value: &toml::Value) -> Option<String> {
    let Some(setting) = setting(key) else {
        // Whoever forgets the key of a line has written an address in its place.
        let shown = without_credentials(key);
        return Some(format!("{shown} is not a setting{}", meant(&key.replace('-', "_"), keys())));
    };
    let fits = match value {
        toml::Value::Table(_) | toml::Value::Datetime(_) => false,
        toml::Value::Array(values) => {
            setting.kind == Kind::List && values.iter().all(toml::Value::is_str)
        }
        _ => true,
    };
    (!fits).then(|| format!("{key} is a TOML {}; allowed: {}", value.type_str(), setting.allowed))
}

fn keys() -> impl Iterator<Item = String> {
    SETTINGS.iter().filter(|setting| setting.key != "config").flat_map(|setting| {
        let file = (setting.kind == Kind::Secret).then(|| format!("{}_file", setting.key));
        [setting.key.to_owned()].into_iter().chain(file)
    })
}
