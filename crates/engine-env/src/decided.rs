//! Variables of an engine's environment that are the agent's to set: they would break a run, or another's. They are refused
//! when somebody saves them; an older one is left out of the run, whose log says so.

const PLACES: &str = "where an engine keeps its files is for the agent to say";
const LOG: &str = "its file would lie among those of the run, and be gone with it; what TF_LOG asks for is shown in \
                   the run's log";
const NOBODY: &str = "nobody is there to answer an engine";

const DECIDED: [(&str, &str); 7] = [
    ("TF_WORKSPACE", "a run is of its own workspace"),
    ("TF_DATA_DIR", PLACES),
    ("TF_PLUGIN_CACHE_DIR", PLACES),
    ("TF_LOG_PATH", LOG),
    ("TF_INPUT", NOBODY),
    ("TF_IN_AUTOMATION", NOBODY),
    ("TFC_RUN_ID", "a run has the id that it was given"),
];

/// Why a workspace cannot set this variable, if it cannot. OpenTofu has names of its own for its settings.
pub fn decided(name: &str) -> Option<&'static str> {
    let own = name.strip_prefix("TOFU_");
    let is_it =
        |decided: &str| name == decided || (own.is_some() && decided.strip_prefix("TF_") == own);
    DECIDED.iter().find(|(decided, _)| is_it(decided)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::decided;

    #[test]
    fn both_engines_names_are_known_and_no_others() {
        for name in ["TF_DATA_DIR", "TOFU_DATA_DIR", "TF_WORKSPACE", "TOFU_LOG_PATH", "TFC_RUN_ID"]
        {
            assert!(decided(name).is_some(), "{name}");
        }
        for name in ["TF_VAR_workspace", "DATA_DIR", "TOFU_RUN_ID", "tf_data_dir", "TF_LOG", ""] {
            assert_eq!(decided(name), None, "{name}");
        }
    }
}
