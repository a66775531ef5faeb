//! `/.well-known/openid-configuration`, `/.well-known/jwks` and `/admin/oidc-settings/actions`: a run is believed by whoever
//! knows the published address alone

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::Server;

use crate::{
    agent::Agent,
    runs::{run, upload},
};

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// What a token says, if a published key has signed it.
async fn believed(server: &Server, token: &str) -> Option<Value> {
    let about = server.nobody().get("/.well-known/openid-configuration").await.is_ok().json();
    let keys = server.nobody().get(about["jwks_uri"].as_str().unwrap()).await.is_ok().json();
    let parts: Vec<&str> = token.split('.').collect();
    let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
    assert_eq!(header["alg"], "RS256");
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"])?;
    let number = |name: &str| decoded(key[name].as_str().unwrap());
    let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let signed = format!("{}.{}", parts[0], parts[1]);
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decoded(parts[2])).ok()?;
    let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
    assert_eq!(claims["iss"], about["issuer"]);
    Some(claims)
}

async fn ask_for(server: &Server, workspace: &str, audience: &str) {
    let body = json!({ "data": { "type": "vars", "attributes": {
        "key": "TFC_WORKLOAD_IDENTITY_AUDIENCE", "value": audience, "category": "env" } } });
    server.owner().post(format!("/workspaces/{workspace}/vars"), body).await.is_created();
}

async fn kids(server: &Server) -> Vec<String> {
    let keys = server.nobody().get("/.well-known/jwks").await.is_ok().json();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_is_vouched_for_in_each_phase_by_itself() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    ask_for(&server, ws.id.as_str(), "sts").await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created().id();
    let organization = owner.get("/organizations/acme").await.is_ok();
    for phase in ["plan", "apply"] {
        server.advance().await;
        let job = agent.must_claim().await;
        let tokens = job.json["identity_tokens"].as_object().unwrap();
        assert_eq!(tokens.keys().collect::<Vec<_>>(), ["sts"]);
        let claims = believed(&server, tokens["sts"].as_str().unwrap()).await.unwrap();
        let workspace = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
        let full = "organization:acme:project:Default Project:workspace:networking";
        for (claim, value) in [
            ("aud", json!("sts")),
            ("sub", json!(format!("{full}:run_phase:{phase}"))),
            ("terraform_full_workspace", json!(full)),
            ("terraform_organization_id", organization.attribute("external-id")),
            ("terraform_organization_name", json!("acme")),
            ("terraform_project_id", workspace.related("project")),
            ("terraform_project_name", json!("Default Project")),
            ("terraform_workspace_id", json!(ws.id)),
            ("terraform_workspace_name", json!("networking")),
            ("terraform_run_id", json!(id)),
            ("terraform_run_phase", json!(phase)),
        ] {
            assert_eq!(claims[claim], value, "{claim}");
        }
        let seconds = |claim: &str| claims[claim].as_i64().unwrap();
        let limit = job.json["timeout_seconds"].as_i64().unwrap();
        assert_eq!(seconds("exp") - seconds("iat"), limit + 60);
        assert!(seconds("nbf") <= seconds("iat"));
        job.execute().await;
    }
    // Nothing of it is kept.
    assert!(!server.everything().await.contains("terraform_run_phase"));
}

/// What AWS's STS decides by in `AssumeRoleWithWebIdentity`: it knows the published address, and of each role whom it
/// trusts (a condition on `aud`, and one on `sub` with `*` at its end).
struct Sts {
    roles: Vec<(&'static str, &'static str, &'static str)>,
}

impl Sts {
    /// The session's credentials, or the code of the error.
    async fn assume(
        &self,
        server: &Server,
        role: &str,
        token: &str,
    ) -> Result<String, &'static str> {
        let claims = believed(server, token).await.ok_or("InvalidIdentityToken")?;
        let now = server.app.now().0 / 1000;
        let at = |claim: &str| claims[claim].as_i64().ok_or("InvalidIdentityToken");
        if at("nbf")? > now || at("iat")? > now {
            return Err("InvalidIdentityToken");
        }
        if at("exp")? <= now {
            return Err("ExpiredTokenException");
        }
        let trusted = self.roles.iter().find(|(name, ..)| *name == role).ok_or("AccessDenied")?;
        let (_, audience, subject) = trusted;
        let who = claims["sub"].as_str().ok_or("InvalidIdentityToken")?;
        if claims["aud"] != *audience || !who.starts_with(subject.trim_end_matches('*')) {
            return Err("AccessDenied");
        }
        Ok(format!("ASIA of {role} for {who}"))
    }
}

