//! Who a run is towards others: the tokens by which the server vouches for it, laid out as providers look for them. A new
//! provider is a file here, and a line where its names are (`engine_env::identity`).
//!
//! The names of variables and files are those of HCP Terraform ("Dynamic provider credentials").

mod aws;
mod azure;
mod gcp;
mod kubernetes;
mod vault;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use engine_env::identity::{Configuration, Environment, Provider};
use protocol::{Job, Phase, VariableKind};
use serde_json::{Value, json};

use crate::phase::is_plain;
use crate::workplace::{private_folder, write_private};

/// What a phase has to show.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// Where its files lie. A saved plan names them: they are where they were when the run was planned, so the folder is
    /// the run's and not the job's.
    folder: PathBuf,
    files: Vec<(PathBuf, String)>,
    /// For the engine's environment.
    pub env: BTreeMap<String, String>,
    /// What nobody is to read in a log.
    pub secrets: BTreeSet<String>,
    /// Variables that ask for something which is not done here.
    pub unknown: Vec<String>,
}

/// One configuration of a provider on its way into files and variables.
struct Layout<'a> {
    identity: &'a mut Identity,
    configuration: &'a Configuration<'a>,
    job: &'a Job,
    /// Signed by the server for this provider.
    token: &'a str,
}

impl Layout<'_> {
    /// A file of this configuration; answers its path.
    fn file(&mut self, name: &str, content: impl Into<String>) -> String {
        let word = self.configuration.provider.word().to_lowercase();
        let tag = self.configuration.tag.map(|tag| format!("_{tag}")).unwrap_or_default();
        let path = self.identity.folder.join(format!("{word}{tag}-{name}"));
        let text = path.to_string_lossy().into_owned();
        self.identity.files.push((path, content.into()));
        text
    }

    /// The file with the token.
    fn token_file(&mut self) -> String {
        self.file("token", self.token)
    }

    /// A variable of the environment, where there is but one: for the configuration without a tag.
    fn set(&mut self, name: &str, value: &str) {
        if self.configuration.tag.is_none() {
            self.identity.env.insert(name.to_owned(), value.to_owned());
        }
    }

    fn role(&self, name: &str) -> Result<String, String> {
        let phase = match self.job.phase {
            Phase::Plan | Phase::Assessment => "PLAN",
            Phase::Apply => "APPLY",
        };
        line(name, self.configuration.role(phase, name)?)
    }
}

/// A value that becomes part of a file of lines or of an address.
fn line(name: &str, value: &str) -> Result<String, String> {
    if value.chars().any(char::is_control) {
        return Err(format!("the value for {name} has more than one line"));
    }
    Ok(value.to_owned())
}

/// Where those of all runs lie.
fn all(work_dir: &Path) -> PathBuf {
    work_dir.join("identity")
}

/// Where the files of a run lie.
pub(crate) fn folder(work_dir: &Path, run: &str) -> PathBuf {
    all(work_dir).join(run)
}

/// Removes what earlier agents have left.
pub(crate) fn remove_all(work_dir: &Path) -> io::Result<()> {
    remove(&all(work_dir))
}

impl Identity {
    /// What the environment of a job asks for. Nothing is written yet.
    ///
    /// # Errors
    /// A sentence on what is missing, or on a provider that does not take the run's token.
    pub async fn of(job: &Job, work_dir: &Path) -> Result<Self, String> {
        let own = job.variables.iter().filter(|it| it.kind == VariableKind::Environment);
        let environment: Environment<'_> =
            own.map(|variable| (variable.key.as_str(), variable.value.as_str())).collect();
        let configurations = environment.configurations();
        let mut identity = Self {
            unknown: environment.unknown().into_iter().map(str::to_owned).collect(),
            ..Self::default()
        };
        let tokens = environment.tokens();
        if tokens.is_empty() && configurations.is_empty() {
            return Ok(identity);
        }
        if !is_plain(&job.run_id) {
            return Err("the run's id cannot be used in a path".into());
        }
        identity.folder = folder(work_dir, &job.run_id);
        identity.secrets.extend(job.identity_tokens.values().map(|token| token.0.clone()));
        for (name, audience) in tokens {
            let token = signed(job, audience)?;
            identity.env.insert(name, token.to_owned());
        }
        let mut variables: BTreeMap<Provider, (Value, serde_json::Map<String, Value>)> =
            BTreeMap::new();
        for configuration in &configurations {
            let audience = match configuration.audience() {
                Some(audience) => audience,
                None => configuration.gcp_provider()?,
            };
            let token = signed(job, &audience)?;
            let layout = Layout { identity: &mut identity, configuration, job, token };
            let value = match configuration.provider {
                Provider::Aws => aws::lay_out(layout)?,
                Provider::Azure => azure::lay_out(layout)?,
                Provider::Gcp => gcp::lay_out(layout)?,
                Provider::Kubernetes => kubernetes::lay_out(layout),
                Provider::Vault => vault::lay_out(layout).await?,
            };
            let (default, aliases) = variables.entry(configuration.provider).or_default();
            match configuration.tag {
                None => *default = value,
                Some(tag) => drop(aliases.insert(tag.to_owned(), value)),
            }
        }
        for (provider, (default, aliases)) in variables {
            let name = provider.word().to_lowercase();
            let value = json!({ "default": default, "aliases": aliases }).to_string();
            // It is read as HCL, in which these begin templates.
            let value = value.replace("${", "$${").replace("%{", "%%{");
            identity.env.insert(format!("TF_VAR_tfc_{name}_dynamic_credentials"), value);
        }
        Ok(identity)
    }

    /// The folder, if there is anything in it.
    pub fn folder(&self) -> Option<&Path> {
        (!self.files.is_empty()).then_some(self.folder.as_path())
    }

    /// Writes the files where the engine finds them.
    pub fn write(&self) -> io::Result<()> {
        if let Some(folder) = self.folder() {
            // What an earlier phase has left is over.
            remove(folder)?;
            private_folder(folder)?;
        }
        self.files.iter().try_for_each(|(path, text)| write_private(path, text.as_bytes()))
    }
}

/// Removes what a run has shown, if it has.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn signed<'a>(job: &'a Job, audience: &str) -> Result<&'a str, String> {
    let token = job.identity_tokens.get(audience).map(|token| token.0.as_str());
    token.ok_or_else(|| format!("the server has signed no token for the audience {audience}"))
}
