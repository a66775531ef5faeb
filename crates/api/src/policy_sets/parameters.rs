//! `/policy-sets/:id/parameters`: values for policies, on the wire like variables

use domain::{
    In, Timestamp, can,
    policy_sets::{self, ParameterChange, ShownParameter},
    row::{Organization, PolicySet, PolicySetParameter},
    variables::SecretString,
};
use jsonapi::{Body, Document, Empty, Error, Field, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

/// The only category there is here.
const CATEGORY: &str = "policy-set";

pub fn routes() -> Routes {
    let all = "/api/v2/policy-sets/{policy_set_id}/parameters";
    let one = "/api/v2/policy-sets/{policy_set_id}/parameters/{parameter_id}";
    Routes::default()
        .get(all, list)
        .post(all, create)
        .get(one, show)
        .patch(one, update)
        .delete(one, delete)
}

struct View(ShownParameter);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    key: &'a str,
    value: Option<&'a str>,
    sensitive: bool,
    category: &'static str,
    hcl: bool,
    created_at: Timestamp,
    description: Option<&'a str>,
    version_id: &'a str,
}

impl Resource for View {
    const TYPE: &'static str = "vars";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0.row;
        Attributes {
            key: &row.name,
            value: self.0.value(),
            sensitive: row.sensitive,
            category: CATEGORY,
            hcl: false,
            created_at: row.created_at,
            description: row.description.as_deref(),
            version_id: &row.version_id,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let set = &self.0.row.policy_set_id;
        let related = format!("/api/v2/policy-sets/{set}");
        to.one_with_link("configurable", "policy-sets", Some(set), related);
    }

    fn path(&self) -> Option<String> {
        let row = &self.0.row;
        Some(format!("/api/v2/policy-sets/{}/parameters/{}", row.policy_set_id, row.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    key: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    value: Field<String>,
    category: Option<String>,
    sensitive: Option<bool>,
    hcl: Option<bool>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "vars";
}

impl Input {
    fn change(self) -> Result<ParameterChange> {
        if self.category.as_ref().is_some_and(|category| category != CATEGORY) {
            let message = format!("Category must be one of: {CATEGORY}");
            return Err(Error::unprocessable("/data/attributes/category", message).into());
        }
        if self.hcl == Some(true) {
            let message = "Hcl cannot be true: parameters are plain strings";
            return Err(Error::unprocessable("/data/attributes/hcl", message).into());
        }
        let value = self.value.into_change();
        Ok(ParameterChange {
            key: self.key,
            value: value.map(|value| SecretString::from(value.unwrap_or_default())),
            sensitive: self.sensitive,
            description: self.description.into_change(),
        })
    }
}

async fn list(
    set: May<can::ReadPolicies, In<PolicySet, Organization>>,
    query: Query,
) -> Result<Document> {
    let page = policy_sets::list_parameters(&set.cx, &set, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &set.cx).await
}

async fn create(
    set: May<can::ManagePolicies, In<PolicySet, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    if body.attributes.category.is_none() {
        let message = format!("Category must be one of: {CATEGORY}");
        return Err(Error::unprocessable("/data/attributes/category", message).into());
    }
    let change = body.attributes.change()?;
    let shown = policy_sets::create_parameter(&set.cx, &set, change).await?;
    Ok(Document::one(&View(shown)).created())
}

async fn show(
    parameter: May<can::ReadPolicies, In<PolicySetParameter, Organization>>,
) -> Result<Document> {
    let shown = policy_sets::show_parameter(&parameter.cx, parameter.granted)?;
    Ok(Document::one(&View(shown)))
}

async fn update(
    parameter: May<can::ManagePolicies, In<PolicySetParameter, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    let change = body.attributes.change()?;
    let shown = policy_sets::update_parameter(&parameter.cx, &parameter, change).await?;
    Ok(Document::one(&View(shown)))
}

async fn delete(
    parameter: May<can::ManagePolicies, In<PolicySetParameter, Organization>>,
) -> Result<Empty> {
    policy_sets::delete_parameter(&parameter.cx, &parameter).await?;
    Ok(Empty)
}
