//! Query strings as clients write them, and the page links and counts that answer them.

use axum::{body::to_bytes, extract::FromRequestParts, response::IntoResponse};
use http::Request;
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use statehouse_jsonapi::{BaseUrl, Document, Errors, Includes, Page, Query, Resource, SortKey};
use std::convert::Infallible;

struct Item;

impl Resource for Item {
    const TYPE: &'static str = "items";
    fn id(&self) -> String {
        "1".into()
    }
    fn attributes(&self) -> impl Serialize {
        json!({})
    }
}

async fn ask<T: DeserializeOwned>(query: &str, base: Option<&str>) -> Result<Query<T>, Errors> {
    let request = Request::get(format!("/api/v2/items?{query}")).body(()).expect("a valid address");
    let (mut parts, ()) = request.into_parts();
    if let Some(base) = base {
        parts.extensions.insert(BaseUrl(base.to_owned()));
    }
    Query::from_request_parts(&mut parts, &()).await
}

async fn own<T: DeserializeOwned>(query: &str) -> T {
    ask(query, None).await.expect("the query is understood").own
}

async fn refused<T: DeserializeOwned + std::fmt::Debug>(query: &str) -> Value {
    let errors = ask::<T>(query, None).await.expect_err("the query is refused");
    let body = to_bytes(errors.into_response().into_body(), 1 << 20).await.expect("in memory");
    let mut document: Value = serde_json::from_slice(&body).expect("a document is JSON");
    document["errors"][0].take()
}

async fn page(query: &Query, total: u64) -> Value {
    let includes = Includes::<(), Infallible>::default();
    let document = Document::page(&[Item], total, query, &includes, &()).await.expect("no loader");
    let body = to_bytes(document.into_response().into_body(), 1 << 20).await.expect("in memory");
    serde_json::from_slice(&body).expect("a document is JSON")
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
struct Own {
    q: Option<Words>,
    filter: Filter,
    search: Search,
    show_affected: Option<bool>,
}
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Words {
    #[serde(rename = "")]
    any: Option<String>,
    name: Option<String>,
}
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
struct Filter {
    current_run: Option<CurrentRun>,
    tagged: Vec<Tagged>,
    status: Vec<Status>,
    at_least: Option<u32>,
}
#[derive(Debug, Default, Deserialize, PartialEq)]
struct CurrentRun {
    status: Option<Status>,
}
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Planned,
    PlannedAndFinished,
}
#[derive(Debug, Deserialize, PartialEq)]
struct Tagged {
    key: String,
    value: Option<String>,
}
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Search {
    exclude_tags: Vec<String>,
}

#[derive(Deserialize)]
struct Simple {
    q: String,
}

#[tokio::test]
async fn without_parameters_it_is_the_first_page_of_twenty() {
    let query = ask::<()>("", None).await.unwrap();
    assert_eq!(query.page, Page { number: 1, size: 20 });
    assert_eq!((query.page.offset(), query.sort.len(), query.include.len()), (0, 0, 0));
}

#[tokio::test]
async fn page_numbers_and_sizes_stay_within_their_bounds() {
    for (text, number, size) in [
        ("page[number]=3&page[size]=50", 3, 50),
        ("page%5Bnumber%5D=0&page%5Bsize%5D=1000", 1, 100),
        ("page[size]=0", 1, 1),
        ("page=2", 1, 20),
    ] {
        let page = ask::<()>(text, None).await.unwrap().page;
        assert_eq!(page, Page { number, size }, "{text}");
    }
    let far = ask::<()>("page[number]=18446744073709551615&page[size]=100", None).await.unwrap();
    assert!(i64::try_from(far.page.offset()).is_ok());
}

