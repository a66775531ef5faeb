//! Tags: flat, with values, inherited from projects, known to the organization, reserved.

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Client, Server};

fn bindings(pairs: &[(&str, &str)]) -> Value {
    let data: Vec<_> = pairs
        .iter()
        .map(|(key, value)| {
            json!({ "type": "tag-bindings", "attributes": { "key": key, "value": value } })
        })
        .collect();
    json!({ "data": data })
}

/// Key and value of each, in the order of the answer.
async fn pairs(client: &Client<'_>, path: &str) -> Vec<(String, String)> {
    let list = client.get(path).await.is_ok();
    let text = |value: Value| value.as_str().unwrap().to_owned();
    let keys = list.attributes("key").into_iter().map(text);
    keys.zip(list.attributes("value").into_iter().map(text)).collect()
}

fn is(found: &[(String, String)], expected: &[(&str, &str)]) -> bool {
    found.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected.iter().copied())
}

fn of(ws: &Workspace, rest: &str) -> String {
    format!("/workspaces/{}/{rest}", ws.id)
}

fn of_project(ws: &Workspace, rest: &str) -> String {
    format!("/projects/{}/{rest}", ws.project_id)
}

#[tokio::test]
async fn one_spelling_adds_and_the_other_replaces() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    for (plain, related) in [
        (of(&ws, "tag-bindings"), of(&ws, "relationships/tag-bindings")),
        (of_project(&ws, "tag-bindings"), of_project(&ws, "relationships/tag-bindings")),
    ] {
        owner.patch(&plain, bindings(&[("env", "dev")])).await.is_ok();
        let both = owner.patch(&plain, bindings(&[("env", "prod"), ("team", "a")])).await.is_ok();
        assert_eq!(both.attributes("value"), ["prod", "a"]);
        owner.post(&related, bindings(&[("tier", "1")])).await.is_no_content();
        let all = [("env", "prod"), ("team", "a"), ("tier", "1")];
        assert!(is(&pairs(&owner, &related).await, &all));
        owner.patch(&related, bindings(&[("env", "test")])).await.is_no_content();
        assert!(is(&pairs(&owner, &plain).await, &[("env", "test")]));
    }
}

#[tokio::test]
async fn the_value_of_a_binding_is_text() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let wrong = json!({ "data": [
        { "type": "tag-bindings", "attributes": { "key": "env", "value": 1 } },
    ] });
    let path = of(&ws, "tag-bindings");
    server.owner().patch(path, wrong).await.is_unprocessable("/data/0/attributes/value");
}

#[tokio::test]
async fn an_empty_relationship_takes_all_bindings_away() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    for (path, kind) in [(of(&ws, ""), "workspaces"), (of_project(&ws, ""), "projects")] {
        let path = path.trim_end_matches('/');
        let tags = format!("{path}/tag-bindings");
        let with = |bindings: Value| json!({ "data": { "type": kind, "relationships": { "tag-bindings": bindings } } });
        owner.patch(path, with(bindings(&[("env", "dev")]))).await.is_ok();
        assert!(is(&pairs(&owner, &tags).await, &[("env", "dev")]), "{kind}");
        owner.patch(path, json!({ "data": { "type": kind } })).await.is_ok();
        assert!(is(&pairs(&owner, &tags).await, &[("env", "dev")]), "{kind}");
        owner.patch(path, with(json!({ "data": [] }))).await.is_ok();
        assert!(is(&pairs(&owner, &tags).await, &[]), "{kind}");
    }
}

