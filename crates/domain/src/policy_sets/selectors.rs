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

/// Whether the tags of a workspace bring it under a set: one of the selectors does, and no excluding one.
pub(crate) fn select(selectors: &[TagSelector], tags: &[TagBinding]) -> bool {
    let matches = |selector: &TagSelector| {
        tags.iter().any(|tag| {
            tag.tag_key == selector.tag_key
                && selector.tag_value.as_ref().is_none_or(|value| *value == tag.tag_value)
        })
    };
    let (excluding, including): (Vec<_>, Vec<_>) =
        selectors.iter().partition(|selector| selector.is_exclude);
    including.into_iter().any(matches) && !excluding.into_iter().any(matches)
}

fn check(selectors: &[TagSelector]) -> Result<()> {
    for (index, selector) in selectors.iter().enumerate() {
        let refused = |member: &str, message: String| {
            Err(Error::Invalid { pointer: format!("/data/{index}/{member}"), message })
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
        if selector.tag_key.contains('\0') || value.contains('\0') {
            return refused("tag-key", "Tags can't have null characters.".into());
        }
    }
    Ok(())
}

/// Adds selectors; those that the set has already are passed over.
///
/// # Errors
/// Invalid for a set that is global, or names workspaces or projects.
pub async fn add(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    selectors: Vec<TagSelector>,
) -> Result<()> {
    check(&selectors)?;
    let tx = cx.write().await?;
    let mut row = lock(&tx, &set.id).await?;
    let named = member::Entity::find()
        .filter(member::Column::PolicySetId.eq(&row.id))
        .filter(member::Column::Role.ne(Role::Policy))
        .count(tx.db())
        .await?;
    if row.is_global || named > 0 {
        return Err(Error::Invalid {
            pointer: "/data".into(),
            message: "A policy set that is global, or names workspaces or projects, cannot have \
                      tag selectors."
                .into(),
        });
    }
    for selector in selectors {
        if !row.tag_selectors.contains(&selector) {
            row.tag_selectors.push(selector);
        }
    }
    if row.tag_selectors.len() > COUNT_LIMIT {
        let message = format!("A policy set has at most {COUNT_LIMIT} tag selectors.");
        return Err(Error::Invalid { pointer: "/data".into(), message });
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
    check(&selectors)?;
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
        }
    }

    fn selector(key: &str, value: Option<&str>, is_exclude: bool) -> TagSelector {
        TagSelector { tag_key: key.into(), tag_value: value.map(Into::into), is_exclude }
    }

    #[test]
    fn one_match_selects_and_one_exclusion_prevails() {
        let tags = [tag("env", "prod"), tag("team", "")];
        assert!(select(&[selector("env", Some("prod"), false)], &tags));
        assert!(select(&[selector("env", None, false)], &tags));
        assert!(!select(&[selector("env", Some("test"), false)], &tags));
        let both = [selector("env", None, false), selector("team", None, true)];
        assert!(!select(&both, &tags));
        assert!(!select(&[selector("other", None, true)], &tags), "nothing includes it");
    }
}
