//! Every setting once: its key, default, allowed values and meaning. Flags, environment names, file
//! keys, `--help`, error messages and the table in `docs/operations.md` all come from here.

/// How often a setting may be given and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Repeatable as a flag, `:`-separated in the environment, an array in the file.
    List,
    /// `--key` means true.
    Switch,
    /// Also readable from a file, by `…_file`; its value is never printed.
    Secret,
}

#[derive(Debug)]
pub struct Setting {
    /// The key in the file; `--data-dir` and `STATEHOUSE_DATA_DIR` are made from it.
    pub key: &'static str,
    pub kind: Kind,
    /// What stands for the value in `--help`.
    pub value: &'static str,
    pub default: &'static str,
    pub allowed: &'static str,
    pub about: &'static str,
    pub scope: Scope,
}

/// Which commands take a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Every,
    /// Says where the data lives: every command that opens it.
    Store,
    Serve,
    /// How clients reach the server: `serve` and `admin invite`.
    Reach,
    /// Where official releases of the engines are: `serve` and `admin sync-versions`.
    Releases,
    /// `agent`.
    Agent,
    /// Both `serve` and `agent`: how runs are executed and what is logged.
    Work,
}

impl Setting {
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    pub fn env(&self) -> String {
        format!("STATEHOUSE_{}", self.key.to_uppercase())
    }

    /// A setting that is not in the table is a mistake in our own code.
    pub fn named(key: &str) -> &'static Setting {
        SETTINGS.iter().find(|s| s.key == key).expect("the key is one of SETTINGS")
    }
}

macro_rules! scopes {
    ($($name:ident $scope:ident),+) => {$(
        const fn $name(
            key: &'static str,
            kind: Kind,
            value: &'static str,
            default: &'static str,
            allowed: &'static str,
            about: &'static str,
        ) -> Setting {
            Setting { key, kind, value, default, allowed, about, scope: Scope::$scope }
        }
    )+};
}
scopes!(every Every, store Store, serve Serve, reach Reach, releases Releases, agent Agent, work Work);

