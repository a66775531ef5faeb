//! What is asked of a policy set: its policies, and all the code that they may be made of.

use std::time::{Duration, Instant};

use ::policy::{Dialect, Module, OPA_VERSION, Rego};
use db::{
    entity::{
        policy::{self, Enforcement, Kind},
        policy_set_member::{self as member, Role},
        policy_set_version as version,
    },
    id::PolicyId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{
    checks::NO_ENGINE,
    outcomes::{PolicyOutcome, Printed, Said, SetOutcome},
};
use crate::{Ctx, Result, policies, policy_sets, row::PolicySet};

/// How long one policy may take.
const POLICY_TIME: Duration = Duration::from_secs(10);
const REPOSITORY: &str = "The policy set takes its policies from a repository, and this server does not read \
    repositories yet, so it cannot know what they say. The run stops.";

/// A policy as it is asked.
struct Asked {
    name: String,
    description: Option<String>,
    query: Option<String>,
    enforcement_level: Enforcement,
}

/// A set with all that is needed to ask it.
pub(super) struct SetCode {
    set: PolicySet,
    policies: Vec<Asked>,
    modules: Vec<Module>,
    /// Why there is no code.
    error: Option<String>,
}

impl SetCode {
    pub fn kind(&self) -> Kind {
        self.set.kind
    }

    /// Reads a set's policies, and their code where somebody can run it.
    pub async fn read(cx: &Ctx, set: PolicySet) -> Result<Self> {
        if set.vcs_repo.is_some() {
            return Ok(Self { set, policies: vec![], modules: vec![], error: None });
        }
        match set.current_version_id.clone() {
            Some(id) => {
                let row = version::Entity::find_by_id(id.clone()).one(cx.read()).await?;
                let policies = row.map(|row| row.policies.0).unwrap_or_default();
                let policies = policies.into_iter().map(|declared| Asked {
                    name: declared.name,
                    description: declared.description,
                    query: declared.query,
                    enforcement_level: declared.enforcement_level,
                });
                let mut code =
                    Self { set, policies: policies.collect(), modules: vec![], error: None };
                if code.set.kind == Kind::Opa {
                    let archive = policy_sets::archive(cx, &id).await?;
                    code.unpack(&archive);
                }
                Ok(code)
            }
            None => Self::of_policies(cx, set).await,
        }
    }

    fn unpack(&mut self, archive: &[u8]) {
        match ::policy::unpack(archive) {
            Ok(files) => {
                for (path, content) in files {
                    // Tests are about policies; they say nothing about runs.
                    if is_rego(&path) {
                        let code = String::from_utf8_lossy(&content).into_owned();
                        self.modules.push(Module { path, code });
                    }
                }
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    /// Policies of the organization: each may use the code of the others of its set.
    async fn of_policies(cx: &Ctx, set: PolicySet) -> Result<Self> {
        let ids: Vec<PolicyId> = member::Entity::find()
            .select_only()
            .column(member::Column::PolicyId)
            .filter(member::Column::PolicySetId.eq(&set.id))
            .filter(member::Column::Role.eq(Role::Policy))
            .into_tuple()
            .all(cx.read())
            .await?;
        let query = policy::Entity::find().filter(policy::Column::Id.is_in(ids));
        let query = query.order_by_asc(policy::Column::Name);
        let rows = query.all(cx.read()).await?;
        let mut code = Self { set, policies: vec![], modules: vec![], error: None };
        for row in rows {
            match &row.code_id {
                None => {
                    let why = format!("The policy {} has no code: upload it.", row.name);
                    code.error.get_or_insert(why);
                }
                Some(id) if row.kind == Kind::Opa => {
                    let text = policies::code(cx, id).await?;
                    code.modules.push(Module { path: row.path.clone(), code: text });
                }
                Some(_) => {}
            }
            code.policies.push(Asked {
                name: row.name,
                description: row.description,
                query: row.query,
                enforcement_level: row.enforcement_level,
            });
        }
        Ok(code)
    }

    /// Asks all policies about the input. Takes its time: never on a thread that others wait for.
    pub fn ask(self, input: &str, until: Instant) -> SetOutcome {
        let stop = match self.set.kind {
            _ if self.set.vcs_repo.is_some() => Some(REPOSITORY),
            Kind::Sentinel => Some(NO_ENGINE),
            Kind::Opa => None,
        };
        if let Some(why) = stop {
            return self.unasked(why, true);
        }
        if let Some(why) = self.error.clone() {
            return self.unasked(&why, false);
        }
        let Self { set, policies, modules, .. } = self;
        match Rego::new(modules, dialect(&set), input, POLICY_TIME) {
            Ok(mut rego) => {
                let outcomes =
                    policies.into_iter().map(|policy| ask(&mut rego, policy, until)).collect();
                SetOutcome { outcomes, ..said(&set) }
            }
            Err(refusal) => Self { set, policies, modules: vec![], error: None }
                .unasked(&refusal.to_string(), false),
        }
    }

    /// The outcome of a set that cannot be asked.
    pub fn unasked(self, why: &str, is_out_of_reach: bool) -> SetOutcome {
        let outcomes = self.policies.into_iter().map(|policy| errored(policy, why)).collect();
        SetOutcome { error: Some(why.to_owned()), is_out_of_reach, outcomes, ..said(&self.set) }
    }
}

fn is_rego(path: &str) -> bool {
    path.strip_suffix(".rego").is_some_and(|stem| !stem.ends_with("_test"))
}

fn said(set: &PolicySet) -> SetOutcome {
    SetOutcome {
        name: set.name.clone(),
        description: set.description.clone(),
        tool_version: match set.kind {
            Kind::Opa => OPA_VERSION.to_owned(),
            Kind::Sentinel => set.policy_tool_version.clone().unwrap_or_default(),
        },
        overridable: set.overridable,
        error: None,
        is_out_of_reach: false,
        outcomes: vec![],
    }
}

/// Who pins a version from before 1.0 means its syntax.
fn dialect(set: &PolicySet) -> Dialect {
    let version = set.policy_tool_version.as_deref().unwrap_or_default();
    match semver::Version::parse(version.trim_start_matches('v')) {
        Ok(version) if version.major == 0 => Dialect::Old,
        _ => Dialect::Current,
    }
}

fn ask(rego: &mut Rego, policy: Asked, until: Instant) -> PolicyOutcome {
    if Instant::now() >= until {
        return errored(policy, "The policies of this run took too long.");
    }
    match rego.ask(policy.query.as_deref().unwrap_or_default()) {
        Ok(against) => {
            let status = if against.is_empty() { Said::Passed } else { Said::Failed };
            outcome(policy, status, against)
        }
        Err(refusal) => errored(policy, &refusal.to_string()),
    }
}

fn errored(policy: Asked, why: &str) -> PolicyOutcome {
    outcome(policy, Said::Errored, vec![why.to_owned()])
}

fn outcome(policy: Asked, status: Said, output: Vec<String>) -> PolicyOutcome {
    let lines: Vec<_> = output.into_iter().map(|print| Printed { print }).collect();
    PolicyOutcome {
        enforcement_level: policy.enforcement_level,
        query: policy.query,
        status,
        policy_name: policy.name,
        description: policy.description.unwrap_or_default(),
        output: Some(lines).filter(|lines| !lines.is_empty()),
    }
}
