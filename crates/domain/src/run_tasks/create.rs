//! Making run tasks.

use db::{Json, entity::run_task::Enforcement, id::RunTaskId};
use serde_json::json;

use super::{Change, request, subject};
use crate::{Ctx, Error, Granted, Happened, Result, can, error::taken, row::RunTask};

/// Makes one in an organization. One that is enabled is asked for a trial first.
///
/// # Errors
/// Invalid without a name or an address, with a name that another has, and if the service does not answer as it should.
pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManageRunTasks>,
    change: Change,
) -> Result<RunTask> {
    for (attribute, is_there) in [
        ("name", change.name.is_some()),
        ("url", change.url.is_some()),
        ("category", change.category.is_some()),
    ] {
        if !is_there {
            return Err(Error::invalid(attribute, "can't be blank"));
        }
    }
    let now = cx.now();
    let mut new = RunTask {
        id: RunTaskId::fresh(),
        organization_name: organization.name.clone(),
        name: String::new(),
        description: None,
        url: String::new(),
        hmac_key: None,
        enabled: true,
        global_enabled: false,
        global_stages: Json::default(),
        global_enforcement_level: Enforcement::Advisory,
        created_at: now,
        updated_at: now,
    };
    change.apply(cx, &mut new)?;
    if new.enabled {
        request::verify(cx, &new).await?;
    }
    let tx = cx.write().await?;
    let row = tx.insert(new).await.map_err(taken("name"))?;
    let detail = json!({ "name": row.name, "global": row.global_enabled });
    tx.emit(Happened::RunTaskCreated, subject(&row), detail).await?;
    tx.commit().await?;
    Ok(row)
}
