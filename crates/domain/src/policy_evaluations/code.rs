//! What is asked of a policy set: its policies, the code that each of them is made of, and what they are given.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ::policy::{
    Answer, Code, Module, Panel, Question,
    sentinel::{Parameter, Written, report::Judged},
};
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
    outcomes::{PolicyOutcome, SetOutcome},
    rego, sentinel,
};
use crate::{Ctx, Error, Result, policies, policy_sets, row::PolicySet};

const REPOSITORY: &str = "The policy set takes its policies from a repository, and none has been read from it yet, so \
    nobody knows what they say. The run stops.";

/// A policy as it is asked.
pub(super) struct Asked {
    pub name: String,
    pub description: Option<String>,
    pub query: Option<String>,
    pub enforcement_level: Enforcement,
}

/// Policies and the code that they share; nobody else's is seen by them.
pub(super) struct Group {
    pub policies: Vec<Asked>,
    /// Or why there is none.
    pub code: std::result::Result<Code, String>,
}

/// A set with all that is needed to ask it.
pub(super) struct SetCode {
    pub set: PolicySet,
    pub groups: Vec<Group>,
    pub parameters: BTreeMap<String, Parameter>,
    /// Nobody knows which policies it has, and so not whether one of them is in the way.
    is_out_of_reach: bool,
}

/// What the policies of a set answered.
pub(super) struct Answers {
    pub answers: Vec<(Asked, Answer)>,
    /// Why none could be asked, if none could.
    pub error: Option<String>,
}

/// What a set said.
pub(super) struct Heard {
    pub kind: Kind,
    pub said: SetOutcome,
    /// The same in Sentinel's own words, which policy checks tell; empty for others.
    pub judged: Vec<Judged>,
}

/// What is damaged or gone stays so: that is told as what a policy says, and not tried again.
pub(super) fn or_lost<T>(read: Result<T>) -> Result<std::result::Result<T, String>> {
    match read {
        Err(Error::Damaged(why)) => Ok(Err(format!("What is stored of it is damaged: {why}."))),
        read => read.map(Ok),
    }
}

impl SetCode {
    /// A set of which nothing could be read but that it is there.
    pub fn unread(set: PolicySet) -> Self {
        Self { set, groups: Vec::new(), parameters: BTreeMap::new(), is_out_of_reach: true }
    }

    /// Policies that are in force nowhere.
    pub fn of_draft(set: PolicySet, group: Group, parameters: BTreeMap<String, Parameter>) -> Self {
        Self { set, groups: vec![group], parameters, is_out_of_reach: false }
    }

    /// Reads a set's policies, and their code where somebody can run it.
    pub async fn read(cx: &Ctx, set: PolicySet) -> Result<Self> {
        let groups = match set.current_version_id.clone() {
            _ if policy_sets::is_unread(&set) => vec![],
            Some(id) => vec![Group::of_version(cx, &set, &id).await?],
            None => Group::of_each_policy(cx, &set).await?,
        };
        let parameters = match set.kind {
            Kind::Sentinel => policy_sets::parameters_for_policies(cx, &set.id).await?,
            Kind::Opa => BTreeMap::new(),
        };
        let is_out_of_reach = policy_sets::is_unread(&set);
        Ok(Self { set, groups, parameters, is_out_of_reach })
    }

    /// Asks all policies. Takes its time: never on a thread that others wait for.
    pub fn ask(self, panel: &mut Panel<'_>, until: Instant) -> Heard {
        match self.set.kind {
            _ if policy_sets::is_unread(&self.set) => self.unasked(REPOSITORY),
            Kind::Opa => rego::ask(self, panel, until),
            Kind::Sentinel => sentinel::ask(self, panel, until),
        }
    }

    /// Asks each policy, which may take so long.
    pub(super) fn ask_groups(
        &mut self,
        panel: &mut Panel<'_>,
        time: Duration,
        until: Instant,
    ) -> Answers {
        let groups = std::mem::take(&mut self.groups);
        let (mut answers, mut errors, count) = (vec![], vec![], groups.len());
        for Group { policies, code } in groups {
            let name = |policy: &Asked| policy.query.clone().unwrap_or_else(|| policy.name.clone());
            let names: Vec<String> = policies.iter().map(name).collect();
            let said = code.and_then(|code| {
                let parameters = self.parameters.clone();
                panel.ask(&Question { code, policies: names, parameters, time }, until)
            });
            match said {
                Ok(said) => answers.extend(policies.into_iter().zip(said)),
                Err(why) => {
                    let unasked = |policy| (policy, Answer::Unasked(why.clone()));
                    answers.extend(policies.into_iter().map(unasked));
                    errors.push(why);
                }
            }
        }
        let is_all = errors.len() == count;
        Answers { answers, error: errors.into_iter().next().filter(|_| is_all) }
    }

    /// What is heard of a set that cannot be asked.
    pub fn unasked(self, why: &str) -> Heard {
        let is_out_of_reach = self.is_out_of_reach;
        let why = if policy_sets::is_unread(&self.set) { REPOSITORY } else { why };
        let mut heard = match self.set.kind {
            Kind::Opa => rego::unasked(self, why),
            Kind::Sentinel => sentinel::unasked(self, why),
        };
        heard.said.error = Some(why.to_owned());
        heard.said.is_out_of_reach = is_out_of_reach;
        heard
    }

    /// What is heard of it, once it is known what its policies said.
    pub fn heard(self, outcomes: Vec<PolicyOutcome>, judged: Vec<Judged>) -> Heard {
        let said = SetOutcome {
            name: self.set.name,
            description: self.set.description,
            tool_version: match self.set.kind {
                Kind::Opa => ::policy::OPA_VERSION.to_owned(),
                Kind::Sentinel => ::policy::sentinel::SENTINEL_VERSION.to_owned(),
            },
            overridable: self.set.overridable,
            error: None,
            is_out_of_reach: false,
            outcomes,
        };
        Heard { kind: self.set.kind, said, judged }
    }
}

impl Group {
    /// Policies that were uploaded together share all files.
    async fn of_version(cx: &Ctx, set: &PolicySet, id: &PolicySetVersionId) -> Result<Self> {
        let row = version::Entity::find_by_id(id.clone()).one(cx.read()).await?;
        let policies = row.map(|row| row.policies.0).unwrap_or_default();
        let policies = policies.into_iter().map(|declared| Asked {
            name: declared.name,
            description: declared.description,
            query: declared.query,
            enforcement_level: declared.enforcement_level,
        });
        let archive = or_lost(policy_sets::archive(cx, id).await)?;
        let files = archive
            .and_then(|archive| ::policy::unpack(&archive).map_err(|error| error.to_string()));
        let code = files.map(|files| match set.kind {
            Kind::Opa => rego::code(set, rego::modules(files)),
            Kind::Sentinel => Code::Sentinel(Written::files(files)),
        });
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
                Some(id) => or_lost(policies::code(cx, id).await)?.map(|code| match row.kind {
                    Kind::Opa => rego::code(set, vec![Module { path: row.path, code }]),
                    Kind::Sentinel => {
                        let (name, path) = (row.name.clone(), row.path);
                        Code::Sentinel(Written::One { name, path, code })
                    }
                }),
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
