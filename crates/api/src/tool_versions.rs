//! `/admin/terraform-versions`, `/admin/opa-versions` and `/admin/sentinel-versions`: one and the same, but for the tool

use std::marker::PhantomData;

use domain::{
    In, Site, Timestamp, can,
    entity::tool_version::{Archive, Engine, Kind},
    row::ToolVersion,
    tool_versions::{self, Change, Filter, Used},
};
use jsonapi::{Body, Document, Empty, Field, Query, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::parsed};

pub fn routes() -> Routes {
    of::<OpaVersions>(of::<SentinelVersions>(of::<TerraformVersions>(Routes::default())))
}

fn of<T: Tool>(routes: Routes) -> Routes {
    routes
        .get(T::ALL, list::<T>)
        .post(T::ALL, create::<T>)
        .get(T::ONE, show::<T>)
        .patch(T::ONE, update::<T>)
        .delete(T::ONE, delete)
}

/// A tool whose versions administrators keep.
trait Tool: Default + Send + Sync + 'static {
    const KIND: Kind;
    const TYPE: &'static str;
    const ALL: &'static str;
    /// Its parameter tells the kind as well: see `Located`.
    const ONE: &'static str;
}

macro_rules! tools {
    ($($name:ident: $kind:ident, $type:literal, $parameter:literal;)+) => { $(
        #[derive(Default)]
        struct $name;

        impl Tool for $name {
            const KIND: Kind = Kind::$kind;
            const TYPE: &'static str = $type;
            const ALL: &'static str = concat!("/api/v2/admin/", $type);
            const ONE: &'static str = concat!("/api/v2/admin/", $type, "/{", $parameter, "}");
        }
    )+ };
}

tools! {
    TerraformVersions: Terraform, "terraform-versions", "terraform_version_id";
    OpaVersions: Opa, "opa-versions", "opa_version_id";
    SentinelVersions: Sentinel, "sentinel-versions", "sentinel_version_id";
}

/// A version on the wire.
struct View<T> {
    used: Used,
    tool: PhantomData<T>,
}

impl<T> View<T> {
    fn new(used: Used) -> Self {
        Self { used, tool: PhantomData }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    version: &'a str,
    /// Ours: the versions of OpenTofu are kept beside those of Terraform.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<Engine>,
    url: Option<&'a str>,
    sha: Option<&'a str>,
    deprecated: bool,
    deprecated_reason: Option<&'a str>,
    official: bool,
    enabled: bool,
    beta: bool,
    usage: u64,
    created_at: Timestamp,
    archs: &'a [Archive],
}

impl<T: Tool> Resource for View<T> {
    const TYPE: &'static str = T::TYPE;

    fn id(&self) -> String {
        self.used.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.used.row;
        let archive = self.used.archive();
        Attributes {
            version: &row.version,
            engine: row.kind.engine(),
            url: row.url.as_deref().or(archive.map(|archive| archive.url.as_str())),
            sha: row.sha.as_deref().or(archive.map(|archive| archive.sha.as_str())),
            deprecated: row.deprecated,
            deprecated_reason: row.deprecated_reason.as_deref(),
            official: row.official,
            enabled: row.enabled,
            beta: row.beta,
            usage: self.used.usage,
            created_at: row.created_at,
            archs: &self.used.archs,
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("{}/{}", T::ALL, self.used.row.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    filter: ByVersionAndEngine,
    search: ByVersionAndEngine,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ByVersionAndEngine {
    version: Option<String>,
    /// Ours: those of both engines without it.
    engine: Option<String>,
}

fn text(given: Option<&String>) -> Option<String> {
    given.filter(|text| !text.is_empty()).cloned()
}

/// What a list shows: under the address of Terraform's versions stand those of both engines.
fn kinds<T: Tool>(engine: Option<Engine>) -> Vec<Kind> {
    match (T::KIND.engine(), engine) {
        (Some(_), None) => vec![Kind::Terraform, Kind::Tofu],
        _ => vec![kind_of::<T>(engine)],
    }
}

/// Under the address of Terraform's versions, the engine says which are meant.
fn kind_of<T: Tool>(engine: Option<Engine>) -> Kind {
    engine.filter(|_| T::KIND.engine().is_some()).map_or(T::KIND, Kind::from)
}

async fn list<T: Tool>(
    site: May<can::ManageSite>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let asked = &query.own;
    let filter = Filter {
        version: text(asked.filter.version.as_ref()),
        search: text(asked.search.version.as_ref()),
    };
    let paging = paging(&query);
    let kinds = kinds::<T>(
        parsed(asked.filter.engine.as_deref(), "filter[engine]")?
            .or(parsed(asked.search.engine.as_deref(), "search[engine]")?),
    );
    let page = tool_versions::list(&site.cx, &site, &kinds, filter, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View::<T>::new).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &site.cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", bound = "T: Tool")]
struct Input<T> {
    version: Option<String>,
    #[serde(deserialize_with = "jsonapi::id")]
    engine: Field<Engine>,
    url: Option<String>,
    sha: Option<String>,
    archs: Option<Vec<Archive>>,
    official: Option<bool>,
    enabled: Option<bool>,
    beta: Option<bool>,
    deprecated: Option<bool>,
    #[serde(deserialize_with = "jsonapi::prose")]
    deprecated_reason: Field<String>,
    #[serde(skip)]
    tool: PhantomData<T>,
}

impl<T: Tool> Typed for Input<T> {
    const TYPE: &'static str = T::TYPE;
}

impl<T> From<Input<T>> for Change {
    fn from(input: Input<T>) -> Self {
        Self {
            version: input.version,
            url: input.url.filter(|text| !text.is_empty()),
            sha: input.sha.filter(|text| !text.is_empty()),
            archs: input.archs,
            official: input.official,
            enabled: input.enabled,
            beta: input.beta,
            deprecated: input.deprecated,
            deprecated_reason: input.deprecated_reason.into_change(),
        }
    }
}

async fn create<T: Tool>(site: May<can::ManageSite>, body: Body<Input<T>>) -> Result<Document> {
    let kind = kind_of::<T>(body.attributes.engine.into_option());
    let used = tool_versions::create(&site.cx, &site, kind, body.attributes.into()).await?;
    Ok(Document::one(&View::<T>::new(used)).created())
}

async fn show<T: Tool>(version: May<can::ManageSite, In<ToolVersion, Site>>) -> Result<Document> {
    let used = tool_versions::used(&version.cx, version.granted).await?;
    Ok(Document::one(&View::<T>::new(used)))
}

async fn update<T: Tool>(
    version: May<can::ManageSite, In<ToolVersion, Site>>,
    body: Body<Input<T>>,
) -> Result<Document> {
    if body
        .attributes
        .engine
        .into_option()
        .is_some_and(|engine| version.granted.kind != Kind::from(engine))
    {
        return Err(jsonapi::Error::invalid("engine", "can't be changed").into());
    }
    let used = tool_versions::update(&version.cx, &version, body.attributes.into()).await?;
    Ok(Document::one(&View::<T>::new(used)))
}

async fn delete(version: May<can::ManageSite, In<ToolVersion, Site>>) -> Result<Empty> {
    tool_versions::delete(&version.cx, &version).await?;
    Ok(Empty)
}
