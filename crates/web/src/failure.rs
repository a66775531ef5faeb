//! A refused request, as a page: the cases of the domain in words for people.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use crate::components::error_page;

/// When somebody may look again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Made from any domain error by `?`.
#[derive(Debug)]
pub struct Failure(domain::Error);

impl From<domain::Error> for Failure {
    fn from(error: domain::Error) -> Self {
        Self(error)
    }
}

/// What a person can do something about, in a sentence; `None` for the rest.
pub fn advice(error: &domain::Error) -> Option<String> {
    use domain::Error as E;
    match error {
        E::Invalid { pointer, message } => Some(about(pointer, message)),
        E::Taken { pointer } => Some(about(pointer, domain::TAKEN)),
        E::Forbidden(why) | E::Conflict(why) | E::PreconditionFailed(why) | E::BadRequest(why) => {
            Some(why.clone())
        }
        _ => None,
    }
}

fn about(pointer: &str, message: &str) -> String {
    let name = pointer.rsplit('/').next().unwrap_or_default().replace('-', " ");
    format!("The {name} {message}.")
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        use domain::Error as E;
        let advice = advice(&self.0);
        let (status, title, why) = match self.0 {
            E::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "Not signed in", "Sign in and try again.".to_owned())
            }
            E::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "There is no such page, or you may not see it.".to_owned(),
            ),
            E::Forbidden(why) => (StatusCode::FORBIDDEN, "Not allowed", why),
            E::Conflict(why) => (StatusCode::CONFLICT, "Not possible now", why),
            E::PreconditionFailed(why) => {
                (StatusCode::PRECONDITION_FAILED, "Not possible now", why)
            }
            E::BadRequest(why) => (StatusCode::BAD_REQUEST, "Not understood", why),
            E::Invalid { .. } | E::Taken { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Not accepted", advice.unwrap_or_default())
            }
            E::TooLarge(why) => (StatusCode::PAYLOAD_TOO_LARGE, "Too large", why),
            E::TooMany(why) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests", why),
            E::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, "Try again shortly", why),
            E::Damaged(error) => {
                tracing::error!(%error, "something stored is damaged");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Damaged",
                    "What is stored here is damaged and cannot be read. The server has logged which \
                     file it is."
                        .to_owned(),
                )
            }
            E::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a page failed");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong here",
                    "The server has logged what it was.".to_owned(),
                )
            }
        };
        let mut response = (status, error_page(title, &why)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}
