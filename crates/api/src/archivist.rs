//! `/_archivist/v1/object/…`: blobs at addresses that carry their own secret, and in whose name they were asked for.
//! Nobody shows a token here, and one that is shown is not looked at: clients send it or not, by their age.

use axum::{
    body::Body,
    extract::Path,
    response::{IntoResponse, Response},
};
use domain::archivist::{self, Content, Download};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use jsonapi::Query;
use serde::Deserialize;

use crate::{Anyone, Result, Routes};

pub fn routes() -> Routes {
    let object = "/_archivist/v1/object/{secret}";
    Routes::default().get(object, read).put(object, write)
}

/// Of a log: how the command line reads on while it grows.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Range {
    offset: Option<u64>,
    limit: Option<u64>,
}

async fn read(anyone: Anyone, Path(secret): Path<String>, query: Query<Range>) -> Result<Response> {
    let (cx, object) = archivist::resolve(&anyone.cx, &secret).await?;
    let (download, media) = match object.content {
        Content::Log => {
            let offset = query.own.offset.unwrap_or_default();
            let log = archivist::read_log(&cx, &object, offset, query.own.limit).await?;
            (log, "text/plain; charset=utf-8")
        }
        content => (archivist::read(&cx, &object).await?, media(content)),
    };
    Ok(stream(download, media))
}

async fn write(anyone: Anyone, Path(secret): Path<String>, body: Body) -> Result<StatusCode> {
    let (cx, object) = archivist::resolve(&anyone.cx, &secret).await?;
    Box::pin(archivist::write(&cx, &object, body.into_data_stream())).await?;
    Ok(StatusCode::OK)
}

fn media(content: Content) -> &'static str {
    match content {
        Content::State
        | Content::JsonState
        | Content::PlanJson
        | Content::PlanJsonRedacted
        | Content::ProviderSchemas
        | Content::AssessmentJson
        | Content::AssessmentSchemas
        | Content::ErroredState => "application/json",
        _ => "application/octet-stream",
    }
}

/// An answer that is sent as it is read. Nobody on the way may keep it: it may hold secrets, or be a log that grows.
pub fn stream(download: Download, media: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media)),
        (CONTENT_LENGTH, HeaderValue::from(download.size)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, Body::from_stream(download.content)).into_response()
}