#[tokio::test]
async fn workspaces_inherit_the_bindings_of_their_project() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let project = bindings(&[("env", "dev"), ("team", "a")]);
    owner.patch(of_project(&ws, "tag-bindings"), project).await.is_ok();
    owner.patch(of(&ws, "tag-bindings"), bindings(&[("env", "prod")])).await.is_ok();
    let path = of(&ws, "effective-tag-bindings");
    assert!(is(&pairs(&owner, &path).await, &[("env", "prod"), ("team", "a")]));
    let list = owner.get(&path).await.is_ok().data();
    assert_eq!(list[0]["relationships"], json!({}));
    let from = &list[1]["relationships"]["inherited-from"]["data"];
    assert_eq!(*from, json!({ "type": "projects", "id": ws.project_id }));
    assert_eq!(list[1]["links"]["inherited-from"], format!("/api/v2/projects/{}", ws.project_id));
    assert!(is(&pairs(&owner, &of(&ws, "tag-bindings")).await, &[("env", "prod")]));

    for path in [
        of(&ws, "?include=effective_tag_bindings"),
        of_project(&ws, "?include=effective_tag_bindings"),
    ] {
        let shown = owner.get(path.replace("/?", "?")).await.is_ok();
        let related = &shown.data()["relationships"]["effective-tag-bindings"]["data"];
        assert_eq!(related.as_array().unwrap().len(), 2, "{shown}");
        assert_eq!(shown.json()["included"][1]["attributes"]["key"], "team", "{shown}");
    }
}

#[tokio::test]
async fn lists_are_filtered_by_own_and_inherited_bindings() {
    let server = Server::start().await;
    let ws = server.workspace("overriding").await;
    server.workspace("inheriting").await;
    let owner = server.owner();
    owner.patch(of_project(&ws, "tag-bindings"), bindings(&[("env", "dev")])).await.is_ok();
    let own = bindings(&[("env", "prod"), ("team", "a")]);
    owner.patch(of(&ws, "tag-bindings"), own).await.is_ok();
    let names = async |query: &str| {
        let path = format!("/organizations/acme/workspaces?{query}");
        owner.get(path).await.is_ok().attributes("name")
    };
    assert_eq!(names("filter[tagged][0][key]=env").await, ["inheriting", "overriding"]);
    let dev = "filter[tagged][0][key]=env&filter[tagged][0][value]=dev";
    assert_eq!(names(dev).await, ["inheriting"]);
    assert_eq!(names("filter[tagged][0][value]=dev").await, ["inheriting"]);
    assert_eq!(names("filter[tagged][0][value]=prod").await, ["overriding"]);
    let both = "filter[tagged][0][key]=env&filter[tagged][1][key]=team";
    assert_eq!(names(both).await, ["overriding"]);
    assert_eq!(names(&format!("{dev}&filter[tagged][1][key]=team")).await, Vec::<Value>::new());
    let either = format!("{dev}&filter[tagged][1][key]=team&filter[tag-union]=true");
    assert_eq!(names(&either).await, ["inheriting", "overriding"]);
    assert_eq!(names(&format!("{both}&filter[tag-union]=false")).await, ["overriding"]);
    assert_eq!(names("filter[tag-union]=true").await, ["inheriting", "overriding"]);
}

#[tokio::test]
async fn a_filter_can_mean_bindings_without_a_value() {
    let server = Server::start().await;
    let owner = server.owner();
    for (name, value) in [("valued", "prod"), ("bare", "")] {
        let ws = server.workspace(name).await;
        owner.patch(of(&ws, "tag-bindings"), bindings(&[("env", value)])).await.is_ok();
    }
    let names = async |query: &str| {
        let path = format!("/organizations/acme/workspaces?filter[tagged][0][key]=env{query}");
        owner.get(path).await.is_ok().attributes("name")
    };
    assert_eq!(names("").await, ["bare", "valued"]);
    assert_eq!(names("&filter[tag-value-default-null]=true").await, ["bare"]);
    let valued = "&filter[tagged][0][value]=prod&filter[tag-value-default-null]=true";
    assert_eq!(names(valued).await, ["valued"]);
}

/// The names of a workspace's flat tags, which two views show.
async fn names(client: &Client<'_>, ws: &Workspace) -> Vec<Value> {
    let shown = client.get(of(ws, "").trim_end_matches('/')).await.is_ok();
    let listed = client.get(of(ws, "relationships/tags")).await.is_ok();
    assert_eq!(shown.attribute("tag-names"), json!(listed.attributes("name")));
    listed.attributes("name")
}

