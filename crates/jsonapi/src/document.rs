//! Answers: one resource, a page of them, a whole list, or nothing at all.

use crate::{Includes, Links, MEDIA_TYPE, Object, Query, Resource};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::{Map, Value};

/// A response document.
#[derive(Debug, Serialize)]
pub struct Document {
    data: Data,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    included: Vec<Object>,
    #[serde(skip_serializing_if = "Links::is_empty")]
    links: Links,
    #[serde(skip_serializing_if = "Map::is_empty")]
    meta: Map<String, Value>,
    #[serde(skip)]
    status: StatusCode,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data {
    One(Box<Object>),
    Many(Vec<Object>),
}

impl Document {
    fn of(data: Data, included: Vec<Object>) -> Self {
        Self { data, included, links: Links::default(), meta: Map::new(), status: StatusCode::OK }
    }

    /// One resource.
    pub fn one<R: Resource>(resource: &R) -> Self {
        Self::of(Data::One(Box::new(Object::new(resource))), Vec::new())
    }

    /// One resource together with what `include=` asks for.
    pub async fn one_with<R: Resource, T, C: Sync + ?Sized, E>(
        resource: &R,
        query: &Query<T>,
        includes: &Includes<C, E>,
        cx: &C,
    ) -> Result<Self, E> {
        let mut object = Object::new(resource);
        let roots = std::slice::from_mut(&mut object);
        let included = includes.resolve(cx, roots, &query.include).await?;
        Ok(Self::of(Data::One(Box::new(object)), included))
    }

    /// One page of a list of `total` resources, with its links and counts.
    pub async fn page<R: Resource, T, C: Sync + ?Sized, E>(
        items: &[R],
        total: u64,
        query: &Query<T>,
        includes: &Includes<C, E>,
        cx: &C,
    ) -> Result<Self, E> {
        let (links, pagination) = query.pagination(total);
        let list = Self::list_with(items, query, includes, cx).await?;
        Ok(Self { links, ..list }.meta("pagination", pagination))
    }

    /// A whole list that is never paged.
    pub fn list<R: Resource>(items: &[R]) -> Self {
        Self::of(Data::Many(items.iter().map(Object::new).collect()), Vec::new())
    }

    /// A whole list together with what `include=` asks for.
    pub async fn list_with<R: Resource, T, C: Sync + ?Sized, E>(
        items: &[R],
        query: &Query<T>,
        includes: &Includes<C, E>,
        cx: &C,
    ) -> Result<Self, E> {
        let mut roots: Vec<_> = items.iter().map(Object::new).collect();
        let included = includes.resolve(cx, &mut roots, &query.include).await?;
        Ok(Self::of(Data::Many(roots), included))
    }

    /// Answers 201.
    pub fn created(self) -> Self {
        self.status(StatusCode::CREATED)
    }

    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a member to the document's `meta`. The value must be plain data.
    pub fn meta(mut self, key: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("meta members are plain data");
        self.meta.insert(key.to_owned(), value);
        self
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("attributes and meta are already JSON");
        (self.status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
    }
}

/// 204: done, and there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Empty;

impl IntoResponse for Empty {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// 202: taken note of, with an empty body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted;

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}
