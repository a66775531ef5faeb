//! Deliveries as an enemy would send them.

use http::{HeaderName, HeaderValue};

use super::*;
use ServiceProvider as P;

const SECRET: &str = "it's a secret";

fn hmac(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// The header by which each provider shows that it knows the secret.
fn signature(provider: P, body: &[u8]) -> (&'static str, String) {
    match provider.family() {
        Family::Github | Family::Git => ("x-hub-signature-256", format!("sha256={}", hmac(body))),
        Family::Gitea => ("x-gitea-signature", hmac(body)),
        Family::Gitlab => ("x-gitlab-token", SECRET.into()),
        Family::BitbucketCloud | Family::BitbucketDataCenter => {
            ("x-hub-signature", format!("sha256={}", hmac(body)))
        }
        Family::Azure => {
            let pair = STANDARD.encode(format!("{AZURE_USER}:{SECRET}"));
            ("authorization", format!("Basic {pair}"))
        }
    }
}

fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    });
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

fn checked(
    provider: P,
    pairs: &[(&'static str, String)],
    body: &[u8],
) -> Result<Verified, Refusal> {
    verify(provider, &SecretString::from(SECRET), &headers(pairs), body)
}

#[test]
fn only_who_knows_the_secret_is_heard() {
    let body = br#"{"id":"d1"}"#;
    for provider in P::ALL {
        let (name, right) = signature(provider, body);
        assert!(checked(provider, &[(name, right.clone())], body).is_ok(), "{provider}");
        let unsigned = checked(provider, &[], body);
        assert!(matches!(unsigned, Err(Refusal::Unsigned(_))), "{provider}: {unsigned:?}");
        let twice = checked(provider, &[(name, right.clone()), (name, right.clone())], body);
        assert!(matches!(twice, Err(Refusal::Unsigned(_))), "{provider}: {twice:?}");
        let wrong = [
            right[..right.len() - 1].to_owned(),
            right[..right.len() - 2].to_owned(),
            format!("{right}0"),
            "sha256=".into(),
            "sha256=zz".into(),
            format!("sha256={}", "0".repeat(64)),
            "Basic".into(),
            String::new(),
        ];
        for wrong in wrong {
            let refused = checked(provider, &[(name, wrong.clone())], body);
            assert_eq!(refused, Err(Refusal::WrongSignature), "{provider} {wrong}");
        }
        let nothing = SecretString::from("");
        let refused = verify(provider, &nothing, &headers(&[(name, right)]), body);
        assert!(refused.is_err(), "{provider}: a hook without a secret takes nothing");
    }
}

#[test]
fn a_signature_is_of_these_bytes_and_no_others() {
    let (body, other) = (br#"{"id":"d1"}"#, br#"{"id": "d1"}"#);
    for provider in P::ALL {
        if matches!(provider.family(), Family::Gitlab | Family::Azure) {
            continue; // They show the secret itself.
        }
        let signed = [signature(provider, body)];
        assert_eq!(checked(provider, &signed, other), Err(Refusal::WrongSignature), "{provider}");
    }
}

#[test]
fn a_delivery_keeps_its_name_and_what_has_none_is_named_by_its_bytes() {
    let body = br#"{"id":"d1"}"#;
    for (provider, delivery, event) in [
        (P::Github, "x-github-delivery", "x-github-event"),
        (P::Gitea, "x-gitea-delivery", "x-gitea-event"),
        (P::Forgejo, "x-forgejo-delivery", "x-forgejo-event"),
        (P::GitlabHosted, "idempotency-key", "x-gitlab-event"),
        (P::BitbucketHosted, "x-request-uuid", "x-event-key"),
        (P::BitbucketServer, "x-request-id", "x-event-key"),
    ] {
        let signed = signature(provider, body);
        let pairs = [signed.clone(), (delivery, "d7".into()), (event, "push".into())];
        let verified = checked(provider, &pairs, body).unwrap();
        assert_eq!((verified.id.as_str(), verified.event.as_str()), ("d7", "push"), "{provider}");
        let named = checked(provider, std::slice::from_ref(&signed), body).unwrap();
        assert_eq!(named.id, format!("sha256:{}", verified.digest), "{provider}");
        let long = checked(provider, &[signed, (delivery, "x".repeat(300))], body).unwrap();
        assert_eq!(long.id, named.id, "{provider}");
    }
    let azure = checked(P::AdoServices, &[signature(P::AdoServices, body)], body).unwrap();
    assert_eq!(azure.id, "d1");
}

#[test]
fn what_is_too_large_is_not_even_signed() {
    let body = vec![b' '; BODY_LIMIT + 1];
    let signed = [signature(P::Github, &body)];
    assert_eq!(checked(P::Github, &signed, &body), Err(Refusal::TooLarge));
}
