//! The engine's CLI configuration: what the operator wants for every run, and the run's own way to the server.

use protocol::Access;
use serde_json::{Value, json};

/// One text for both; the operator's may be HCL or JSON.
///
/// Fails on JSON that is none, or whose hosts are no objects.
pub(crate) fn text(operator: &str, access: Option<&Access>) -> Result<String, String> {
    let Some(access) = access else { return Ok(operator.to_owned()) };
    if operator.trim_start().starts_with('{') {
        return joined(operator, access);
    }
    let gap = if operator.is_empty() || operator.ends_with('\n') { "" } else { "\n" };
    let blocks: Vec<String> = blocks(access)
        .into_iter()
        .map(|(block, content)| format!("{block} {} {}\n", quoted(&access.host), hcl(&content)))
        .collect();
    Ok(format!("{operator}{gap}{}", blocks.concat()))
}

/// `credentials`, and `host` where the engine cannot find the services by itself.
fn blocks(access: &Access) -> Vec<(&'static str, Value)> {
    let mut blocks = vec![("credentials", json!({ "token": access.token.0 }))];
    if !access.services.is_empty() {
        blocks.push(("host", json!({ "services": access.services })));
    }
    blocks
}

fn joined(operator: &str, access: &Access) -> Result<String, String> {
    let mut document: Value = serde_json::from_str(operator).map_err(|error| error.to_string())?;
    for (block, content) in blocks(access) {
        let hosts = &mut document[block];
        if hosts.is_null() {
            *hosts = json!({});
        }
        let hosts = hosts.as_object_mut().ok_or_else(|| format!("“{block}” is no object"))?;
        hosts.insert(access.host.clone(), content);
    }
    Ok(document.to_string())
}

/// JSON as HCL: the members of a block and those of a map are written alike.
fn hcl(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{} = {}\n", key(name), hcl(value)))
                .collect();
            format!("{{\n{}}}", members.concat())
        }
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// An argument of a block has no quotes, and service names have dots, which only quoted keys may have.
fn key(name: &str) -> String {
    if name.contains('.') { quoted(name) } else { name.to_owned() }
}

/// Tokens, hosts and addresses have nothing in them that HCL and JSON would read in two ways, but for templates.
fn quoted(text: &str) -> String {
    Value::from(text.replace("${", "$${")).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use protocol::Secret;

    use super::*;

    fn access(services: &[(&str, &str)]) -> Access {
        Access {
            host: "127.0.0.1:8080".into(),
            token: Secret("x.atlasv1.y".into()),
            services: services
                .iter()
                .map(|(name, url)| ((*name).to_owned(), (*url).to_owned()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn the_run_is_let_in_beside_what_the_operator_says() {
        let access = access(&[("tfe.v2", "http://127.0.0.1:8080/api/v2/")]);
        let text = text("disable_checkpoint = true", Some(&access)).unwrap();
        assert_eq!(
            text,
            "disable_checkpoint = true\n\
             credentials \"127.0.0.1:8080\" {\ntoken = \"x.atlasv1.y\"\n}\n\
             host \"127.0.0.1:8080\" {\nservices = {\n\
             \"tfe.v2\" = \"http://127.0.0.1:8080/api/v2/\"\n}\n}\n"
        );
    }

    #[test]
    fn json_stays_json() {
        let operator = r#"{ "credentials": { "other": { "token": "z" } } }"#;
        let text = text(operator, Some(&access(&[]))).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["credentials"]["other"]["token"], "z");
        assert_eq!(document["credentials"]["127.0.0.1:8080"]["token"], "x.atlasv1.y");
        assert!(document.get("host").is_none());
        assert!(super::text("{ nonsense", Some(&access(&[]))).is_err());
    }

    #[test]
    fn without_access_the_operators_is_unchanged() {
        assert_eq!(text("a = 1", None).unwrap(), "a = 1");
    }
}