fn flat(names: &[&str]) -> Value {
    let tag = |name: &&str| json!({ "type": "tags", "attributes": { "name": name } });
    json!({ "data": names.iter().map(tag).collect::<Vec<_>>() })
}

#[tokio::test]
async fn flat_tags_and_keys_are_two_kinds_and_bindings_show_both() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.post(of(&ws, "relationships/tags"), flat(&["blue", "green"])).await.is_no_content();
    owner.patch(of(&ws, "tag-bindings"), bindings(&[("Team", "a"), ("env", "dev")])).await.is_ok();
    assert_eq!(names(&owner, &ws).await, ["blue", "green"]);
    let effective = of(&ws, "effective-tag-bindings");
    assert!(is(&pairs(&owner, &effective).await, &[("Team", "a"), ("env", "dev")]));
    let included = owner.get(of(&ws, "?include=effective_tag_bindings").replace("/?", "?")).await;
    let included = included.is_ok().json()["included"].clone();
    let keys = included.as_array().unwrap().iter().map(|item| &item["attributes"]["key"]);
    assert_eq!(keys.collect::<Vec<_>>(), ["Team", "env"]);
    let all = [("Team", "a"), ("blue", ""), ("env", "dev"), ("green", "")];
    assert!(is(&pairs(&owner, &of(&ws, "tag-bindings")).await, &all));
    for tags in ["Team", "blue", "env,green"] {
        let path = format!("/organizations/acme/workspaces?search[tags]={tags}");
        assert_eq!(owner.get(path).await.is_ok().attributes("name"), ["networking"], "{tags}");
    }
}

#[tokio::test]
async fn whoever_sends_one_kind_leaves_the_other_alone() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = of(&ws, "");
    let path = path.trim_end_matches('/');
    let with = |relation: &str, tags: Value| json!({ "data": { "type": "workspaces", "relationships": { relation: tags } } });
    owner.patch(path, with("tags", flat(&["blue", "green"]))).await.is_ok();
    owner
        .patch(path, with("tag-bindings", bindings(&[("env", "dev"), ("team", "a")])))
        .await
        .is_ok();
    owner.patch(path, with("tags", flat(&["blue"]))).await.is_ok();
    owner.patch(path, with("tag-bindings", bindings(&[("env", "prod")]))).await.is_ok();
    assert_eq!(names(&owner, &ws).await, ["blue"]);
    let keyed = of(&ws, "effective-tag-bindings");
    assert!(is(&pairs(&owner, &keyed).await, &[("env", "prod")]));

    // As HashiCorp's Go client takes all bindings away.
    owner.patch(path, with("tag-bindings", json!({ "data": [] }))).await.is_ok();
    assert_eq!(names(&owner, &ws).await, ["blue"]);
    owner.patch(of(&ws, "tag-bindings"), bindings(&[("env", "dev")])).await.is_ok();
    owner
        .patch(of(&ws, "relationships/tag-bindings"), bindings(&[("team", "b")]))
        .await
        .is_no_content();
    assert!(is(&pairs(&owner, &keyed).await, &[("team", "b")]));
    assert_eq!(names(&owner, &ws).await, ["blue"]);
    owner.delete_with(of(&ws, "relationships/tags"), flat(&["blue", "team"])).await.is_no_content();
    assert_eq!(names(&owner, &ws).await, Vec::<Value>::new());
    assert!(is(&pairs(&owner, &keyed).await, &[("team", "b")]));
}

#[tokio::test]
async fn a_key_is_bound_once_and_a_value_makes_it_a_key() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.post(of(&ws, "relationships/tags"), flat(&["env"])).await.is_no_content();
    owner.patch(of(&ws, "tag-bindings"), bindings(&[("env", "dev")])).await.is_ok();
    assert_eq!(names(&owner, &ws).await, Vec::<Value>::new());
    owner.post(of(&ws, "relationships/tags"), flat(&["env"])).await.is_no_content();
    assert!(is(&pairs(&owner, &of(&ws, "tag-bindings")).await, &[("env", "dev")]));
    assert_eq!(names(&owner, &ws).await, Vec::<Value>::new());
}

