//! `/workspaces/:id/resources`: what the current state manages.

use domain::{
    Order, Timestamp, can,
    states::{self, ManagedResource, ResourceSort},
};
use jsonapi::{Document, Error, Query, Resource};
use serde::{Deserialize, Serialize};

use crate::{May, Result, includes::INCLUDES, paging::paging, parameters::text};

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

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    q: Option<String>,
    sort: Option<String>,
}

/// `name:asc` and its like, which no other list knows.
fn sorting(text: &str) -> Option<(ResourceSort, Order)> {
    let (key, order) = text.split_once(':').unwrap_or((text, "asc"));
    let order = match order {
        "asc" => Order::Ascending,
        "desc" => Order::Descending,
        _ => return None,
    };
    let key = match key {
        "name" => ResourceSort::Name,
        "nameIndex" => ResourceSort::NameIndex,
        "provider" => ResourceSort::Provider,
        "providerType" => ResourceSort::ProviderType,
        "module" => ResourceSort::Module,
        "updatedAt" => ResourceSort::UpdatedAt,
        _ => return None,
    };
    Some((key, order))
}

pub async fn list(workspace: May<can::ReadState>, query: Query<Parameters>) -> Result<Document> {
    let sort = match text(query.own.sort.as_deref()) {
        None => None,
        Some(asked) => Some(sorting(&asked).ok_or_else(|| {
            let why = "must be name, nameIndex, provider, providerType, module or updatedAt, with \
                       :asc or :desc behind it";
            Error::bad_request("invalid query parameter", why).parameter("sort")
        })?),
    };
    let search = text(query.own.q.as_deref());
    let paging = paging(&query);
    let page =
        states::resources(&workspace.cx, &workspace, search.as_deref(), sort, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &workspace.cx).await
}