#[tokio::test]
async fn sts_gives_each_phase_the_role_that_trusts_it_and_no_other() {
    const AWS: &str = "aws.workload.identity";
    const PLAN: &str =
        "organization:acme:project:Default Project:workspace:networking:run_phase:plan";
    const APPLY: &str =
        "organization:acme:project:Default Project:workspace:networking:run_phase:apply";
    let server = Server::start().await;
    server.stop_clock();
    let sts = Sts {
        roles: vec![
            ("plan", AWS, PLAN),
            ("apply", AWS, APPLY),
            ("any", AWS, "organization:acme:*"),
            ("others", AWS, "organization:widgets:*"),
            ("elsewhere", "api://AzureADTokenExchange", "organization:acme:*"),
        ],
    };
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    for (key, value) in [
        ("TFC_AWS_PROVIDER_AUTH", "true"),
        ("TFC_AWS_PLAN_ROLE_ARN", "plan"),
        ("TFC_AWS_APPLY_ROLE_ARN", "apply"),
    ] {
        let body = json!({ "data": { "type": "vars", "attributes": {
            "key": key, "value": value, "category": "env" } } });
        owner.post(format!("/workspaces/{}/vars", ws.id), body).await.is_created();
    }
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created();
    for (phase, other) in [("plan", "apply"), ("apply", "plan")] {
        server.advance().await;
        let job = agent.must_claim().await;
        let token = job.json["identity_tokens"][AWS].as_str().unwrap().to_owned();
        let given = sts.assume(&server, phase, &token).await.unwrap();
        assert!(given.ends_with(&format!("run_phase:{phase}")), "{given}");
        sts.assume(&server, "any", &token).await.unwrap();
        for role in [other, "others", "elsewhere", "unknown"] {
            assert_eq!(sts.assume(&server, role, &token).await, Err("AccessDenied"), "{role}");
        }
        // Neither a claim nor the signature can be changed.
        let parts: Vec<&str> = token.split('.').collect();
        let claims = String::from_utf8(decoded(parts[1])).unwrap();
        let claims = claims.replace(&format!("run_phase:{phase}"), &format!("run_phase:{other}"));
        let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims), parts[2]);
        assert_eq!(sts.assume(&server, other, &forged).await, Err("InvalidIdentityToken"));
        let limit = job.json["timeout_seconds"].as_u64().unwrap();
        job.execute().await;
        if phase == "apply" {
            server.pass(std::time::Duration::from_secs(limit + 61));
            let late = sts.assume(&server, phase, &token).await;
            assert_eq!(late, Err("ExpiredTokenException"));
        }
    }
}

#[tokio::test]
async fn a_run_that_asks_for_nothing_gets_nothing() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    assert_eq!(agent.must_claim().await.json["identity_tokens"], json!({}));
}

#[tokio::test]
async fn a_new_key_signs_and_the_old_ones_are_believed_until_they_are_trimmed() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    ask_for(&server, ws.id.as_str(), "sts").await;
    let token = async || {
        upload(&owner, &ws, false).await;
        owner.post("/runs", run(&ws, json!({ "plan-only": true }))).await.is_created();
        server.advance().await;
        let job = agent.must_claim().await;
        let token = job.json["identity_tokens"]["sts"].as_str().unwrap().to_owned();
        job.execute().await;
        token
    };
    let first = kids(&server).await;
    assert_eq!(first, kids(&server).await, "it is made once");
    let old = token().await;
    let admin = server.site_admin();
    admin.post("/admin/oidc-settings/actions/rotate-key", ()).await.is_no_content();
    let both = kids(&server).await;
    assert_eq!((both.len(), &both[1]), (2, &first[0]));
    let new = token().await;
    assert!(believed(&server, &old).await.is_some() && believed(&server, &new).await.is_some());
    admin.post("/admin/oidc-settings/actions/trim-key", ()).await.is_no_content();
    assert_eq!(kids(&server).await, both[..1]);
    assert!(believed(&server, &old).await.is_none() && believed(&server, &new).await.is_some());
    let trimmed = "/admin/oidc-settings/actions/trim-key";
    admin.post(trimmed, ()).await.is_no_content();
    assert_eq!(kids(&server).await, both[..1]);
    owner.post(trimmed, ()).await.is_not_found();
}
