//! What a noun is registered with: whoever makes one and forgets a place is told which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use domain::id;
use http::Method;
use serde_json::Value;
use testkit::world::{World, Worlds};

use crate::list_scopes;

/// Ids that no address has, and why.
const NOT_IN_ADDRESSES: &[(&str, &str)] = &[
    ("AssessmentId", "its results are asked for"),
    ("CommitStatusId", "for those who keep the repository"),
    ("DataRetentionPolicyId", "each place has one, and shows it"),
    ("IngressAttributesId", "each configuration has them, and shows them"),
    ("NotificationDeliveryId", "shown with what was to be told"),
    ("OrganizationId", "organizations are called by their names"),
    ("PolicyCodeId", "comes with its policy"),
    ("PolicyReplayResultId", "shown with its replay"),
    ("PullRequestCommentId", "for those who keep the repository"),
    ("RepositoryId", "nobody is shown any"),
    ("RunConfirmationId", "shown with its run"),
    ("ServerId", "nobody is shown any"),
    ("TagBindingId", "shown with what has the tag"),
    ("TaskId", "work that the server has before it"),
    ("VariableSetScopeId", "shown with its set"),
    ("VcsEventId", "listed, never asked for"),
    ("WebhookDeliveryId", "nobody is shown any"),
];

/// Ids that are no key of a table, and why.
const NO_KEYS: &[(&str, &str)] = &[
    ("ApplyId", "a phase of a run"),
    ("PlanId", "a phase of a run"),
    ("PolicyCodeId", "names a blob"),
    ("ServerId", "names a process"),
    ("SubscriptionId", "made of that of its organization"),
];

/// Tables that no entity is made of, and why.
const WITHOUT_ENTITY: &[(&str, &str)] = &[
    ("_sqlx_migrations", "that of the migrations"),
    ("health_checks", "written to see whether it can be"),
];

/// Types that nothing includes, and why.
const NOT_INCLUDED: &[(&str, &str)] = &[
    ("agents", "nothing leads to it"),
    ("assessments", "known by what they have found alone"),
    ("authentication-tokens", "nothing leads to it"),
    ("authorized-repos", "nothing leads to it"),
    ("cost-estimation-settings", "the site's"),
    ("effective-tag-bindings", "found by what has the tags"),
    ("entitlement-sets", "found by its organization"),
    ("freezes", "nothing leads to it"),
    ("general-settings", "the site's"),
    ("github-app-installations", "nothing leads to it"),
    ("notification-configurations", "nothing leads to it"),
    ("opa-versions", "nothing leads to it"),
    ("organization-capacity", "a figure of an organization"),
    ("organization-token-ttl-policies", "settings of an organization"),
    ("policy-replays", "nothing leads to it"),
    ("reserved-tag-keys", "nothing leads to it"),
    ("run-schedules", "nothing leads to it"),
    ("run-triggers", "nothing leads to it"),
    ("sentinel-versions", "nothing leads to it"),
    ("smtp-settings", "the site's"),
    ("subscriptions", "found by its organization"),
    ("tag-bindings", "shown with what has the tag"),
    ("tags", "shown with what has them"),
    ("team-projects", "nothing leads to it"),
    ("team-workspaces", "nothing leads to it"),
    ("terraform-versions", "nothing leads to it"),
];

/// All that is registered, as it is found where it is registered.
#[derive(Clone, Debug, Default)]
struct Registered {
    /// Types of ids, and their prefixes.
    ids: BTreeMap<String, String>,
    /// The types of ids that entities have for keys.
    keys: BTreeSet<String>,
    /// The tables of entities.
    entities: BTreeSet<String>,
    tables: BTreeSet<String>,
    /// Prefixes of the ids that stand for the parameters of routes.
    in_addresses: BTreeSet<String>,
    /// Types of what is shown, and of what it is related to.
    shown: BTreeSet<String>,
    included: BTreeSet<String>,
}

fn knows(exceptions: &[(&str, &str)], name: &str) -> bool {
    exceptions.iter().any(|(known, _)| *known == name)
}

