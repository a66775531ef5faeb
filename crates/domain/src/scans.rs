//! The statements by which the background looks for work, for whoever wants to see how a database reads them: each has
//! to be the reading of an index, however much there is.

use db::{
    entity::run::Status,
    sea_orm::{ConnectionTrait, QueryTrait, Statement},
};

use crate::{
    Ctx, agents,
    runs::{
        candidates::{self, Wanted},
        turns,
    },
    task_stages,
};

/// By what they look for.
pub fn all(cx: &Ctx) -> Vec<(&'static str, Statement)> {
    let backend = cx.read().get_database_backend();
    let wanted =
        |status| Wanted { status, of_site: true, of_pools: true, workspace: None, unreadable: &[] };
    let evaluated = turns::in_statuses([Status::PostPlanRunning], 1);
    vec![
        ("runs to apply", candidates::query(backend, wanted(Status::Confirmed), None)),
        ("runs to plan", candidates::query(backend, wanted(Status::Pending), None)),
        ("stages", task_stages::at_work(1).build(backend)),
        ("runs without a configuration", turns::hopeless(backend, cx.now())),
        ("policies", evaluated.build(backend)),
        ("lost jobs", agents::silent(cx).build(backend)),
    ]
}
