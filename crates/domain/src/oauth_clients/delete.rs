//! Taking a connection away, or what opens it.

use db::{
    entity::{oauth_client, oauth_token, policy_set, workspace},
    id::{OauthTokenId, PolicySetId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr},
};
use serde_json::{Value, json};

use super::{Held, HeldToken, subject, subject_of_token, users};
use crate::{Ctx, Error, Granted, Happened, Result, Tx, can};

/// What uses it has no repository afterwards, and keeps its configurations.
pub async fn delete(cx: &Ctx, held: &Granted<can::ManageVcsSettings, Held>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<oauth_client::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    let tokens = oauth_token::Entity::find()
        .filter(oauth_token::Column::OauthClientId.eq(&row.id))
        .all(tx.db())
        .await?;
    let ids: Vec<_> = tokens.into_iter().map(|token| token.id).collect();
    let mut detail = disconnect(&tx, &row.organization_name, &ids).await?;
    detail["name"] = json!(row.name);
    tx.emit(Happened::OauthClientDeleted, subject(&row), detail).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// The same for a token alone: the connection can be connected again.
pub async fn delete_token(
    cx: &Ctx,
    held: &Granted<can::ManageVcsSettings, HeldToken>,
) -> Result<()> {
    let tx = cx.write().await?;
    let id = held.row.row.id.clone();
    let row = tx.lock::<oauth_token::Entity>(id).await?.ok_or(Error::NotFound)?;
    let client = &held.row.client;
    let ids = [row.id.clone()];
    let detail = disconnect(&tx, &client.organization_name, &ids).await?;
    tx.emit(Happened::OauthTokenDeleted, subject_of_token(&row, client), detail).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// Tells whom it has disconnected.
async fn disconnect(tx: &Tx, organization: &str, tokens: &[OauthTokenId]) -> Result<Value> {
    let users = users::of(tx.db(), organization, tokens).await?;
    let workspaces: Vec<WorkspaceId> =
        users.workspaces.into_iter().map(|(_, row)| row.id).collect();
    workspace::Entity::update_many()
        .col_expr(workspace::Column::VcsRepo, Expr::value(Option::<String>::None))
        .filter(workspace::Column::Id.is_in(&workspaces))
        .exec(tx.db())
        .await?;
    let sets: Vec<PolicySetId> = users.policy_sets.into_iter().map(|(_, row)| row.id).collect();
    policy_set::Entity::update_many()
        .col_expr(policy_set::Column::VcsRepo, Expr::value(Option::<String>::None))
        .filter(policy_set::Column::Id.is_in(&sets))
        .exec(tx.db())
        .await?;
    Ok(json!({ "workspaces": workspaces, "policy_sets": sets }))
}
