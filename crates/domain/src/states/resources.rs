//! What the current state manages, instance by instance, as the list of a workspace's resources shows it.

use std::cmp::Ordering;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use blobs::Kind;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{blob, check_readable, content, current_of, format_3::Module};
use crate::{Ctx, Granted, Order, Page, Paging, Result, can, row::StateVersion};

/// One instance of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedResource {
    /// Stays the same as long as the address does.
    pub id: String,
    /// Without the first `module.`, as clients expect it.
    pub address: String,
    pub name: String,
    pub name_index: Option<String>,
    pub module: String,
    pub provider: String,
    pub provider_type: String,
    /// The version that says so.
    pub version: StateVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceSort {
    Name,
    NameIndex,
    Provider,
    ProviderType,
    Module,
    UpdatedAt,
}

impl ResourceSort {
    fn compare(self, one: &ManagedResource, other: &ManagedResource) -> Ordering {
        match self {
            Self::Name => one.name.cmp(&other.name),
            Self::NameIndex => one.name_index.cmp(&other.name_index),
            Self::Provider => one.provider.cmp(&other.provider),
            Self::ProviderType => one.provider_type.cmp(&other.provider_type),
            Self::Module => one.module.cmp(&other.module),
            Self::UpdatedAt => one.version.created_at.cmp(&other.version.created_at),
        }
    }
}

/// Of the current state, by address unless sorted otherwise; empty as long as there is none. A search looks at
/// addresses.
///
/// # Errors
/// Conflict if the state is encrypted.
pub async fn resources(
    cx: &Ctx,
    workspace: &Granted<can::ReadState>,
    search: Option<&str>,
    sort: Option<(ResourceSort, Order)>,
    paging: Paging,
) -> Result<Page<ManagedResource>> {
    let Some(version) = current_of(cx, workspace).await? else {
        return Ok(Page { total: 0, items: Vec::new() });
    };
    check_readable(&version)?;
    let state: State = content::read_blob(cx, &blob(Kind::State, &version.id)?).await?;
    let mut all = state.instances(&version);
    if let Some(text) = search {
        let text = text.to_lowercase();
        all.retain(|resource| resource.address.to_lowercase().contains(&text));
    }
    all.sort_by(|one, other| one.address.cmp(&other.address));
    match sort {
        None => {}
        Some((key, Order::Ascending)) => all.sort_by(|one, other| key.compare(one, other)),
        Some((key, Order::Descending)) => all.sort_by(|one, other| key.compare(other, one)),
    }
    Ok(Page::of(all, paging))
}

/// A state without the attributes of its resources.
#[derive(Deserialize)]
struct State {
    #[serde(default)]
    resources: Option<Vec<Resource>>,
    /// Of format 3.
    #[serde(default)]
    modules: Vec<Module>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    r#type: String,
    name: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    #[serde(default)]
    index_key: Option<Value>,
}

impl State {
    fn instances(&self, version: &StateVersion) -> Vec<ManagedResource> {
        let old = self.modules.iter().flat_map(Module::resources).map(|old| Resource {
            module: old.module,
            mode: old.mode.into(),
            r#type: old.kind,
            name: old.name,
            provider: old.provider,
            instances: old.indexes.into_iter().map(|index_key| Instance { index_key }).collect(),
        });
        let old: Vec<_> = old.collect();
        let all = self.resources.iter().flatten().chain(&old);
        let managed = all.filter(|resource| resource.mode == "managed");
        managed.flat_map(|resource| resource.instances(version)).collect()
    }
}

impl Resource {
    fn instances<'a>(
        &'a self,
        version: &'a StateVersion,
    ) -> impl Iterator<Item = ManagedResource> + 'a {
        let module = self.module.as_deref().unwrap_or_default();
        let module = module.strip_prefix("module.").unwrap_or(module);
        let dot = if module.is_empty() { "" } else { "." };
        self.instances.iter().map(move |instance| {
            let index = instance.index_key.as_ref();
            let suffix = index.map(|index| format!("[{index}]")).unwrap_or_default();
            let address = format!("{module}{dot}{}.{}{suffix}", self.r#type, self.name);
            ManagedResource {
                id: id_of(version, &address),
                address,
                name: self.name.clone(),
                name_index: index.map(|index| match index {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                }),
                module: if module.is_empty() { "root".into() } else { module.to_owned() },
                provider: provider(&self.provider).to_owned(),
                provider_type: self.r#type.clone(),
                version: version.clone(),
            }
        })
    }
}

/// There are no rows of resources, so that an id is made from what they are told apart by.
fn id_of(version: &StateVersion, address: &str) -> String {
    let digest = Sha256::digest(format!("{}/{address}", version.workspace_id));
    let letters: String = URL_SAFE_NO_PAD
        .encode(digest)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    format!("wsr-{letters}")
}

/// `hashicorp/aws` of `provider["registry.terraform.io/hashicorp/aws"].west`; another registry stays in it.
fn provider(text: &str) -> &str {
    let inner = text.split('"').nth(1).unwrap_or(text);
    inner.strip_prefix("registry.terraform.io/").unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_called_as_people_call_them() {
        for (text, expected) in [
            (r#"provider["registry.terraform.io/hashicorp/aws"]"#, "hashicorp/aws"),
            (r#"module.x.provider["registry.terraform.io/hashicorp/aws"].west"#, "hashicorp/aws"),
            (r#"provider["terraform.io/builtin/terraform"]"#, "terraform.io/builtin/terraform"),
            ("provider.aws", "provider.aws"),
        ] {
            assert_eq!(provider(text), expected);
        }
    }
}
