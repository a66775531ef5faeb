//! Style, scripts, icons and the font: embedded, and named by their content so that browsers may keep them for ever.

use std::{borrow::Cow, sync::LazyLock};

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
    body: Cow<'static, [u8]>,
}

impl Asset {
    fn new(
        stem: &str,
        ending: &str,
        content_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        let body = body.into();
        let hash = hex::encode(Sha256::digest(&body));
        Self { name: format!("{stem}.{}.{ending}", &hash[..16]), content_type, body }
    }

    pub fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let body = include_str!("assets/statehouse.css");
    let body = body.replace("fonts/public-sans.woff2", &FONT.path());
    Asset::new("statehouse", "css", "text/css; charset=utf-8", body.into_bytes())
});

/// Public Sans, under the SIL Open Font License that lies beside it.
pub static FONT: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/fonts/public-sans.woff2");
    Asset::new("public-sans", "woff2", "font/woff2", body)
});

pub static ICONS: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/icons.svg");
    Asset::new("icons", "svg", SVG, body)
});

pub static MARK: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/mark.svg");
    Asset::new("mark", "svg", SVG, body)
});

pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/statehouse.js");
    Asset::new("statehouse", "js", JAVASCRIPT, body)
});

pub static LOG_VIEWER: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/log-viewer.js");
    Asset::new("log-viewer", "js", JAVASCRIPT, body)
});

pub static LIVE_FRAGMENT: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/live-fragment.js");
    Asset::new("live-fragment", "js", JAVASCRIPT, body)
});

/// The text that lets the font be passed on.
pub static FONT_LICENCE: LazyLock<Asset> = LazyLock::new(|| {
    let body: &'static [u8] = include_bytes!("assets/fonts/OFL.txt");
    Asset::new("public-sans-licence", "txt", "text/plain; charset=utf-8", body)
});

pub fn routes() -> Router<App> {
    Router::new().route("/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>) -> Response {
    let assets: [&'static Asset; 8] =
        [&STYLE, &FONT, &FONT_LICENCE, &ICONS, &MARK, &SCRIPT, &LOG_VIEWER, &LIVE_FRAGMENT];
    match assets.into_iter().find(|asset| asset.name == file) {
        Some(asset) => {
            let headers = [
                (CONTENT_TYPE, asset.content_type),
                (CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, asset.body.as_ref()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
