//! A refused request, as a page: the cases of the domain in words for people.

use axum::response::{IntoResponse, Response};
use domain::about;
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use maud::{Markup, html};

use crate::{
    accounts::{Once, second_factor},
    frame::{door, error_page},
};

/// When somebody may look again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Made from any domain error by `?`.
#[derive(Debug)]
pub enum Failure {
    Refused(domain::Error),
    /// An address that works once does not work any more.
    UsedUp(Once),
    /// Somebody signed in, whose organization asks for a second factor.
    ShutOut,
}

impl From<domain::Error> for Failure {
    fn from(error: domain::Error) -> Self {
        Self::Refused(error)
    }
}

fn second_factor_wanted() -> Markup {
    let main = html! {
        p { "This organization lets in only people who sign in with a second factor." }
        p { a href=(second_factor::PATH) { "Set one up" } ", and come back." }
    };
    door("A second factor is asked for", &main)
}

/// What was refused of a form that was sent: said in the form, which is shown again with what was typed.
#[derive(Debug)]
pub struct Wrong {
    status: StatusCode,
    /// The last part of the pointer, if one attribute is meant.
    attribute: Option<String>,
    sentence: String,
}

impl Wrong {
    /// # Errors
    /// The rest, which whoever filled in the form can do nothing about.
    pub fn of(error: domain::Error) -> Result<Self> {
        use domain::Error as E;
        let (status, attribute, sentence) = match error {
            E::Invalid { pointer, message } => {
                let name = domain::attribute(&pointer).map(str::to_owned);
                (StatusCode::UNPROCESSABLE_ENTITY, name, about(&pointer, &message))
            }
            E::Taken { pointer } => {
                let name = domain::attribute(&pointer).map(str::to_owned);
                (StatusCode::UNPROCESSABLE_ENTITY, name, about(&pointer, domain::TAKEN))
            }
            E::Forbidden(why) => (StatusCode::FORBIDDEN, None, why),
            E::Conflict(why) => (StatusCode::CONFLICT, None, why),
            E::PreconditionFailed(why) => (StatusCode::PRECONDITION_FAILED, None, why),
            E::BadRequest(why) => (StatusCode::BAD_REQUEST, None, why),
            other => return Err(other.into()),
        };
        Ok(Self { status, attribute, sentence })
    }

    /// What a page refuses by itself, such as a name that was to be typed and was not.
    pub fn in_field(name: &str, sentence: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            attribute: Some(name.to_owned()),
            sentence: sentence.to_owned(),
        }
    }

    /// What is said above all controls, with the status of the answer.
    pub fn on_the_whole(status: StatusCode, sentence: &str) -> Self {
        Self { status, attribute: None, sentence: sentence.to_owned() }
    }

    /// What it says about the control of this name.
    pub fn about(&self, name: &str) -> Option<&str> {
        let same = |own: &String| own.replace('_', "-") == name.replace('_', "-");
        self.attribute.as_ref().is_some_and(same).then_some(&*self.sentence)
    }

    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The page of the form, with the status of what was refused.
    pub fn shown_in(&self, page: Markup) -> Response {
        (self.status, page).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        use domain::Error as E;
        let error = match self {
            Self::Refused(error) => error,
            Self::UsedUp(once) => return (StatusCode::NOT_FOUND, once.used_up()).into_response(),
            Self::ShutOut => {
                return (StatusCode::FORBIDDEN, second_factor_wanted()).into_response();
            }
        };
        let (status, title, why) = match error {
            E::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "Not signed in", "Sign in and try again.".to_owned())
            }
            E::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "There is nothing at this address, or nothing that you may see. It may have a slip, the thing may be \
                 gone, or your teams do not reach it."
                    .to_owned(),
            ),
            E::Forbidden(why) => (StatusCode::FORBIDDEN, "Not allowed", why),
            E::Conflict(why) => (StatusCode::CONFLICT, "Not possible now", why),
            E::PreconditionFailed(why) => {
                (StatusCode::PRECONDITION_FAILED, "Not possible now", why)
            }
            E::BadRequest(why) => (StatusCode::BAD_REQUEST, "Not understood", why),
            E::Invalid { pointer, message } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Not accepted", about(&pointer, &message))
            }
            E::Taken { pointer } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Not accepted", about(&pointer, domain::TAKEN))
            }
            E::TooLarge(why) => (StatusCode::PAYLOAD_TOO_LARGE, "Too large", why),
            E::TooMany(why) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests", why),
            E::Unavailable(why) | E::InDoubt(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Try again shortly", why)
            }
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
        let mut response = (status, error_page(status, title, &why)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}
