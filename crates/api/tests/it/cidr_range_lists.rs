//! `/cidr-range-lists` and `/cidr-ranges`; whom they keep out is shown in `fences.rs`.

use serde_json::{Value, json};
use testkit::{Answer, Client, Server, world::resource};

pub const LISTS: &str = "/organizations/acme/cidr-range-lists";

/// A new list that counts for these.
pub async fn list(owner: &Client<'_>, scope: &str) -> String {
    let new =
        json!({ "name": format!("{scope} {}", count(owner).await), "enforcement-scope": scope });
    owner.post(LISTS, resource("cidr-range-lists", &new)).await.is_created().id()
}

async fn count(owner: &Client<'_>) -> usize {
    owner.get(LISTS).await.is_ok().data().as_array().unwrap().len()
}

pub async fn add(owner: &Client<'_>, list: &str, range: &str) -> String {
    let new = resource("cidr-ranges", &json!({ "range": range, "enabled": true }));
    owner.post(ranges_of(list), new).await.is_created().id()
}

pub async fn enable(owner: &Client<'_>, range: &str, enabled: bool) -> Answer {
    let change = resource("cidr-ranges", &json!({ "enabled": enabled }));
    owner.patch(format!("/cidr-ranges/{range}"), change).await
}

pub async fn rescope(owner: &Client<'_>, list: &str, scope: &str) -> Answer {
    let change = resource("cidr-range-lists", &json!({ "enforcement-scope": scope }));
    owner.patch(format!("/cidr-range-lists/{list}"), change).await
}

pub fn pools_of(list: &str) -> String {
    format!("/cidr-range-lists/{list}/relationships/agent-pools")
}

pub fn these(pools: &[&str]) -> Value {
    let data: Vec<_> = pools.iter().map(|id| json!({ "type": "agent-pools", "id": id })).collect();
    json!({ "data": data })
}

pub async fn pool(owner: &Client<'_>, name: &str) -> String {
    let new = resource("agent-pools", &json!({ "name": name }));
    owner.post("/organizations/acme/agent-pools", new).await.is_created().id()
}

fn ranges_of(list: &str) -> String {
    format!("/cidr-range-lists/{list}/relationships/cidr-ranges")
}

fn ids(answer: &Answer, relation: &str) -> Vec<String> {
    let data = answer.data()["relationships"][relation]["data"].clone();
    data.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    let owner = server.owner();
    let new = json!({ "name": "Office", "description": "With the\nVPN" });
    let made = owner.post(LISTS, resource("cidr-range-lists", &new)).await.is_created();
    assert_eq!(made.attribute("enforcement-scope"), "selected_agent_pools");
    assert_eq!(made.attribute("description"), "With the\nVPN");
    assert_eq!(made.related("organization"), "acme");
    let path = format!("/cidr-range-lists/{}", made.id());
    assert!(made.id().starts_with("crl-"), "{made}");
    let change = json!({ "name": "Basement", "description": null });
    owner.patch(&path, resource("cidr-range-lists", &change)).await.is_ok();
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.attribute("name"), "Basement");
    assert_eq!(shown.attribute("description"), "");
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
}

#[tokio::test]
async fn a_range_is_added_shown_changed_and_taken_away() {
    let server = Server::start().await;
    let owner = server.owner();
    let list = list(&owner, "selected_agent_pools").await;
    let new = json!({ "range": "2001:DB8::/32", "enabled": false, "description": "office" });
    let made = owner.post(ranges_of(&list), resource("cidr-ranges", &new)).await.is_created();
    assert_eq!(made.attribute("range"), "2001:db8::/32");
    assert_eq!(made.attribute("enabled"), false);
    assert_eq!(made.attribute("description"), "office");
    assert_eq!(made.related("cidr-range-list"), json!(list));
    let second = add(&owner, &list, "203.0.113.0/24").await;
    let of_list = owner.get(ranges_of(&list)).await.is_ok();
    assert_eq!(of_list.attributes("range"), ["2001:db8::/32", "203.0.113.0/24"]);
    let path = format!("/cidr-ranges/{}", made.id());
    let change = json!({ "range": "192.0.2.0/25", "enabled": true, "description": null });
    owner.patch(&path, resource("cidr-ranges", &change)).await.is_ok();
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.attribute("range"), "192.0.2.0/25");
    assert_eq!(shown.attribute("description"), Value::Null);
    let of_list = owner.get(format!("/cidr-range-lists/{list}?include=cidr-ranges")).await.is_ok();
    assert_eq!(ids(&of_list, "cidr-ranges"), [made.id(), second.clone()]);
    assert_eq!(of_list.json()["included"].as_array().unwrap().len(), 2, "{of_list}");
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
    owner.delete(format!("/cidr-range-lists/{list}")).await.is_no_content();
    owner.get(format!("/cidr-ranges/{second}")).await.is_not_found();
}

