//! The ways to a token: by a browser, and of a GitHub App.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use rcgen::PublicKeyData as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use statehouse_vcs::ServiceProvider as P;
use statehouse_vcs::provider::{GithubApp, Http, OauthApp, Pkce, ProviderError};

/// Answers each request alike, and remembers what it was.
#[derive(Debug)]
struct Answers {
    status: u16,
    body: Value,
    asked: Mutex<Vec<Request<Bytes>>>,
}

#[async_trait]
impl Http for Answers {
    async fn send(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, String> {
        self.asked.lock().unwrap().push(request);
        let body = Bytes::from(self.body.to_string());
        Ok(Response::builder().status(self.status).body(body).unwrap())
    }
}

fn answers(status: u16, body: Value) -> Arc<Answers> {
    Arc::new(Answers { status, body, asked: Mutex::default() })
}

fn app(provider: P) -> OauthApp {
    OauthApp {
        provider,
        http_url: "https://host.example/base/".parse().unwrap(),
        client_id: "id".into(),
        client_secret: SecretString::from("hunter2"),
        redirect_uri: "https://statehouse.example/auth/u/callback".into(),
    }
}

fn form(request: &Request<Bytes>) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body()).into_owned().collect()
}

#[test]
fn people_are_sent_to_their_provider_with_a_challenge_where_it_is_known() {
    let pkce = Pkce::new(&[7; 32]);
    let challenge =
        URL_SAFE_NO_PAD.encode(Sha256::digest(pkce.verifier.expose_secret().as_bytes()));
    for (provider, path, is_challenged) in [
        (P::Github, "/base/login/oauth/authorize", true),
        (P::Forgejo, "/base/login/oauth/authorize", true),
        (P::GitlabHosted, "/base/oauth/authorize", true),
        (P::BitbucketHosted, "/base/site/oauth2/authorize", false),
        (P::AdoServices, "/base/oauth2/v2.0/authorize", true),
    ] {
        let url = app(provider).authorize("state&1", &pkce).unwrap();
        assert_eq!(url.path(), path, "{provider}");
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["state"], "state&1", "{provider}");
        assert_eq!(query["client_id"], "id", "{provider}");
        assert_eq!(query["redirect_uri"], "https://statehouse.example/auth/u/callback");
        assert_eq!(query.contains_key("code_challenge"), is_challenged, "{provider}");
        assert!(query.get("code_challenge").is_none_or(|given| *given == challenge));
        assert!(!url.as_str().contains("hunter2"), "{provider}");
        assert!(!url.as_str().contains(pkce.verifier.expose_secret()), "{provider}");
    }
    for provider in [P::BitbucketServer, P::AdoServer, P::Git] {
        let refused = app(provider).authorize("x", &pkce);
        assert!(matches!(refused, Err(ProviderError::Unsupported(_))), "{provider}: {refused:?}");
    }
}

#[tokio::test]
async fn a_code_is_exchanged_for_tokens_without_a_secret_in_the_address() {
    let pkce = Pkce::new(&[7; 32]);
    for provider in [P::Github, P::Gitea, P::GitlabHosted, P::BitbucketHosted, P::AdoServices] {
        let body = json!({
            "access_token": "a", "refresh_token": "r", "expires_in": 7200, "token_type": "Bearer",
        });
        let http = answers(200, body);
        let tokens = app(provider).exchange(http.clone(), "c0de", &pkce).await.unwrap();
        assert_eq!(tokens.access.expose_secret(), "a", "{provider}");
        assert_eq!(tokens.refresh.as_ref().unwrap().expose_secret(), "r", "{provider}");
        assert_eq!(tokens.expires_in, Some(Duration::from_hours(2)), "{provider}");
        assert!(!format!("{tokens:?}").contains("\"a\""), "{tokens:?}");
        let asked = http.asked.lock().unwrap();
        let sent = form(&asked[0]);
        assert_eq!(
            (sent["code"].as_str(), sent["grant_type"].as_str()),
            ("c0de", "authorization_code")
        );
        assert!(!asked[0].uri().to_string().contains("hunter2"), "{provider}");
        let is_basic = asked[0].headers().contains_key(AUTHORIZATION);
        assert_eq!(is_basic, provider == P::BitbucketHosted, "{provider}");
        assert_eq!(sent.contains_key("client_secret"), !is_basic, "{provider}");
        assert_eq!(sent.contains_key("code_verifier"), !is_basic, "{provider}");
    }
}

