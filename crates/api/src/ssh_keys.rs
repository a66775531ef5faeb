//! `/ssh-keys`, and which of them a workspace uses

use domain::{
    In, can,
    id::SshKeyId,
    row::{Organization, SshKey},
    ssh_keys::{self, Change},
    variables::SecretString,
};
use jsonapi::{Body, Document, Empty, Error, Field, Query, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, workspaces::view};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/ssh-keys", list)
        .post("/api/v2/organizations/{organization_name}/ssh-keys", create)
        .get("/api/v2/ssh-keys/{ssh_key_id}", show)
        .patch("/api/v2/ssh-keys/{ssh_key_id}", update)
        .delete("/api/v2/ssh-keys/{ssh_key_id}", delete)
        .patch("/api/v2/workspaces/{workspace_id}/relationships/ssh-key", assign)
}

/// A key on the wire: never its value.
pub struct View(pub SshKey);

impl Resource for View {
    const TYPE: &'static str = "ssh-keys";

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

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/ssh-keys/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    value: Option<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "ssh-keys";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self { name: input.name, value: input.value.map(SecretString::from) }
    }
}

async fn list(organization: May<can::ReadSshKeys>, query: Query) -> Result<Document> {
    let paging = paging(&query);
    let page = ssh_keys::list(&organization.cx, &organization, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &organization.cx).await
}

async fn create(organization: May<can::ManageSshKeys>, body: Body<Input>) -> Result<Document> {
    let row = ssh_keys::create(&organization.cx, &organization, body.attributes.into()).await?;
    Ok(Document::one(&View(row)).created())
}

async fn show(key: May<can::ReadSshKeys, In<SshKey, Organization>>) -> Result<Document> {
    Ok(Document::one(&View(key.granted.into_inner().row)))
}

async fn update(
    key: May<can::ManageSshKeys, In<SshKey, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    let row = ssh_keys::update(&key.cx, &key, body.attributes.into()).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(key: May<can::ManageSshKeys, In<SshKey, Organization>>) -> Result<Empty> {
    ssh_keys::delete(&key.cx, &key).await?;
    Ok(Empty)
}

/// The id is an attribute here (Workspaces reference): a key's, or null to have none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Assignment {
    #[serde(deserialize_with = "jsonapi::id")]
    id: Field<String>,
}

impl Typed for Assignment {
    const TYPE: &'static str = "workspaces";
}

async fn assign(workspace: May<can::UpdateWorkspace>, body: Body<Assignment>) -> Result<Document> {
    let id = match body.attributes.id {
        Field::Absent => {
            return Err(Error::unprocessable("/data/attributes/id", "is required, or null").into());
        }
        Field::Null => None,
        // What is no id of a key is the id of none.
        Field::Value(text) => Some(text.parse::<SshKeyId>().map_err(|_| domain::Error::NotFound)?),
    };
    let row = ssh_keys::assign(&workspace.cx, &workspace, id).await?;
    Ok(Document::one(&view(&workspace.cx, row).await?))
}
