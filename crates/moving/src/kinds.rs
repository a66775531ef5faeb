//! The table of what comes over: each kind of thing with its list, its attributes, what it refers to and its parts.
//! Reading, writing, comparing and folders go by it.

/// What an organization has.
#[derive(Debug)]
pub struct Kind {
    /// The type on the wire.
    pub name: &'static str,
    /// `{organization}` stands for the name.
    pub list: &'static str,
    /// Those that can be given, by their names on the wire; the first is its name.
    pub attributes: &'static [&'static str],
    pub relations: &'static [Relation],
    pub parts: &'static [&'static Part],
}

/// What a thing refers to when it is made.
#[derive(Debug)]
pub struct Relation {
    pub name: &'static str,
    /// The kind of what it refers to.
    pub to: &'static str,
    pub is_one: bool,
}

/// What belongs to a single thing.
#[derive(Debug)]
pub struct Part {
    pub name: &'static str,
    /// The type on the wire.
    pub wire: &'static str,
    /// `{of}` stands for the kind, `{id}` for the id of what it belongs to.
    pub list: &'static str,
    /// Where one is made.
    pub make: &'static str,
    pub attributes: &'static [&'static str],
    /// The attributes that tell it from its like.
    pub key: &'static [&'static str],
    pub relations: &'static [Relation],
    /// The relation by which it names what it belongs to, where the path does not.
    pub owner: Option<&'static str>,
}

const fn one(name: &'static str, to: &'static str) -> Relation {
    Relation { name, to, is_one: true }
}

const fn many(name: &'static str, to: &'static str) -> Relation {
    Relation { name, to, is_one: false }
}

const VARIABLE: &[&str] = &["key", "value", "category", "hcl", "sensitive", "description"];

const VARIABLES: Part = Part {
    name: "variables",
    wire: "vars",
    list: "workspaces/{id}/vars",
    make: "workspaces/{id}/vars",
    attributes: VARIABLE,
    key: &["category", "key"],
    relations: &[],
    owner: None,
};

const SET_VARIABLES: Part = Part {
    list: "varsets/{id}/relationships/vars",
    make: "varsets/{id}/relationships/vars",
    ..VARIABLES
};

const PARAMETERS: Part = Part {
    name: "parameters",
    list: "policy-sets/{id}/parameters",
    make: "policy-sets/{id}/parameters",
    attributes: &["key", "value", "category", "sensitive", "description"],
    key: &["key"],
    ..VARIABLES
};

/// Names alone, as older clients know tags.
pub const TAGS: Part = Part {
    name: "tags",
    wire: "tags",
    list: "",
    make: "workspaces/{id}/relationships/tags",
    attributes: &["name"],
    key: &["name"],
    relations: &[],
    owner: None,
};

pub const BINDINGS: Part = Part {
    name: "tag-bindings",
    wire: "tag-bindings",
    list: "{of}/{id}/tag-bindings",
    make: "{of}/{id}/relationships/tag-bindings",
    attributes: &["key", "value"],
    key: &["key"],
    relations: &[],
    owner: None,
};

pub const NOTIFICATIONS: Part = Part {
    name: "notifications",
    wire: "notification-configurations",
    list: "{of}/{id}/notification-configurations",
    make: "{of}/{id}/notification-configurations",
    attributes: &["name", "destination-type", "url", "triggers", "email-addresses", "enabled"],
    key: &["name"],
    relations: &[many("users", "users")],
    owner: None,
};

/// The type of the policy says half of it, and is its name here.
pub const RETENTION: Part = Part {
    name: "data-retention",
    wire: "",
    list: "{of}/{id}/relationships/data-retention-policy",
    make: "{of}/{id}/relationships/data-retention-policy",
    attributes: &["delete-older-than-n-days"],
    key: &[],
    relations: &[],
    owner: None,
};

const WORKSPACE_ACCESS: Part = Part {
    name: "access",
    wire: "team-workspaces",
    list: "team-workspaces?filter%5Bworkspace%5D%5Bid%5D={id}",
    make: "team-workspaces",
    attributes: &[
        "access",
        "runs",
        "variables",
        "state-versions",
        "sentinel-mocks",
        "workspace-locking",
        "run-tasks",
        "policy-overrides",
    ],
    key: &[],
    relations: &[one("team", "teams")],
    owner: Some("workspace"),
};

const PROJECT_ACCESS: Part = Part {
    name: "access",
    wire: "team-projects",
    list: "team-projects?filter%5Bproject%5D%5Bid%5D={id}",
    make: "team-projects",
    attributes: &["access", "project-access", "workspace-access"],
    key: &[],
    relations: &[one("team", "teams")],
    owner: Some("project"),
};

pub const ORGANIZATION: Kind = Kind {
    name: "organizations",
    list: "organizations/{organization}",
    attributes: &[
        "name",
        "email",
        "session-timeout",
        "session-remember",
        "collaborator-auth-policy",
        "cost-estimation-enabled",
        "send-passing-statuses-for-untriggered-speculative-plans",
        "aggregated-commit-status-enabled",
        "speculative-plan-management-enabled",
        "allow-force-delete-workspaces",
        "assessments-enforced",
        "default-execution-mode",
        "owners-team-saml-role-id",
        "user-tokens-enabled",
        "max-ttl-enabled",
    ],
    relations: &[],
    parts: &[&RETENTION],
};