#[tokio::test]
async fn a_page_that_is_no_number_is_refused_by_name() {
    for text in ["page[number]=two", "page[number]=-1", "page%5Bnumber%5D=1.5"] {
        let error = refused::<()>(text).await;
        assert_eq!(error["status"], "400", "{text}");
        assert_eq!(error["source"], json!({ "parameter": "page[number]" }), "{text}");
    }
    assert_eq!(refused::<()>("page[size]=x").await["source"]["parameter"], "page[size]");
}

#[tokio::test]
async fn sort_keys_are_kebab_case_with_a_direction() {
    let sort = ask::<()>("sort=-created_at%2Cname", None).await.unwrap().sort;
    let key = |name: &str, descending| SortKey { name: name.into(), descending };
    assert_eq!(sort, [key("created-at", true), key("name", false)]);
}

#[tokio::test]
async fn includes_are_asked_for_in_any_spelling() {
    let query = ask::<()>("include=current_run.plan%2Corganization,,", None).await.unwrap();
    assert_eq!(query.include, ["current_run.plan", "organization"]);
    assert!(query.includes("current-run.plan"));
    assert!(!query.includes("current-run"));
}

#[tokio::test]
async fn names_are_read_in_any_spelling_whatever_the_struct_says() {
    for text in [
        "filter[current-run][status]=planned_and_finished&search[exclude-tags]=a,b",
        "filter%5Bcurrent_run%5D%5Bstatus%5D=planned_and_finished&search%5Bexclude_tags%5D=a%2Cb",
        "filter[currentRun][status]=planned_and_finished&search[excludeTags][]=a&search[excludeTags][]=b",
    ] {
        let own: Own = own(text).await;
        let status = own.filter.current_run.unwrap().status;
        assert_eq!(status, Some(Status::PlannedAndFinished), "{text}");
        assert_eq!(own.search.exclude_tags, ["a", "b"], "{text}");
    }
}

#[tokio::test]
async fn indexed_filters_keep_their_order_whatever_their_indexes() {
    let own: Own = own("filter%5Btagged%5D%5B10%5D%5Bkey%5D=env&filter[tagged][10][value]=\
                        &filter[tagged][2][key]=team&filter[status]=planned,planned_and_finished")
    .await;
    assert_eq!(
        own.filter.tagged,
        [
            Tagged { key: "team".into(), value: None },
            Tagged { key: "env".into(), value: Some(String::new()) },
        ]
    );
    assert_eq!(own.filter.status, [Status::Planned, Status::PlannedAndFinished]);
}

#[tokio::test]
async fn a_plain_parameter_and_one_with_brackets_live_side_by_side() {
    for (text, any, name) in [
        ("q=acme", Some("acme"), None),
        ("q[name]=acme", None, Some("acme")),
        ("q=a&q[name]=b", Some("a"), Some("b")),
        ("q[name]=b&q=a", Some("a"), Some("b")),
    ] {
        let words = own::<Own>(text).await.q.unwrap();
        assert_eq!((words.any.as_deref(), words.name.as_deref()), (any, name), "{text}");
    }
    assert_eq!(own::<Simple>("q=a&q[name]=b").await.q, "a");
}

#[tokio::test]
async fn stray_and_broken_parameters_are_ignored() {
    let text = "TagBindings=%7B+k+v%7D&TagBindings=%7B+k2+v2%7D&unknown[a][b]=1&filter[x]=1\
                &[=1&a[=2&]b[=3&a[b]c=4&=5&&%FF=%FF&filter=junk&show_affected=true";
    let own: Own = own(text).await;
    assert_eq!(own, Own { show_affected: Some(true), ..Own::default() });
}

#[tokio::test]
async fn the_last_of_two_equal_parameters_counts() {
    assert_eq!(own::<Own>("filter[at-least]=1&filter[at-least]=2").await.filter.at_least, Some(2));
}

