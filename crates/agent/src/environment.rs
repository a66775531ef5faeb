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

/// All variables of the engine's process.
///
/// The `TFC_…` names are those of HCP Terraform:
/// <https://developer.hashicorp.com/terraform/cloud-docs/run/run-environment#environment-variables>
pub(crate) fn build(job: &Job, place: &Workplace, plugins: &str) -> BTreeMap<String, String> {
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
    for variable in &job.variables {
        let name = variable.key.as_str();
        let possible = !name.is_empty() && !name.contains(['=', '\0']);
        if variable.kind == VariableKind::Environment && possible {
            env.insert(name.to_owned(), variable.value.replace('\0', ""));
        }
    }
    // Last, because a workspace that changed these would break its own run or another's.
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("TF_WORKSPACE", &job.workspace);
    set("TF_INPUT", "0");
    set("TF_IN_AUTOMATION", "1");
    set("TF_PLUGIN_CACHE_DIR", plugins);
    set("TFC_RUN_ID", &job.run_id);
    env.remove("TF_DATA_DIR");
    env
}
