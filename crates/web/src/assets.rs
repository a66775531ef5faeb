//! Style and scripts: embedded, and named by their content so that browsers may keep them for ever.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::App;
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use sha2::{Digest, Sha256};

/// A file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    name: String,
    content_type: &'static str,
    body: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, content_type: &'static str, body: &'static str) -> Self {
        let hash = hex::encode(Sha256::digest(body));
        Self { name: format!("{stem}.{}.{ending}", &hash[..16]), content_type, body }
    }

    pub fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let body = include_str!("assets/statehouse.css");
    Asset::new("statehouse", "css", "text/css; charset=utf-8", body)
});

pub static LOG_VIEWER: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("log-viewer", "js", JAVASCRIPT, include_str!("assets/log-viewer.js"))
});

pub static LIVE_FRAGMENT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("live-fragment", "js", JAVASCRIPT, include_str!("assets/live-fragment.js"))
});

pub fn routes() -> Router<App> {
    Router::new().route("/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>) -> Response {
    let assets = [&*STYLE, &*LOG_VIEWER, &*LIVE_FRAGMENT];
    match assets.into_iter().find(|asset| asset.name == file) {
        Some(asset) => {
            let headers = [
                (CONTENT_TYPE, asset.content_type),
                (CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, asset.body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
