//! What a state says about itself, read without holding it: attributes of resources are passed over.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, BufReader, Read},
};

use blobs::{Kind, Name};
use bytes::{Buf, Bytes};
use db::{JsonText, JsonWriter};
use futures::StreamExt;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, json, value::RawValue};
use tokio::sync::mpsc;

use super::format_3::{self, Module};
use crate::{Ctx, Error, Result};

/// How many pieces of a blob (64 KiB each) may wait to be read.
const PIECES_AHEAD: usize = 4;

/// A state without the attributes of its resources.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Raw")]
pub(super) struct Content {
    /// Of the format; absent if OpenTofu has encrypted the state, so that nothing else can be read from it.
    pub version: Option<i64>,
    /// Absent in states that early versions have encrypted.
    pub serial: Option<i64>,
    pub lineage: String,
    pub terraform_version: Option<String>,
    outputs: Option<Outputs>,
    summary: Summary,
    /// Of format 3.
    modules: Vec<Module>,
}

/// Outputs of a state, where all of them can be kept in one go; of more only their number.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    pub few: BTreeMap<String, Output>,
    pub count: u64,
    /// Bytes of the values.
    size: usize,
}

/// Outputs that are kept together, by number and by the bytes of their values: whoever keeps more holds up others.
pub(super) const AT_ONCE: usize = 1_000;
pub(super) const BYTES_AT_ONCE: usize = 2 << 20;

impl Outputs {
    fn add(&mut self, name: String, output: Output) {
        self.count += 1;
        self.size += output.value.get().len();
        self.few.insert(name, output);
        if self.few.len() > AT_ONCE || self.size > BYTES_AT_ONCE {
            self.few.clear();
        }
    }
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Outputs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outputs by their names")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut all: A,
            ) -> std::result::Result<Outputs, A::Error> {
                let mut outputs = Outputs::default();
                while let Some((name, output)) = all.next_entry()? {
                    outputs.add(name, output);
                }
                Ok(outputs)
            }
        }

        from.deserialize_map(All)
    }
}

/// The outputs of a state alone, all of them.
#[derive(Deserialize)]
pub(super) struct AllOutputs {
    outputs: Option<BTreeMap<String, Output>>,
    #[serde(default)]
    modules: Vec<Module>,
}

impl AllOutputs {
    /// By name.
    pub fn named(self) -> BTreeMap<String, Output> {
        self.outputs.or_else(|| of_root(self.modules)).unwrap_or_default()
    }
}

/// Of format 3.
fn of_root(modules: Vec<Module>) -> Option<BTreeMap<String, Output>> {
    modules.into_iter().find(Module::is_root).and_then(|module| module.outputs)
}

/// What may stand in a state of either kind.
#[derive(Deserialize)]
struct Raw {
    version: Option<i64>,
    serial: Option<i64>,
    #[serde(default)]
    lineage: String,
    terraform_version: Option<String>,
    outputs: Option<Outputs>,
    #[serde(default, rename = "resources", deserialize_with = "summarized")]
    summary: Summary,
    /// OpenTofu's (<https://opentofu.org/docs/language/state/encryption/>).
    encrypted_data: Option<Encoded>,
    encryption_version: Option<String>,
    meta: Option<serde_json::Map<String, serde_json::Value>>,
    /// Of format 3.
    #[serde(default)]
    modules: Vec<Module>,
}

/// Base64, looked at and not kept: it may be the largest part of the state.
struct Encoded;

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Look)
    }
}

struct Look;

impl Visitor<'_> for Look {
    type Value = Encoded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Encoded, E> {
        let of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if text.is_empty() || !text.bytes().all(of_base64) {
            return Err(E::custom("not base64"));
        }
        Ok(Encoded)
    }
}

/// Larger ones are no count of anything, and leave engines no next one: 2^53 - 1, to which JSON counts everywhere.
pub(super) const LARGEST_SERIAL: i64 = (1 << 53) - 1;

impl TryFrom<Raw> for Content {
    type Error = &'static str;

