//! `terraform login`: an authorization code with PKCE, exchanged once for a token of the person who consented.
//!
//! RFC 6749 and RFC 7636, as far as the command line goes (CLI protocol 2.3).

use std::ops::RangeInclusive;

use db::{
    entity::{authorization_code as code, user},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    authentication::person,
    service_tokens::revoke,
    tokens::{MintedToken, mint_for_user},
    users,
};
use crate::{App, Ctx, Error, Granted, Happened, Result, can};

/// The one client there is, as service discovery names it.
pub const CLIENT_ID: &str = "terraform-cli";
/// Where that client listens, on `localhost`.
pub const PORTS: RangeInclusive<u16> = 10_000..=10_010;

const LIFETIME_SECONDS: i64 = 10 * 60;
const CODE_CHARACTERS: usize = 43;

/// What a client asks a person for, once it is known to be well-formed.
#[derive(Clone, Debug)]
pub struct Request {
    redirect_uri: String,
    port: u16,
    code_challenge: String,
}

/// The parameters of an authorization request, as they came.
#[derive(Clone, Debug, Default)]
pub struct Parameters<'a> {
    pub client_id: &'a str,
    pub response_type: &'a str,
    pub redirect_uri: &'a str,
    pub code_challenge: &'a str,
    pub code_challenge_method: &'a str,
}

impl Request {
    /// # Errors
    /// BadRequest with a sentence for people: nobody is ever sent to an address that was not allowed.
    pub fn parse(from: &Parameters<'_>) -> Result<Self> {
        let refuse = |why: &str| Err(Error::BadRequest(why.to_owned()));
        if from.client_id != CLIENT_ID {
            return refuse("This server does not know the program that asks.");
        }
        let Some(port) = callback_port(from.redirect_uri) else {
            return refuse("The answer would go to an address that is not allowed.");
        };
        if from.response_type != "code" {
            return refuse("The program asks for something other than a code.");
        }
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if from.code_challenge_method != "S256"
            || from.code_challenge.len() != 43
            || !from.code_challenge.bytes().all(base64url)
        {
            return refuse(
                "The program does not protect its login: it must send an S256 challenge.",
            );
        }
        Ok(Self {
            redirect_uri: from.redirect_uri.to_owned(),
            port,
            code_challenge: from.code_challenge.to_owned(),
        })
    }

    /// Where the answer goes: `http://localhost:<port>/login`.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The port, if this is letter by letter an address that the command line listens at.
fn callback_port(uri: &str) -> Option<u16> {
    let digits = uri.strip_prefix("http://localhost:")?.strip_suffix("/login")?;
    let port = digits.parse().ok().filter(|port| PORTS.contains(port))?;
    (port.to_string() == digits).then_some(port)
}

/// The person consents: a code for the client, good once and for ten minutes.
pub async fn authorize(
    cx: &Ctx,
    _site: &Granted<can::UseAccount>,
    request: &Request,
) -> Result<SecretString> {
    let user_id = cx.actor().user_id().ok_or(Error::NotFound)?;
    let secret = crypto::random_secret(CODE_CHARACTERS);
    let tx = cx.write().await?;
    let now = tx.now();
    code::Entity::delete_many().filter(code::Column::ExpiresAt.lte(now)).exec(tx.db()).await?;
    tx.insert(code::Model {
        hash: crypto::hash_token(secret.expose_secret()),
        user_id: user_id.clone(),
        client_id: CLIENT_ID.to_owned(),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        created_at: now,
        expires_at: now.plus_seconds(LIFETIME_SECONDS),
        token_id: None,
    })
    .await?;
    let subject =
        crate::Subject { kind: "users", id: user_id.as_str(), ..crate::Subject::default() };
    tx.emit(Happened::LoginAuthorized, subject, json!({ "client": CLIENT_ID })).await?;
    tx.commit().await?;
    Ok(secret)
}

/// What a client sends for its token.
#[derive(Debug)]
pub struct Exchange<'a> {
    pub client_id: &'a str,
    pub code: &'a str,
    pub code_verifier: &'a str,
    pub redirect_uri: &'a str,
}

/// The token behind a code; `None` if the code is not good, or not for this client, verifier and address. Whatever
/// the answer, the code is used up. A code that comes a second time was seen by somebody else: what it was exchanged
/// for is revoked (RFC 6749, 4.1.2).
pub async fn exchange(app: &App, asked: &Exchange<'_>) -> Result<Option<MintedToken>> {
    let hash = crypto::hash_token(asked.code);
    let Some(seen) = code::Entity::find_by_id(hash.clone()).one(app.db().read()).await? else {
        return Ok(None);
    };
    let user = user::Entity::find_by_id(seen.user_id).one(app.db().read()).await?;
    let Some(user) = user.filter(|user| !user.is_suspended) else { return Ok(None) };
    let cx = Ctx::new(app.clone(), person(app, user.clone()).await?);

    let tx = cx.write().await?;
    // A code that was no good is gone.
    let Some(mut code) = tx.lock::<code::Entity>(hash).await? else { return Ok(None) };
    if let Some(token) = code.token_id.clone() {
        revoke(&tx, token).await?;
        tx.delete(code).await?;
        tx.emit(Happened::LoginReplayed, users::subject(&user), json!({ "client": CLIENT_ID }))
            .await?;
        tx.commit().await?;
        return Ok(None);
    }
    let good = code.expires_at > tx.now()
        && code.client_id == asked.client_id
        && code.redirect_uri == asked.redirect_uri
        && crypto::pkce_matches(asked.code_verifier, &code.code_challenge);
    let minted = if good {
        let description = Some("terraform login".to_owned());
        let minted = mint_for_user(&tx, &user.id, description, None, crypto::Token::mint()).await?;
        code.token_id = Some(minted.row.id.clone());
        tx.update(code).await?;
        Some(minted)
    } else {
        tx.delete(code).await?;
        tx.emit(Happened::LoginRefused, users::subject(&user), json!({ "client": CLIENT_ID }))
            .await?;
        None
    };
    tx.commit().await?;
    Ok(minted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_lines_own_address_is_a_callback() {
        assert_eq!(callback_port("http://localhost:10000/login"), Some(10_000));
        assert_eq!(callback_port("http://localhost:10010/login"), Some(10_010));
        for foreign in [
            "http://localhost:9999/login",
            "http://localhost:10011/login",
            "http://localhost:010000/login",
            "http://localhost:+10000/login",
            "http://localhost/login",
            "http://127.0.0.1:10000/login",
            "https://localhost:10000/login",
            "http://localhost:10000/login/",
            "http://localhost:10000/login?x=/login",
            "http://localhost:10000@evil.example/login",
            "http://localhost:10000.evil.example/login",
            "http://evil.example/login",
            "//localhost:10000/login",
            "",
        ] {
            assert_eq!(callback_port(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn plain_challenges_are_refused() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let good = Parameters {
            client_id: CLIENT_ID,
            response_type: "code",
            redirect_uri: "http://localhost:10003/login",
            code_challenge: challenge,
            code_challenge_method: "S256",
        };
        assert_eq!(Request::parse(&good).unwrap().port(), 10_003);
        for bad in [
            Parameters { code_challenge_method: "plain", ..good.clone() },
            Parameters { code_challenge_method: "", ..good.clone() },
            Parameters { code_challenge: "", ..good.clone() },
            Parameters { response_type: "token", ..good.clone() },
            Parameters { client_id: "somebody", ..good.clone() },
        ] {
            assert!(matches!(Request::parse(&bad), Err(Error::BadRequest(_))), "{bad:?}");
        }
    }
}
