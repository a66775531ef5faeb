//! What came back. Each expectation that does not hold fails with the whole answer.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, response::Parts};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Answer {
    asked: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Bytes,
}

macro_rules! statuses {
    ($($name:ident = $status:ident),+ $(,)?) => {$(
        #[track_caller]
        pub fn $name(self) -> Self {
            self.has_status(StatusCode::$status)
        }
    )+};
}

impl Answer {
    pub(crate) fn new(asked: String, parts: Parts, body: Bytes) -> Self {
        Self { asked, status: parts.status, headers: parts.headers, body }
    }

    statuses!(
        is_ok = OK,
        is_created = CREATED,
        is_accepted = ACCEPTED,
        is_no_content = NO_CONTENT,
        is_bad_request = BAD_REQUEST,
        is_unauthorized = UNAUTHORIZED,
        is_forbidden = FORBIDDEN,
        is_not_found = NOT_FOUND,
        is_conflict = CONFLICT,
        is_too_large = PAYLOAD_TOO_LARGE,
    );

    #[track_caller]
    pub fn has_status(self, status: StatusCode) -> Self {
        assert!(self.status == status, "expected {status} from {self}");
        self
    }

    /// 302 or 307, to the address that is returned.
    #[track_caller]
    pub fn redirects(self) -> String {
        assert!(self.status.is_redirection(), "expected a redirect from {self}");
        self.header("location").to_owned()
    }

    /// 422 about this part of the request.
    #[track_caller]
    pub fn is_unprocessable(self, pointer: &str) -> Self {
        let answer = self.has_status(StatusCode::UNPROCESSABLE_ENTITY);
        let found = answer.json()["errors"][0]["source"]["pointer"].clone();
        assert!(found == pointer, "expected an error about {pointer} from {answer}");
        answer
    }

    /// What the first error says.
    #[track_caller]
    pub fn error(&self) -> String {
        let detail = &self.json()["errors"][0]["detail"];
        detail
            .as_str()
            .unwrap_or_else(|| panic!("expected an error with a detail from {self}"))
            .into()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("expected JSON ({error}) from {self}"))
    }

    /// The primary data.
    #[track_caller]
    pub fn data(&self) -> Value {
        self.member(&self.json(), "/data")
    }

    /// The id of the primary data.
    #[track_caller]
    pub fn id(&self) -> String {
        let id = self.member(&self.json(), "/data/id");
        id.as_str().unwrap_or_else(|| panic!("expected an id from {self}")).to_owned()
    }

    /// An attribute of the primary data, which must be there.
    #[track_caller]
    pub fn attribute(&self, name: &str) -> Value {
        self.member(&self.json(), &format!("/data/attributes/{name}"))
    }

    /// The id in a to-one relationship of the primary data; null where there is none.
    #[track_caller]
    pub fn related(&self, name: &str) -> Value {
        let data = self.member(&self.json(), &format!("/data/relationships/{name}/data"));
        data.get("id").cloned().unwrap_or_default()
    }

    /// An attribute of each item of a list.
    #[track_caller]
    pub fn attributes(&self, name: &str) -> Vec<Value> {
        let items = self.data();
        let items = items.as_array().unwrap_or_else(|| panic!("expected a list from {self}"));
        items.iter().map(|item| self.member(item, &format!("/attributes/{name}"))).collect()
    }

    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec())
            .unwrap_or_else(|error| panic!("expected text ({error}) from {self}"))
    }

    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_else(|| panic!("expected the header {name} from {self}"))
    }

    #[track_caller]
    fn member(&self, of: &Value, pointer: &str) -> Value {
        of.pointer(pointer).unwrap_or_else(|| panic!("expected {pointer} from {self}")).clone()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.asked, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => write!(f, "{json:#}"),
            Err(_) => write!(f, "{}", String::from_utf8_lossy(&self.body)),
        }
    }
}
