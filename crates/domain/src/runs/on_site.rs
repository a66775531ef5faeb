//! All runs of the installation, for its administrators: where they are, how they stand, and what those that are not over
//! wait for. Nothing of what is in them.

use db::{
    contains,
    entity::{
        organization, repository,
        run::{self, Status},
        workspace,
    },
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        sea_query::ExprTrait,
    },
};

use super::waits_for;
use crate::{
    Ctx, Found, Granted, In, Page, Paging, Result, Site, Timestamp, can, id::RunId, row::Run,
};

/// What administrators look for: every run, where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct SoughtOnSite {
    /// Its id, or part of the name of its workspace or organization, of that one's address or of its repository.
    pub text: Option<String>,
    /// One of these; of an empty list, none.
    pub statuses: Option<Vec<Status>>,
    /// Made at that moment or later.
    pub from: Option<Timestamp>,
    /// Made at that moment or before.
    pub to: Option<Timestamp>,
}

impl SoughtOnSite {
    fn condition(self) -> Condition {
        use run::Column as C;
        Condition::all()
            .add_option(self.text.map(|text| is_about(&text)))
            .add_option(self.statuses.map(|statuses| C::Status.is_in(statuses)))
            .add_option(self.from.map(|from| C::CreatedAt.gte(from)))
            .add_option(self.to.map(|to| C::CreatedAt.lte(to)))
    }
}

fn is_about(text: &str) -> Condition {
    use workspace::Column as W;
    let repositories = repository::Entity::find()
        .select_only()
        .column(repository::Column::Id)
        .filter(contains(repository::Column::Identifier, text))
        .into_query();
    let workspaces = workspace::Entity::find()
        .select_only()
        .column(W::Id)
        .filter(contains(W::Name, text).or(W::RepositoryId.in_subquery(repositories)))
        .into_query();
    let organizations = organization::Entity::find()
        .select_only()
        .column(organization::Column::Name)
        .filter(contains(organization::Column::Email, text))
        .into_query();
    Condition::any()
        .add(run::Column::Id.eq(text))
        .add(contains(run::Column::OrganizationName, text))
        .add(run::Column::OrganizationName.in_subquery(organizations))
        .add(run::Column::WorkspaceId.in_subquery(workspaces))
}

pub async fn find_on_site(cx: &Ctx, id: &RunId) -> Result<Found<In<In<Run>, Site>>> {
    let row = super::find(cx, id).await?.into_unchecked();
    Ok(Found::new(In { row, of: Site }))
}

/// The newest first.
pub async fn list_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    sought: SoughtOnSite,
    paging: Paging,
) -> Result<Page<Run>> {
    let query = run::Entity::find()
        .filter(sought.condition())
        .order_by_desc(run::Column::CreatedAt)
        .order_by_desc(run::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes.
pub async fn load_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    ids: &[RunId],
) -> Result<Vec<Run>> {
    Ok(run::Entity::find().filter(run::Column::Id.is_in(ids)).all(cx.read()).await?)
}

/// A run that is not over.
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

/// Those that are not over, and have waited longest first.
pub async fn unfinished_of_site(
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
