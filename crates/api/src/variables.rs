//! `/workspaces/:id/vars`, those in force there, and `/vars` as old clients know it

use std::collections::BTreeMap;

use domain::{
    In, Timestamp, can,
    entity::variable::Category,
    id::{VariableId, WorkspaceId},
    row::Variable,
    variables::{self, Change, SecretString, Shown, Weighed},
    workspaces,
};
use jsonapi::{
    Body, Document, Empty, Error, Field, Identifiers, Object, Query, Relationships, Resource,
    ToOne, Typed,
};
use serde::{Deserialize, Serialize};

use crate::{
    May, Named, Result, Routes,
    parameters::{ByName, Filtered},
};

pub fn routes() -> Routes {
    let of_workspace = "/api/v2/workspaces/{workspace_id}/vars";
    let one_of_workspace = "/api/v2/workspaces/{workspace_id}/vars/{variable_id}";
    Routes::default()
        .get(of_workspace, list)
        .post(of_workspace, create)
        .get(one_of_workspace, show)
        .patch(one_of_workspace, update)
        .delete(one_of_workspace, delete)
        .patch("/api/v2/workspaces/{workspace_id}/relationships/vars", update_several)
        .get("/api/v2/workspaces/{workspace_id}/all-vars", list_effective)
        .get("/api/v2/vars", list_by_names)
        .post("/api/v2/vars", create_in_related)
        .patch("/api/v2/vars/{variable_id}", update)
        .delete("/api/v2/vars/{variable_id}", delete)
}

/// A variable on the wire.
pub struct View {
    shown: Shown,
    /// Only where it is compared to others of its name.
    rivals: Option<Rivals>,
}

struct Rivals {
    overwriter: Option<VariableId>,
    overwritten: Vec<VariableId>,
}

impl From<Shown> for View {
    fn from(shown: Shown) -> Self {
        Self { shown, rivals: None }
    }
}

impl From<Weighed> for View {
    fn from(weighed: Weighed) -> Self {
        let Weighed { shown, overwriter, overwritten } = weighed;
        Self { shown, rivals: Some(Rivals { overwriter, overwritten }) }
    }
}

/// For includes: each variable beside the id of its workspace.
pub fn by_workspace(variables: Vec<Shown>) -> Vec<(String, Vec<Object>)> {
    let mut grouped: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for shown in variables {
        let workspace = shown.row.workspace_id.as_ref().map(ToString::to_string);
        let object = Object::new(&View::from(shown));
        grouped.entry(workspace.unwrap_or_default()).or_default().push(object);
    }
    grouped.into_iter().collect()
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    key: &'a str,
    value: Option<&'a str>,
    sensitive: bool,
    category: Category,
    hcl: bool,
    created_at: Timestamp,
    description: Option<&'a str>,
    version_id: &'a str,
}

impl Resource for View {
    const TYPE: &'static str = "vars";

