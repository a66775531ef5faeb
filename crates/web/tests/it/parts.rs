//! Small things that pages are made of.

use http::{HeaderMap, header::COOKIE};
use statehouse_web::components::{Icon, duration, grouped, marked, value};
use statehouse_web::inside::{LocalPath, address, bytes, cookie, initials};

#[test]
fn numbers_are_grouped_by_thousands() {
    let shown = [0, 7, 999, 1_000, 10_214, 1_234_567].map(grouped);
    assert_eq!(shown, ["0", "7", "999", "1,000", "10,214", "1,234,567"]);
}

#[test]
fn only_what_differs_is_marked_and_everything_is_text() {
    let (old, new) = marked("\"db.large<b>\"", "\"db.xlarge<b>\"");
    assert_eq!(old.0, "<span>&quot;db.large&lt;b&gt;&quot;</span>");
    assert_eq!(new.0, "<span>&quot;db.<mark>x</mark>large&lt;b&gt;&quot;</span>");
    let (old, _) = marked("\"a\"", "\"b\"");
    assert!(!old.0.contains("mark"), "{}", old.0);
    let shown = value("\"\u{202e}evil\"").0;
    assert!(shown.contains("\\u{202e}evil"), "{shown}");
}

#[test]
fn a_long_value_opens() {
    let text = format!("\"{}\"", "é".repeat(1_000));
    let shown = value(&text).0;
    assert!(shown.contains("<details>") && shown.contains("Show all"), "{shown}");
}

#[test]
fn the_sprite_has_every_icon_and_nothing_else() {
    let sprite = include_str!("../../src/assets/icons.svg");
    for icon in Icon::ALL {
        assert!(sprite.contains(&format!("<symbol id=\"{}\"", icon.id())), "{icon:?}");
    }
    assert_eq!(sprite.matches("<symbol ").count(), Icon::ALL.len());
}

#[test]
fn durations_are_as_exact_as_they_are_short() {
    let shown = [-1, 38, 60, 112, 7_440, 3_600, 259_300].map(duration);
    assert_eq!(shown, ["0 s", "38 s", "1 min", "1 min 52 s", "2 h 4 min", "1 h", "3 days"]);
}

#[test]
fn only_paths_of_this_server_are_come_back_to() {
    for good in ["/", "/app/acme/workspaces/net", "/oauth/authorize?a=b&c=%2F%2Fd"] {
        assert_eq!(LocalPath::parse(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "app",
    ] {
        assert_eq!(LocalPath::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn initials_are_of_the_first_two_words() {
    let shown = ["ada", "platform-leads", "a.b.c", "", "ß-x", "-"].map(initials);
    assert_eq!(shown, ["A", "PL", "AB", "", "SSX", ""]);
}

fn read(header: &str) -> Option<String> {
    let headers = HeaderMap::from_iter([(COOKIE, header.parse().unwrap())]);
    cookie(&headers, "a")
}

#[test]
fn a_cookie_is_found_among_others() {
    let value = "x".repeat(43);
    assert_eq!(read(&format!("b=1; a={value}; aa=2")), Some(value));
    assert_eq!(read("b=1"), None);
}

#[test]
fn two_of_a_name_and_strange_values_are_not_trusted() {
    let (x, y) = ("x".repeat(43), "y".repeat(43));
    assert_eq!(read(&format!("a={x}; a={y}")), None);
    assert_eq!(read("a=short"), None);
    assert_eq!(read(&format!("a={x}%0d%0a")), None);
}

#[test]
fn sizes_are_short() {
    let shown = [0, 4_096, 12_345, 1_234_567, 7_000_000_000].map(bytes);
    assert_eq!(shown, ["0 bytes", "4,096 bytes", "12.3 kB", "1.2 MB", "7.0 GB"]);
}

#[test]
fn an_address_names_what_was_asked_for_and_nothing_else() {
    assert_eq!(address("/x", &[("q", ""), ("tag", "")]), "/x");
    assert_eq!(address("/x", &[("q", "a&b"), ("tag", "")]), "/x?q=a%26b");
}
