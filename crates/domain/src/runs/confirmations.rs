//! Runs that need the yes of several people, or of another one than who has queued them, as their workspace says. Each
//! yes is a row; the last one that is needed lets the run go on.

use db::{
    entity::{phase, run::Status, run_confirmation as confirmation, task_stage::Stage},
    id::{RunConfirmationId, RunId, UserId},
    page,
    sea_orm::{
        ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
        QueryOrder, Statement,
    },
};
use serde_json::json;

use super::{
    held::{Floor, Held},
    moves::subject,
    stages::{self, Part},
    status::{self, Event},
    turns::Waiting,
};
use crate::{
    Ctx, Error, Granted, Happened, In, Page, Paging, Result, Site, accounts, can,
    row::{Run, RunConfirmation, Workspace},
    task_stages,
    workspaces::ConfirmationRule as Rule,
};

/// How failures of this room are reported.
const CHORE: &str = "confirmed runs";

/// What is missing until a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// People, at least.
    pub count: usize,
    /// One of them must be another than who has queued the run.
    pub another: bool,
}

impl Missing {
    pub fn is_nobody(self) -> bool {
        self.count == 0
    }
}

fn missing(rule: Rule, queued_by: Option<&UserId>, confirmed: &[UserId]) -> Missing {
    let (others, least) = match queued_by {
        Some(queued_by) => (confirmed.iter().filter(|id| *id != queued_by).count(), 1),
        // By a token of a team, say, which any of these people may have: one of two is another.
        None => (confirmed.len().saturating_sub(1), 2),
    };
    let another = rule.by_others && others == 0;
    let required = if rule.by_others { rule.required.max(least) } else { rule.required };
    let count = required.saturating_sub(confirmed.len());
    Missing { count: count.max(usize::from(another)), another }
}

async fn rows(db: &impl ConnectionTrait, run: &Run) -> Result<Vec<RunConfirmation>> {
    Ok(confirmation::Entity::find()
        .filter(confirmation::Column::RunId.eq(&run.id))
        .order_by_asc(confirmation::Column::CreatedAt)
        .order_by_asc(confirmation::Column::Id)
        .all(db)
        .await?)
}

/// Of those who have confirmed a run, the ones who may still do so: nobody else's yes counts.
async fn counting(
    cx: &Ctx,
    confirmed: &[RunConfirmation],
    workspace: &Workspace,
) -> Result<Vec<UserId>> {
    let people: Vec<_> = confirmed.iter().map(|row| row.user_id.clone()).collect();
    accounts::who_may::<can::ApplyRun>(cx, people, workspace).await
}

/// Those whose yes counts, in their order, and who is missing beside them.
async fn standing(
    cx: &Ctx,
    db: &impl ConnectionTrait,
    run: &Run,
    workspace: &Workspace,
) -> Result<(Vec<UserId>, Missing)> {
    let counting = counting(cx, &rows(db, run).await?, workspace).await?;
    let missing = missing(Rule::of(workspace), run.created_by_id.as_ref(), &counting);
    Ok((counting, missing))
}

/// Runs that wait for people although as many have said yes as their workspace asks for: perhaps it asks for fewer than
/// it did, or somebody has the right again to confirm.
pub(crate) fn enough(backend: DbBackend) -> Statement {
    let waiting = Status::ALL.iter().filter(|status| status::is_confirmable(**status));
    let waiting: Vec<_> = waiting.map(|status| format!("'{status}'")).collect();
    let sql = format!(
        "SELECT r.id FROM runs r JOIN workspaces w ON w.id = r.workspace_id WHERE r.status IN ({}) \
         AND w.confirmations_required <= (SELECT COUNT(*) FROM run_confirmations c WHERE c.run_id = r.id) \
         ORDER BY r.created_at",
        waiting.join(", ")
    );
    Statement::from_string(backend, sql)
}

