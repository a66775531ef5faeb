//! Asking Sentinel: the files of a set and the facts of a run in, and what each policy says out. Policies see nothing
//! else: no files, no environment, and the network only by whom the case names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::sentinel::config::{Config, Purpose};
pub use ::sentinel::{
    Frozen, Http, HttpMethod, HttpRequest, HttpResponse, LANGUAGE_VERSION as SENTINEL_VERSION,
    Outcome, Verdict,
    config::Level,
    report,
    terraform::{
        Category, CostEstimate, Hidden, Run, TagBinding, VariableKind, VcsRepo, Workspace,
    },
};
use ::sentinel::{Import, Limits, Source, World, evaluate, terraform};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Case, Declared, Files, Refusal, archive};

/// What declares the policies of a set, in the order in which it is looked for.
pub const MANIFESTS: [&str; 2] = ["sentinel.hcl", "sentinel.json"];

/// Bytes that a policy may print, so that results stay readable.
const OUTPUT: usize = 64 << 10;

/// What policies are asked about: read once for a run, derived when somebody asks for it first.
#[derive(Clone, Debug)]
pub struct Facts {
    imports: BTreeMap<String, Import>,
    pub(crate) plan: Arc<Frozen>,
    at: DateTime<Utc>,
    http: Option<Arc<dyn Http>>,
}

impl Facts {
    /// # Errors
    /// If the plan is no JSON.
    pub fn read(case: &Case) -> Result<Self, Refusal> {
        let plan = Frozen::from_json(case.plan.as_bytes()).map_err(Refusal::Input)?;
        let plan = Arc::new(plan);
        let mut imports = terraform::imports(&plan);
        imports.insert("tfrun".to_owned(), Import::data(Frozen::from(&case.run)));
        Ok(Self { imports, plan, at: case.at, http: case.http.clone() })
    }
}

/// What a plan has that only those may see who may read its variables: what the engine or somebody has marked.
pub(crate) fn secrets(plan: &Frozen, run: &Run) -> Vec<Frozen> {
    let marked = run.variables.iter().filter(|(_, kind)| kind.sensitive);
    let variables = marked.map(|(name, _)| name.clone()).collect();
    terraform::secrets(plan, &Hidden { variables, ..Hidden::default() })
}

/// A run as mocks, an archive of files that stand for the Terraform imports, without what is sensitive.
///
/// # Errors
/// If the plan is no JSON, or has too many secrets to look for.
pub fn mock_bundle(
    plan: &[u8],
    run: &Run,
    hidden: &Hidden,
    at: DateTime<Utc>,
) -> Result<Vec<u8>, Refusal> {
    let plan = Frozen::from_json(plan).map_err(Refusal::Input)?;
    let files = terraform::mocks(&plan, &Frozen::from(run), hidden).map_err(Refusal::Input)?;
    let at = u64::try_from(at.timestamp()).unwrap_or_default();
    archive::pack(files.iter().map(|(name, text)| (*name, text.as_bytes())), at)
        .map_err(|error| Refusal::Input(error.to_string()))
}

/// A value that a policy is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    pub value: Frozen,
    /// Told to nobody.
    pub is_secret: bool,
}

impl Parameter {
    /// What reads as JSON is that, all else is a string.
    pub fn read(text: &str, is_secret: bool) -> Self {
        let value = Frozen::from_json(text.as_bytes());
        Self { value: value.unwrap_or_else(|_| Frozen::text(text)), is_secret }
    }
}

/// One policy of a set.
#[derive(Clone, Debug)]
struct Policy {
    name: String,
    level: Level,
    code: Source,
    params: BTreeMap<String, Frozen>,
}

/// What a set is written in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Written {
    /// Files, of which one declares the policies; by their paths.
    Files(Vec<Source>),
    /// One policy alone.
    One { name: String, path: String, code: String },
}

impl Written {
    pub fn files(files: Files) -> Self {
        Self::Files(files.into_iter().map(|(path, text)| Source::new(path, text)).collect())
    }
}

/// Policies that were written together, with all that they share.
#[derive(Clone, Debug)]
pub struct SentinelSet {
    policies: Vec<Policy>,
    config: Config,
    imports: BTreeMap<String, Import>,
}

