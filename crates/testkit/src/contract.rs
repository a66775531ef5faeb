//! HashiCorp's published OpenAPI contract. It is no part of the project; where `STATEHOUSE_OPENAPI` names its file,
//! every answer in the tests is checked against the schema that it gives for it.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use http::{Method, StatusCode};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// Where the contract is wrong about what clients take: the end of a place in an answer, what stands there, and what
/// is known of it.
const MISTAKEN: [(&str, &str, &str); 4] = [
    (
        "/relationships/comments",
        "",
        "go-tfe and the contract's own documents call the type comments",
    ),
    (
        "/status",
        "post_plan_awaiting_decision",
        "go-tfe's word; the contract has only that before a plan",
    ),
    (
        "/data/type",
        "data-retention-policies",
        "the type from before there were two, which go-tfe still reads",
    ),
    (
        "/included/0",
        r#""type":"entitlement-sets""#,
        "HCP's documents list it beside the subscription, go-tfe asks for it",
    ),
];

/// Operations whose answer the contract describes without the document around it, and without the nulls in it: clients
/// read a document.
const WITHOUT_DOCUMENT: [&str; 1] =
    ["/configuration-versions/{configuration_version_id}/ingress-attributes"];

/// What the paths of the contract are below.
const BASE: &str = "/api/v2";
const SCHEMAS: &str = "#/components/schemas/";

static CONTRACT: LazyLock<Option<Contract>> = LazyLock::new(|| {
    let file = std::env::var_os("STATEHOUSE_OPENAPI")?;
    let read = std::fs::read(&file).map_err(|error| error.to_string());
    let parsed = read
        .and_then(|text| serde_json::from_slice::<Value>(&text).map_err(|error| error.to_string()));
    match parsed {
        Ok(document) => Some(Contract::new(document)),
        Err(error) => panic!("STATEHOUSE_OPENAPI names {}: {error}", file.to_string_lossy()),
    }
});

/// The contract, where it is at hand.
pub fn contract() -> Option<&'static Contract> {
    CONTRACT.as_ref()
}

pub struct Contract {
    operations: Vec<Operation>,
    /// Named schemas, in the words of JSON Schema.
    schemas: Map<String, Value>,
    validators: Mutex<HashMap<(usize, String), Arc<Validator>>>,
}

/// One operation that the contract describes.
pub struct Operation {
    pub method: Method,
    /// With `{names}` in it, as the contract spells them.
    pub path: String,
    /// Of the request's body.
    request: Option<Value>,
    /// Of the answers, by status or `default`.
    answers: BTreeMap<String, Value>,
}

impl Operation {
    /// How many of its parts are spelled like those of `path`; `None` if it is about something else.
    fn likeness(&self, path: &str) -> Option<usize> {
        let (own, other) = (self.path.split('/'), path.split('/'));
        if own.clone().count() != other.clone().count() {
            return None;
        }
        let mut alike = 0;
        for (own, other) in own.zip(other) {
            if own == other {
                alike += 1;
            } else if !own.starts_with('{') {
                return None;
            }
        }
        Some(alike)
    }
}

impl Contract {
    fn new(mut document: Value) -> Self {
        to_json_schema(&mut document);
        let schemas = match document["components"]["schemas"].take() {
            Value::Object(schemas) => schemas,
            other => panic!("the contract has no schemas but {other}"),
        };
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                if WITHOUT_DOCUMENT.contains(&path.as_str()) {
                    continue;
                }
                let Some(answers) = operation["responses"].as_object() else { continue };
                let answers = answers
                    .iter()
                    .filter_map(|(status, answer)| Some((status.clone(), body(answer)?.clone())))
                    .collect();
                operations.push(Operation {
                    method,
                    path: format!("{BASE}{path}"),
                    request: body(&operation["requestBody"]).cloned(),
                    answers,
                });
            }
        }
        assert!(operations.len() > 100, "the contract has hardly any operations");
        Self { operations, schemas, validators: Mutex::default() }
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The schema of the body that an operation takes, complete in itself.
    pub fn request(&self, operation: &Operation) -> Option<Value> {
        operation.request.as_ref().map(|schema| self.complete(schema))
    }

    /// What is wrong with an answer; nothing if the contract does not know the operation.
    ///
    /// # Errors
    /// One line for each difference.
    pub fn check(
        &self,
        method: &Method,
        path: &str,
        status: StatusCode,
        body: &[u8],
    ) -> Result<(), String> {
        let Some((index, operation)) = self.operation(method, path) else { return Ok(()) };
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
        let known = [status.as_str(), "default"].into_iter();
        let Some(key) = known.into_iter().find(|key| operation.answers.contains_key(*key)) else {
            return Ok(());
        };
        let validator = self.validator(index, key);
        let mut differences = String::new();
        for error in validator.iter_errors(&answer) {
            let (place, what) = (error.instance_path().to_string(), error.to_string());
            let known =
                |&(end, part, _): &(&str, &str, &str)| place.ends_with(end) && what.contains(part);
            if !MISTAKEN.iter().any(known) {
                let _ = writeln!(differences, "{place}: {what}");
            }
        }
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }

    fn operation(&self, method: &Method, path: &str) -> Option<(usize, &Operation)> {
        let path = path.split('?').next().unwrap_or_default();
        let same = self.operations.iter().enumerate().filter(|(_, it)| it.method == *method);
        let alike = same.filter_map(|(index, it)| Some((it.likeness(path)?, (index, it))));
        alike.max_by_key(|(alike, _)| *alike).map(|(_, found)| found)
    }

    fn validator(&self, index: usize, status: &str) -> Arc<Validator> {
        let mut all = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let schema = self.complete(&self.operations[index].answers[status]);
            let options = jsonschema::options().with_draft(Draft::Draft4);
            Arc::new(options.build(&schema).expect("the contract's schemas are schemas"))
        };
        all.entry((index, status.to_owned())).or_insert_with(make).clone()
    }

    /// A schema together with all that it refers to.
    fn complete(&self, schema: &Value) -> Value {
        let mut needed = Map::new();
        self.gather(schema, &mut needed);
        json!({ "allOf": [schema], "components": { "schemas": needed } })
    }

    fn gather(&self, schema: &Value, needed: &mut Map<String, Value>) {
        match schema {
            Value::Object(members) => {
                let name = members.get("$ref").and_then(Value::as_str);
                if let Some(name) = name.and_then(|name| name.strip_prefix(SCHEMAS))
                    && !needed.contains_key(name)
                {
                    let found = &self.schemas[name];
                    needed.insert(name.to_owned(), found.clone());
                    self.gather(found, needed);
                }
                members.values().for_each(|member| self.gather(member, needed));
            }
            Value::Array(items) => items.iter().for_each(|item| self.gather(item, needed)),
            _ => {}
        }
    }
}

/// The schema of what is sent as a JSON:API document.
fn body(of: &Value) -> Option<&Value> {
    of.get("content")?.get("application/vnd.api+json")?.get("schema")
}

/// `OpenAPI` 3.0 writes what may be null in its own way.
fn to_json_schema(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(to_json_schema);
            if members.remove("nullable") == Some(Value::Bool(true)) {
                let schema = std::mem::take(members);
                members.insert("anyOf".into(), json!([schema, { "type": "null" }]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        _ => {}
    }
}
