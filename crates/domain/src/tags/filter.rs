//! Finding workspaces by the tags that are in force on them.

use std::collections::HashSet;

use db::{
    entity::{project, tag_binding, workspace},
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
        sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, SimpleExpr},
    },
};

use super::reserved;
use crate::{Ctx, Result, row::TagBinding};

/// What lists ask for: bindings of this key, of this value, or of both.
#[derive(Clone, Debug, Default)]
pub struct TagFilter {
    pub key: Option<String>,
    pub value: Option<String>,
}

impl TagFilter {
    pub(crate) fn of_key(key: String) -> Self {
        Self { key: Some(key), value: None }
    }

    pub(crate) fn holds(&self) -> Condition {
        Condition::all()
            .add_option(self.key.as_ref().map(|key| tag_binding::Column::TagKey.eq(key)))
            .add_option(self.value.as_ref().map(|value| tag_binding::Column::TagValue.eq(value)))
    }

    fn takes(&self, row: &TagBinding) -> bool {
        self.key.as_ref().is_none_or(|key| *key == row.tag_key)
            && self.value.as_ref().is_none_or(|value| *value == row.tag_value)
    }

    /// The ids of workspaces with such a binding of their own.
    pub(crate) fn bound(&self) -> SelectStatement {
        tag_binding::Entity::find()
            .select_only()
            .column(tag_binding::Column::WorkspaceId)
            .filter(tag_binding::Column::WorkspaceId.is_not_null())
            .filter(self.holds())
            .into_query()
    }

    /// Holds for the workspaces on which such a binding is in force; flat tags always are. `inherited` are the bindings of
    /// projects, `fixed` the keys that workspaces may not set otherwise.
    fn in_force(&self, inherited: &[TagBinding], fixed: &HashSet<String>) -> Condition {
        let is_fixed = self.key.as_ref().map_or(!fixed.is_empty(), |key| fixed.contains(key));
        let own = Condition::all().add(workspace::Column::Id.in_subquery(self.bound()));
        // Whichever of two bindings of a key is in force, it has that key.
        let own = own.add_option(
            (is_fixed && self.value.is_some()).then(|| Expr::exists(self.own_in_force(fixed))),
        );
        let projects: Vec<_> = inherited
            .iter()
            .filter(|row| self.takes(row))
            .filter_map(|row| row.project_id.clone())
            .collect();
        let in_force = Condition::any().add(own);
        if projects.is_empty() {
            return in_force;
        }
        let through_project = workspace::Column::ProjectId.is_in(projects);
        in_force.add(Condition::all().add(through_project).add_option(
            match (&self.key, &self.value) {
                (_, None) => None,
                (Some(_), Some(_)) if is_fixed => None,
                (Some(key), Some(_)) => Some(overridden(Expr::val(key)).not()),
                (None, Some(_)) => Some(Expr::exists(self.inherited_in_force(fixed))),
            },
        ))
    }

    /// The workspace's own bindings, without those of a fixed key that its project has as well.
    fn own_in_force(&self, fixed: &HashSet<String>) -> SelectStatement {
        let projects = Alias::new("of_project");
        let of_project = Query::select()
            .expr(Expr::val(1))
            .from_as(tag_binding::Entity, projects.clone())
            .and_where(
                Expr::col((projects.clone(), tag_binding::Column::ProjectId))
                    .equals((workspace::Entity, workspace::Column::ProjectId)),
            )
            .and_where(
                Expr::col((projects, tag_binding::Column::TagKey))
                    .equals((tag_binding::Entity, tag_binding::Column::TagKey)),
            )
            .take();
        tag_binding::Entity::find()
            .select_only()
            .column(tag_binding::Column::Id)
            .filter(
                Expr::col((tag_binding::Entity, tag_binding::Column::WorkspaceId))
                    .equals((workspace::Entity, workspace::Column::Id)),
            )
            .filter(self.holds())
            .filter(
                Condition::any()
                    .add(tag_binding::Column::IsFlat.eq(true))
                    .add(tag_binding::Column::TagKey.is_not_in(fixed))
                    .add(Expr::exists(of_project).not()),
            )
            .into_query()
    }

    /// The bindings of the workspace's project that are not overridden.
    fn inherited_in_force(&self, fixed: &HashSet<String>) -> SelectStatement {
        let key = Expr::col((tag_binding::Entity, tag_binding::Column::TagKey));
        tag_binding::Entity::find()
            .select_only()
            .column(tag_binding::Column::Id)
            .filter(
                Expr::col((tag_binding::Entity, tag_binding::Column::ProjectId))
                    .equals((workspace::Entity, workspace::Column::ProjectId)),
            )
            .filter(self.holds())
            .filter(
                Condition::any()
                    .add(tag_binding::Column::TagKey.is_in(fixed))
                    .add(overridden(key).not()),
            )
            .into_query()
    }
}

/// Holds where the workspace has a binding of this key that is not flat.
fn overridden(key: impl Into<SimpleExpr>) -> SimpleExpr {
    let own = Alias::new("own");
    Expr::exists(
        Query::select()
            .expr(Expr::val(1))
            .from_as(tag_binding::Entity, own.clone())
            .and_where(
                Expr::col((own.clone(), tag_binding::Column::WorkspaceId))
                    .equals((workspace::Entity, workspace::Column::Id)),
            )
            .and_where(Expr::col((own.clone(), tag_binding::Column::TagKey)).eq(key))
            .and_where(Expr::col((own, tag_binding::Column::IsFlat)).eq(false))
            .take(),
    )
}

/// One for each filter, for the workspaces of an organization. The projects that have such a binding are read first: they
/// are few, and often none, and a database that knows them has an index for the rest.
pub(crate) async fn in_force_on(
    cx: &Ctx,
    organization: &str,
    filters: &[TagFilter],
) -> Result<Vec<Condition>> {
    if filters.is_empty() {
        return Ok(Vec::new());
    }
    let projects = project::Entity::find()
        .select_only()
        .column(project::Column::Id)
        .filter(project::Column::OrganizationName.eq(organization))
        .into_query();
    let inherited = tag_binding::Entity::find()
        .filter(tag_binding::Column::ProjectId.in_subquery(projects))
        .filter(filters.iter().map(TagFilter::holds).fold(Condition::any(), Condition::add))
        .all(cx.read())
        .await?;
    let fixed = reserved::fixed_keys(cx.read(), [organization]).await?;
    let fixed = fixed.into_iter().map(|(_, key)| key).collect();
    Ok(filters.iter().map(|filter| filter.in_force(&inherited, &fixed)).collect())
}