/// Lets those of them go on for which nobody is missing. Safe to repeat.
pub async fn go_on_with_enough(cx: &Ctx) -> Result<()> {
    let found = enough(cx.read().get_database_backend());
    for Waiting { id } in Waiting::find_by_statement(found).all(cx.read()).await? {
        let outcome = Box::pin(go_on(cx, &id)).await;
        cx.troubles().settle(CHORE, id.as_str(), outcome, cx.now());
    }
    Ok(())
}

async fn go_on(cx: &Ctx, id: &RunId) -> Result<()> {
    let run = super::find(cx, id).await?.into_unchecked();
    // Nearly always somebody is, and then nothing is locked.
    if !standing(cx, cx.read(), &run, &run.of).await?.1.is_nobody() {
        return Ok(());
    }
    let Some(floor) = Floor::lock_if_free(cx, &run.workspace_id).await? else { return Ok(()) };
    let Some(mut held) = floor.hold_if_free(id).await? else { return Ok(()) };
    let (counting, missing) = standing(cx, held.tx().db(), &held, held.workspace()).await?;
    if !missing.is_nobody() || !status::is_confirmable(held.status) {
        held.let_go().await;
        return Ok(());
    }
    held.happen(Event::Confirmed).await?;
    held.confirmed_by_id = counting.last().cloned();
    held.commit().await?;
    Ok(())
}

/// Before the apply is queued: where the yes of somebody is needed who may not give it any more, the run waits for
/// people again. Says whether it does.
pub(super) async fn ask_again(held: &mut Held) -> Result<bool> {
    let rule = Rule::of(held.workspace());
    if !rule.is_strict() || stages::awaited_phase(held.status) != Some(phase::Kind::Apply) {
        return Ok(false);
    }
    let tx = held.tx();
    if standing(tx.cx(), tx.db(), held, held.workspace()).await?.1.is_nobody() {
        return Ok(false);
    }
    let last = task_stages::last_passed(tx, &held.id, Part::Plan).await?;
    held.happen(Event::YesWithdrawn(last.unwrap_or(Stage::Plan))).await?;
    held.confirmed_by_id = None;
    Ok(true)
}

/// Counts the caller's yes; whether it was the last that was needed.
///
/// # Errors
/// Conflict where the run waits for nobody, or for others than the caller; Forbidden for callers who are no person, or
/// somebody else.
pub(super) async fn count(cx: &Ctx, held: &Held) -> Result<bool> {
    if !status::is_confirmable(held.status) {
        return Err(Error::conflict(format!("transition not allowed: the run is {}", held.status)));
    }
    let Some(user_id) = cx.actor().user_id() else {
        return Err(Error::Forbidden(
            "The runs of this workspace are confirmed by people, and this token is nobody's."
                .into(),
        ));
    };
    if !cx.may::<can::SpeakForOneself>(&Site) {
        return Err(Error::Forbidden(
            "Where several people confirm a run, nobody does it in the name of another.".into(),
        ));
    }
    let tx = held.tx();
    let given = rows(tx.db(), held).await?;
    let is_new = !given.iter().any(|row| row.user_id == user_id);
    let mut confirmed = counting(cx, &given, held.workspace()).await?;
    if !confirmed.contains(&user_id) {
        confirmed.push(user_id.clone());
    }
    let left = missing(Rule::of(held.workspace()), held.created_by_id.as_ref(), &confirmed);
    if !is_new && !left.is_nobody() {
        return Err(Error::conflict(format!(
            "You have confirmed this run already. {}",
            sentence(left)
        )));
    }
    if is_new {
        tx.insert(confirmation::Model {
            id: RunConfirmationId::fresh(),
            run_id: held.id.clone(),
            user_id,
            created_at: tx.now(),
        })
        .await?;
        let detail = json!({ "missing": left.count });
        tx.emit(Happened::RunConfirmationGiven, subject(held), detail).await?;
    }
    Ok(left.is_nobody())
}

fn sentence(missing: Missing) -> String {
    match (missing.count, missing.another) {
        (0, _) => "Nobody is missing: it goes on by itself.".to_owned(),
        (1, true) => "Somebody else than who has queued it has to confirm it as well.".to_owned(),
        (1, false) => "One more person has to confirm it.".to_owned(),
        (many, true) => format!(
            "{many} more people have to confirm it, one of them another than who has queued it."
        ),
        (many, false) => format!("{many} more people have to confirm it."),
    }
}

