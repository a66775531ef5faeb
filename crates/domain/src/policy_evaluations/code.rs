//! What is asked of a policy set: its policies, and the code that each of them is made of.

use std::time::{Duration, Instant};

use ::policy::{Dialect, Input, Module, OPA_VERSION, Rego};
use db::{
    entity::{
        policy::{self, Enforcement, Kind},
        policy_set_member::{self as member, Role},
        policy_set_version as version,
    },
    id::{PolicyId, PolicySetVersionId},
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

/// Policies and the code that they share; nobody else's is seen by them.
struct Group {
    policies: Vec<Asked>,
    /// Or why there is none.
    code: std::result::Result<Vec<Module>, String>,
}

/// A set with all that is needed to ask it.
pub(super) struct SetCode {
    set: PolicySet,
    groups: Vec<Group>,
}

impl SetCode {
    pub fn kind(&self) -> Kind {
        self.set.kind
    }

    /// Reads a set's policies, and their code where somebody can run it.
    pub async fn read(cx: &Ctx, set: PolicySet) -> Result<Self> {
        let groups = match set.current_version_id.clone() {
            _ if set.vcs_repo.is_some() => vec![],
            Some(id) => vec![Group::of_version(cx, set.kind, &id).await?],
            None => Group::of_each_policy(cx, &set).await?,
        };
        Ok(Self { set, groups })
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
        let input = match Input::read(input) {
            Ok(input) => input,
            Err(refusal) => return self.unasked(&refusal.to_string(), false),
        };
        let dialect = dialect(&self.set);
        let (mut outcomes, mut errors, count) = (vec![], vec![], self.groups.len());
        for Group { policies, code } in self.groups {
            let rego = code.and_then(|modules| {
                let rego = Rego::new(modules, dialect, &input, POLICY_TIME);
                rego.map_err(|refusal| refusal.to_string())
            });
            match rego {
                Ok(mut rego) => {
                    outcomes.extend(policies.into_iter().map(|it| ask(&mut rego, it, until)));
                }
                Err(why) => {
                    outcomes.extend(policies.into_iter().map(|policy| errored(policy, &why)));
                    errors.push(why);
                }
            }
        }
        let is_all = errors.len() == count;
        let error = errors.into_iter().next().filter(|_| is_all);
        SetOutcome { error, outcomes, ..said(&self.set) }
    }

    /// The outcome of a set that cannot be asked.
    pub fn unasked(self, why: &str, is_out_of_reach: bool) -> SetOutcome {
        let policies = self.groups.into_iter().flat_map(|group| group.policies);
        let outcomes = policies.map(|policy| errored(policy, why)).collect();
        SetOutcome { error: Some(why.to_owned()), is_out_of_reach, outcomes, ..said(&self.set) }
    }
}

impl Group {
    /// Policies that were uploaded together share all files.
    async fn of_version(cx: &Ctx, kind: Kind, id: &PolicySetVersionId) -> Result<Self> {
        let row = version::Entity::find_by_id(id.clone()).one(cx.read()).await?;
        let policies = row.map(|row| row.policies.0).unwrap_or_default();
        let policies = policies.into_iter().map(|declared| Asked {
            name: declared.name,
            description: declared.description,
            query: declared.query,
            enforcement_level: declared.enforcement_level,
        });
        let code = match kind {
            Kind::Opa => modules(&policy_sets::archive(cx, id).await?),
            Kind::Sentinel => Ok(vec![]),
        };
        Ok(Self { policies: policies.collect(), code })
    }

    /// Policies of the organization are made one by one, and each is asked by itself: others of its set may have the
    /// same package, and rules of the same name.
    async fn of_each_policy(cx: &Ctx, set: &PolicySet) -> Result<Vec<Self>> {
        let ids: Vec<PolicyId> = member::Entity::find()
            .select_only()
            .column(member::Column::PolicyId)
            .filter(member::Column::PolicySetId.eq(&set.id))
            .filter(member::Column::Role.eq(Role::Policy))
            .into_tuple()
            .all(cx.read())
            .await?;
        let query = policy::Entity::find().filter(policy::Column::Id.is_in(ids));
        let rows = query.order_by_asc(policy::Column::Name).all(cx.read()).await?;
        let mut groups = Vec::with_capacity(rows.len());
        for row in rows {
            let code = match &row.code_id {
                None => Err(format!("The policy {} has no code: upload it.", row.name)),
                Some(id) if row.kind == Kind::Opa => {
                    let code = policies::code(cx, id).await?;
                    Ok(vec![Module { path: row.path, code }])
                }
                Some(_) => Ok(vec![]),
            };
            let policy = Asked {
                name: row.name,
                description: row.description,
                query: row.query,
                enforcement_level: row.enforcement_level,
            };
            groups.push(Self { policies: vec![policy], code });
        }
        Ok(groups)
    }
}

fn modules(archive: &[u8]) -> std::result::Result<Vec<Module>, String> {
    let files = ::policy::unpack(archive).map_err(|error| error.to_string())?;
    // Tests are about policies; they say nothing about runs.
    let code = files.into_iter().filter(|(path, _)| is_rego(path));
    let read = |(path, content): (String, Vec<u8>)| {
        let code = String::from_utf8_lossy(&content).into_owned();
        Module { path, code }
    };
    Ok(code.map(read).collect())
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
