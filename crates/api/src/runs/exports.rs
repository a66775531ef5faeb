//! `/plan-exports`: plans as mocks, for those who write policies

use axum::response::{IntoResponse, Response};
use domain::{
    Ctx, In, StatusTimestamps,
    archivist::{self, Content},
    can,
    entity::plan_export::{DataType, Status},
    plan_exports,
    row::PlanExport,
    runs::{self, Plan},
};
use http::{StatusCode, header::LOCATION};
use jsonapi::{Body, Document, Empty, Error, Links, Query, Relationships, Resource, ToOne, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Named, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .post("/api/v2/plan-exports", create)
        .get("/api/v2/plan-exports/{plan_export_id}", show)
        .delete("/api/v2/plan-exports/{plan_export_id}", delete)
        .get("/api/v2/plan-exports/{plan_export_id}/download", download)
}

/// An export on the wire.
pub struct View {
    row: PlanExport,
    is_there: bool,
}

impl View {
    pub fn new(cx: &Ctx, row: PlanExport) -> Self {
        Self { is_there: plan_exports::is_there(&row, cx), row }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    data_type: DataType,
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    error_message: Option<&'a str>,
}

impl Resource for View {
    const TYPE: &'static str = "plan-exports";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            data_type: self.row.data_type,
            status: self.row.status,
            status_timestamps: &self.row.status_timestamps,
            error_message: self.row.error_message.as_deref(),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let plan = &self.row.plan_id;
        to.one_with_link("plan", "plans", Some(plan), format!("/api/v2/plans/{plan}"));
    }

    fn links(&self, to: &mut Links) {
        if self.is_there {
            to.add("download", format!("/api/v2/plan-exports/{}/download", self.row.id));
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    data_type: Option<DataType>,
}

impl Typed for Input {
    const TYPE: &'static str = "plan-exports";
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    plan: Option<ToOne<String>>,
}

async fn create(
    caller: Named<can::ExportPlan, Plan>,
    mut body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let named = body.relationships.plan.take();
    let named = named.map(|one| one.of_kind("plans", "plan")).transpose()?.flatten();
    let named = named
        .ok_or_else(|| Error::unprocessable("/data/relationships/plan", "plan is required"))?;
    let id = named.parse().map_err(|_| domain::Error::NotFound)?;
    let plan = caller.check(runs::find_plan(cx, &id).await?)?;
    let data_type = body.attributes.data_type;
    let data_type =
        data_type.ok_or_else(|| domain::Error::invalid("data-type", "can't be blank"))?;
    let row = plan_exports::create(cx, &plan, data_type).await?;
    Ok(Document::one(&View::new(cx, row)).created())
}

async fn show(export: May<can::ExportPlan, In<PlanExport>>, query: Query) -> Result<Document> {
    let cx = export.cx;
    let view = View::new(&cx, export.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn delete(export: May<can::ExportPlan, In<PlanExport>>) -> Result<Empty> {
    plan_exports::delete(&export.cx, &export).await?;
    Ok(Empty)
}

/// 302, as the documents have it.
async fn download(export: May<can::ExportPlan, In<PlanExport>>) -> Result<Response> {
    if !plan_exports::is_there(&export.granted.row, &export.cx) {
        return Err(domain::Error::NotFound.into());
    }
    let address = archivist::address(&export.cx, Content::PlanExport, &export.granted.row.id);
    Ok((StatusCode::FOUND, [(LOCATION, address)]).into_response())
}
