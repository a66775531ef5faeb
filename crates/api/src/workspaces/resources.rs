//! `/workspaces/:id/resources`: what the current state manages.

use domain::{
    Timestamp, can,
    states::{self, ManagedResource},
};
use jsonapi::{Document, Query, Resource};
use serde::Serialize;

use crate::{May, Result, includes::INCLUDES, paging::paging};

struct View(ManagedResource);

impl Resource for View {
    const TYPE: &'static str = "resources";

    fn id(&self) -> String {
        self.0.id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            address: &'a str,
            name: &'a str,
            created_at: Timestamp,
            updated_at: Timestamp,
            module: &'a str,
            provider: &'a str,
            provider_type: &'a str,
            modified_by_state_version_id: String,
            name_index: Option<&'a str>,
        }
        let it = &self.0;
        Attributes {
            address: &it.address,
            name: &it.name,
            // A state does not say since when something is there, and clients take no null.
            created_at: it.version.created_at,
            updated_at: it.version.created_at,
            module: &it.module,
            provider: &it.provider,
            provider_type: &it.provider_type,
            modified_by_state_version_id: it.version.id.to_string(),
            name_index: it.name_index.as_deref(),
        }
    }

    fn path(&self) -> Option<String> {
        None
    }
}

pub async fn list(workspace: May<can::ReadState>, query: Query) -> Result<Document> {
    let page = states::resources(&workspace.cx, &workspace, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &workspace.cx).await
}
