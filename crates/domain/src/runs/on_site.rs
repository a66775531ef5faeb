//! All runs of the installation that are not over, for its administrators: where they are, and what they wait for.
//! Nothing of what is in them.

use db::{
    entity::{
        run::{self, Status},
        workspace,
    },
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use super::waits_for;
use crate::{Ctx, Granted, In, Page, Paging, Result, Timestamp, can, id::RunId};

#[derive(Clone, Debug)]
pub struct OnSite {
    pub id: RunId,
    pub organization: String,
    pub workspace: String,
    pub status: Status,
    pub since: Timestamp,
    /// What it waits for, where nobody sees that from its status.
    pub reason: Option<String>,
}

/// Those that have waited longest first.
pub async fn list_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    paging: Paging,
) -> Result<Page<OnSite>> {
    let query = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .order_by_asc(run::Column::UpdatedAt)
        .order_by_asc(run::Column::Id);
    let found = page(cx.read(), query, paging).await?;
    let mut items = Vec::new();
    for row in found.items {
        let of = workspace::Entity::find_by_id(row.workspace_id.clone()).one(cx.read()).await?;
        // One that is just being deleted.
        let Some(of) = of else { continue };
        let run = In { row, of };
        items.push(OnSite {
            reason: waits_for(cx, &run).await?,
            id: run.row.id.clone(),
            organization: run.row.organization_name.clone(),
            workspace: run.of.name.clone(),
            status: run.row.status,
            since: run.row.updated_at,
        });
    }
    Ok(Page { items, total: found.total })
}
