//! Lists by tags find the workspaces on which a binding is in force, whatever workspaces and projects have.

use std::fmt::Write as _;

use domain::{
    entity::{reserved_tag_key, tag_binding},
    id::{ReservedTagKeyId, TagBindingId},
    row::{Project, Workspace},
    workspaces,
};
use proptest::{
    collection::vec, option, prelude::*, sample::select, strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::Value;
use testkit::{Server, sea_orm::EntityTrait};

/// How often other tags are thought of.
const CASES: usize = 64;
const KEYS: [&str; 3] = ["env", "team", "tier"];
const VALUES: [&str; 3] = ["", "x", "y"];

#[derive(Clone, Copy, Debug)]
enum Tag {
    Flat,
    Keyed(&'static str),
}

impl Tag {
    fn value(self) -> &'static str {
        match self {
            Self::Flat => "",
            Self::Keyed(value) => value,
        }
    }
}

/// What somebody has of each key.
type Tags = [Option<Tag>; KEYS.len()];

/// The projects' tags; the workspaces' tags, each with the number of its project; and which keys are fixed.
#[derive(Clone, Debug)]
struct Tagged {
    projects: [Tags; 2],
    workspaces: [Tags; 6],
    fixed: [bool; KEYS.len()],
}

#[derive(Clone, Debug)]
struct Asked {
    /// Key and value of each.
    filters: Vec<(Option<usize>, Option<&'static str>)>,
    any: bool,
    /// Those without a value mean bindings that have none.
    bare: bool,
}

fn of_project() -> impl Strategy<Value = Tags> {
    let tag = option::of(select(&VALUES[..]).prop_map(Tag::Keyed));
    [tag.clone(), tag.clone(), tag]
}

fn of_workspace() -> impl Strategy<Value = Tags> {
    let tag = || {
        prop_oneof![
            2 => Just(None),
            1 => Just(Some(Tag::Flat)),
            2 => select(&VALUES[..]).prop_map(|value| Some(Tag::Keyed(value))),
        ]
    };
    [tag(), tag(), tag()]
}

fn tagged() -> impl Strategy<Value = Tagged> {
    let workspaces: [_; 6] = std::array::from_fn(|_| of_workspace());
    let fixed: [_; KEYS.len()] = std::array::from_fn(|_| prop::bool::weighted(0.2));
    ([of_project(), of_project()], workspaces, fixed)
        .prop_map(|(projects, workspaces, fixed)| Tagged { projects, workspaces, fixed })
}

fn asked() -> impl Strategy<Value = Asked> {
    let key = || 0..KEYS.len();
    let value = || select(&VALUES[1..]);
    let of = prop_oneof![
        (key(), value()).prop_map(|(key, value)| (Some(key), Some(value))),
        key().prop_map(|key| (Some(key), None)),
        value().prop_map(|value| (None, Some(value))),
    ];
    (vec(of, 1..4), any::<bool>(), any::<bool>()).prop_map(|(filters, any, bare)| Asked {
        filters,
        any,
        bare,
    })
}

impl Tagged {
    /// Whether this workspace has to be found: by a flat tag, by a keyed one of its own, or by its project's.
    fn is_found(&self, workspace: usize, asked: &Asked) -> bool {
        let (own, project) = (&self.workspaces[workspace], &self.projects[workspace % 2]);
        let in_force = |key: usize| match (own[key], project[key]) {
            (Some(Tag::Flat), inherited) => [Some(Tag::Flat), inherited],
            (Some(_), inherited @ Some(_)) if self.fixed[key] => [inherited, None],
            (None, inherited) => [inherited, None],
            (own, _) => [own, None],
        };
        let holds = |(key, value): &(Option<usize>, Option<&str>)| {
            (0..KEYS.len()).filter(|of| key.is_none_or(|key| key == *of)).any(|key| {
                let mut tags = in_force(key).into_iter().flatten();
                let value = value.or(asked.bare.then_some(""));
                tags.any(|tag| value.is_none_or(|value| value == tag.value()))
            })
        };
        if asked.any { asked.filters.iter().any(holds) } else { asked.filters.iter().all(holds) }
    }

    async fn store(&self, server: &Server, projects: &[Project; 2], all: &[Workspace]) {
        let now = server.app.now();
        let tx = server.db.write().await.unwrap();
        tag_binding::Entity::delete_many().exec(&*tx).await.unwrap();
        reserved_tag_key::Entity::delete_many().exec(&*tx).await.unwrap();
        let of_projects = projects.iter().map(|row| (None, Some(row.id.clone())));
        let of_workspaces = all.iter().map(|row| (Some(row.id.clone()), None));
        let bearers = of_projects.chain(of_workspaces);
        for ((workspace_id, project_id), tags) in
            bearers.zip(self.projects.iter().chain(&self.workspaces))
        {
            for (key, tag) in KEYS.iter().zip(tags) {
                let Some(tag) = tag else { continue };
                tx.insert(tag_binding::Model {
                    id: TagBindingId::fresh(),
                    workspace_id: workspace_id.clone(),
                    project_id: project_id.clone(),
                    tag_key: (*key).to_owned(),
                    tag_value: tag.value().to_owned(),
                    created_at: now,
                    is_flat: matches!(tag, Tag::Flat),
                })
                .await
                .unwrap();
            }
        }
        for (key, fixed) in KEYS.iter().zip(self.fixed) {
            tx.insert(reserved_tag_key::Model {
                id: ReservedTagKeyId::fresh(),
                organization_name: Server::ORGANIZATION.into(),
                tag_key: (*key).to_owned(),
                disable_overrides: fixed,
                created_at: now,
                updated_at: now,
            })
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
    }
}

impl Asked {
    fn query(&self) -> String {
        let Self { any, bare, .. } = self;
        let mut query = format!("filter[tag-union]={any}&filter[tag-value-default-null]={bare}");
        for (index, (key, value)) in self.filters.iter().enumerate() {
            if let Some(key) = key {
                _ = write!(query, "&filter[tagged][{index}][key]={}", KEYS[*key]);
            }
            if let Some(value) = value {
                _ = write!(query, "&filter[tagged][{index}][value]={value}");
            }
        }
        query
    }
}

async fn found(server: &Server, asked: &Asked) -> Vec<Value> {
    let path = format!("/organizations/acme/workspaces?{}", asked.query());
    server.owner().get(path).await.is_ok().attributes("name")
}

#[tokio::test]
async fn lists_by_tags_find_what_is_in_force_whatever_projects_and_workspaces_have() {
    let server = Server::start().await;
    let projects = [server.project("even").await, server.project("odd").await];
    let mut all = Vec::new();
    for number in 0..6 {
        let change = workspaces::Change {
            name: Some(format!("number-{number}")),
            project_id: Some(projects[number % 2].id.clone()),
            ..Default::default()
        };
        all.push(server.workspace_with(change).await);
    }
    let mut chance = TestRunner::default();
    for _ in 0..CASES {
        let tagged = tagged().new_tree(&mut chance).unwrap().current();
        tagged.store(&server, &projects, &all).await;
        for asked in vec(asked(), 4).new_tree(&mut chance).unwrap().current() {
            let found = found(&server, &asked).await;
            let expected: Vec<_> = (0..all.len())
                .filter(|number| tagged.is_found(*number, &asked))
                .map(|number| all[number].name.as_str())
                .collect();
            assert_eq!(found, expected, "{asked:?} of {tagged:?}");
        }
    }
}