/// What a run needs before it goes on, or needed.
#[derive(Debug)]
pub struct Confirmations {
    pub rule: Rule,
    pub missing: Missing,
}

/// Those who have confirmed a run, in their order, and what is missing.
pub async fn list(
    cx: &Ctx,
    run: &Granted<can::ReadRun, In<Run>>,
    paging: Paging,
) -> Result<(Page<RunConfirmation>, Confirmations)> {
    let given = rows(cx.read(), run).await?;
    let counting = counting(cx, &given, &run.of).await?;
    let query = confirmation::Entity::find()
        .filter(confirmation::Column::RunId.eq(&run.id))
        .order_by_asc(confirmation::Column::CreatedAt)
        .order_by_asc(confirmation::Column::Id);
    let page = page(cx.read(), query, paging).await?;
    let rule = Rule::of(&run.of);
    Ok((
        page,
        Confirmations { rule, missing: missing(rule, run.created_by_id.as_ref(), &counting) },
    ))
}

/// Who has confirmed it and who is missing, in words; nothing where one yes of anybody is enough.
pub(super) async fn waits_for(cx: &Ctx, run: &In<Run>) -> Result<Option<String>> {
    if !status::is_confirmable(run.status) {
        return Ok(None);
    }
    let rule = Rule::of(&run.of);
    let given = rows(cx.read(), run).await?;
    if !rule.is_strict() && given.is_empty() {
        return Ok(None);
    }
    let counting = counting(cx, &given, &run.of).await?;
    let left = sentence(missing(rule, run.created_by_id.as_ref(), &counting));
    let all: Vec<_> = given.into_iter().map(|row| row.user_id).collect();
    let people = accounts::load(cx, &all).await?;
    let names = |counts: bool| {
        let these = all.iter().filter(|id| counting.contains(id) == counts);
        let users = these.filter_map(|id| people.iter().find(|user| user.id == *id));
        users.map(|user| user.username.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut said = vec![match names(true).as_str() {
        "" => "Nobody has confirmed it yet.".to_owned(),
        names => format!("Confirmed by {names}."),
    }];
    let others = names(false);
    if !others.is_empty() {
        said.push(format!("The yes of {others} counts no more: they may not give it now."));
    }
    said.push(left);
    Ok(Some(said.join(" ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn people() -> impl Strategy<Value = Vec<UserId>> {
        (0..6_usize).prop_map(|count| (0..count).map(|_| UserId::fresh()).collect())
    }

    proptest! {
        #[test]
        fn one_more_yes_never_makes_more_missing(
            required in 1..5_usize, by_others: bool, people in people(), is_own: bool,
        ) {
            let (rule, me) = (Rule { required, by_others }, UserId::fresh());
            let queued_by = is_own.then_some(&me);
            let before = missing(rule, queued_by, &people);
            let after = missing(rule, queued_by, &[&people[..], std::slice::from_ref(&me)].concat());
            prop_assert!(after.count <= before.count && (before.another || !after.another));
        }

        #[test]
        fn nothing_goes_on_before_as_many_people_as_it_takes(
            required in 1..5_usize, by_others: bool, people in people(),
        ) {
            let rule = Rule { required, by_others };
            let left = missing(rule, None, &people);
            // Nobody knows who has queued it: one of two people is another.
            let enough = if by_others { required.max(2) } else { required };
            prop_assert_eq!(left.is_nobody(), people.len() >= enough);
            prop_assert_eq!(left.count, enough.saturating_sub(people.len()));
        }

        #[test]
        fn nobody_is_enough_for_a_run_of_their_own(required in 1..5_usize) {
            let (rule, me) = (Rule { required, by_others: true }, UserId::fresh());
            prop_assert!(missing(rule, Some(&me), std::slice::from_ref(&me)).another);
            let both = [me.clone(), UserId::fresh()];
            prop_assert!(!missing(rule, Some(&me), &both).another);
        }
    }
}
