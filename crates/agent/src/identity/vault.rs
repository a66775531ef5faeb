//! Vault: the agent exchanges the token for one of Vault's, as no provider does that.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::StreamExt as _;
use reqwest::{Certificate, Client, Response, Url, redirect};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Layout, line};

const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const LIMIT: usize = 1 << 20;

pub(super) async fn lay_out(mut it: Layout<'_>) -> Result<Value, String> {
    let configuration = it.configuration;
    let address = line("ADDR", configuration.needs("ADDR")?)?;
    let role = it.role("ROLE")?;
    let namespace = configuration.get("NAMESPACE").map(|it| line("NAMESPACE", it)).transpose()?;
    let path = configuration.get("AUTH_PATH").unwrap_or("jwt").trim_matches('/').to_owned();
    let ca = configuration.get("ENCODED_CACERT").map(certificate).transpose()?;
    let login =
        Login { address: &address, path: &path, role: &role, namespace: namespace.as_deref() };
    let token = login.exchange(it.token, ca.as_deref()).await.map_err(|why| {
        format!("Vault at {address} gave no token for the role {role} by auth/{path}: {why}")
    })?;
    it.identity.secrets.insert(token.clone());
    let token_file = it.file("vault-token", token.as_str());
    let ca_file = ca.map(|pem| it.file("ca.pem", pem));
    it.set("VAULT_ADDR", &address);
    it.set("VAULT_TOKEN", &token);
    if let Some(namespace) = &namespace {
        it.set("VAULT_NAMESPACE", namespace);
    }
    if let Some(file) = &ca_file {
        it.set("VAULT_CACERT", file);
    }
    Ok(json!({
        "token_filename": token_file,
        "address": address,
        "namespace": namespace.unwrap_or_default(),
        "ca_cert_file": ca_file.unwrap_or_default(),
    }))
}

/// PEM, encoded once more, so that it fits into a variable.
fn certificate(encoded: &str) -> Result<String, String> {
    let wrong =
        || "the value for ENCODED_CACERT is no certificate in PEM, encoded by base64".to_owned();
    let text: String = encoded.split_whitespace().collect();
    let pem = STANDARD.decode(text).map_err(|_| wrong())?;
    String::from_utf8(pem).map_err(|_| wrong())
}

struct Login<'a> {
    address: &'a str,
    path: &'a str,
    role: &'a str,
    namespace: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    auth: Option<Auth>,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
}

impl Login<'_> {
    async fn exchange(&self, jwt: &str, ca: Option<&str>) -> Result<String, String> {
        let mut client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
        if let Some(pem) = ca {
            let roots = Certificate::from_pem_bundle(pem.as_bytes());
            for root in roots.map_err(|_| "its certificate cannot be read".to_owned())? {
                client = client.add_root_certificate(root);
            }
        }
        let client = client.build().map_err(|error| error.to_string())?;
        let url = format!("{}/v1/auth/{}/login", self.address.trim_end_matches('/'), self.path);
        let url = Url::parse(&url).map_err(|error| format!("the address is none: {error}"))?;
        let mut request = client.post(url).json(&json!({ "role": self.role, "jwt": jwt }));
        if let Some(namespace) = self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
        let status = answer.status();
        let body = bounded(answer).await?;
        let Ok(Answer { auth, errors }) = serde_json::from_slice(&body) else {
            return Err(format!("it answered {status}, and nothing that Vault would say"));
        };
        match auth {
            Some(auth) if status.is_success() && !auth.client_token.is_empty() => {
                Ok(auth.client_token)
            }
            _ => Err(format!("it answered {status}: {}", errors.join("; "))),
        }
    }
}

async fn bounded(answer: Response) -> Result<Vec<u8>, String> {
    let (mut body, mut all) = (answer.bytes_stream(), Vec::new());
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece.map_err(|error| chain(&error.without_url()))?);
        if all.len() > LIMIT {
            return Err("its answer is too large".into());
        }
    }
    Ok(all)
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
