//! The rooms of the domain: a noun may know those of its own floor and of the floors below, and nobody looks up the
//! stairs. So there is no ring among runs, agents, policies and notifications.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::workspace;

const DOMAIN: &str = "crates/domain/src";

/// From the ground up. Every room stands on one of them.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "what everything stands on",
        &[
            "access",
            "bell",
            "calendar",
            "chores",
            "cleanup",
            "context",
            "differences",
            "error",
            "free_text",
            "health",
            "installation",
            "keeper",
            "names",
            "repositories",
            "stores",
            "tasks",
            "troubles",
            "uploads",
        ],
    ),
    (
        "who there is, where things are, and what is set there",
        &[
            "accounts",
            "agent_pools",
            "cidr_range_lists",
            "connected_repositories",
            "github_app",
            "identity",
            "letters",
            "memberships",
            "oauth_clients",
            "organizations",
            "policies",
            "policy_sets",
            "projects",
            "rate_limit",
            "retention",
            "run_limits",
            "run_tasks",
            "site_settings",
            "ssh_keys",
            "subscriptions",
            "tags",
            "teams",
            "tool_versions",
            "variable_sets",
            "variables",
            "vcs_connections",
            "vcs_events",
            "workspace_tasks",
            "workspaces",
        ],
    ),
    (
        "runs, with what they take and leave",
        &[
            "assessments",
            "configurations",
            "freezes",
            "locks",
            "plan_changes",
            "plan_exports",
            "readmes",
            "run_schedules",
            "runs",
            "states",
            "task_stages",
        ],
    ),
    ("what addresses lead to", &["archivist"]),
    (
        "what has a say in a run",
        &["cost_estimates", "policy_evaluations", "policy_replays", "task_results"],
    ),
    ("who executes runs", &["agents"]),
    (
        "what follows from all that",
        &[
            "audit",
            "backup",
            "commit_statuses",
            "deletions",
            "destructions",
            "events",
            "figures",
            "ingress",
            "notifications",
            "run_triggers",
            "scans",
            "verify",
        ],
    ),
];

/// Where the rooms are put together: these know everybody, and everybody is reached through them by what is named in
/// `parts`, or by the types that the crate's root shows.
const STAIRS: [&str; 3] = ["app", "lib", "parts"];

/// Checks every file of the domain.
pub fn check() -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for path in sources(&workspace::root().join(DOMAIN))? {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let path = path.strip_prefix(workspace::root())?;
        complaints.extend(looking_up(path, &text));
        complaints.extend(super::rules::by_hand(path, &text));
    }
    Ok(complaints)
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What a file names that stands above it.
fn looking_up(path: &Path, text: &str) -> Vec<String> {
    let inside = path.strip_prefix(DOMAIN).unwrap_or(path);
    let room = inside.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
    let room = room.trim_end_matches(".rs");
    if STAIRS.contains(&room) {
        return Vec::new();
    }
    let floors = floors();
    let Some(own) = floors.get(room) else {
        return vec![format!("{}: {room} stands on no floor: say on which", path.display())];
    };
    named(text)
        .into_iter()
        .filter_map(|(line, other)| Some((line, other, *floors.get(other)?)))
        .filter(|(_, _, floor)| floor > own)
        .map(|(line, other, floor)| {
            format!(
                "{}:{line}: {room} ({}) may not know {other} ({})",
                path.display(),
                FLOORS[*own].0,
                FLOORS[floor].0
            )
        })
        .collect()
}

fn floors() -> BTreeMap<&'static str, usize> {
    let floors = FLOORS.iter().enumerate();
    floors.flat_map(|(number, (_, rooms))| rooms.iter().map(move |room| (*room, number))).collect()
}

/// The modules of the crate's root that a file names, with their lines. What its tests name is nobody's business.
fn named(text: &str) -> Vec<(usize, &str)> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut all = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        let before = &text[..start];
        let line = before.lines().last().unwrap_or_default();
        let is_comment = before.rsplit('\n').next().is_some_and(|line| line.contains("//"));
        // `pub(in crate::…)` and names that end so are none.
        if is_comment || line.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let offset = start + "crate::".len();
        let at =
            |head: &str| text[..head.as_ptr() as usize - text.as_ptr() as usize].lines().count();
        all.extend(heads(&text[offset..]).into_iter().map(|head| (at(head).max(1), head)));
    }
    all
}

/// The first names of a path, or of each path of a group.
fn heads(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else { return word(path).into_iter().collect() };
    let (mut depth, mut start, mut all) = (0_usize, 0, Vec::new());
    for (index, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                all.extend(word(&group[start..index]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.extend(word(&group[start..index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    all
}

fn word(path: &str) -> Option<&str> {
    let path = path.trim_start();
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(path.len());
    (end > 0).then(|| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(room: &str, text: &str) -> Vec<String> {
        looking_up(&Path::new(DOMAIN).join(room), text)
    }

    #[test]
    fn nobody_looks_up_the_stairs() {
        let text = "use crate::{\n    Ctx, notifications,\n    workspaces::{self, runs},\n};\n";
        let complaints = of("runs/create.rs", text);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/domain/src/runs/create.rs:2: runs ("));
        assert!(complaints[0].contains("may not know notifications"));
        assert_eq!(of("workspaces/mod.rs", "fn f() { crate::agents::g() }").len(), 1);
    }

    #[test]
    fn down_and_across_is_free() {
        assert!(of("notifications.rs", "use crate::runs;\nuse crate::{states, Ctx};\n").is_empty());
        assert!(of("runs/mod.rs", "use crate::states;\n").is_empty());
        assert!(of("parts.rs", "use crate::notifications;\n").is_empty());
    }

    #[test]
    fn what_is_said_in_comments_and_tests_does_not_count() {
        assert!(of("runs/mod.rs", "//! As [`crate::agents`] does.\n").is_empty());
        assert!(of("runs/mod.rs", "#[cfg(test)]\nmod tests { use crate::agents; }\n").is_empty());
    }

    #[test]
    fn a_room_of_no_floor_is_asked_for_it() {
        assert_eq!(of("cellar.rs", "").len(), 1);
    }

    #[test]
    fn every_room_has_one_floor_and_is_there() {
        let rooms: usize = FLOORS.iter().map(|(_, rooms)| rooms.len()).sum();
        assert_eq!(floors().len(), rooms);
        for room in floors().into_keys() {
            let path = workspace::root().join(DOMAIN).join(room);
            assert!(path.is_dir() || path.with_extension("rs").exists(), "{room}");
        }
    }
}