    fn try_from(raw: Raw) -> std::result::Result<Self, Self::Error> {
        let Raw { version, serial, lineage, terraform_version, outputs, summary, modules, .. } =
            raw;
        let is_encrypted = raw.encrypted_data.is_some();
        let is_whole = raw.encryption_version.is_some() && raw.meta.is_some();
        let is_open = version.is_some() || outputs.is_some() || summary != Summary::default();
        if serial.is_some_and(|serial| serial > LARGEST_SERIAL) {
            return Err("its serial is larger than engines count");
        }
        match version {
            _ if is_encrypted && !is_whole => {
                Err("an encrypted state has encryption_version and meta as well")
            }
            _ if is_encrypted && is_open => {
                Err("a state is encrypted, or has a version, outputs and resources, not both")
            }
            _ if is_encrypted => Ok(Self {
                version: None,
                serial,
                lineage,
                terraform_version: None,
                outputs: None,
                summary: Summary::default(),
                modules: Vec::new(),
            }),
            Some(_) if serial.is_some() => {
                Ok(Self { version, serial, lineage, terraform_version, outputs, summary, modules })
            }
            _ => Err("neither a state nor an encrypted one"),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Output {
    /// As it stands: numbers keep all their digits.
    pub value: Box<RawValue>,
    #[serde(default)]
    r#type: Value,
    #[serde(default)]
    pub sensitive: bool,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    r#type: String,
    name: String,
    #[serde(default)]
    provider: String,
    /// Counted, not kept: elements without size.
    #[serde(default)]
    instances: Vec<IgnoredAny>,
}

impl From<format_3::Resource> for Resource {
    fn from(old: format_3::Resource) -> Self {
        Self {
            module: old.module,
            mode: old.mode.into(),
            r#type: old.kind,
            name: old.name,
            provider: old.provider,
            instances: old.indexes.iter().map(|_| IgnoredAny).collect(),
        }
    }
}

/// Resources counted in three ways, in the form that the API documents show. A large state has a hundred thousand of
/// them: they are written down one by one as they are read.
#[derive(Debug, PartialEq)]
pub(super) struct Summary {
    /// A list.
    pub resources: JsonText,
    pub modules: Map<String, Value>,
    pub providers: Map<String, Value>,
    /// Instances of managed resources: what a destroy would take away.
    pub managed: i64,
}

impl Content {
    pub fn outputs(&mut self) -> Outputs {
        if let Some(outputs) = self.outputs.take() {
            return outputs;
        }
        let old = self.modules.iter_mut().find(|module| module.is_root());
        let mut outputs = Outputs::default();
        for (name, output) in old.and_then(|module| module.outputs.take()).unwrap_or_default() {
            outputs.add(name, output);
        }
        outputs
    }

    pub fn summary(&mut self) -> Summary {
        if self.modules.is_empty() {
            return std::mem::take(&mut self.summary);
        }
        let mut counting = Counting::default();
        for resource in self.modules.iter().flat_map(Module::resources) {
            counting.add(&resource.into());
        }
        counting.done()
    }
}

impl Default for Summary {
    fn default() -> Self {
        Counting::default().done()
    }
}

/// A summary in the making.
#[derive(Default)]
struct Counting {
    /// The list without its end.
    resources: JsonWriter,
    is_begun: bool,
    modules: Map<String, Value>,
    providers: Map<String, Value>,
    managed: i64,
}

/// A resource as the API documents show it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    r#type: &'a str,
    count: i64,
    module: &'a str,
    provider: &'a str,
}

impl Counting {
    fn add(&mut self, resource: &Resource) {
        let count = i64::try_from(resource.instances.len()).unwrap_or(i64::MAX);
        let managed = resource.mode == "managed";
        if managed {
            self.managed += count;
        }
        let mode = if managed { String::new() } else { format!("{}.", resource.mode) };
        let kind = format!("{mode}{}", resource.r#type);
        let module = resource.module.as_deref().unwrap_or("root");
        // The documents' samples spell types with hyphens where they are keys.
        let key = kind.replace('_', "-");
        add(&mut self.modules, module, &key, count);
        add(&mut self.providers, &resource.provider, &key, count);
        let provider = &resource.provider;
        let listed = Listed { name: &resource.name, r#type: &kind, count, module, provider };
        self.resources.push_str(if self.is_begun { "," } else { "[" });
        self.is_begun = true;
        self.resources
            .push_str(&serde_json::to_string(&listed).expect("texts and a number are JSON"));
    }

    fn done(mut self) -> Summary {
        self.resources.push_str(if self.is_begun { "]" } else { "[]" });
        Summary {
            resources: self.resources.done(),
            modules: self.modules,
            providers: self.providers,
            managed: self.managed,
        }
    }
}

/// The list of resources, or null.
fn summarized<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Summary, D::Error> {
    struct All;

    impl<'de> Visitor<'de> for All {
        type Value = Summary;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of resources")
        }

        fn visit_unit<E: de::Error>(self) -> std::result::Result<Summary, E> {
            Ok(Summary::default())
        }

        fn visit_seq<A: SeqAccess<'de>>(
            self,
            mut all: A,
        ) -> std::result::Result<Summary, A::Error> {
            let mut counting = Counting::default();
            while let Some(resource) = all.next_element()? {
                counting.add(&resource);
            }
            Ok(counting.done())
        }
    }

    from.deserialize_any(All)
}

fn add(counts: &mut Map<String, Value>, group: &str, kind: &str, count: i64) {
    let group = counts.entry(group).or_insert_with(|| json!({}));
    let before = group[kind].as_i64().unwrap_or_default();
    group[kind] = json!(before + count);
}

impl Output {
    /// Terraform's own type expression; null in a state that has none.
    pub fn detailed_type(&self) -> Value {
        self.r#type.clone()
    }

    /// `string`, `number`, `bool`, `array` or `map`.
    pub fn kind(&self) -> &'static str {
        let word = self.r#type.as_str().or_else(|| self.r#type.get(0).and_then(Value::as_str));
        match word {
            Some("string") => "string",
            Some("number") => "number",
            Some("bool") => "bool",
            Some("list" | "set" | "tuple") => "array",
            Some("map" | "object") => "map",
            // Without a type, or `dynamic`: by the look of the value.
            _ => match self.value.get().as_bytes().first() {
                Some(b'{') => "map",
                Some(b'[') => "array",
                Some(b't' | b'f') => "bool",
                Some(b'-' | b'0'..=b'9') => "number",
                _ => "string",
            },
        }
    }
}

/// Reads a state in the blob store, piece by piece.
///
/// # Errors
/// Invalid if it is not a state.
pub(super) async fn of_blob(cx: &Ctx, name: &Name) -> Result<Content> {
    read_blob(cx, name).await
}

/// Whether a blob is JSON at all.
pub(super) async fn check_json(cx: &Ctx, name: &Name) -> Result<()> {
    read_blob::<IgnoredAny>(cx, name).await.map(drop)
}

/// How what a request sends is called there.
fn attribute(name: &Name) -> &'static str {
    if name.is_of(Kind::JsonState) { "json-state" } else { "state" }
}

