//! Whom a job can be handed to: agents differ in what they have and can do, and none gets what it could not read or
//! execute.

use std::collections::HashMap;

use db::{
    Json,
    entity::{
        agent::{self, Abilities},
        job, tool_version,
    },
    id::AgentPoolId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};

use crate::{
    Ctx, Result,
    row::{Agent, ToolVersion},
    tool_versions,
};

/// The version of the protocol in which jobs are told. Agents that speak an older one could not read them.
const PROTOCOL: u32 = 1;

/// An agent, as far as it matters here.
#[derive(Clone, Debug)]
pub(crate) struct Able {
    /// By their names, as `engine_name` has them.
    pub engines: Vec<String>,
    pub abilities: Abilities,
}

impl From<&Agent> for Able {
    fn from(row: &Agent) -> Self {
        Self { engines: row.engines.0.clone(), abilities: row.abilities.0.clone() }
    }
}

impl Able {
    /// Whether it could do a job of this kind with this tool.
    pub fn can(&self, kind: job::Kind, tool: &ToolVersion) -> bool {
        let knows = |words: &[String], word: &str| words.iter().any(|known| known == word);
        let has_it = || self.engines.contains(&engine_name(tool.kind, &tool.version));
        let gets_it =
            || knows(&self.abilities.engines, tool.kind.as_str()) && self.source_of(tool).is_some();
        self.abilities.protocol >= PROTOCOL
            && knows(&self.abilities.jobs, kind.as_str())
            && (has_it() || gets_it())
    }

    /// Where it gets the tool from, for its own platform.
    pub fn source_of(&self, tool: &ToolVersion) -> Option<tool_versions::Source> {
        tool_versions::source_of(tool, &self.abilities.os, &self.abilities.arch)
    }
}

/// How engines are named in an agent's row.
pub(crate) fn engine_name(kind: tool_version::Kind, version: &str) -> String {
    format!("{kind} {version}")
}

/// Agents that were heard of within this time count when it is asked who could do something.
const HEARD_OF_SECONDS: i64 = 300;

/// What agents can do in each pool that has one to speak of; without a pool, those of the site.
pub(crate) type Present = HashMap<Option<AgentPoolId>, Vec<Able>>;

/// Who is there, asked once for all pools.
pub(crate) async fn present(cx: &Ctx) -> Result<Present> {
    type There = (Option<AgentPoolId>, Json<Vec<String>>, Json<Abilities>);
    let there: Vec<There> = agent::Entity::find()
        .select_only()
        .columns([agent::Column::AgentPoolId, agent::Column::Engines, agent::Column::Abilities])
        .filter(agent::Column::HasExited.eq(false))
        .filter(agent::Column::LastPingAt.gt(cx.now().plus_seconds(-HEARD_OF_SECONDS)))
        .into_tuple()
        .all(cx.read())
        .await?;
    let mut present = Present::new();
    for (pool, engines, abilities) in there {
        let able = Able { engines: engines.0, abilities: abilities.0 };
        present.entry(pool).or_default().push(able);
    }
    Ok(present)
}

/// Whether there is any agent that has not left, of whatever pool, be it out of reach just now.
pub async fn has_agents(cx: &Ctx) -> Result<bool> {
    let staying = agent::Entity::find().filter(agent::Column::HasExited.eq(false));
    Ok(staying.one(cx.read()).await?.is_some())
}

#[cfg(test)]
mod tests {
    use db::{
        Json, Timestamp,
        entity::tool_version::{Archive, Kind},
        id::ToolVersionId,
    };

    use super::*;

    fn tool(archs: &[&str]) -> ToolVersion {
        let archive = |arch: &&str| Archive {
            url: format!("https://example.com/{arch}.zip"),
            sha: "a".repeat(64),
            os: "linux".into(),
            arch: (*arch).to_owned(),
        };
        ToolVersion {
            id: ToolVersionId::fresh(),
            kind: Kind::Tofu,
            version: "1.9.1".into(),
            url: None,
            sha: None,
            official: false,
            enabled: true,
            beta: false,
            deprecated: false,
            deprecated_reason: None,
            created_at: Timestamp(0),
            archs: Json(archs.iter().map(archive).collect()),
            dormant: false,
        }
    }

    fn able(engines: &[&str], abilities: Abilities) -> Able {
        Able { engines: engines.iter().map(|name| (*name).to_owned()).collect(), abilities }
    }

    #[test]
    fn an_agent_that_says_nothing_can_do_what_agents_could_before() {
        let old = able(&[], Abilities::default());
        for kind in [job::Kind::Plan, job::Kind::Apply] {
            assert!(old.can(kind, &tool(&["amd64"])));
        }
        assert!(!old.can(job::Kind::Assessment, &tool(&["amd64"])));
        assert!(!old.can(job::Kind::Plan, &tool(&["arm64"])), "it is of another platform");
        assert!(able(&["tofu 1.9.1"], Abilities::default()).can(job::Kind::Plan, &tool(&[])));
    }

    #[test]
    fn each_platform_gets_its_own_archive() {
        let arm = Abilities { arch: "arm64".into(), ..Abilities::default() };
        let source = able(&[], arm).source_of(&tool(&["amd64", "arm64"])).unwrap();
        assert_eq!(source.url, "https://example.com/arm64.zip");
    }

    #[test]
    fn what_an_agent_does_not_know_is_not_for_it() {
        let with = |change: fn(&mut Abilities)| {
            let mut abilities = Abilities::default();
            change(&mut abilities);
            able(&[], abilities).can(job::Kind::Plan, &tool(&["amd64"]))
        };
        assert!(with(|_| {}));
        assert!(with(|it| it.jobs.push("tea".into())), "what it can do beside that is its own");
        assert!(!with(|it| it.jobs = vec!["apply".into()]));
        assert!(!with(|it| it.engines = vec!["terraform".into()]));
        assert!(!with(|it| it.protocol = 0));
    }
}