impl SentinelSet {
    /// # Errors
    /// As [`SentinelSet::of_archive`].
    pub fn read(written: &Written) -> Result<Self, String> {
        match written {
            Written::Files(files) => {
                let file = |file: &Source| (file.name.clone(), file.text.to_vec());
                Self::of_archive(&files.iter().map(file).collect())
            }
            Written::One { name, path, code } => Ok(Self::of_one(name, path, code.clone())),
        }
    }

    /// Those that an archive declares.
    ///
    /// # Errors
    /// If it declares none, wrongly, or by files that it does not have; the text is for people.
    pub fn of_archive(files: &Files) -> Result<Self, String> {
        let found = MANIFESTS.iter().find_map(|name| Some((*name, files.get(*name)?)));
        let (name, text) = found.ok_or("The archive has no sentinel.hcl.")?;
        let said = |why: &dyn std::fmt::Display| format!("{name}: {why}");
        let config = Config::parse(name, text).map_err(|why| said(&why))?;
        let read = |path: &Path| {
            let content = path.to_str().and_then(|path| files.get(path));
            content.cloned().ok_or_else(|| "the archive has no such file".to_owned())
        };
        let mut world = World::new(DateTime::UNIX_EPOCH);
        let file = Path::new(name);
        config.provide(file, Purpose::Run, &read, &mut world).map_err(|why| said(&why))?;
        let mut policies = Vec::with_capacity(config.policies.len());
        for policy in &config.policies {
            let mut code = policy
                .code(file, &read)
                .map_err(|why| said(&format!("the policy {}: {why}", policy.name)))?;
            // As the tools of its authors print it.
            code.name.insert_str(0, "./");
            let (name, params) = (policy.name.clone(), policy.params.clone());
            policies.push(Policy { name, level: policy.level, code, params });
        }
        Ok(Self { policies, config, imports: world.imports })
    }

    /// One that was written alone.
    pub fn of_one(name: &str, path: &str, code: String) -> Self {
        let policy = Policy {
            name: name.to_owned(),
            level: Level::default(),
            code: Source::new(format!("./{path}"), code),
            params: BTreeMap::new(),
        };
        Self { policies: vec![policy], config: Config::default(), imports: BTreeMap::new() }
    }

    /// Its policies, in the order of the file.
    pub fn declared(&self) -> Vec<Declared> {
        let declared = self.policies.iter().map(|policy| Declared {
            name: policy.name.clone(),
            query: None,
            enforcement_level: policy.level.to_string(),
            description: None,
        });
        declared.collect()
    }

