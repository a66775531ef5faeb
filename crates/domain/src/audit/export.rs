//! The trail as lines of JSON: for the operator's programs, and told to an address that administrators name, by the one
//! server that keeps house. What was not taken is told again, so an entry may come twice, and never out of order.

use db::{entity::audit_export, sea_orm::EntityTrait};
use secrecy::ExposeSecret;
use serde_json::{json, value::RawValue};

use super::after;
use crate::{Ctx, Error, Result, row::AuditEntry, site_settings};

/// Entries in one request.
const AT_ONCE: u64 = 500;

/// One line, without its end: the number and the hash of an entry, and what was hashed.
///
/// # Errors
/// Internal if it is no longer what it was written as.
pub fn line(entry: &AuditEntry) -> Result<String> {
    let body: &RawValue =
        serde_json::from_str(&entry.body).map_err(|error| Error::Internal(error.into()))?;
    Ok(json!({ "number": entry.number, "hash": entry.hash, "entry": body }).to_string())
}

/// Tells what is new, if anybody is to be told.
///
/// # Errors
/// Unavailable if it was not taken; the next time begins there.
pub async fn tell(cx: &Ctx) -> Result<()> {
    let settings = site_settings::current(cx).await?;
    let url = settings.audit_export_url.as_str();
    if url.is_empty() {
        return Ok(());
    }
    let token = settings.audit_export_token.expose_secret();
    let authorization = ("authorization", format!("Bearer {token}"));
    let headers = if token.is_empty() { Vec::new() } else { vec![authorization] };
    let address = crypto::hash_token(url);
    loop {
        let known = audit_export::Entity::find_by_id(address.clone()).one(cx.read()).await?;
        let some = after(cx, known.map_or(0, |row| row.number), AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok(()) };
        let mut lines = String::new();
        for entry in &some {
            lines.push_str(&line(entry)?);
            lines.push('\n');
        }
        let told = cx.courier().post_lines(url, &headers, lines.into_bytes()).await;
        let refused =
            |why: String| Error::Unavailable(format!("The audit trail was not taken: {why}."));
        let receipt = told.map_err(|error| refused(error.to_string()))?;
        if !receipt.is_success() {
            return Err(refused(format!("the answer had the status {}", receipt.status)));
        }
        note(cx, &address, last.number).await?;
    }
}

async fn note(cx: &Ctx, address: &str, number: i64) -> Result<()> {
    let tx = cx.write().await?;
    let told_at = tx.now();
    if let Some(mut row) = tx.lock::<audit_export::Entity>(address.to_owned()).await? {
        (row.number, row.told_at) = (number, told_at);
        tx.update(row).await?;
    } else {
        tx.insert(audit_export::Model { address: address.to_owned(), number, told_at }).await?;
    }
    tx.commit().await
}
