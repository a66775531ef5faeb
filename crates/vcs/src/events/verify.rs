//! Whether a delivery is really the provider's: over the raw bytes, in a time that tells nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{AZURE_USER, BODY_LIMIT, Refusal};
use crate::{Family, ServiceProvider};

/// Characters of what a provider calls a delivery.
const ID_LIMIT: usize = 200;

/// What is known of a delivery before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The same for each attempt to deliver it. Providers do not sign it: see `digest`.
    pub id: String,
    /// What kind of event the provider calls it; empty where only the body tells.
    pub event: String,
    /// SHA-256 of the body, hexadecimal: by it a body that is sent again under another id is known.
    pub digest: String,
}

/// Where each provider says what.
struct Headers {
    /// Any of these, the first that is there.
    signature: &'static [&'static str],
    delivery: &'static [&'static str],
    event: &'static [&'static str],
}

fn headers_of(family: Family) -> Headers {
    match family {
        Family::Github => Headers {
            signature: &["x-hub-signature-256"],
            delivery: &["x-github-delivery"],
            event: &["x-github-event"],
        },
        Family::Gitea => Headers {
            signature: &["x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature"],
            delivery: &["x-gitea-delivery", "x-forgejo-delivery", "x-github-delivery"],
            event: &["x-gitea-event", "x-forgejo-event", "x-github-event"],
        },
        Family::Gitlab => Headers {
            signature: &["x-gitlab-token"],
            delivery: &["idempotency-key", "x-gitlab-event-uuid"],
            event: &["x-gitlab-event"],
        },
        Family::BitbucketCloud => Headers {
            signature: &["x-hub-signature"],
            delivery: &["x-request-uuid"],
            event: &["x-event-key"],
        },
        Family::BitbucketDataCenter => Headers {
            signature: &["x-hub-signature"],
            delivery: &["x-request-id"],
            event: &["x-event-key"],
        },
        Family::Azure => Headers { signature: &["authorization"], delivery: &[], event: &[] },
        Family::Git => {
            Headers { signature: &["x-hub-signature-256"], delivery: &["x-delivery"], event: &[] }
        }
    }
}

/// Checks a delivery against the secret of the hook that it came to.
///
/// # Errors
/// Any [`Refusal`]; the body is not looked into before the signature is right.
pub fn verify(
    provider: ServiceProvider,
    secret: &SecretString,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Verified, Refusal> {
    let family = provider.family();
    let names = headers_of(family);
    if body.len() > BODY_LIMIT {
        return Err(Refusal::TooLarge);
    }
    let signature = only(headers, names.signature)
        .filter(|_| !secret.expose_secret().is_empty())
        .ok_or(Refusal::Unsigned(names.signature[0]))?;
    if !is_right(family, secret.expose_secret(), signature, body) {
        return Err(Refusal::WrongSignature);
    }
    let digest = hex::encode(Sha256::digest(body));
    let id = match family {
        Family::Azure => azure_id(body),
        _ => only(headers, names.delivery).map(str::to_owned),
    };
    let id = id.filter(|id| !id.is_empty() && id.len() <= ID_LIMIT);
    Ok(Verified {
        id: id.unwrap_or_else(|| format!("sha256:{digest}")),
        event: only(headers, names.event).unwrap_or_default().to_owned(),
        digest,
    })
}

/// The value of the first of these headers that is there, unless somebody has put it there twice.
fn only<'a>(headers: &'a HeaderMap, names: &[&str]) -> Option<&'a str> {
    let name = names.iter().find(|name| headers.contains_key(**name))?;
    let mut values = headers.get_all(*name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

fn is_right(family: Family, secret: &str, signature: &str, body: &[u8]) -> bool {
    match family {
        Family::Gitlab => is_same(signature, secret),
        Family::Azure => {
            let expected = STANDARD.encode(format!("{AZURE_USER}:{secret}"));
            let (scheme, given) = signature.split_once(' ').unwrap_or_default();
            scheme.eq_ignore_ascii_case("basic") && is_same(given.trim(), &expected)
        }
        _ => {
            let digits = signature.strip_prefix("sha256=").unwrap_or(signature);
            let Ok(given) = hex::decode(digits) else { return false };
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
                .expect("HMAC takes keys of any length");
            mac.update(body);
            mac.verify_slice(&given).is_ok()
        }
    }
}

/// By their digests, so that not even the length is told.
fn is_same(given: &str, expected: &str) -> bool {
    Sha256::digest(given).as_slice().ct_eq(Sha256::digest(expected).as_slice()).into()
}

fn azure_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_slice::<Named>(body).ok().map(|named| named.id)
}

#[cfg(test)]
mod tests;