    /// Asks one of its policies. The parameters go before all that the set itself says. What comes out may name secrets.
    pub fn ask(
        &self,
        name: &str,
        facts: &Facts,
        parameters: &BTreeMap<String, Parameter>,
        time: Duration,
    ) -> Outcome {
        let Some(policy) = self.policies.iter().find(|policy| policy.name == name) else {
            return Outcome::unasked(format!("The set has no code for the policy {name}."));
        };
        let mut world = World::new(facts.at);
        world.http.clone_from(&facts.http);
        world.imports.clone_from(&self.imports);
        // What is true of the run is no set's to say.
        world.imports.extend(facts.imports.clone());
        world.params.clone_from(&self.config.params);
        world.params.extend(policy.params.clone());
        let given = parameters.iter().map(|(name, given)| (name.clone(), given.value.clone()));
        world.params.extend(given);
        if let Some(zone) = self.config.timezone.as_ref().and_then(|zone| zone.parse().ok()) {
            world.zone = zone;
        }
        let limits = Limits { time, output: OUTPUT, ..Limits::default() };
        evaluate(&policy.code, &world, &limits, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"terraform_version": "1.9.8", "resource_changes": []}"#;

    fn files(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).into())).collect()
    }

    fn facts() -> Facts {
        let run = Run::default();
        let case = Case { plan: PLAN.to_owned(), run, at: DateTime::UNIX_EPOCH, http: None };
        Facts::read(&case).unwrap()
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, Parameter> {
        let read = |(name, text): &(&str, &str)| ((*name).to_owned(), Parameter::read(text, true));
        pairs.iter().map(read).collect()
    }

    #[test]
    fn the_nearer_parameter_goes_before_the_farther_one() {
        let set = SentinelSet::of_archive(&files(&[
            (
                "sentinel.hcl",
                r#"
                policy "a" {
                  source = "./policies/a.sentinel"
                  enforcement_level = "hard-mandatory"
                  params = { of_policy = "policy", of_all = "policy" }
                }
                param "of_policy" { value = "config" }
                param "of_config" { value = "config" }
                param "of_all" { value = "config" }
                module "words" { source = "modules/words.sentinel" }
                import "static" "data" { source = "./data.json"
                 format = "json" }
                mock "tfplan/v2" { data = { terraform_version = "0" } }
                "#,
            ),
            (
                "policies/a.sentinel",
                "import \"words\"\nimport \"data\"\nimport \"tfplan/v2\" as tfplan\n\
                 param of_policy\nparam of_config\nparam of_all\nparam of_none default \"default\"\n\
                 print(of_none, of_config, of_policy, of_all, words.word, data.key, tfplan.terraform_version)\n\
                 main = true",
            ),
            ("modules/words.sentinel", "word = \"module\""),
            ("data.json", r#"{"key": "static"}"#),
        ]))
        .unwrap();
        let declared = set.declared();
        assert_eq!((&*declared[0].name, &*declared[0].enforcement_level), ("a", "hard-mandatory"));
        let said = set.ask("a", &facts(), &given(&[("of_all", "set"), ("unknown", "1")]), TIME);
        assert_eq!(said.error, None);
        assert_eq!(said.printed, "default config policy set module static 1.9.8\n");
    }

    #[test]
    fn parameters_are_json_or_else_text() {
        let set = SentinelSet::of_one(
            "a",
            "a.sentinel",
            "param a\nparam b\nmain = rule { a is [1, true] and b is \"1.2.0\" }".into(),
        );
        let said = set.ask("a", &facts(), &given(&[("a", "[1, true]"), ("b", "1.2.0")]), TIME);
        assert_eq!(said.verdict, Verdict::Passed, "{said:?}");
        let said = set.ask("a", &facts(), &given(&[("a", "[1, true]")]), TIME);
        assert!(said.error.unwrap().to_string().contains("requires value for parameter b"));
        assert_eq!(set.ask("b", &facts(), &given(&[]), TIME).verdict, Verdict::Errored);
    }

    #[test]
    fn what_a_set_lacks_is_said_before_anybody_asks_it() {
        let code = ("a.sentinel", "main = true");
        for (manifest, why) in [
            ("policy \"b\" {}", "the policy b: b.sentinel: the archive has no such file"),
            ("policy \"a\" { source = \"../a.sentinel\" }", "the archive has no such file"),
            ("policy \"a\" {}\nmodule \"m\" { source = \"./m.sentinel\" }", "m.sentinel:"),
            ("policy \"a\" { enforcement_level = \"mandatory\" }", "enforcement_level"),
            ("policy \"a\" { source = \"https://example.com/a.sentinel\" }", "keep a copy"),
            ("policy \"a\" {", "sentinel.hcl:"),
            ("rule \"a\" {}", "unknown block"),
        ] {
            let refused = SentinelSet::of_archive(&files(&[("sentinel.hcl", manifest), code]));
            let refused = refused.unwrap_err();
            assert!(refused.starts_with("sentinel.hcl: ") && refused.contains(why), "{refused}");
        }
        let json = r#"{"policy": {"a": {"source": "a.sentinel"}}}"#;
        assert!(SentinelSet::of_archive(&files(&[("sentinel.json", json), code])).is_ok());
        assert!(SentinelSet::of_archive(&files(&[code])).unwrap_err().contains("no sentinel.hcl"));
    }

    #[test]
    fn a_policy_ends_when_its_time_is_over_and_has_not_passed() {
        let endless = "for range(100000000) as i { x = i }\nmain = true";
        let set = SentinelSet::of_one("a", "a.sentinel", endless.into());
        let said = set.ask("a", &facts(), &given(&[]), Duration::ZERO);
        assert_eq!(said.verdict, Verdict::Errored);
        assert!(said.error.is_some());
    }

    const TIME: Duration = Duration::from_secs(10);
}
