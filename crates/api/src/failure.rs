//! A refused request: the cases of the domain, and whatever JSON:API could not read, as one error document.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use jsonapi::{Error, Errors};

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Made from any domain error or malformed input by `?`.
#[derive(Debug)]
pub struct Failure(Errors);

impl From<Errors> for Failure {
    fn from(errors: Errors) -> Self {
        Self(errors)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Errors::one(error))
    }
}

impl From<domain::Error> for Failure {
    fn from(error: domain::Error) -> Self {
        use domain::Error as E;
        Self(Errors::one(match error {
            E::Unauthorized => Error::unauthorized(),
            E::NotFound => Error::not_found(),
            E::Forbidden(why) => Error::forbidden(why),
            E::Conflict(why) => Error::conflict(why),
            E::PreconditionFailed(why) => {
                Error::new(StatusCode::PRECONDITION_FAILED, "precondition failed").detail(why)
            }
            E::BadRequest(why) => Error::bad_request("bad request", why),
            E::Invalid { pointer, message } => refused(pointer, message),
            E::Taken { pointer } => refused(pointer, domain::TAKEN.into()),
            E::TooLarge(why) => {
                Error::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large").detail(why)
            }
            E::TooMany(why) => {
                Error::new(StatusCode::TOO_MANY_REQUESTS, "too many requests").detail(why)
            }
            // The command line tries again when it reads these words (CLI protocol 3.9).
            E::Unavailable(why) | E::InDoubt(why) => {
                Error::new(StatusCode::SERVICE_UNAVAILABLE, "service unavailable").detail(why)
            }
            E::Damaged(error) => {
                tracing::error!(%error, "something stored is damaged");
                Error::new(StatusCode::INTERNAL_SERVER_ERROR, protocol::DAMAGED).detail(
                    "What is stored here is damaged and cannot be read. Trying again does not help: \
                     the server has logged which file it is under this request's id.",
                )
            }
            E::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a request failed");
                Error::new(StatusCode::INTERNAL_SERVER_ERROR, "internal server error")
                    .detail("The server has logged what went wrong under this request's id.")
            }
        }))
    }
}

/// HCP begins with the attribute's name: "Name has already been taken".
fn refused(pointer: String, message: String) -> Error {
    let (title, detail) = if pointer.contains("/attributes/") {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        ("invalid attribute", format!("{} {message}", capitalized(name)))
    } else {
        ("unprocessable entity", message)
    };
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, title).detail(detail).pointer(pointer)
}

fn capitalized(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            // Clients that know Terraform Enterprise wait for the seconds of the second one.
            let next_second = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, next_second.clone());
            response.headers_mut().insert("x-ratelimit-reset", next_second);
        }
        response
    }
}
