//! Objects of the standard imports: values with members and functions of their own.

use std::fmt;

use chrono::{DateTime, FixedOffset};

use super::Value;
use crate::eval::Interp;
use crate::source::Eval;
use crate::std::decimal::Decimal;
use crate::std::http::{Client, Response};
use crate::std::version::Version;
use crate::std::{Native, decimal, http, time, version};
use crate::world::HttpRequest;

pub(crate) enum Object {
    Time(DateTime<FixedOffset>),
    Decimal(Decimal),
    Version(Version),
    Client(Client),
    Request(HttpRequest),
    Response(Response),
}

impl Object {
    /// A member that is a value.
    pub fn member<'a>(&self, interp: &mut Interp<'a>, name: &str) -> Eval<Option<Value<'a>>> {
        match self {
            Self::Time(at) => Ok(time::member(interp, *at, name)),
            Self::Decimal(value) => decimal::member(interp, value, name),
            Self::Version(version) => Ok(version::member(interp, version, name)),
            Self::Client(client) => Ok(http::client_member(interp, client, name)),
            Self::Request(request) => Ok(http::request_member(interp, request, name)),
            Self::Response(response) => Ok(http::response_member(interp, response, name)),
        }
    }

    /// A member that is a function.
    pub fn method(&self, name: &str) -> Option<&'static Native> {
        let natives: &'static [Native] = match self {
            Self::Time(_) => time::METHODS,
            Self::Decimal(_) => decimal::METHODS,
            Self::Version(_) => version::METHODS,
            Self::Client(_) => http::CLIENT,
            Self::Request(_) => http::REQUEST,
            Self::Response(_) => &[],
        };
        natives.iter().find(|native| native.is(name))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(at) => f.write_str(&time::text(*at)),
            Self::Decimal(value) => value.fmt(f),
            Self::Version(version) => f.write_str(&version.text),
            Self::Client(_) => f.write_str("http client"),
            Self::Request(request) => write!(f, "http request to {}", request.url),
            Self::Response(response) => write!(f, "http response {}", response.0.status),
        }
    }
}