/// The command line adds a flat tag so to a workspace that is there, and the provider a key that has no value.
#[tokio::test]
async fn a_key_without_a_value_is_a_name_too_if_it_can_be_one() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.patch(of(&ws, "tag-bindings"), bindings(&[("Team", ""), ("env", "")])).await.is_ok();
    assert_eq!(names(&owner, &ws).await, ["env"]);
    let effective = of(&ws, "effective-tag-bindings");
    assert!(is(&pairs(&owner, &effective).await, &[("Team", ""), ("env", "")]));
}

#[tokio::test]
async fn a_flat_tag_does_not_stand_in_the_way_of_a_projects_key() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.patch(of_project(&ws, "tag-bindings"), bindings(&[("env", "dev")])).await.is_ok();
    owner.post(of(&ws, "relationships/tags"), flat(&["env"])).await.is_no_content();
    assert!(is(&pairs(&owner, &of(&ws, "effective-tag-bindings")).await, &[("env", "dev")]));
    let query = "filter[tagged][0][key]=env&filter[tagged][0][value]=dev";
    let path = format!("/organizations/acme/workspaces?{query}");
    assert_eq!(owner.get(path).await.is_ok().attributes("name"), ["networking"]);
    let without_index = "/organizations/acme/workspaces?filter[tagged][key]=env";
    assert!(owner.get(without_index).await.is_bad_request().error().contains("filter[tagged][0]"));
}

#[tokio::test]
async fn an_organization_knows_its_tags_and_how_often_they_are_used() {
    let server = Server::start().await;
    let (a, b) = (server.workspace("a").await, server.workspace("b").await);
    let owner = server.owner();
    owner.patch(of(&a, "tag-bindings"), bindings(&[("blue", ""), ("green", "")])).await.is_ok();
    owner.patch(of(&b, "tag-bindings"), bindings(&[("blue", "")])).await.is_ok();
    let path = "/organizations/acme/tags";
    let all = owner.get(path).await.is_ok();
    assert_eq!(all.attributes("name"), ["blue", "green"]);
    assert_eq!(all.attributes("instance-count"), [2, 1]);
    let found = owner.get(format!("{path}?q=EE")).await.is_ok();
    assert_eq!(found.attributes("name"), ["green"]);
    let without = format!("{path}?filter[exclude][taggable][id]={}", b.id);
    assert_eq!(owner.get(without).await.is_ok().attributes("name"), ["green"]);
    let all_of_them = owner.get(format!("{path}?filter[exclude][taggable][id]=tag-x")).await;
    assert_eq!(all_of_them.is_ok().attributes("name"), ["blue", "green"]);

    let id = all.data()[1]["id"].clone();
    let tagged = json!({ "data": [{ "type": "workspaces", "id": b.id }] });
    let relation = format!("/tags/{}/relationships/workspaces", id.as_str().unwrap());
    server.admin_of(&b).post(&relation, &tagged).await.is_no_content();
    server.admin_of(&a).post(&relation, &tagged).await.is_not_found();
    assert_eq!(owner.get(path).await.is_ok().attributes("instance-count"), [2, 2]);

    let both = json!({ "data": [{ "type": "tags", "id": id }] });
    server.admin_of(&a).delete_with(path, &both).await.is_not_found();
    owner.delete_with(path, &both).await.is_no_content();
    assert_eq!(owner.get(path).await.is_ok().attributes("name"), ["blue"]);
    assert!(is(&pairs(&owner, &of(&a, "tag-bindings")).await, &[("blue", "")]));
    owner.delete_with(path, &both).await.is_unprocessable("/data/0/id");
}

