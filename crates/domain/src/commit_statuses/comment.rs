//! The one comment below a pull request, where an organization wishes it: what the plans of its newest commit would do, in
//! the place of what stood there before.

use std::collections::BTreeSet;

use db::{
    entity::{
        ingress_attribute::{self, Kind},
        organization, pull_request_comment,
    },
    id::PullRequestCommentId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use vcs::provider::ProviderError;

use super::{
    outlook::{Outcome, link, outcomes},
    summary::{self, Summary},
};
use crate::{
    Ctx, Paging, Result, can, connected_repositories as repositories,
    plan_changes::{self, Action, Known, Part, Wanted},
    policy_evaluations,
    row::{PullRequestComment, Repository},
    runs,
    vcs_connections::{self, Failure},
};

/// Changes of each workspace that are named.
const NAMED: u64 = 40;

/// Says what there is to say, and whether somebody has to look again soon: a list of changes is being made.
pub(super) async fn say(cx: &Ctx, of: &Repository, commit: &str) -> Result<bool, Failure> {
    let organization =
        organization::Entity::find_by_id(of.organization_name.clone()).one(cx.read()).await;
    let organization = organization.map_err(crate::Error::from)?;
    if !organization.is_some_and(|row| row.pull_request_comments) {
        return Ok(false);
    }
    let mut is_to_come = false;
    for number in headed_by(cx, of, commit).await? {
        let outcomes = outcomes(cx, of, commit, Some(number)).await?;
        let mut summaries = Vec::new();
        for outcome in &outcomes {
            let (summary, is_whole) = Box::pin(summary_of(cx, outcome)).await?;
            is_to_come |= !is_whole;
            summaries.push(summary);
        }
        let provider = repositories::provider(of)?;
        let text = summary::text(commit, &summaries, summary::folds(provider.family()));
        match Box::pin(put(cx, of, number, &text)).await {
            // Plain git has no place for it.
            Ok(()) | Err(Failure::Provider(ProviderError::Unsupported(_))) => {}
            Err(failure) => {
                if !failure.is_passing() {
                    let said = format!("A comment on a pull request was refused: {failure}.");
                    repositories::note(cx, of, repositories::Level::Error, &said).await?;
                }
                return Err(failure);
            }
        }
    }
    Ok(is_to_come)
}

/// The pull requests whose newest commit it is, as far as anybody here was told.
async fn headed_by(cx: &Ctx, of: &Repository, commit: &str) -> Result<BTreeSet<i64>> {
    use ingress_attribute::Column as C;
    let mine = ingress_attribute::Entity::find()
        .filter(C::RepositoryId.eq(&of.id))
        .filter(C::CommitSha.eq(commit))
        .filter(C::Kind.eq(Kind::PullRequest))
        .all(cx.read())
        .await?;
    let mut numbers: BTreeSet<i64> =
        mine.iter().filter_map(|row| row.pull_request_number).collect();
    for number in numbers.clone() {
        let newest = ingress_attribute::Entity::find()
            .filter(C::RepositoryId.eq(&of.id))
            .filter(C::PullRequestNumber.eq(number))
            .order_by_desc(C::HappenedAt)
            .order_by_desc(C::Id)
            .one(cx.read())
            .await?;
        if newest.is_none_or(|newest| newest.commit_sha != commit) {
            numbers.remove(&number);
        }
    }
    Ok(numbers)
}

/// What one workspace would do, and whether all of it is known that ever will be.
async fn summary_of(cx: &Ctx, of: &Outcome) -> Result<(Summary, bool)> {
    let mut summary = Summary {
        workspace: of.workspace.name.clone(),
        url: link(cx, of),
        what: of.what,
        counts: of.has_planned().then(|| of.counts.numbers()),
        changes: Vec::new(),
        more: 0,
        policies: Vec::new(),
    };
    let Some(run) = &of.run else { return Ok((summary, true)) };
    summary.policies = policy_evaluations::judgements(cx, &run.id).await?;
    if !of.has_planned() {
        return Ok((summary, true));
    }
    let found = cx.check::<can::ReadRun, _>(runs::find(cx, &run.id).await?)?;
    let list = match plan_changes::of(cx, &found).await? {
        Known::List(list) => list,
        Known::Later => return Ok((summary, false)),
        Known::Never => return Ok((summary, true)),
    };
    let wanted = Wanted { parts: vec![Part::Resources, Part::Invocations], ..Wanted::default() };
    let first = Paging { number: 1, size: NAMED };
    let page = list.list(cx, &wanted, false, first).await?;
    summary.more = page.total.saturating_sub(NAMED);
    summary.changes = page
        .items
        .into_iter()
        .filter(|(_, _, change)| !matches!(change.action, Action::Same | Action::Read))
        .map(|(_, _, change)| (change.action, change.address))
        .collect();
    Ok((summary, true))
}

/// Only what is new is written.
async fn put(cx: &Ctx, of: &Repository, number: i64, text: &str) -> Result<(), Failure> {
    let digest = crypto::hash_token(text);
    let known = known(cx, of, number).await?;
    if known.as_ref().is_some_and(|known| known.said == digest) {
        return Ok(());
    }
    let name = repositories::name(of)?;
    let link = repositories::link(&of.connection)?;
    let earlier = known.as_ref().map(|known| known.comment.clone());
    let pull = u64::try_from(number).unwrap_or_default();
    let asked = vcs_connections::ask(cx, &link, |provider| {
        let (name, earlier, text) = (name.clone(), earlier.clone(), text.to_owned());
        async move { provider.comment(&name, pull, earlier.as_deref(), &text).await }
    });
    let comment = asked.await?;
    Ok(keep(cx, of, number, known, comment, digest).await?)
}

async fn known(cx: &Ctx, of: &Repository, number: i64) -> Result<Option<PullRequestComment>> {
    use pull_request_comment::Column as C;
    Ok(pull_request_comment::Entity::find()
        .filter(C::RepositoryId.eq(&of.id))
        .filter(C::Number.eq(number))
        .one(cx.read())
        .await?)
}

async fn keep(
    cx: &Ctx,
    of: &Repository,
    number: i64,
    known: Option<PullRequestComment>,
    comment: String,
    said: String,
) -> Result<()> {
    let tx = cx.write().await?;
    let held = match known {
        Some(known) => tx.lock::<pull_request_comment::Entity>(known.id).await?,
        None => None,
    };
    if let Some(mut row) = held {
        (row.comment, row.said, row.said_at) = (comment, said, tx.now());
        tx.update(row).await?;
    } else {
        tx.insert(PullRequestComment {
            id: PullRequestCommentId::fresh(),
            repository_id: of.id.clone(),
            number,
            comment,
            said,
            said_at: tx.now(),
        })
        .await?;
    }
    tx.commit().await
}
