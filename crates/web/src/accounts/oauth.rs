//! `/oauth`: the consent page of `terraform login`, and where its code becomes a token (CLI protocol 2.3).

use axum::{
    Json,
    extract::Query,
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    accounts::{
        ExposeSecret,
        oauth::{self, Exchange, Parameters, Request},
    },
    can,
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, PRAGMA},
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::{
    Routes,
    components::{Button, Header, Look, hidden},
    failure::{Failure, Result},
    forms::{Form, PlainForm, TOKEN_FIELD},
    frame::{Place, page},
    guard::May,
    headers::policy_with_form_action,
    visitor::{Anybody, SignedIn},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/oauth/authorize", ask)
        .post("/oauth/authorize", decide)
        .post("/oauth/token", token)
}

/// An authorization request, in the address or in the form of the consent page.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    client_id: String,
    response_type: String,
    redirect_uri: String,
    code_challenge: String,
    code_challenge_method: String,
    state: String,
    /// Only in the form.
    decision: String,
}

impl Asked {
    fn parse(&self) -> domain::Result<Request> {
        Request::parse(&Parameters {
            client_id: &self.client_id,
            response_type: &self.response_type,
            redirect_uri: &self.redirect_uri,
            code_challenge: &self.code_challenge,
            code_challenge_method: &self.code_challenge_method,
        })
    }
}

async fn ask(own: May<can::UseAccount>, Query(asked): Query<Asked>) -> Result<Response> {
    let request = asked.parse()?;
    // The answer to the form leads to the command line, and browsers check that as well.
    let policy = policy_with_form_action(&format!("http://localhost:{}", request.port()));
    let page = consent_page(&own.visitor, &asked, &request).await?;
    Ok(([(CONTENT_SECURITY_POLICY, policy)], page).into_response())
}

/// Consent leads back to the command line with a code; anything else stays here, because the command line does not
/// understand a refusal.
async fn decide(account: May<can::UseAccount>, Form(asked): Form<Asked>) -> Result<Response> {
    let visitor = &account.visitor;
    let request = asked.parse()?;
    if asked.decision != "allow" {
        let main = html! {
            (Header { title: "Login refused", ..Header::default() })
            p { "Nothing was given away. End the waiting command with Ctrl-C; you can close this page." }
        };
        return Ok(page(visitor, Place::Top, "Login refused", &main).await?.into_response());
    }
    let code = oauth::authorize(&visitor.cx, &account, &request).await?;
    let mut back = Url::parse(request.redirect_uri())
        .map_err(|_| Failure::from(Error::BadRequest("The address is malformed.".into())))?;
    back.query_pairs_mut()
        .append_pair("code", code.expose_secret())
        .append_pair("state", &asked.state);
    Ok((StatusCode::FOUND, [(LOCATION, String::from(back))]).into_response())
}

async fn consent_page(visitor: &SignedIn, asked: &Asked, request: &Request) -> Result<Markup> {
    let title = "Authorize the Terraform command line?";
    let fields = [
        ("client_id", &asked.client_id),
        ("response_type", &asked.response_type),
        ("redirect_uri", &asked.redirect_uri),
        ("code_challenge", &asked.code_challenge),
        ("code_challenge_method", &asked.code_challenge_method),
        ("state", &asked.state),
    ];
    let main = html! {
        (Header { title, ..Header::default() })
        p {
            "A command on this computer (" code { "terraform login" } ", waiting at port "
            (request.port()) ") asks for an API token of the account "
            strong { (visitor.username()) } "."
        }
        p {
            "With the token it may do whatever you may do on this server, until you revoke it under "
            a href="/app/settings/tokens" { "Tokens" } " or until it expires in two years."
        }
        p { "Authorize only what you have started yourself." }
        form method="post" action="/oauth/authorize" {
            (hidden(TOKEN_FIELD, &visitor.form_token()))
            @for (name, value) in fields { (hidden(name, value)) }
            div.row {
                (Button { label: "Authorize", sends: Some(("decision", "allow")), ..Button::default() })
                (Button {
                    label: "Refuse",
                    look: Look::Plain,
                    sends: Some(("decision", "refuse")),
                    ..Button::default()
                })
            }
        }
    };
    page(visitor, Place::Top, title, &main).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    grant_type: String,
    client_id: String,
    code: String,
    code_verifier: String,
    redirect_uri: String,
}

/// RFC 6749, 4.1.3, for a client without a secret.
async fn token(anybody: Anybody, PlainForm(asked): PlainForm<TokenRequest>) -> Response {
    let (status, answer) = if asked.grant_type != "authorization_code" {
        refusal("unsupported_grant_type", "grant_type must be authorization_code")
    } else if asked.client_id != oauth::CLIENT_ID {
        refusal("invalid_client", "this server does not know the client")
    } else {
        let exchange = Exchange {
            client_id: &asked.client_id,
            code: &asked.code,
            code_verifier: &asked.code_verifier,
            redirect_uri: &asked.redirect_uri,
        };
        match oauth::exchange(&anybody.app, &exchange).await {
            Ok(Some(minted)) => {
                let token = minted.secret.expose();
                (StatusCode::OK, json!({ "access_token": token, "token_type": "bearer" }))
            }
            Ok(None) => refusal("invalid_grant", "the code is not valid, or not for this client"),
            Err(error) => return Failure::from(error).into_response(),
        }
    };
    (status, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(answer)).into_response()
}

/// RFC 6749, 5.2.
fn refusal(error: &str, description: &str) -> (StatusCode, serde_json::Value) {
    let answer = json!({ "error": error, "error_description": description });
    (StatusCode::BAD_REQUEST, answer)
}
