//! What has become of everything between two states: from the engine's own JSON form of them, which says what is
//! sensitive. Where a version has none, it is told that something differs, and not from what to what.

use std::collections::BTreeMap;

use blobs::Kind;
use serde::Deserialize;
use serde_json::value::RawValue;
use text::json::{Json, Members};

use super::{blob, check_readable};
use crate::{
    Ctx, Error, Granted, In, Result, can,
    differences::{self, Difference, Sides},
    row::StateVersion,
};

/// Bytes of a state that are read into memory to be compared.
const LIMIT: u64 = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Added,
    Removed,
    Changed,
}

/// A resource or an output that is not the same in both.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Of a resource; the name of an output.
    pub address: String,
    pub became: Became,
    pub difference: Difference,
}

#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub outputs: Vec<Compared>,
    pub resources: Vec<Compared>,
    /// Resources that are the same in both.
    pub unchanged: u64,
    /// Whether values are shown where they are not sensitive.
    pub has_values: bool,
}

/// Values and what of them is sensitive, by address or name.
type Things = BTreeMap<String, (Json, Json)>;

#[derive(Default)]
struct Content {
    outputs: Things,
    resources: Things,
}

/// Two versions of one workspace.
///
/// # Errors
/// NotFound for versions of two workspaces; Conflict for what cannot be read, because it is encrypted, not there any
/// more, or too large.
pub async fn compare(
    cx: &Ctx,
    from: &Granted<can::ReadState, In<StateVersion>>,
    to: &Granted<can::ReadState, In<StateVersion>>,
) -> Result<Comparison> {
    if from.of.id != to.of.id {
        return Err(Error::NotFound);
    }
    let has_values = from.row.has_json_state && to.row.has_json_state;
    let before = content(cx, &from.row, has_values).await?;
    let after = content(cx, &to.row, has_values).await?;
    let (resources, unchanged) = between(&before.resources, &after.resources);
    let (outputs, _) = between(&before.outputs, &after.outputs);
    Ok(Comparison { outputs, resources, unchanged, has_values })
}

async fn content(cx: &Ctx, version: &StateVersion, in_json: bool) -> Result<Content> {
    check_readable(version)?;
    let kind = if in_json { Kind::JsonState } else { Kind::State };
    let name = blob(kind, &version.id)?;
    let is_there = version.status == super::Status::Finalized;
    if !is_there || cx.blobs().size(&name).await? > LIMIT {
        let why = if is_there { "is too large to be compared here" } else { "has no content" };
        return Err(Error::conflict(format!("The state version {} {why}.", version.id)));
    }
    let bytes = cx.blobs().get(&name).await?;
    let read = move || if in_json { of_json(&bytes) } else { of_state(&bytes) };
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.map_err(|error| Error::Internal(error.into()))?;
    read.map_err(|error| {
        Error::conflict(format!("The state version {} cannot be compared: {error}.", version.id))
    })
}

/// `terraform show -json` of a state.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    values: Option<Values<'a>>,
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow)]
    outputs: Option<BTreeMap<String, Output<'a>>>,
    #[serde(borrow)]
    root_module: Option<Module<'a>>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(default)]
    sensitive: bool,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Module<'a> {
    #[serde(borrow)]
    resources: Option<Vec<Resource<'a>>>,
    #[serde(borrow)]
    child_modules: Option<Vec<Module<'a>>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    address: String,
    deposed_key: Option<String>,
    #[serde(borrow)]
    values: Option<&'a RawValue>,
    #[serde(borrow)]
    sensitive_values: Option<&'a RawValue>,
}

fn json(raw: Option<&RawValue>) -> serde_json::Result<Json> {
    raw.map_or(Ok(Json::Null), |raw| Json::read(raw.get().as_bytes()))
}

fn outputs(all: Option<BTreeMap<String, Output<'_>>>) -> serde_json::Result<Things> {
    let one = |(name, output): (String, Output<'_>)| {
        Ok((name, (json(output.value)?, Json::Bool(output.sensitive))))
    };
    all.unwrap_or_default().into_iter().map(one).collect()
}

fn of_json(bytes: &[u8]) -> serde_json::Result<Content> {
    let shown: Shown<'_> = serde_json::from_slice(bytes)?;
    let mut content = Content::default();
    let Some(values) = shown.values else { return Ok(content) };
    content.outputs = outputs(values.outputs)?;
    let mut modules: Vec<Module<'_>> = values.root_module.into_iter().collect();
    while let Some(module) = modules.pop() {
        for resource in module.resources.unwrap_or_default() {
            let address = named(resource.address, resource.deposed_key.as_deref());
            // Early versions do not say what is sensitive.
            let mask =
                resource.sensitive_values.map_or(Ok(Json::Bool(true)), |raw| json(Some(raw)))?;
            content.resources.insert(address, (json(resource.values)?, mask));
        }
        modules.extend(module.child_modules.unwrap_or_default());
    }
    Ok(content)
}

fn named(address: String, deposed: Option<&str>) -> String {
    match deposed {
        Some(key) => format!("{address} (deposed object {key})"),
        None => address,
    }
}

