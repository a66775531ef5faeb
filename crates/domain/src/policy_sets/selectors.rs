//! Tag selectors: a set that counts where workspaces have certain tags (official OpenAPI document, "tag-selectors").

use db::{
    Json,
    entity::{
        policy_set::TagSelector,
        policy_set_member::{self as member, Role},
    },
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};

use super::{changed, lock};
use crate::{
    Ctx, Error, Granted, In, Result, can,
    row::{Organization, PolicySet, TagBinding},
};

/// Characters (API documents, "Tags").
const KEY_LIMIT: usize = 128;
const VALUE_LIMIT: usize = 256;
const COUNT_LIMIT: usize = 100;

/// Whether the tags of a workspace bring it under a set.
pub(crate) fn include(selectors: &[TagSelector], tags: &[TagBinding]) -> bool {
    selectors.iter().any(|selector| !selector.is_exclude && matches(selector, tags))
}

/// Whether the tags of a workspace except it from a set.
pub(crate) fn exclude(selectors: &[TagSelector], tags: &[TagBinding]) -> bool {
    selectors.iter().any(|selector| selector.is_exclude && matches(selector, tags))
}

fn matches(selector: &TagSelector, tags: &[TagBinding]) -> bool {
    tags.iter().any(|tag| {
        tag.tag_key == selector.tag_key
            && selector.tag_value.as_ref().is_none_or(|value| *value == tag.tag_value)
    })
}

/// Checks selectors that stand at `pointer`.
pub(super) fn check(selectors: &[TagSelector], pointer: &str) -> Result<()> {
    if selectors.len() > COUNT_LIMIT {
        return Err(too_many(pointer));
    }
    for (index, selector) in selectors.iter().enumerate() {
        let refused = |member: &str, message: String| {
            Err(Error::Invalid { pointer: format!("{pointer}/{index}/{member}"), message })
        };
        let value = selector.tag_value.as_deref().unwrap_or_default();
        if selector.tag_key.trim().is_empty() || selector.tag_key.chars().count() > KEY_LIMIT {
            return refused("tag-key", format!("A tag key has 1 to {KEY_LIMIT} characters."));
        }
        if value.chars().count() > VALUE_LIMIT {
            return refused(
                "tag-value",
                format!("A tag value has at most {VALUE_LIMIT} characters."),
            );
        }
        for (member, text) in [("tag-key", selector.tag_key.as_str()), ("tag-value", value)] {
            if let Some(why) = text::line(text) {
                return refused(member, format!("A tag {why}."));
            }
        }
    }
    Ok(())
}

fn too_many(pointer: &str) -> Error {
    let message = format!("A policy set has at most {COUNT_LIMIT} tag selectors.");
    Error::Invalid { pointer: pointer.into(), message }
}

/// Why a set cannot have the selectors that it has: a global one counts everywhere, but where it excludes.
pub(super) fn conflict(set: &PolicySet) -> Option<&'static str> {
    let includes = set.tag_selectors.iter().any(|selector| !selector.is_exclude);
    (set.is_global && includes).then_some(
        "A global policy set counts everywhere: its tag selectors can only exclude workspaces.",
    )
}

/// Adds selectors; those that the set has already are passed over.
///
/// # Errors
/// Invalid for a set that names workspaces or projects, and for what would include something in a global one.
pub async fn add(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    selectors: Vec<TagSelector>,
) -> Result<()> {
    check(&selectors, "/data")?;
    let tx = cx.write().await?;
    let mut row = lock(&tx, &set.id).await?;
    let named = member::Entity::find()
        .filter(member::Column::PolicySetId.eq(&row.id))
        .filter(member::Column::Role.ne(Role::Policy))
        .count(tx.db())
        .await?;
    let refused =
        |message: &str| Err(Error::Invalid { pointer: "/data".into(), message: message.into() });
    if named > 0 {
        return refused(
            "A policy set that names workspaces or projects cannot have tag selectors.",
        );
    }
    for selector in selectors {
        if !row.tag_selectors.contains(&selector) {
            row.tag_selectors.push(selector);
        }
    }
    if row.tag_selectors.len() > COUNT_LIMIT {
        return Err(too_many("/data"));
    }
    if let Some(message) = conflict(&row) {
        return refused(message);
    }
    changed(&tx, row).await?;
    tx.commit().await
}

/// Takes selectors away; those that the set does not have are passed over.
pub async fn remove(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    selectors: Vec<TagSelector>,
) -> Result<()> {
    check(&selectors, "/data")?;
    let tx = cx.write().await?;
    let mut row = lock(&tx, &set.id).await?;
    let left = row.tag_selectors.iter().filter(|own| !selectors.contains(own)).cloned().collect();
    row.tag_selectors = Json(left);
    changed(&tx, row).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use db::id::TagBindingId;

    use super::*;

    fn tag(key: &str, value: &str) -> TagBinding {
        TagBinding {
            id: TagBindingId::fresh(),
            workspace_id: None,
            project_id: None,
            tag_key: key.into(),
            tag_value: value.into(),
            created_at: crate::Timestamp(0),
            is_flat: value.is_empty(),
        }
    }

    fn selector(key: &str, value: Option<&str>, is_exclude: bool) -> TagSelector {
        TagSelector { tag_key: key.into(), tag_value: value.map(Into::into), is_exclude }
    }

    #[test]
    fn one_match_is_enough_to_include_and_to_exclude() {
        let tags = [tag("env", "prod"), tag("team", "")];
        assert!(include(&[selector("env", Some("prod"), false)], &tags));
        assert!(include(&[selector("env", None, false)], &tags));
        assert!(!include(&[selector("env", Some("test"), false)], &tags));
        let both = [selector("env", None, false), selector("team", None, true)];
        assert!(include(&both, &tags) && exclude(&both, &tags));
        let other = [selector("other", None, true)];
        assert!(!include(&other, &tags) && !exclude(&other, &tags));
    }
}