pub const SETTINGS: &[Setting] = &[
    every(
        "config",
        Kind::Text,
        "FILE",
        "statehouse.toml in the data directory, else in the current directory, if present",
        "a readable TOML file",
        "The file that settings are read from. A flag or environment variable only.",
    ),
    every(
        "data_dir",
        Kind::Text,
        "DIR",
        "/var/lib/statehouse as root, else $XDG_DATA_HOME/statehouse or ~/.local/share/statehouse",
        "a directory that exists or can be made",
        "Where everything is kept that is not told to be elsewhere. One process at a time.",
    ),
    store(
        "database_url",
        Kind::Secret,
        "URL",
        "sqlite: statehouse.db in the data directory",
        "sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME",
        "The database.",
    ),
    store(
        "database_connections",
        Kind::Text,
        "N",
        "16",
        "2 to 1000",
        "Connections to the database at most. On PostgreSQL one half is for transactions; on SQLite all only read.",
    ),
    store(
        "database_wait",
        Kind::Text,
        "DURATION",
        "30s",
        "a number with s, m or h, at least 1s",
        "How long a request waits for a free connection before it is answered 503.",
    ),
    store(
        "database_statement_timeout",
        Kind::Text,
        "DURATION",
        "30s",
        "a number with s, m or h; 0s is no limit",
        "What one statement may take, on PostgreSQL. Migrations have no limit.",
    ),
    store(
        "database_lock_timeout",
        Kind::Text,
        "DURATION",
        "10s",
        "a number with s, m or h; 0s is no limit on PostgreSQL, and none is waited for on SQLite",
        "How long a statement waits for what another transaction holds.",
    ),
    store(
        "database_idle_timeout",
        Kind::Text,
        "DURATION",
        "1m",
        "a number with s, m or h; 0s is no limit",
        "How long a transaction may lie still before PostgreSQL ends it.",
    ),
    store(
        "database_start_wait",
        Kind::Text,
        "DURATION",
        "1m for serve; other commands do not wait",
        "a number with s, m or h",
        "How long a PostgreSQL that cannot be reached is waited for at the start.",
    ),
    store(
        "blob_url",
        Kind::Text,
        "URL",
        "blobs/ in the data directory",
        "file:///DIR or a directory (s3:// is not yet available)",
        "Where configurations, states, plans and logs are kept.",
    ),
    store(
        "key_file",
        Kind::Text,
        "FILE",
        "statehouse.key in the data directory",
        "a file, made on the first start",
        "The master key that everything secret is sealed with. Back it up: without it no state can be read.",
    ),
    reach(
        "listen",
        Kind::Text,
        "ADDRESS",
        "127.0.0.1:8080",
        "IP:PORT, such as 127.0.0.1:8080 or [::]:443",
        "Where to listen.",
    ),
    reach(
        "public_url",
        Kind::Text,
        "URL",
        "made from the listening address and TLS",
        "http:// or https:// and a host, no path; required when listening on all addresses",
        "How clients reach this server: it starts every address that they are given.",
    ),
    serve(
        "max_connections",
        Kind::Text,
        "N",
        "half of the files that the process may open, 10000 at most",
        "16 to 1000000",
        "How many connections are taken at once. Beyond that, who keeps the server waiting makes room; where nobody \
         does, more are refused. The log says so.",
    ),
    serve(
        "trusted_proxies",
        Kind::Text,
        "NETWORKS",
        "none",
        "networks as 127.0.0.0/8 or fd00::/8, separated by commas",
        "Proxies before the server, whose X-Forwarded-For says where people sign in from.",
    ),
    reach(
        "tls_cert",
        Kind::Text,
        "FILE",
        "TLS is off",
        "a PEM file with the certificate and its chain; needs tls_key",
        "The certificate to serve TLS with. Read again on SIGHUP.",
    ),
    reach(
        "tls_key",
        Kind::Text,
        "FILE",
        "TLS is off",
        "a PEM file with the private key; needs tls_cert",
        "The key of the certificate.",
    ),
    reach(
        "tls_self_signed",
        Kind::Switch,
        "",
        "false",
        "true, false; not together with tls_cert",
        "Serve TLS with a certificate of our own authority, written to tls/ca.pem in the data directory.",
    ),
    work(
        "concurrency",
        Kind::Text,
        "N",
        "the number of CPUs",
        "1 to 256",
        "How many runs are executed at once.",
    ),
    work(
        "engine",
        Kind::List,
        "PATH",
        "terraform and tofu on PATH",
        "an executable terraform or tofu; several as repeated flags, separated by : in the environment",
        "A binary that runs are executed with; its version becomes a known one.",
    ),
    serve(
        "no_agent",
        Kind::Switch,
        "",
        "false",
        "true, false",
        "Do not execute runs in this process.",
    ),
    work(
        "agent_cli_config",
        Kind::Text,
        "FILE",
        "none",
        "a Terraform CLI configuration file",
        "Given to each run as its CLI configuration: provider mirrors, plugin caches.",
    ),
    work(
        "keep_init",
        Kind::Text,
        "BOOL",
        "true",
        "true, false",
        "Use what init made for a workspace in its next run of the same configuration, instead of running init again. Off where the lock file does not name every provider, or a module comes from elsewhere.",
    ),
    work(
        "sandbox",
        Kind::Text,
        "MODE",
        "preferred",
        "required, preferred, off",
        "What runs are kept in: required refuses to start where this machine lacks a layer, preferred uses those that it has, off none.",
    ),
    work(
        "sandbox_readable",
        Kind::List,
        "PATH",
        "none",
        "files and directories that exist; several as repeated flags, separated by : in the environment",
        "What runs may read beside what they need: tools, mirrors. Nothing that another setting names.",
    ),
    work(
        "grace_period",
        Kind::Text,
        "DURATION",
        "5m",
        "a number with s, m or h: 30s, 5m, 1h; 0s does not wait",
        "How long running phases may go on after SIGTERM.",
    ),
    work(
        "min_free_disk",
        Kind::Text,
        "SIZE",
        "256M",
        "a number with K, M or G, as 512M; 0 looks at no disk",
        "How much room a plan or an apply needs on its disk to begin; it is interrupted when less than a quarter of that is left.",
    ),
    work(
        "run_memory",
        Kind::Text,
        "SIZE",
        "2G",
        "a number with K, M or G, as 512M; 0 is no limit",
        "How much memory all processes of a plan or an apply may use together before it is interrupted.",
    ),
    work(
        "run_processes",
        Kind::Text,
        "NUMBER",
        "512",
        "a whole number; 0 is no limit",
        "How many processes a plan or an apply may have before it is interrupted.",
    ),
    work(
        "run_disk",
        Kind::Text,
        "SIZE",
        "10G",
        "a number with K, M or G, as 512M; 0 is no limit",
        "How much disk the directory of a plan or an apply may take before it is interrupted.",
    ),
    serve(
        "notification_networks",
        Kind::Text,
        "NETWORKS",
        "none",
        "networks as 10.0.0.0/8 or fd00::/8, separated by commas",
        "Private networks that notifications may be sent to. The internet always can.",
    ),
    serve(
        "smtp_url",
        Kind::Secret,
        "URL",
        "notifications by mail are not sent",
        "smtps://USER:PASSWORD@HOST or smtp://HOST:587?tls=required; needs smtp_from",
        "The server that mail leaves by.",
    ),
    serve(
        "smtp_from",
        Kind::Text,
        "ADDRESS",
        "none",
        "a mail address, such as Statehouse <statehouse@example.com>",
        "Whom mail comes from.",
    ),
    serve(
        "policy_concurrency",
        Kind::Text,
        "N",
        "2",
        "1 to 64",
        "How many runs have their policies evaluated at once.",
    ),
    serve(
        "version_sync",
        Kind::Switch,
        "",
        "false",
        "true, false",
        "Once a day, read the lists of Terraform's and OpenTofu's releases.",
    ),
    releases(
        "terraform_releases",
        Kind::Text,
        "URL",
        "https://releases.hashicorp.com/terraform",
        "http:// or https://, with index.json and a folder for each version",
        "Where official releases of Terraform are.",
    ),
    releases(
        "tofu_index",
        Kind::Text,
        "URL",
        "https://get.opentofu.org/tofu/api.json",
        "http:// or https://",
        "The list of OpenTofu's releases.",
    ),
    releases(
        "tofu_releases",
        Kind::Text,
        "URL",
        "https://github.com/opentofu/opentofu/releases/download",
        "http:// or https://, with a folder for each version, as v1.9.0",
        "Where official releases of OpenTofu are.",
    ),
    serve(
        "limit_user_organization_creation",
        Kind::Text,
        "BOOL",
        "true; administrators decide it",
        "true, false",
        "Only site administrators create organizations.",
    ),
    serve(
        "default_remote_state_access",
        Kind::Text,
        "BOOL",
        "false; administrators decide it",
        "true, false",
        "New workspaces share their state with the whole organization.",
    ),
    serve(
        "team_tokens_outlive_members",
        Kind::Text,
        "BOOL",
        "false; administrators decide it",
        "true, false",
        "A token that a member minted for a team goes on working when that member has left it.",
    ),
    serve(
        "api_rate_limiting_enabled",
        Kind::Text,
        "BOOL",
        "false; administrators decide it",
        "true, false",
        "Hold each caller of the API to api_rate_limit.",
    ),
    serve(
        "api_rate_limit",
        Kind::Text,
        "N",
        "30; administrators decide it",
        "1 or more",
        "Requests of the API that a caller may make in a second.",
    ),
    serve(
        "plan_timeout",
        Kind::Text,
        "DURATION",
        "2h; administrators decide it",
        "a time such as 90s, 30m, 2h or 1h30m, at most 168h",
        "How long a plan may take.",
    ),
    serve(
        "apply_timeout",
        Kind::Text,
        "DURATION",
        "24h; administrators decide it",
        "a time such as 90s, 30m, 2h or 1h30m, at most 168h",
        "How long an apply may take.",
    ),
    serve(
        "assessment_interval",
        Kind::Text,
        "DURATION",
        "24h; administrators decide it",
        "a time such as 90s, 30m, 2h or 1h30m, at most 168h",
        "How long after an apply or an assessment the health of a workspace is assessed again.",
    ),
    serve(
        "assessments_at_once",
        Kind::Text,
        "N",
        "10; administrators decide it",
        "1 or more",
        "Assessments of the health of workspaces that are under way at a time.",
    ),
    serve(
        "allow_speculative_plans_on_pull_requests_from_forks",
        Kind::Text,
        "BOOL",
        "false; administrators decide it",
        "true, false",
        "Plan pull requests of forks: that runs the code of whoever has opened them.",
    ),
    serve(
        "repository_polling_interval",
        Kind::Text,
        "DURATION",
        "5m; administrators decide it",
        "a time such as 90s, 30m, 2h or 1h30m, at most 168h",
        "How often repositories are looked at whose provider does not tell what happens there.",
    ),
    serve(
        "events_kept_days",
        Kind::Text,
        "N",
        "365; administrators decide it",
        "1 or more",
        "How many days what happened is kept, but for what happened to runs that are still there.",
    ),
    serve(
        "audit_export_url",
        Kind::Text,
        "URL",
        "none; administrators decide it",
        "https://, or http:// on this machine",
        "Where the audit trail is told, as lines of JSON.",
    ),
    serve(
        "audit_export_token",
        Kind::Secret,
        "TOKEN",
        "none; administrators decide it",
        "any text in one line",
        "By which the audit trail is let in there, as a bearer token.",
    ),
    serve(
        "cost_estimation_enabled",
        Kind::Text,
        "BOOL",
        "false; administrators decide it",
        "true, false",
        "Ask an estimator what runs would cost.",
    ),
    serve(
        "cost_estimation_estimator_url",
        Kind::Text,
        "URL",
        "none; administrators decide it",
        "http:// or https://",
        "Where costs are estimated.",
    ),
    serve(
        "cost_estimation_estimator_secret",
        Kind::Secret,
        "SECRET",
        "none; administrators decide it",
        "any text in one line",
        "By which the requests to the estimator are signed.",
    ),
    work("log_format", Kind::Text, "FORMAT", "text", "text, json", "How log lines look."),
    work(
        "log_filter",
        Kind::Text,
        "FILTER",
        "info",
        "levels and targets, such as info or warn,statehouse=debug",
        "What is logged.",
    ),
    serve(
        "metrics_listen",
        Kind::Text,
        "ADDRESS",
        "/metrics on the main listener, for this machine only",
        "IP:PORT",
        "Serve /metrics here instead.",
    ),
    serve(
        "metrics_token",
        Kind::Secret,
        "TOKEN",
        "none; /metrics names no organization and no agent pool",
        "16 to 256 letters, digits, - . _",
        "Whoever brings it gets all of /metrics, from anywhere.",
    ),
    serve(
        "admin_token",
        Kind::Secret,
        "TOKEN",
        "none; the log prints a one-time address",
        "16 to 256 letters, digits, - . _",
        "On an empty database: the API token of the site admin `admin`.",
    ),
    agent(
        "address",
        Kind::Text,
        "URL",
        "none; required",
        "http:// or https:// and a host, no path",
        "The server to work for.",
    ),
    agent(
        "token",
        Kind::Secret,
        "TOKEN",
        "none; required",
        "a token of an agent pool",
        "What the agent shows to the server: a token of its pool.",
    ),
    agent(
        "name",
        Kind::Text,
        "NAME",
        "the host name",
        "at most 255 bytes",
        "How the agent is called where people see it.",
    ),
    agent(
        "ca_file",
        Kind::Text,
        "FILE",
        "the system's authorities alone",
        "a PEM file",
        "Authorities to trust besides the system's when talking to the server.",
    ),
];