/// The state itself.
#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    outputs: Option<BTreeMap<String, Output<'a>>>,
    #[serde(borrow)]
    resources: Option<Vec<Stored<'a>>>,
}

#[derive(Deserialize)]
struct Stored<'a> {
    module: Option<String>,
    mode: String,
    r#type: String,
    name: String,
    #[serde(borrow)]
    instances: Option<Vec<Instance<'a>>>,
}

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(borrow)]
    index_key: Option<&'a RawValue>,
    deposed: Option<String>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
}

/// It does not say of every attribute whether it is sensitive, so all of them count as that.
fn of_state(bytes: &[u8]) -> serde_json::Result<Content> {
    let state: State<'_> = serde_json::from_slice(bytes)?;
    let mut content = Content { outputs: outputs(state.outputs)?, resources: Things::new() };
    for stored in state.resources.unwrap_or_default() {
        let module = stored.module.map(|module| module + ".").unwrap_or_default();
        let data = if stored.mode == "data" { "data." } else { "" };
        let address = format!("{module}{data}{}.{}", stored.r#type, stored.name);
        for instance in stored.instances.unwrap_or_default() {
            let key = instance.index_key.filter(|key| key.get() != "null");
            let key = key.map(|key| format!("[{}]", key.get())).unwrap_or_default();
            let values = json(instance.attributes)?;
            let mask = match &values {
                Json::Members(members) => {
                    let all = members.keys().map(|name| (name.clone(), Json::Bool(true)));
                    Json::Members(all.collect::<Members>())
                }
                _ => Json::Bool(true),
            };
            let address = named(format!("{address}{key}"), instance.deposed.as_deref());
            content.resources.insert(address, (values, mask));
        }
    }
    Ok(content)
}

/// What is not the same, by name, and how many are.
fn between(before: &Things, after: &Things) -> (Vec<Compared>, u64) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let (mut all, mut unchanged) = (Vec::new(), 0);
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        let became = match (old, new) {
            (None, _) => Became::Added,
            (_, None) => Became::Removed,
            (Some((old, _)), Some((new, _))) if old == new => {
                unchanged += 1;
                continue;
            }
            _ => Became::Changed,
        };
        let sides = Sides {
            before: old.map(|(value, _)| value),
            after: new.map(|(value, _)| value),
            unknown: None,
            sensitive_before: old.map(|(_, mask)| mask),
            sensitive_after: new.map(|(_, mask)| mask),
        };
        let difference = differences::between(sides, &[]);
        all.push(Compared { address: name.clone(), became, difference });
    }
    (all, unchanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(all: &[Compared]) -> Vec<(&str, Became, usize)> {
        all.iter().map(|it| (&*it.address, it.became, it.difference.rows.len())).collect()
    }

    #[test]
    fn what_is_in_one_of_two_states_or_differs_is_told() {
        let old = of_json(br#"{"values":{"outputs":{"o":{"sensitive":true,"value":"hunter2"}},"root_module":{
            "resources":[{"address":"a.b","values":{"p":"hunter2","n":1},"sensitive_values":{"p":true}},
                {"address":"a.same","values":{"n":1}}],
            "child_modules":[{"resources":[{"address":"module.m.a.b","values":{"n":1}}]}]}}}"#)
        .unwrap();
        let new = of_json(br#"{"values":{"outputs":{"o":{"sensitive":true,"value":"hunter3"}},"root_module":{
            "resources":[{"address":"a.b","values":{"p":"hunter3","n":2},"sensitive_values":{"p":true}},
                {"address":"a.same","values":{"n":1}},
                {"address":"a.b","deposed_key":"00","values":{"n":1}}]}}}"#)
        .unwrap();
        let (resources, unchanged) = between(&old.resources, &new.resources);
        assert_eq!(
            (rows(&resources), unchanged),
            (
                vec![
                    ("a.b", Became::Changed, 2),
                    ("a.b (deposed object 00)", Became::Added, 1),
                    ("module.m.a.b", Became::Removed, 1),
                ],
                1
            )
        );
        let (outputs, _) = between(&old.outputs, &new.outputs);
        assert_eq!(rows(&outputs), [("o", Became::Changed, 1)]);
        assert!(!format!("{resources:?}{outputs:?}").contains("hunter"));
    }

    #[test]
    fn a_state_that_does_not_say_what_is_sensitive_shows_no_value() {
        let state = |value: &str| {
            let text = format!(
                r#"{{"outputs":{{}},"resources":[{{"module":"module.m","mode":"data","type":"a","name":"b",
                "instances":[{{"index_key":"k","attributes":{{"p":"{value}","n":1}}}}]}}]}}"#
            );
            of_state(text.as_bytes()).unwrap()
        };
        let (all, _) = between(&state("hunter2").resources, &state("hunter3").resources);
        assert_eq!(rows(&all), [("module.m.data.a.b[\"k\"]", Became::Changed, 1)]);
        assert!(!format!("{all:?}").contains("hunter"), "{all:?}");
    }
}