    fn id(&self) -> String {
        self.shown.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.shown.row;
        Attributes {
            key: &row.name,
            value: self.shown.value(),
            sensitive: row.sensitive,
            category: row.category,
            hcl: row.hcl,
            created_at: row.created_at,
            description: row.description.as_deref(),
            version_id: &row.version_id,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        if let Some(workspace) = &self.shown.row.workspace_id {
            let related = format!("/api/v2/workspaces/{workspace}");
            to.one_with_link("configurable", "workspaces", Some(workspace), related);
        }
        if let Some(set) = &self.shown.row.variable_set_id {
            to.one_with_link("varset", "varsets", Some(set), format!("/api/v2/varsets/{set}"));
        }
        if let Some(Rivals { overwriter, overwritten }) = &self.rivals {
            to.one("overwriter", "vars", overwriter.as_ref().map(|id| id as _));
            to.many("overwritten", "vars", overwritten);
        }
    }

    fn path(&self) -> Option<String> {
        let row = &self.shown.row;
        let of_workspace = row.workspace_id.as_ref().map(|of| format!("workspaces/{of}/vars"));
        let of_set = row.variable_set_id.as_ref();
        let of_set = of_set.map(|of| format!("varsets/{of}/relationships/vars"));
        of_workspace.or(of_set).map(|of| format!("/api/v2/{of}/{}", row.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    key: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    value: Field<String>,
    category: Option<Category>,
    hcl: Option<bool>,
    sensitive: Option<bool>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "vars";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            key: input.key,
            value: input
                .value
                .into_change()
                .map(|value| SecretString::from(value.unwrap_or_default())),
            category: input.category,
            hcl: input.hcl,
            sensitive: input.sensitive,
            description: input.description.into_change(),
        }
    }
}

pub fn listed<V: Into<View>>(variables: Vec<V>) -> Document {
    Document::list(&variables.into_iter().map(Into::into).collect::<Vec<View>>())
}

async fn list(workspace: May<can::ReadVariables>) -> Result<Document> {
    Ok(listed(variables::list(&workspace.cx, &workspace).await?))
}

/// Beside its own those of its variable sets, as a run would get them.
async fn list_effective(workspace: May<can::ReadVariables>) -> Result<Document> {
    Ok(listed(variables::list_effective(&workspace.cx, &workspace).await?))
}

async fn update_several(workspace: May<can::UpdateVariables>, body: Identifiers) -> Result<Empty> {
    let mut changes = Vec::new();
    for (index, item) in body.0.iter().enumerate() {
        changes.push(item.read::<Input>(&format!("/data/{index}"))?.into());
    }
    let ids = body.parsed::<VariableId>("vars")?;
    let changes = ids.into_iter().zip(changes).collect();
    variables::update_several(&workspace.cx, &workspace, changes).await?;
    Ok(Empty)
}

async fn create(workspace: May<can::UpdateVariables>, body: Body<Input>) -> Result<Document> {
    let shown = variables::create(&workspace.cx, &workspace, body.attributes.into()).await?;
    Ok(Document::one(&View::from(shown)).created())
}

async fn show(variable: May<can::ReadVariables, In<Variable>>) -> Result<Document> {
    Ok(Document::one(&View::from(variables::show(&variable.cx, variable.granted)?)))
}

async fn update(
    variable: May<can::UpdateVariables, In<Variable>>,
    body: Body<Input>,
) -> Result<Document> {
    let shown = variables::update(&variable.cx, &variable, body.attributes.into()).await?;
    Ok(Document::one(&View::from(shown)))
}

async fn delete(variable: May<can::UpdateVariables, In<Variable>>) -> Result<Empty> {
    variables::delete(&variable.cx, &variable).await?;
    Ok(Empty)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    workspace: ByName,
    organization: ByName,
}

async fn list_by_names(
    caller: Named<can::ReadVariables>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    let filter = &query.own.filter;
    let required = |named: &ByName, parameter: &str| {
        named.name.clone().ok_or_else(|| {
            Error::bad_request("missing parameter", "is required").parameter(parameter)
        })
    };
    let organization = required(&filter.organization, "filter[organization][name]")?;
    let workspace = required(&filter.workspace, "filter[workspace][name]")?;
    let found = workspaces::find_by_name(&caller.cx, &organization, &workspace).await?;
    let workspace = caller.check(found)?;
    Ok(listed(variables::list(&caller.cx, &workspace).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    workspace: Option<ToOne<WorkspaceId>>,
}

async fn create_in_related(
    caller: Named<can::UpdateVariables>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let unknown = || domain::Error::invalid_relation("workspace", "does not exist");
    let named = body.relationships.workspace;
    let named = named.map(|one| one.of_kind("workspaces", "workspace")).transpose()?;
    let id = named.flatten().ok_or_else(unknown)?;
    let workspace = match workspaces::find(cx, &id).await {
        Ok(found) => caller.check(found).map_err(|_| unknown())?,
        Err(domain::Error::NotFound) => return Err(unknown().into()),
        Err(other) => return Err(other.into()),
    };
    let shown = variables::create(cx, &workspace, body.attributes.into()).await?;
    Ok(Document::one(&View::from(shown)).created())
}