pub(crate) async fn read_blob<T: for<'de> Deserialize<'de> + Send + 'static>(
    cx: &Ctx,
    name: &Name,
) -> Result<T> {
    let (_, mut content) = cx.blobs().get_stream(name).await?;
    let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
    let reader = BufReader::new(Pieces { pieces, current: Bytes::new() });
    let parsing = parse(attribute(name), move || serde_json::from_reader(reader));
    let feeding = async move {
        while let Some(piece) = content.next().await {
            // The reader stops early at what is not JSON.
            if sender.send(piece?).await.is_err() {
                break;
            }
        }
        Ok::<_, Error>(())
    };
    let (fed, parsed) = tokio::join!(feeding, parsing);
    fed?;
    parsed
}

async fn parse<T: Send + 'static>(
    attribute: &'static str,
    read: impl FnOnce() -> serde_json::Result<T> + Send + 'static,
) -> Result<T> {
    let parsed = tokio::task::spawn_blocking(read);
    let parsed = parsed.await.map_err(|error| Error::Internal(error.into()))?;
    // The reason names a place, but no content: states hold secrets.
    parsed.map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::invalid(attribute, format!("is not a state: it cannot be read at {place}"))
    })
}

/// The other end of a channel, as something that blocks.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.len().min(to.len());
        self.current.copy_to_slice(&mut to[..len]);
        Ok(len)
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece,
                None => break,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, len: usize) {
        self.current.advance(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(state: &Value) -> Content {
        serde_json::from_str(&state.to_string()).unwrap()
    }

    #[test]
    fn resources_are_counted_by_module_and_provider_and_only_managed_ones_are_managed() {
        let registry = r#"provider["registry.terraform.io/hashicorp/null"]"#;
        let summary = content(&json!({
            "version": 4, "serial": 1, "lineage": "l",
            "resources": [
                { "mode": "managed", "type": "null_resource", "name": "a", "provider": registry,
                  "instances": [{ "attributes": { "id": "1" } }, {}] },
                { "mode": "managed", "type": "null_resource", "name": "b", "provider": registry,
                  "module": "module.net[0]", "instances": [{}] },
                { "mode": "data", "type": "null_data_source", "name": "c", "provider": registry,
                  "instances": [{}] },
            ],
        }))
        .summary();
        assert_eq!(summary.managed, 3);
        assert_eq!(
            Value::Object(summary.modules),
            json!({
                "root": { "null-resource": 2, "data.null-data-source": 1 },
                "module.net[0]": { "null-resource": 1 },
            })
        );
        assert_eq!(
            Value::Object(summary.providers),
            json!({ registry: { "null-resource": 3, "data.null-data-source": 1 } })
        );
        let resources: Vec<Value> =
            serde_json::from_str(&summary.resources.text().unwrap()).unwrap();
        assert_eq!(
            resources[2],
            json!({ "name": "c", "type": "data.null_data_source", "count": 1, "module": "root",
                    "provider": registry })
        );
    }

    #[test]
    fn outputs_keep_their_type_and_every_digit() {
        let state = r#"{"version":4,"serial":0,"outputs":{
            "n":{"value":12345678901234567890.123456789,"type":"number","sensitive":true},
            "l":{"value":["a"],"type":["list","string"]},
            "o":{"value":{"k":1},"type":["object",{"k":"number"}]},
            "s":{"value":"x","type":"string"},
            "b":{"value":false,"type":"bool"},
            "old":{"value":[1]}}}"#;
        let mut content: Content = serde_json::from_str(state).unwrap();
        let outputs = content.outputs().few;
        assert_eq!(outputs["n"].value.get(), "12345678901234567890.123456789");
        assert!(outputs["n"].sensitive && !outputs["l"].sensitive);
        assert_eq!(outputs["o"].detailed_type(), json!(["object", { "k": "number" }]));
        let kinds: Vec<_> = outputs.values().map(Output::kind).collect();
        assert_eq!(kinds, ["bool", "array", "number", "map", "array", "string"]);
    }

    #[test]
    fn of_outputs_that_are_too_many_or_too_large_only_their_number_is_known() {
        let named = |count: usize, value: &str| {
            let outputs = (0..count).map(|number| (number.to_string(), json!({ "value": value })));
            let outputs: Map<String, Value> = outputs.collect();
            json!({ "version": 4, "serial": 1, "outputs": outputs })
        };
        let known = |state: &Value| {
            let outputs = content(state).outputs();
            (outputs.few.len(), outputs.count)
        };
        assert_eq!(known(&named(AT_ONCE, "x")), (AT_ONCE, AT_ONCE as u64));
        let (few, count) = known(&named(AT_ONCE + 2, "x"));
        assert!(few < AT_ONCE && count == AT_ONCE as u64 + 2);
        assert_eq!(known(&named(1, &"x".repeat(BYTES_AT_ONCE))), (0, 1));
    }

    #[test]
    fn a_state_of_format_3_has_outputs_and_resources() {
        let mut old = content(&json!({
            "version": 3, "serial": 7, "lineage": "l", "terraform_version": "0.11.14",
            "modules": [
                {
                    "path": ["root"],
                    "outputs": { "name": { "sensitive": true, "type": "string", "value": "x" } },
                    "resources": {
                        "null_resource.a.0": { "type": "null_resource", "provider": "provider.null" },
                        "null_resource.a.1": { "type": "null_resource", "provider": "provider.null" },
                        "data.null_data_source.b": {
                            "type": "null_data_source", "provider": "provider.null",
                        },
                    },
                },
                {
                    "path": ["root", "net", "sub"], "outputs": { "inner": { "value": 1 } },
                    "resources": { "null_resource.c": { "type": "null_resource", "provider": "p" } },
                },
            ],
        }));
        let outputs = old.outputs().few;
        assert_eq!(outputs.keys().collect::<Vec<_>>(), ["name"]);
        assert!(outputs["name"].sensitive);
        assert_eq!((outputs["name"].kind(), outputs["name"].value.get()), ("string", "\"x\""));
        let summary = old.summary();
        assert_eq!(summary.managed, 3);
        assert_eq!(
            Value::Object(summary.modules),
            json!({
                "root": { "null-resource": 2, "data.null-data-source": 1 },
                "module.net.module.sub": { "null-resource": 1 },
            })
        );
        let bare =
            json!({ "version": 3, "serial": 7, "lineage": "l", "modules": [{ "path": ["root"] }] });
        assert_eq!(content(&bare).summary(), Summary::default());
    }

    #[test]
    fn of_an_encrypted_state_only_what_stands_outside_is_read() {
        let state = r#"{"serial":2,"lineage":"l","meta":{},"encrypted_data":"b2s=","encryption_version":"v0"}"#;
        let mut content: Content = serde_json::from_str(state).unwrap();
        assert_eq!((content.version, content.serial), (None, Some(2)));
        assert_eq!(content.lineage, "l");
        assert_eq!(content.summary(), Summary::default());
        let whole = json!({ "serial": 2, "lineage": "l", "meta": {}, "encrypted_data": "b2s=", "encryption_version": "v0" });
        for (name, other) in [
            ("encrypted_data", json!(5)),
            ("encrypted_data", json!("")),
            ("encrypted_data", json!("no base64!")),
            ("encrypted_data", json!(["b2s="])),
            ("encrypted_data", Value::Null),
            ("encryption_version", json!(0)),
            ("encryption_version", Value::Null),
            ("meta", json!("k")),
            ("meta", Value::Null),
            ("version", json!(4)),
            ("outputs", json!({})),
            (
                "resources",
                json!([{ "mode": "managed", "type": "t", "name": "n", "instances": [{}] }]),
            ),
        ] {
            let mut wrong = whole.clone();
            wrong[name] = other;
            let read = serde_json::from_str::<Content>(&wrong.to_string());
            assert!(read.is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_not_a_state_is_refused_without_repeating_it() {
        for text in ["", "secret", "[]", "{}", r#"{"version":4}"#, r#"{"version":4,"serial":"x"}"#]
        {
            let read = parse("state", move || serde_json::from_str::<Content>(text)).await;
            let error = read.unwrap_err();
            let Error::Invalid { pointer, message } = error else { panic!("{text}: {error}") };
            assert_eq!(pointer, "/data/attributes/state");
            assert!(!message.contains("secret"));
        }
    }

    #[tokio::test]
    async fn a_reader_gets_the_pieces_as_one_text() {
        let (sender, pieces) = mpsc::channel(1);
        let reading = parse("state", move || {
            serde_json::from_reader::<_, Value>(Pieces { pieces, current: Bytes::new() })
        });
        let feeding = async move {
            for piece in ["{\"a", "", "\":", "1}"] {
                sender.send(Bytes::from(piece)).await.unwrap();
            }
        };
        let ((), read) = tokio::join!(feeding, reading);
        assert_eq!(read.unwrap(), json!({ "a": 1 }));
    }
}