impl Registered {
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (id, prefix) in &self.ids {
            if !self.keys.contains(id) && !knows(NO_KEYS, id) {
                missing.push(format!("{id}: no entity has it for its key"));
            }
            if !self.in_addresses.contains(prefix) && !knows(NOT_IN_ADDRESSES, id) {
                missing.push(format!("{id}: no route and no world names a {prefix}-…"));
            }
        }
        for key in self.keys.iter().filter(|key| !self.ids.contains_key(*key)) {
            missing.push(format!("{key}: has no prefix in id.rs"));
        }
        for table in self.tables.difference(&self.entities) {
            if !knows(WITHOUT_ENTITY, table) {
                missing.push(format!("{table}: a table without an entity"));
            }
        }
        for table in self.entities.difference(&self.tables) {
            missing.push(format!("{table}: an entity without a table"));
        }
        for kind in self.shown.difference(&self.included) {
            if !knows(NOT_INCLUDED, kind) {
                missing.push(format!("{kind}: nothing in includes.rs loads it"));
            }
        }
        missing
    }

    /// Exceptions that are none any more.
    fn stale(&self) -> Vec<&'static str> {
        let ids = NOT_IN_ADDRESSES.iter().filter(|(id, _)| {
            self.ids.get(*id).is_none_or(|prefix| self.in_addresses.contains(prefix))
        });
        let keys = NO_KEYS.iter().filter(|(id, _)| self.keys.contains(*id));
        let tables = WITHOUT_ENTITY.iter().filter(|(table, _)| !self.tables.contains(*table));
        let kinds = NOT_INCLUDED
            .iter()
            .filter(|(kind, _)| self.included.contains(*kind) || !self.shown.contains(*kind));
        ids.chain(keys).chain(tables).chain(kinds).map(|(name, _)| *name).collect()
    }

    fn add_entities(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_entities(&path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            for part in text.split("#[sea_orm(table_name = \"").skip(1) {
                self.entities.insert(part.split('"').next().unwrap().to_owned());
                let key = part.lines().find_map(|line| line.trim().strip_prefix("pub id: "));
                let key = key.map(|key| key.trim_end_matches(','));
                self.keys.extend(key.filter(|key| key.ends_with("Id")).map(str::to_owned));
            }
        }
    }

    /// The types of a document's resources and of what these are related to.
    fn add_shown(&mut self, data: &Value) {
        match data {
            Value::Array(items) => items.iter().for_each(|item| self.add_shown(item)),
            Value::Object(members) => {
                self.shown.extend(members.get("type").and_then(Value::as_str).map(str::to_owned));
                let relations = members.get("relationships").and_then(Value::as_object);
                for relation in relations.into_iter().flat_map(|all| all.values()) {
                    self.add_shown(&relation["data"]);
                }
            }
            _ => {}
        }
    }
}

/// The routes of lists, without what all routes begin with.
async fn look_at(world: &World, registered: &mut Registered) -> Vec<&'static str> {
    let mut lists = Vec::new();
    for route in statehouse_api::table() {
        let Some(path) = route.path.strip_prefix("/api/v2") else { continue };
        if route.method != Method::GET {
            continue;
        }
        let answer = world.allowed(&route).get(world.path(&route)).await;
        let is_document = answer.headers.get("content-type").is_some_and(|kind| {
            kind.to_str().is_ok_and(|kind| kind.starts_with("application/vnd.api+json"))
        });
        if answer.status != 200 || !is_document {
            continue;
        }
        let data = answer.json()["data"].clone();
        registered.add_shown(&data);
        if data.is_array() {
            lists.push(path);
        }
    }
    lists
}

#[tokio::test]
async fn whatever_is_left_out_of_a_noun_is_named() {
    let world = Worlds::new().await.world().await;
    let mut registered = Registered::default();
    for (name, prefix) in id::ALL {
        let before = registered.ids.insert((*name).to_owned(), (*prefix).to_owned());
        assert_eq!(before, None, "{name}");
    }
    let prefixes: BTreeSet<_> = registered.ids.values().collect();
    assert_eq!(prefixes.len(), registered.ids.len(), "two types of ids have one prefix");
    registered.add_entities(Path::new("../db/src/entity"));
    registered.tables.extend(world.server.row_counts().await.into_keys());
    let ids = world.names().values().filter_map(|value| value.split_once('-'));
    registered.in_addresses.extend(ids.map(|(prefix, _)| prefix.to_owned()));
    registered.included.extend(statehouse_api::included().map(str::to_owned));
    let lists = Box::pin(look_at(&world, &mut registered)).await;
    assert!(lists.len() > 60 && registered.shown.len() > 30, "nobody is shown anything");

    let missing = registered.missing();
    assert!(missing.is_empty(), "{missing:#?}");
    let stale = registered.stale();
    assert!(stale.is_empty(), "no exceptions any more: {stale:?}");
    let unlawful = list_scopes::unlawful(lists.into_iter());
    assert!(unlawful.is_empty(), "{unlawful:#?}");

    // And it would be: of a noun that has everything each thing is forgotten once.
    for (forget, said) in FORGOTTEN {
        let mut other = registered.clone();
        forget(&mut other);
        assert_eq!(other.missing(), [*said]);
    }
}

type Forget = fn(&mut Registered);

const FORGOTTEN: &[(Forget, &str)] = &[
    (
        |all| {
            all.ids.remove("RunTaskId");
        },
        "RunTaskId: has no prefix in id.rs",
    ),
    (
        |all| {
            all.in_addresses.remove("task");
        },
        "RunTaskId: no route and no world names a task-…",
    ),
    (
        |all| {
            all.keys.remove("RunTaskId");
        },
        "RunTaskId: no entity has it for its key",
    ),
    (
        |all| {
            all.entities.remove("run_tasks");
        },
        "run_tasks: a table without an entity",
    ),
    (
        |all| {
            all.tables.remove("run_tasks");
        },
        "run_tasks: an entity without a table",
    ),
    (
        |all| {
            all.included.remove("tasks");
        },
        "tasks: nothing in includes.rs loads it",
    ),
];