#[tokio::test]
async fn a_bad_code_is_refused_also_where_its_answer_is_called_good() {
    let pkce = Pkce::new(&[7; 32]);
    let http = answers(200, json!({"error": "bad_verification_code"}));
    let refused = app(P::Github).exchange(http, "x", &pkce).await.unwrap_err();
    assert_eq!(refused, ProviderError::Refused("bad_verification_code".into()));
    let nothing = app(P::Github).exchange(answers(200, json!({})), "x", &pkce).await.unwrap_err();
    assert!(matches!(nothing, ProviderError::Unreadable(_)), "{nothing:?}");
}

#[tokio::test]
async fn a_refresh_token_that_is_spent_means_to_connect_again() {
    let old = SecretString::from("old");
    let http = answers(400, json!({"error": "invalid_grant"}));
    let spent = app(P::GitlabHosted).refresh(http, &old).await.unwrap_err();
    assert_eq!(spent, ProviderError::Revoked);
    let away = app(P::GitlabHosted).refresh(answers(502, json!({})), &old).await.unwrap_err();
    assert!(away.is_passing(), "a server that is away has revoked nothing: {away:?}");
    let http = answers(200, json!({"access_token": "a", "refresh_token": "new"}));
    let tokens = app(P::GitlabHosted).refresh(http.clone(), &old).await.unwrap();
    assert_eq!(tokens.refresh.unwrap().expose_secret(), "new");
    assert_eq!(form(&http.asked.lock().unwrap()[0])["refresh_token"], "old");
}

#[tokio::test]
async fn an_app_signs_in_by_its_key_for_ten_minutes_at_most() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let app = GithubApp {
        api_url: "https://api.github.com".parse().unwrap(),
        app_id: "42".into(),
        private_key: as_github_writes(&key.serialize_der()).into(),
    };
    let http = answers(201, json!({"token": "ghs_x", "expires_at": "2026-01-01T01:00:00Z"}));
    let token = app.token(http.clone(), 1_700_000_000, "5").await.unwrap();
    assert_eq!(token.expose_secret(), "ghs_x");
    let asked = http.asked.lock().unwrap();
    assert_eq!(asked[0].uri().path(), "/app/installations/5/access_tokens");
    let shown = asked[0].headers()[AUTHORIZATION].to_str().unwrap();
    let parts: Vec<&str> = shown.strip_prefix("Bearer ").unwrap().split('.').collect();
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(read(parts[0])["alg"], "RS256");
    let claims = read(parts[1]);
    assert_eq!((&claims["iss"], &claims["iat"]), (&json!("42"), &json!(1_699_999_940)));
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 600);

    let text = format!("{}.{}", parts[0], parts[1]);
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let known = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let (_, rs256) = known
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == rustls::SignatureScheme::RSA_PKCS1_SHA256)
        .unwrap();
    let is_right = |text: &[u8]| {
        rs256.iter().any(|way| way.verify_signature(key.der_bytes(), text, &signature).is_ok())
    };
    assert!(is_right(text.as_bytes()));
    assert!(!is_right(b"another text"));
}

/// PKCS#1, which stands in PKCS#8 behind 26 bytes that say that it is RSA.
fn as_github_writes(key: &[u8]) -> String {
    let text = STANDARD.encode(&key[26..]);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let name = "RSA PRIVATE KEY";
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}

#[tokio::test]
async fn an_app_without_a_usable_key_says_so_and_asks_nobody() {
    for junk in
        ["", "junk", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"]
    {
        let app = GithubApp {
            api_url: "https://api.github.com".parse().unwrap(),
            app_id: "42".into(),
            private_key: SecretString::from(junk),
        };
        let http = answers(200, json!([]));
        let refused = app.installations(http.clone(), 0, None).await;
        assert!(matches!(refused, Err(ProviderError::Setting(_))), "{refused:?}");
        assert!(http.asked.lock().unwrap().is_empty());
    }
}
