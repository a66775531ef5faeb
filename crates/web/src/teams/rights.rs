//! The rights of a team in its whole organization, in words.

/// As the domain names it, what it is called, and what it means.
pub const RIGHTS: &[(&str, &str, &str)] = &[
    ("read-projects", "See all projects", "And all that is in them"),
    ("manage-projects", "Manage projects", "All projects and workspaces, and who reaches them"),
    ("read-workspaces", "See all workspaces", "Their runs, variables and states"),
    ("manage-workspaces", "Manage workspaces", "Make, change and see all of them"),
    ("manage-agent-pools", "Manage agent pools", "Pools, their agents and their tokens"),
    ("manage-policies", "Manage policies", "Sets and their versions"),
    ("manage-policy-overrides", "Override policies", "Where a policy lets itself be overridden"),
    ("manage-run-tasks", "Manage run tasks", "What is asked before and after a plan"),
    ("manage-vcs-settings", "Manage version control", "Connections and SSH keys"),
    ("manage-modules", "Manage modules", "Of the private registry"),
    ("manage-providers", "Manage providers", "Of the private registry"),
    ("manage-membership", "Manage members", "Invite people, and put them into teams"),
    ("manage-teams", "Manage teams", "Make and change teams; needs Manage members"),
    (
        "manage-organization-access",
        "Manage these rights",
        "What teams may do in the organization; needs Manage teams",
    ),
    ("access-secret-teams", "See secret teams", "Needs Manage members"),
];
