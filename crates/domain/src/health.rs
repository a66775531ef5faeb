//! Whether what this server cannot work without takes something and gives it back.

use crate::{App, Result};

pub async fn database(app: &App) -> Result<()> {
    Ok(app.db().check().await?)
}

pub async fn blobs(app: &App) -> Result<()> {
    Ok(app.blobs().check().await?)
}
