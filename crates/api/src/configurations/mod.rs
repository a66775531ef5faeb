//! `/configuration-versions`

pub mod ingress_attributes;

use std::collections::HashMap;

use domain::{
    Ctx, In, StatusTimestamps,
    archivist::{self, Content},
    can,
    configurations::{self, New},
    entity::configuration_version::{Source, Status},
    row::{ConfigurationVersion, IngressAttributes, Run},
};

use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode, header::LOCATION};
use jsonapi::{Body, Document, Links, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/configuration-versions", list)
        .post("/api/v2/workspaces/{workspace_id}/configuration-versions", create)
        .get("/api/v2/configuration-versions/{configuration_version_id}", show)
        .get(
            "/api/v2/configuration-versions/{configuration_version_id}/ingress-attributes",
            ingress_attributes::show,
        )
        .get("/api/v2/configuration-versions/{configuration_version_id}/download", download)
        .post("/api/v2/configuration-versions/{configuration_version_id}/actions/archive", archive)
        .get("/api/v2/runs/{run_id}/configuration-version", show_of_run)
        .get("/api/v2/runs/{run_id}/configuration-version/download", download_of_run)
}

/// A configuration version on the wire.
pub struct View {
    row: ConfigurationVersion,
    /// The commit that it is made of, if it came from a repository.
    ingress: Option<IngressAttributes>,
    /// Told only to who announced it: whoever has it decides what will run.
    upload_url: Option<String>,
}

pub async fn views(cx: &Ctx, rows: Vec<ConfigurationVersion>) -> Result<Vec<View>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let found = configurations::ingress_of(cx, &ids).await?.into_iter();
    let mut by_id: HashMap<_, _> =
        found.map(|row| (row.configuration_version_id.clone(), row)).collect();
    let view =
        |row: ConfigurationVersion| View { ingress: by_id.remove(&row.id), row, upload_url: None };
    Ok(rows.into_iter().map(view).collect())
}

async fn view(cx: &Ctx, row: ConfigurationVersion) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

impl View {
    fn announced(cx: &Ctx, row: ConfigurationVersion) -> Self {
        let address = archivist::address(cx, Content::ConfigurationUpload, &row.id);
        Self { upload_url: Some(address), ingress: None, row }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    auto_queue_runs: bool,
    error: Option<&'a str>,
    error_message: Option<&'a str>,
    source: Source,
    speculative: bool,
    provisional: bool,
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    changed_files: &'a [String],
    upload_url: Option<&'a str>,
}

impl Resource for View {
    const TYPE: &'static str = "configuration-versions";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            auto_queue_runs: row.auto_queue_runs,
            error: row.error.as_deref(),
            error_message: row.error_message.as_deref(),
            source: row.source,
            speculative: row.speculative,
            provisional: row.provisional,
            status: row.status,
            status_timestamps: &row.status_timestamps,
            changed_files: self.ingress.as_ref().map_or(&[], |of| &of.changed_files),
            upload_url: self.upload_url.as_deref(),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let related = format!("/api/v2/configuration-versions/{}/ingress-attributes", self.row.id);
        let ingress = self.ingress.as_ref().map(|of| &of.id as _);
        to.one_with_link("ingress-attributes", "ingress-attributes", ingress, related);
    }

    fn links(&self, to: &mut Links) {
        if self.row.status == Status::Uploaded {
            to.add("download", format!("/api/v2/configuration-versions/{}/download", self.row.id));
        }
    }
}

async fn list(workspace: May<can::ReadConfiguration>, query: Query) -> Result<Document> {
    let paging = paging(&query);
    let page = configurations::list(&workspace.cx, &workspace, paging).await?;
    let views = views(&workspace.cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, &workspace.cx).await
}

#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    auto_queue_runs: bool,
    speculative: bool,
    provisional: bool,
}

impl Typed for Input {
    const TYPE: &'static str = "configuration-versions";
}

impl Default for Input {
    fn default() -> Self {
        Self { auto_queue_runs: true, speculative: false, provisional: false }
    }
}

async fn create(
    workspace: May<can::CreateConfiguration>,
    headers: HeaderMap,
    body: Option<Body<Input>>,
) -> Result<Document> {
    let input = body.map(|body| body.attributes).unwrap_or_default();
    let new = New {
        speculative: input.speculative,
        provisional: input.provisional,
        auto_queue_runs: input.auto_queue_runs,
        source: source(&headers),
    };
    let row = configurations::create(&workspace.cx, &workspace, new).await?;
    Ok(Document::one(&View::announced(&workspace.cx, row)).created())
}

/// The command line says who it is (CLI protocol 3.1); all others are programs that use the API.
fn source(headers: &HeaderMap) -> Source {
    let is_cloud = headers.get("x-terraform-integration").is_some_and(|value| value == "cloud");
    match (is_cloud, headers.contains_key("terraform-version")) {
        (true, _) => Source::TerraformCloud,
        (false, true) => Source::Terraform,
        (false, false) => Source::Api,
    }
}

async fn show(
    configuration: May<can::ReadConfiguration, In<ConfigurationVersion>>,
    query: Query,
) -> Result<Document> {
    let view = view(&configuration.cx, configuration.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &configuration.cx).await
}

async fn show_of_run(run: May<can::ReadConfiguration, In<Run>>, query: Query) -> Result<Document> {
    let view = view(&run.cx, configurations::of_run(&run.cx, &run).await?).await?;
    Document::one_with(&view, &query, &INCLUDES, &run.cx).await
}

async fn archive(
    configuration: May<can::ArchiveConfiguration, In<ConfigurationVersion>>,
) -> Result<StatusCode> {
    configurations::archive(&configuration.cx, &configuration).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn download(
    configuration: May<can::DownloadConfiguration, In<ConfigurationVersion>>,
) -> Result<impl IntoResponse> {
    content(&configuration.cx, &configuration)
}

async fn download_of_run(run: May<can::ReadConfiguration, In<Run>>) -> Result<impl IntoResponse> {
    content(&run.cx, &configurations::of_run(&run.cx, &run).await?)
}

/// A redirect to where the archive is had without a token.
fn content(cx: &Ctx, row: &ConfigurationVersion) -> Result<impl IntoResponse + use<>> {
    if row.status != Status::Uploaded {
        return Err(domain::Error::NotFound.into());
    }
    let address = archivist::address(cx, Content::Configuration, &row.id);
    Ok((StatusCode::FOUND, [(LOCATION, address)]))
}