#[tokio::test]
async fn a_known_parameter_that_cannot_be_read_is_refused_by_name() {
    for (text, parameter) in [
        ("filter[at_least]=many", "filter[at-least]"),
        ("filter[current_run][status]=flying", "filter[current-run][status]"),
        ("filter[tagged][0][value]=x", "filter[tagged][0][key]"),
        ("filter[status]=planned,flying", "filter[status]"),
        ("show_affected=perhaps", "show-affected"),
        ("q[name]=a%00b", "q[name]"),
    ] {
        let error = refused::<Own>(text).await;
        assert_eq!(error["status"], "400", "{text}");
        assert_eq!(error["source"], json!({ "parameter": parameter }), "{text}");
    }
}

#[tokio::test]
async fn brackets_without_end_do_not_exhaust_the_stack() {
    let deep = format!("a{}=1&page[number]=2", "[b]".repeat(15_000));
    assert_eq!(ask::<()>(&deep, None).await.unwrap().page.number, 2);
}

#[tokio::test]
async fn page_links_are_absolute_and_keep_the_other_parameters() {
    let text = "page[number]=2&filter[a]=x%26y&page%5Bsize%5D=10&sort=name";
    let query = ask::<()>(text, Some("https://example.com/")).await.unwrap();
    let link = |number: u64| {
        format!(
            "https://example.com/api/v2/items?filter%5Ba%5D=x%26y&sort=name\
             &page%5Bnumber%5D={number}&page%5Bsize%5D=10"
        )
    };
    let document = page(&query, 25).await;
    assert_eq!(
        document["links"],
        json!({
            "self": link(2), "first": link(1), "prev": link(1), "next": link(3), "last": link(3),
        })
    );
    assert_eq!(
        document["meta"],
        json!({ "pagination": {
        "current-page": 2, "page-size": 10, "prev-page": 1, "next-page": 3,
        "total-pages": 3, "last-page": 3, "total-count": 25,
    } })
    );
}

#[tokio::test]
async fn without_a_base_url_the_links_are_paths_and_null_where_there_is_no_page() {
    let document = page(&ask("", None).await.unwrap(), 0).await;
    let only = "/api/v2/items?page%5Bnumber%5D=1&page%5Bsize%5D=20";
    assert_eq!(
        document["links"],
        json!({
            "self": only, "first": only, "prev": null, "next": null, "last": only,
        })
    );
    assert_eq!(document["meta"]["pagination"]["total-pages"], 1);
}

proptest! {
    #[test]
    fn following_next_visits_every_item_once_and_ends(total in 0u64..3000, size in 0u64..150) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut number, mut seen) = (1, 0);
            loop {
                let text = format!("page[number]={number}&page[size]={size}");
                let query = ask::<()>(&text, None).await.unwrap();
                prop_assert_eq!(query.page.offset(), seen);
                seen = total.min(seen + query.page.size);
                let meta = page(&query, total).await["meta"]["pagination"].take();
                prop_assert_eq!(&meta["prev-page"], &json!((number > 1).then(|| number - 1)));
                let last = meta["total-pages"].as_u64().unwrap();
                let Some(next) = meta["next-page"].as_u64() else {
                    prop_assert_eq!((number, seen), (last, total));
                    return Ok(());
                };
                prop_assert_eq!(next, number + 1);
                prop_assert!(number < last);
                number = next;
            }
        })?;
    }

    #[test]
    fn beyond_the_last_page_the_way_back_leads_to_it(total in 0u64..500, far in 30u64..1 << 40) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let meta = runtime.block_on(async {
            let query = ask::<()>(&format!("page[number]={far}"), None).await.unwrap();
            page(&query, total).await["meta"]["pagination"].take()
        });
        prop_assert_eq!(&meta["next-page"], &Value::Null);
        prop_assert_eq!(&meta["prev-page"], &meta["total-pages"]);
    }

    #[test]
    fn no_query_string_is_answered_with_a_panic(text in "[a-z\\[\\]&=%0-9,._-]{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Err(errors) = runtime.block_on(ask::<Own>(&text, None)) {
            prop_assert_eq!(errors.status().as_u16(), 400);
        }
    }
}
