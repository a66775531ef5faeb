//! Policies that are in force nowhere, asked about a run that is over.

use std::collections::BTreeMap;

use ::policy::{
    Code, Files,
    sentinel::{MANIFESTS, Parameter, SentinelSet, Written},
};
use db::{
    entity::policy::{Enforcement, Kind},
    id::PolicySetId,
};
use serde::{Deserialize, Serialize};

use super::{
    code::{Asked, Group, SetCode},
    evaluate::put_to,
    input,
    outcomes::PolicyOutcome,
    rego,
};
use crate::{
    Ctx, Error, Result, policy_sets,
    row::{PolicySet, Run},
    workspaces,
};

/// What is asked: files that somebody has written, or a set as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    pub kind: Kind,
    /// By their paths.
    pub files: BTreeMap<String, String>,
    /// Of one policy in Rego that no file declares.
    pub query: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub policy_set: Option<PolicySetId>,
}

impl Draft {
    /// Whether its policies can be read; or the attribute that is wrong, and why.
    pub(crate) fn check(&self) -> Result<()> {
        if self.policy_set.is_some() {
            return Ok(());
        }
        self.group().map(drop).map_err(|why| Error::invalid("files", why))
    }

    async fn code(&self, cx: &Ctx) -> Result<std::result::Result<SetCode, String>> {
        let Some(id) = &self.policy_set else {
            let parameters = self.parameters.iter();
            let read =
                |(name, text): (&String, &String)| (name.clone(), Parameter::read(text, false));
            let parameters = parameters.map(read).collect();
            let set = self.set(cx);
            return Ok(self.group().map(|group| SetCode::of_draft(set, group, parameters)));
        };
        match policy_sets::find(cx, id).await {
            Ok(set) => Ok(Ok(SetCode::read(cx, set.into_unchecked().row).await?)),
            Err(Error::NotFound) => Ok(Err("The policy set is gone.".into())),
            Err(error) => Err(error),
        }
    }

    fn files(&self) -> Files {
        let file = |(path, text): (&String, &String)| (path.clone(), text.clone().into_bytes());
        self.files.iter().map(file).collect()
    }

    fn group(&self) -> std::result::Result<Group, String> {
        let files = self.files();
        let ending = match self.kind {
            Kind::Sentinel => ".sentinel",
            Kind::Opa => ".rego",
        };
        let alone = {
            let mut all = self.files.iter().filter(|(path, _)| path.ends_with(ending));
            all.next().filter(|_| all.next().is_none())
        };
        let stem = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.strip_suffix(ending).unwrap_or(name).to_owned()
        };
        let one = |name: String, query: Option<String>| Asked {
            name,
            description: None,
            query,
            enforcement_level: Enforcement::Advisory,
        };
        let (policies, code) = match (self.kind, alone) {
            (Kind::Sentinel, Some((path, text)))
                if !MANIFESTS.iter().any(|name| files.contains_key(*name)) =>
            {
                let name = stem(path);
                let (path, code) = (path.clone(), text.clone());
                let alone = Written::One { name: name.clone(), path, code };
                (vec![one(name, None)], Code::Sentinel(alone))
            }
            (Kind::Sentinel, _) => {
                let set = SentinelSet::of_archive(&files)?;
                (declared(set.declared())?, Code::Sentinel(Written::files(files)))
            }
            (Kind::Opa, _) if self.query.is_some() => {
                let name = alone.map_or_else(|| "draft".to_owned(), |(path, _)| stem(path));
                (vec![one(name, self.query.clone())], rego::new_code(files))
            }
            (Kind::Opa, _) => (declared(::policy::declared(&files)?)?, rego::new_code(files)),
        };
        if policies.is_empty() {
            return Err("declares no policy".into());
        }
        Ok(Group { policies, code: Ok(code) })
    }

    /// A set that is in no table.
    fn set(&self, cx: &Ctx) -> PolicySet {
        PolicySet {
            name: "draft".into(),
            agent_enabled: true,
            ..policy_sets::empty("", self.kind, cx.now())
        }
    }
}

fn declared(all: Vec<::policy::Declared>) -> std::result::Result<Vec<Asked>, String> {
    let asked = |policy: ::policy::Declared| {
        Ok(Asked {
            enforcement_level: policy.enforcement_level.parse()?,
            name: policy.name,
            description: policy.description,
            query: policy.query,
        })
    };
    all.into_iter().map(asked).collect()
}

/// What a draft says of a run; or why nobody could ask.
pub(crate) async fn try_on(
    cx: &Ctx,
    draft: &Draft,
    run: &Run,
) -> Result<std::result::Result<Vec<PolicyOutcome>, String>> {
    let code = match draft.code(cx).await? {
        Ok(code) => code,
        Err(why) => return Ok(Err(why)),
    };
    let workspace = workspaces::by_id(cx, &run.workspace_id).await?.ok_or(Error::NotFound)?;
    let seen = match input::of(cx, &workspace, run, input::PLAN_LIMIT).await? {
        Ok(seen) => seen,
        Err(why) => return Ok(Err(why)),
    };
    let heard = match put_to(cx, vec![code], Ok(seen)).await {
        Ok(mut heard) => heard.swap_remove(0).said,
        Err(why) => return Ok(Err(why.to_owned())),
    };
    match heard.error {
        Some(why) if heard.outcomes.is_empty() => Ok(Err(why)),
        _ => Ok(Ok(heard.outcomes)),
    }
}
