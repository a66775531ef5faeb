//! The plan of a run as mocks, for those who write policies.

use axum::response::Redirect;
use domain::{
    In,
    archivist::Content,
    can,
    entity::plan_export::{DataType, Status},
    plan_exports,
    row::{Phase, PlanExport, Run},
    runs,
};
use maud::{Markup, html};

use super::path;
use crate::{
    components::{Button, Icon, Look, action, icon_small, time},
    failure::Result,
    forms::Press,
    guard::May,
    visitor::SignedIn,
};

/// The latest export of a plan, for those who may have one.
pub struct Mocks(Option<PlanExport>);

impl Mocks {
    /// Nothing where nobody could order any, or the visitor may not.
    pub async fn of(visitor: &SignedIn, run: &In<Run>, plan: &Phase) -> Result<Option<Self>> {
        let cx = &visitor.cx;
        if !plan_exports::is_exportable(plan) || !cx.may::<can::ExportPlan>(&run.of) {
            return Ok(None);
        }
        let plan = In { row: plan.clone(), of: run.of.clone() };
        let found = plan_exports::of_plans(cx, std::slice::from_ref(&plan)).await?;
        Ok(Some(Self(found.into_values().flatten().next())))
    }

    pub fn are_made(&self) -> bool {
        self.0.as_ref().is_some_and(|export| export.status == Status::Queued)
    }

    pub fn draw(&self, visitor: &SignedIn, run: &In<Run>) -> Markup {
        let button =
            Button { label: "Make mocks", look: Look::Plain, small: true, ..Button::default() };
        let order = action(&format!("{}/mocks", path(run)), &visitor.form_token(), &button);
        match &self.0 {
            Some(export) if plan_exports::is_there(export, &visitor.cx) => html! {
                a class="button quiet small" href=(visitor.blob(Content::PlanExport, &export.id))
                    download={ "mocks-" (run.id) ".tar.gz" } {
                    (icon_small(Icon::Download)) "Download"
                }
                " until " (time(export.expires_at))
            },
            Some(_) if self.are_made() => html! { "They are being made." },
            Some(PlanExport { status: Status::Errored, error_message: Some(why), .. }) => html! {
                (why) " " (order)
            },
            _ => order,
        }
    }
}

/// Orders them, unless that was done already.
pub async fn order(run: May<can::ExportPlan, In<Run>>, _: Press) -> Result<Redirect> {
    let cx = &run.visitor.cx;
    let plan = runs::find_plan(cx, &run.plan_id).await?;
    let plan = cx.check::<can::ExportPlan, _>(plan)?;
    match plan_exports::create(cx, &plan, DataType::SentinelMockBundle).await {
        Ok(_) | Err(domain::Error::Invalid { .. }) => Ok(Redirect::to(&path(&run))),
        Err(error) => Err(error.into()),
    }
}
