//! The environment of an engine: built up from nothing, so that nothing of the agent's own leaks.

use std::collections::BTreeMap;

use protocol::{Job, Phase, VariableKind};

use crate::git;
use crate::workplace::Workplace;

/// Where engines and their provisioners look for programs.
pub(crate) const SAFE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What an operator says for the whole machine: language, time zone, proxies, trusted roots.
const INHERITED: [&str; 17] = [
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
];

/// Bytes that the kernel has for them: a quarter of the stack, of which engine and plugins get their share too.
fn room() -> usize {
    let stack = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    let quarter = stack.and_then(|bytes| usize::try_from(bytes / 4).ok()).unwrap_or(usize::MAX);
    quarter.saturating_sub(engine_env::SINGLE * 2).clamp(engine_env::SINGLE / 2, engine_env::ROOM)
}

/// All variables of the engine's process, and the names of the workspace's that are left out. Fails with a sentence
/// about a variable with which no engine can work.
///
/// The `TFC_…` names are those of HCP Terraform:
/// <https://developer.hashicorp.com/terraform/cloud-docs/run/run-environment#environment-variables>
pub(crate) fn build<'a>(
    job: &'a Job,
    place: &Workplace,
    plugins: &str,
    identity: &BTreeMap<String, String>,
) -> Result<(BTreeMap<String, String>, Vec<&'a str>), String> {
    let mut env: BTreeMap<String, String> = INHERITED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("PATH", SAFE_PATH);
    set("GIT_TERMINAL_PROMPT", "0");
    set("CHECKPOINT_DISABLE", "1");
    set("TFC_AGENT_VERSION", "1.15.0");
    set("HOME", &place.home().to_string_lossy());
    set("TMPDIR", &place.tmp().to_string_lossy());
    set("TF_CLI_CONFIG_FILE", &place.cli_config().to_string_lossy());
    if place.roots().is_file() {
        set("SSL_CERT_FILE", &place.roots().to_string_lossy());
    }
    if job.ssh_key.is_some() {
        set("GIT_SSH_COMMAND", &git::ssh_command(&place.ssh_key(), &place.known_hosts()));
    }
    set("TFC_WORKSPACE_NAME", &job.workspace);
    set("TFC_WORKSPACE_SLUG", &format!("{}/{}", job.organization, job.workspace));
    set("TFC_PROJECT_NAME", &job.project);
    if job.options.debug && job.phase == Phase::Plan {
        set("TF_LOG", "TRACE");
    }
    // Whoever sets one of these by hand wants that.
    env.extend(identity.clone());
    let own = job.variables.iter().filter(|variable| variable.kind == VariableKind::Environment);
    let (decided, own): (Vec<_>, Vec<_>) = own
        .map(|variable| (variable.key.as_str(), variable.value.as_str()))
        .filter(|(name, _)| !name.is_empty() && !name.contains(['=', '\0']))
        .partition(|(name, _)| engine_env::decided(name).is_some());
    engine_env::check_all(own.iter().copied(), room())
        .map_err(|refusal| format!("The value {refusal}."))?;
    env.extend(own.iter().map(|(name, value)| ((*name).to_owned(), value.replace('\0', ""))));
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("TF_WORKSPACE", &job.workspace);
    set("TF_INPUT", "0");
    set("TF_IN_AUTOMATION", "1");
    set("TF_PLUGIN_CACHE_DIR", plugins);
    set("TFC_RUN_ID", &job.run_id);
    Ok((env, decided.into_iter().map(|(name, _)| name).collect()))
}
