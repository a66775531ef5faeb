//! What a run shows of itself, to the real engine and to a Vault of ours.

use std::collections::BTreeMap;

use axum::{Form, Json, Router, extract::State, http::StatusCode, routing::post};
use protocol::{Job, PhaseResult, Secret, Variable, VariableKind};
use serde_json::{Value, json};

use crate::bench::Bench;

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJydW4ifQ.c2lnbmF0dXJl";

fn environment(key: &str, value: &str) -> Variable {
    let kind = VariableKind::Environment;
    Variable { key: key.into(), value: value.into(), kind, hcl: false, sensitive: false }
}

fn ask(job: &mut Job, variables: &[(&str, &str)], audiences: &[&str]) {
    job.variables = variables.iter().map(|(key, value)| environment(key, value)).collect();
    let signed = |audience: &&str| ((*audience).to_owned(), Secret(TOKEN.to_owned()));
    job.identity_tokens = audiences.iter().map(signed).collect();
}

/// Declares the variable of a provider, and shows what its files say: providers read them at the apply too.
fn shows(provider: &str, member: &str) -> String {
    format!(
        r#"
variable "tfc_{provider}_dynamic_credentials" {{
  type = object({{
    default = object({{ {member} = string }})
    aliases = map(object({{ {member} = string }}))
  }})
}}
resource "terraform_data" "{provider}" {{
  provisioner "local-exec" {{
    quiet   = true
    command = "test -s $A && test -s $B"
    environment = {{
      A = var.tfc_{provider}_dynamic_credentials.default.{member}
      B = var.tfc_{provider}_dynamic_credentials.aliases["WEST"].{member}
    }}
  }}
}}
output "{provider}" {{
  value = nonsensitive(sha256(file(var.tfc_{provider}_dynamic_credentials.default.{member})))
}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_plan_are_there_for_its_apply_and_gone_afterwards() {
    let bench = Bench::start().await;
    let config = shows("aws", "shared_config_file") + &shows("kubernetes", "token_path");
    let mut plan = bench.plan(&[("main.tf", &config)]);
    let variables = [
        ("TFC_AWS_PROVIDER_AUTH", "true"),
        ("TFC_AWS_PROVIDER_AUTH_WEST", "true"),
        ("TFC_DEFAULT_AWS_RUN_ROLE_ARN", "arn:aws:iam::1:role/run"),
        ("TFC_KUBERNETES_PROVIDER_AUTH", "true"),
        ("TFC_KUBERNETES_PROVIDER_AUTH_WEST", "true"),
        ("TFC_HCP_PROVIDER_AUTH", "true"),
    ];
    ask(&mut plan, &variables, &["aws.workload.identity", "kubernetes"]);
    let (planned, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    assert!(planned.text().contains("TFC_HCP_PROVIDER_AUTH does nothing"), "{}", planned.text());
    assert!(!planned.text().contains("Warning"), "{}", planned.text());
    bench.until_clean().await;
    assert_eq!(std::fs::read_dir(bench.path("work/identity")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_has_what_its_providers_look_for_and_the_log_no_token() {
    let bench = Bench::start().await;
    let look = r#"
resource "terraform_data" "a" {
  provisioner "local-exec" {
    quiet   = true
    command = <<-EOT
      echo "own $TFC_WORKLOAD_IDENTITY_TOKEN $TFC_WORKLOAD_IDENTITY_TOKEN_B $KUBE_TOKEN"
      echo "aws $AWS_ROLE_ARN $AWS_ROLE_SESSION_NAME"; cat $AWS_WEB_IDENTITY_TOKEN_FILE; echo
      echo "azure $ARM_USE_OIDC $ARM_CLIENT_ID"; cat $ARM_OIDC_TOKEN_FILE_PATH; echo
      stat -c 'mode %a' $AWS_WEB_IDENTITY_TOKEN_FILE
      tr ',' '\n' < $GOOGLE_CREDENTIALS | grep -e audience -e impersonation
    EOT
  }
}
"#;
    let mut plan = bench.plan(&[("main.tf", look)]);
    let variables = [
        ("TFC_WORKLOAD_IDENTITY_AUDIENCE", "me"),
        ("TFC_WORKLOAD_IDENTITY_AUDIENCE_B", "you"),
        ("TFC_AWS_PROVIDER_AUTH", "true"),
        ("TFC_AWS_PLAN_ROLE_ARN", "arn:aws:iam::1:role/plan"),
        ("TFC_AWS_APPLY_ROLE_ARN", "arn:aws:iam::1:role/apply"),
        ("TFC_AZURE_PROVIDER_AUTH", "true"),
        ("TFC_AZURE_RUN_CLIENT_ID", "client"),
        ("TFC_GCP_PROVIDER_AUTH", "true"),
        ("TFC_GCP_RUN_SERVICE_ACCOUNT_EMAIL", "run@x.iam.gserviceaccount.com"),
        ("TFC_GCP_WORKLOAD_PROVIDER_NAME", "projects/7/pool"),
        ("TFC_KUBERNETES_PROVIDER_AUTH", "true"),
    ];
    let audiences = [
        "me",
        "you",
        "aws.workload.identity",
        "api://AzureADTokenExchange",
        "//iam.googleapis.com/projects/7/pool",
        "kubernetes",
    ];
    ask(&mut plan, &variables, &audiences);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    let said = applied.printed().join("\n");
    let role = format!("aws arn:aws:iam::1:role/apply terraform-{}", plan.run_id);
    for line in [
        role.as_str(),
        "azure true client",
        "mode 600",
        "serviceAccounts/run@x.iam.gserviceaccount.com:generateAccessToken",
        "\"//iam.googleapis.com/projects/7/pool\"",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    // It was there five times.
    assert_eq!(applied.raw().matches(TOKEN).count(), 0);
    assert!(!applied.raw().contains("c2lnbmF0dXJl"), "{said}");
}

#[derive(Clone)]
struct Vault(Value);

async fn vault(answer: Value) -> String {
    async fn login(State(vault): State<Vault>, Json(body): Json<Value>) -> Json<Value> {
        assert_eq!(body, json!({ "role": "planner", "jwt": TOKEN }));
        Json(vault.0)
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/auth/ci/jwt/login", post(login));
    let router = router.with_state(Vault(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gets_a_token_of_vault_for_its_own_and_the_log_shows_neither() {
    let bench = Bench::start().await;
    let address = vault(json!({ "auth": { "client_token": "hvs.of-the-vault" } })).await;
    let look = r#"
resource "terraform_data" "a" {
  provisioner "local-exec" {
    quiet   = true
    command = "echo at $VAULT_ADDR $VAULT_NAMESPACE; echo with $VAULT_TOKEN; echo $VAULT_TOKEN | wc -c"
  }
}
"#;
    let mut plan = bench.plan(&[("main.tf", look)]);
    let variables = [
        ("TFC_VAULT_PROVIDER_AUTH", "true"),
        ("TFC_VAULT_ADDR", address.as_str()),
        ("TFC_VAULT_RUN_ROLE", "planner"),
        ("TFC_VAULT_AUTH_PATH", "ci/jwt"),
        ("TFC_VAULT_NAMESPACE", "infra"),
    ];
    ask(&mut plan, &variables, &["vault.workload.identity"]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    let said = applied.printed().join("\n");
    assert!(said.contains(&format!("at {address} infra")), "{said}");
    assert!(said.contains("\n17"), "{said}");
    assert!(!applied.raw().contains("hvs.of"), "{said}");
}

/// `AssumeRoleWithWebIdentity`, as far as an SDK sees it; what is asked for otherwise is refused as AWS refuses it.
async fn sts() -> String {
    async fn assume(Form(asked): Form<BTreeMap<String, String>>) -> (StatusCode, String) {
        let text = |name: &str| asked.get(name).map_or("", String::as_str);
        if text("Action") != "AssumeRoleWithWebIdentity" || text("Version") != "2011-06-15" {
            return (StatusCode::BAD_REQUEST, "<Code>InvalidAction</Code>".into());
        }
        if text("WebIdentityToken") != TOKEN {
            return (StatusCode::BAD_REQUEST, "<Code>InvalidIdentityToken</Code>".into());
        }
        let (role, session) = (text("RoleArn"), text("RoleSessionName"));
        let given = format!(
            "<AssumeRoleWithWebIdentityResponse><AssumedRoleUser><Arn>{role}/{session}</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>ASIAOFTHISRUN</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResponse>"
        );
        (StatusCode::OK, given)
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(assume));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn sts_gives_credentials_for_what_the_sdk_finds_in_the_environment_and_in_the_file() {
    let bench = Bench::start().await;
    let address = sts().await;
    // As an SDK does it: from the environment, and for a provider with a tag from its file of settings.
    let ask_sts = |role: &str, token: &str, session: &str| {
        format!(
            "curl -sS \"$AWS_ENDPOINT_URL_STS\" -d Action=AssumeRoleWithWebIdentity -d Version=2011-06-15 \
             --data-urlencode RoleArn={role} --data-urlencode RoleSessionName={session} \
             --data-urlencode WebIdentityToken@{token}"
        )
    };
    let own = ask_sts("$AWS_ROLE_ARN", "$AWS_WEB_IDENTITY_TOKEN_FILE", "$AWS_ROLE_SESSION_NAME");
    let of_file =
        ask_sts("$(of role_arn)", "$(of web_identity_token_file)", "$(of role_session_name)");
    let of = "of() { sed -n \"s/^$1 = //p\" \"$CONFIG\"; }";
    let look = format!(
        r#"
variable "tfc_aws_dynamic_credentials" {{
  type = object({{
    default = object({{ shared_config_file = string }})
    aliases = map(object({{ shared_config_file = string }}))
  }})
}}
resource "terraform_data" "a" {{
  provisioner "local-exec" {{
    quiet       = true
    command     = <<-EOT
      {of}
      {own}; echo
      {of_file}; echo
    EOT
    environment = {{ CONFIG = var.tfc_aws_dynamic_credentials.aliases["WEST"].shared_config_file }}
  }}
}}
"#
    );
    let mut plan = bench.plan(&[("main.tf", &look)]);
    let variables = [
        ("AWS_ENDPOINT_URL_STS", address.as_str()),
        ("TFC_AWS_PROVIDER_AUTH", "true"),
        ("TFC_AWS_PLAN_ROLE_ARN", "arn:aws:iam::1:role/plan"),
        ("TFC_AWS_APPLY_ROLE_ARN", "arn:aws:iam::1:role/apply"),
        ("TFC_AWS_PROVIDER_AUTH_WEST", "true"),
        ("TFC_AWS_RUN_ROLE_ARN_WEST", "arn:aws:iam::1:role/west"),
    ];
    ask(&mut plan, &variables, &["aws.workload.identity"]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    let said = applied.printed().join("\n");
    let session = format!("terraform-{}", plan.run_id);
    for role in ["apply", "west"] {
        let arn = format!("<Arn>arn:aws:iam::1:role/{role}/{session}</Arn>");
        assert!(said.contains(&arn), "{arn}: {said}");
    }
    assert_eq!(said.matches("ASIAOFTHISRUN").count(), 2, "{said}");
    assert!(!applied.raw().contains("c2lnbmF0dXJl"), "{said}");
}

/// Variables, audiences that the server has signed for, what is complained about.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_and_what_vault_says_end_the_run_with_a_sentence() {
    let bench = Bench::start().await;
    let refusing = vault(json!({ "errors": ["role \"planner\" could not be found"] })).await;
    let cases: [Case<'_>; 4] = [
        (
            &[("TFC_AWS_PROVIDER_AUTH", "true")],
            &["aws.workload.identity"],
            "TFC_AWS_RUN_ROLE_ARN or TFC_AWS_PLAN_ROLE_ARN is not set",
        ),
        (
            &[("TFC_WORKLOAD_IDENTITY_AUDIENCE", "me")],
            &[],
            "the server has signed no token for the audience me",
        ),
        (
            &[
                ("TFC_VAULT_PROVIDER_AUTH", "true"),
                ("TFC_VAULT_ADDR", refusing.as_str()),
                ("TFC_VAULT_RUN_ROLE", "planner"),
                ("TFC_VAULT_AUTH_PATH", "ci/jwt"),
            ],
            &["vault.workload.identity"],
            "role \"planner\" could not be found",
        ),
        (
            &[
                ("TFC_VAULT_PROVIDER_AUTH", "true"),
                ("TFC_VAULT_ADDR", "http://127.0.0.1:1"),
                ("TFC_VAULT_RUN_ROLE", "planner"),
            ],
            &["vault.workload.identity"],
            "Vault at http://127.0.0.1:1 gave no token",
        ),
    ];
    for (variables, audiences, complaint) in cases {
        let mut job = bench.plan(&[("main.tf", "locals { a = 1 }\n")]);
        ask(&mut job, variables, audiences);
        let record = bench.execute(&job).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains(complaint), "{message}");
        assert!(!record.raw().contains(TOKEN));
    }
    let mut job = bench.plan(&[("main.tf", "locals { a = 1 }\n")]);
    job.identity_tokens = BTreeMap::new();
    assert_eq!(bench.execute(&job).await.outcome().result, PhaseResult::Finished);
}