#[tokio::test]
async fn what_is_no_network_or_not_only_this_one_is_refused_and_not_kept() {
    let server = Server::start().await;
    let owner = server.owner();
    let list = list(&owner, "selected_agent_pools").await;
    let one = add(&owner, &list, "203.0.113.0/24").await;
    let before = server.row_counts().await;
    for wrong in
        ["", "office", "203.0.113.9", "203.0.113.9/24", "203.0.113.0/33", "::ffff:1.0.0.0/104"]
    {
        let new = resource("cidr-ranges", &json!({ "range": wrong, "enabled": true }));
        owner.post(ranges_of(&list), &new).await.is_unprocessable("/data/attributes/range");
        owner
            .patch(format!("/cidr-ranges/{one}"), &new)
            .await
            .is_unprocessable("/data/attributes/range");
    }
    let nameless = resource("cidr-ranges", &json!({ "enabled": true }));
    owner.post(ranges_of(&list), nameless).await.is_unprocessable("/data/attributes/range");
    // One that overlaps is another one.
    let same = resource("cidr-ranges", &json!({ "range": "203.0.113.0/24", "enabled": true }));
    owner.post(ranges_of(&list), same).await.is_unprocessable("/data/attributes/range");
    assert_eq!(server.row_counts().await, before);
    add(&owner, &list, "203.0.113.0/25").await;
}

#[tokio::test]
async fn a_list_has_a_name_of_its_own_and_one_holds_for_the_organization() {
    let server = Server::start().await;
    let owner = server.owner();
    let new = |attributes: Value| resource("cidr-range-lists", &attributes);
    owner.post(LISTS, new(json!({}))).await.is_unprocessable("/data/attributes/name");
    let first = json!({ "name": "first", "enforcement-scope": "organization" });
    owner.post(LISTS, new(first.clone())).await.is_created();
    owner.post(LISTS, new(first)).await.is_unprocessable("/data/attributes/enforcement-scope");
    let same = new(json!({ "name": "first" }));
    owner.post(LISTS, same).await.is_unprocessable("/data/attributes/name");
    let second = owner.post(LISTS, new(json!({ "name": "second" }))).await.is_created().id();
    let refused = rescope(&owner, &second, "organization").await;
    refused.is_unprocessable("/data/attributes/enforcement-scope");
    rescope(&owner, &second, "everybody")
        .await
        .is_unprocessable("/data/attributes/enforcement-scope");
    rescope(&owner, &second, "all_agent_pools").await.is_ok();
    let found = owner.get(format!("{LISTS}?q=SEC")).await.is_ok();
    assert_eq!(found.attributes("name"), ["second"]);
    let mut unsupported = new(json!({ "name": "third" }));
    unsupported["data"]["relationships"] = json!({ "agent-pools": these(&["apool-1"]) });
    owner.post(LISTS, unsupported).await.is_unprocessable("/data/relationships/agent-pools");
}

