//! `/gad-gets`

use domain::{
    In, can,
    gad_gets::{self, Change},
    row::{GadGet, Organization},
};
use jsonapi::{Body, Document, Empty, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/gad-gets", list)
        .post("/api/v2/organizations/{organization_name}/gad-gets", create)
        .get("/api/v2/gad-gets/{gad_get_id}", show)
        .patch("/api/v2/gad-gets/{gad_get_id}", update)
        .delete("/api/v2/gad-gets/{gad_get_id}", delete)
}

/// One on the wire.
pub struct View(pub GadGet);

impl Resource for View {
    const TYPE: &'static str = "gad-gets";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Attributes<'a> {
            name: &'a str,
        }
        Attributes { name: &self.0.name }
    }

    fn relationships(&self, to: &mut Relationships) {
        let organization = &self.0.organization_name;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/gad-gets/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    name: Option<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "gad-gets";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self { name: input.name }
    }
}

async fn list(organization: May<can::ReadGadGets>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let page = gad_gets::list(cx, &organization, paging(&query)).await?.map(View);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

async fn create(organization: May<can::ManageGadGets>, body: Body<Input>) -> Result<Document> {
    let row = gad_gets::create(&organization.cx, &organization, body.attributes.into()).await?;
    Ok(Document::one(&View(row)).created())
}

async fn show(
    held: May<can::ReadGadGets, In<GadGet, Organization>>,
    query: Query,
) -> Result<Document> {
    let view = View(held.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &held.cx).await
}

async fn update(
    held: May<can::ManageGadGets, In<GadGet, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    let row = gad_gets::update(&held.cx, &held, body.attributes.into()).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(held: May<can::ManageGadGets, In<GadGet, Organization>>) -> Result<Empty> {
    gad_gets::delete(&held.cx, &held).await?;
    Ok(Empty)
}
