//! Which teams somebody may see, as lists and includes need it.

use db::{
    entity::team::{self, Visibility},
    id::TeamId,
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
        sea_query::{Expr, ExprTrait, Func},
    },
};

use crate::{Ctx, Granted, Page, Paging, Result, access::TeamScope, can, row::Team};

#[derive(Debug, Default)]
pub struct Filter {
    /// Exactly one of these, whatever the case.
    pub names: Option<Vec<String>>,
    /// Part of the name.
    pub search: Option<String>,
}

/// Holds for the teams of an organization that the caller may see.
pub(crate) fn visible(cx: &Ctx, organization: &str) -> Condition {
    let condition = Condition::all().add(team::Column::OrganizationName.eq(organization));
    match cx.actor().team_scope(organization) {
        TeamScope::None => condition.add(team::Column::Id.is_in(Vec::<TeamId>::new())),
        TeamScope::All => condition,
        TeamScope::Visible(own) => condition.add(
            Condition::any()
                .add(team::Column::Visibility.eq(Visibility::Organization))
                .add(team::Column::Id.is_in(own)),
        ),
    }
}

/// The teams of an organization that the caller may see, by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<Team>> {
    let mut condition = visible(cx, &organization.name);
    if let Some(names) = filter.names {
        let lower: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let name = Expr::expr(Func::lower(Expr::col(team::Column::Name)));
        condition = condition.add(name.is_in(lower));
    }
    if let Some(text) = filter.search {
        condition = condition.add(db::contains(team::Column::Name, &text));
    }
    let query = team::Entity::find().filter(condition);
    let query = query.order_by_asc(team::Column::Name);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[TeamId]) -> Result<Vec<Team>> {
    let rows = team::Entity::find().filter(team::Column::Id.is_in(ids)).all(cx.read()).await?;
    Ok(rows.into_iter().filter(|row| cx.may::<can::ReadTeam>(row)).collect())
}