#[tokio::test]
async fn there_are_so_many_lists_and_ranges_and_no_more() {
    let server = Server::start().await;
    let owner = server.owner();
    for number in 0..100 {
        let new = resource("cidr-range-lists", &json!({ "name": format!("list {number}") }));
        owner.post(LISTS, new).await.is_created();
    }
    let new = resource("cidr-range-lists", &json!({ "name": "one more" }));
    let refused = owner.post(LISTS, new).await.is_unprocessable("/data/attributes/name");
    assert!(refused.error().contains("at most 100"), "{refused}");
    let first = owner.get(LISTS).await.is_ok().data()[0]["id"].as_str().unwrap().to_owned();
    for number in 0..500 {
        add(&owner, &first, &format!("10.{}.{}.0/24", number / 256, number % 256)).await;
    }
    let new = resource("cidr-ranges", &json!({ "range": "192.0.2.0/24", "enabled": true }));
    let refused = owner.post(ranges_of(&first), new).await;
    assert!(refused.error().contains("at most 500"), "{refused}");
}

#[tokio::test]
async fn pools_are_assigned_to_lists_of_selected_ones_alone() {
    let server = Server::start().await;
    let owner = server.owner();
    let (list, a, b) = (
        list(&owner, "selected_agent_pools").await,
        pool(&owner, "a").await,
        pool(&owner, "b").await,
    );
    let path = pools_of(&list);
    owner.post(&path, these(&[&a])).await.is_no_content();
    owner.post(&path, these(&[&a, &b])).await.is_no_content();
    let assigned = async || {
        let list = owner.get(format!("/cidr-range-lists/{list}")).await.is_ok();
        let mut ids = ids(&list, "agent-pools");
        ids.sort();
        ids
    };
    let mut both = [a.clone(), b.clone()];
    both.sort();
    assert_eq!(assigned().await, both);
    owner.delete_with(&path, these(&[&a])).await.is_no_content();
    owner.delete_with(&path, these(&[&a])).await.is_no_content();
    assert_eq!(assigned().await, std::slice::from_ref(&b));
    let unknown = these(&["apool-1111111111111111"]);
    owner.post(&path, unknown).await.is_unprocessable("/data");
    // As on HCP Terraform, another scope forgets them.
    rescope(&owner, &list, "all_agent_pools").await.is_ok();
    owner.post(&path, these(&[&a])).await.is_unprocessable("/data");
    rescope(&owner, &list, "selected_agent_pools").await.is_ok();
    assert!(assigned().await.is_empty());
    owner.post(&path, these(&[&a])).await.is_no_content();
    owner.delete(format!("/agent-pools/{a}")).await.is_no_content();
    assert!(assigned().await.is_empty());
}

#[tokio::test]
async fn owners_alone_see_and_change_them_and_the_trail_tells() {
    let server = Server::start().await;
    let owner = server.owner();
    let list = list(&owner, "selected_agent_pools").await;
    let range = add(&owner, &list, "203.0.113.0/24").await;
    for other in [server.member(), server.workspace_manager(), server.organization_token()] {
        other.get(LISTS).await.is_not_found();
        other.get(format!("/cidr-range-lists/{list}")).await.is_not_found();
        enable(&other, &range, false).await.is_not_found();
        other.delete(format!("/cidr-ranges/{range}")).await.is_not_found();
    }
    enable(&owner, &range, false).await.is_ok();
    let pool = pool(&owner, "basement").await;
    owner.post(pools_of(&list), these(&[&pool])).await.is_no_content();
    owner.delete_with(pools_of(&list), these(&[&pool])).await.is_no_content();
    owner.delete(format!("/cidr-ranges/{range}")).await.is_no_content();
    rescope(&owner, &list, "all_agent_pools").await.is_ok();
    owner.delete(format!("/cidr-range-lists/{list}")).await.is_no_content();
    let trail = server.organization_token().get("/organization/audit-trail?page[size]=9").await;
    let said = |entry: &Value| {
        let word = |name: &str| entry["resource"][name].as_str().unwrap().to_owned();
        format!("{} {}", word("action"), word("type"))
    };
    let said: Vec<_> = trail.is_ok().json()["data"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(
        said,
        [
            "destroy cidr-range-list",
            "update cidr-range-list",
            "destroy cidr-range",
            "unassigned cidr-range-list",
            "assigned cidr-range-list",
            "create agent-pool",
            "update cidr-range",
            "create cidr-range",
            "create cidr-range-list",
        ]
    );
}