#[tokio::test]
async fn a_reserved_key_can_fix_what_the_project_says() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = "/organizations/acme/reserved-tag-keys";
    let body = |attributes: Value| json!({ "data": { "type": "reserved-tag-keys", "attributes": attributes } });
    let made = owner.post(path, body(json!({ "key": "env" }))).await.is_created();
    assert!(made.id().starts_with("rtk-"), "{made}");
    assert_eq!(made.attribute("disable-overrides"), false);
    owner.post(path, body(json!({ "key": "env" }))).await.is_unprocessable("/data/attributes/key");
    owner.post(path, body(json!({ "key": "" }))).await.is_unprocessable("/data/attributes/key");

    owner.patch(of_project(&ws, "tag-bindings"), bindings(&[("env", "dev")])).await.is_ok();
    let prod = bindings(&[("env", "prod")]);
    owner.patch(of(&ws, "tag-bindings"), &prod).await.is_ok();
    let one = format!("/reserved-tag-keys/{}", made.id());
    let fixed = owner.patch(&one, body(json!({ "disable-overrides": true }))).await.is_ok();
    assert_eq!(fixed.attribute("key"), "env");
    assert_eq!(owner.get(path).await.is_ok().attributes("disable-overrides"), [true]);
    // Whoever had set it otherwise before has the project's value from now on.
    assert!(is(&pairs(&owner, &of(&ws, "effective-tag-bindings")).await, &[("env", "dev")]));
    owner.patch(of(&ws, "tag-bindings"), &prod).await.is_unprocessable("/data");
    owner.patch(of(&ws, "tag-bindings"), bindings(&[("env", "dev")])).await.is_ok();

    let alias = format!("/reserved-tags/{}", made.id());
    owner.patch(&alias, body(json!({ "key": "stage" }))).await.is_ok();
    server.member().delete(&one).await.is_not_found();
    owner.delete(&alias).await.is_no_content();
    assert_eq!(owner.get(path).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn a_workspace_has_at_most_ten_bindings() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let keys: Vec<_> = (0..11).map(|number| format!("key-{number}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (key.as_str(), "x")).collect();
    let owner = server.owner();
    let refused = owner.patch(of(&ws, "tag-bindings"), bindings(&all)).await;
    let refused = refused.is_unprocessable("/data");
    assert_eq!(refused.error(), "cannot exceed 10 bindings per resource");
    let added = owner.patch(of(&ws, "tag-bindings"), bindings(&all[..10])).await.is_ok();
    assert_eq!(added.attributes("key"), keys[..10]);
    owner.patch(of(&ws, "tag-bindings"), bindings(&all[10..])).await.is_unprocessable("/data");
    let again = [("key-3", "changed")];
    let changed = owner.patch(of(&ws, "tag-bindings"), bindings(&again)).await.is_ok();
    assert_eq!(changed.attributes("value")[0], "changed");
}

#[tokio::test]
async fn a_key_with_two_values_in_one_request_is_refused_since_one_would_be_lost() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let two = bindings(&[("env", "dev"), ("team", "a"), ("env", "prod")]);
    let rows = server.row_counts().await;
    for path in [of(&ws, "tag-bindings"), of(&ws, "relationships/tag-bindings")] {
        owner.patch(path, two.clone()).await.is_unprocessable("/data/2/attributes/key");
    }
    owner
        .patch(of_project(&ws, "tag-bindings"), two.clone())
        .await
        .is_unprocessable("/data/2/attributes/key");
    let new = json!({ "data": { "attributes": { "name": "new" }, "relationships": { "tag-bindings": two } } });
    for noun in ["workspaces", "projects"] {
        let refused = owner.post(format!("/organizations/acme/{noun}"), new.clone()).await;
        refused.is_unprocessable("/data/relationships/tag-bindings/data/2/attributes/key");
    }
    assert_eq!(server.row_counts().await, rows);
    let same = bindings(&[("env", "dev"), ("env", "dev")]);
    owner.patch(of(&ws, "tag-bindings"), same).await.is_ok();
    assert!(is(&pairs(&owner, &of(&ws, "tag-bindings")).await, &[("env", "dev")]));
}