/// In an order in which each finds what it refers to. Workspaces come before sets, which are applied to them.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "agent-pools",
        list: "organizations/{organization}/agent-pools",
        attributes: &["name", "organization-scoped"],
        relations: &[],
        parts: &[],
    },
    Kind {
        name: "ssh-keys",
        list: "organizations/{organization}/ssh-keys",
        attributes: &["name"],
        relations: &[],
        parts: &[],
    },
    Kind {
        name: "reserved-tag-keys",
        list: "organizations/{organization}/reserved-tag-keys",
        attributes: &["key", "disable-overrides"],
        relations: &[],
        parts: &[],
    },
    Kind {
        name: "teams",
        list: "organizations/{organization}/teams",
        attributes: &[
            "name",
            "visibility",
            "sso-team-id",
            "allow-member-token-management",
            "organization-access",
        ],
        relations: &[],
        parts: &[&NOTIFICATIONS],
    },
    Kind {
        name: "projects",
        list: "organizations/{organization}/projects",
        attributes: &[
            "name",
            "description",
            "auto-destroy-activity-duration",
            "default-execution-mode",
        ],
        relations: &[one("default-agent-pool", "agent-pools")],
        parts: &[&BINDINGS, &NOTIFICATIONS, &PROJECT_ACCESS],
    },
    Kind {
        name: "workspaces",
        list: "organizations/{organization}/workspaces",
        attributes: &[
            "name",
            "description",
            "execution-mode",
            "terraform-version",
            "engine",
            "working-directory",
            "auto-apply",
            "auto-apply-run-trigger",
            "auto-destroy-at",
            "auto-destroy-activity-duration",
            "inherits-project-auto-destroy",
            "allow-destroy-plan",
            "assessments-enabled",
            "file-triggers-enabled",
            "trigger-prefixes",
            "trigger-patterns",
            "queue-all-runs",
            "speculative-enabled",
            "structured-run-output-enabled",
            "global-remote-state",
            "project-remote-state",
            "source-name",
            "source-url",
        ],
        relations: &[one("project", "projects"), one("agent-pool", "agent-pools")],
        parts: &[&TAGS, &BINDINGS, &VARIABLES, &WORKSPACE_ACCESS, &NOTIFICATIONS, &RETENTION],
    },
    Kind {
        name: "varsets",
        list: "organizations/{organization}/varsets",
        attributes: &["name", "description", "global", "priority"],
        relations: &[
            one("parent", "projects"),
            many("workspaces", "workspaces"),
            many("projects", "projects"),
        ],
        parts: &[&SET_VARIABLES],
    },
    Kind {
        name: "policies",
        list: "organizations/{organization}/policies",
        attributes: &["name", "description", "kind", "query", "enforcement-level"],
        relations: &[],
        parts: &[],
    },
    Kind {
        name: "policy-sets",
        list: "organizations/{organization}/policy-sets",
        attributes: &[
            "name",
            "description",
            "kind",
            "global",
            "agent-enabled",
            "policy-tool-version",
            "overridable",
            "policies-path",
            "policy-update-patterns",
            "tag-selectors",
        ],
        relations: &[
            many("policies", "policies"),
            many("workspaces", "workspaces"),
            many("projects", "projects"),
            many("workspace-exclusions", "workspaces"),
            many("project-exclusions", "projects"),
        ],
        parts: &[&PARAMETERS],
    },
    Kind {
        name: "organization-memberships",
        list: "organizations/{organization}/organization-memberships",
        attributes: &["email"],
        relations: &[many("teams", "teams")],
        parts: &[],
    },
];

/// What things refer to that are all there by then: each is added to an item of this kind at its path.
#[derive(Debug)]
pub struct Link {
    pub of: &'static str,
    pub name: &'static str,
    pub to: &'static str,
}

pub const LINKS: &[Link] = &[
    Link { of: "workspaces", name: "remote-state-consumers", to: "workspaces" },
    Link { of: "workspaces", name: "run-triggers", to: "workspaces" },
    Link { of: "workspaces", name: "ssh-key", to: "ssh-keys" },
    Link { of: "agent-pools", name: "allowed-workspaces", to: "workspaces" },
    Link { of: "agent-pools", name: "allowed-projects", to: "projects" },
    Link { of: "agent-pools", name: "excluded-workspaces", to: "workspaces" },
    Link { of: "organizations", name: "default-agent-pool", to: "agent-pools" },
];

impl Part {
    pub fn list(&self, of: &str, id: &str) -> String {
        self.list.replace("{of}", of).replace("{id}", id)
    }

    pub fn make(&self, of: &str, id: &str) -> String {
        self.make.replace("{of}", of).replace("{id}", id)
    }
}
