//! The top of a page's content: where it is, what it is called, what can be done, and the facts in one line.

use maud::{Markup, Render, html};

/// A step on the way to a page.
#[derive(Clone, Debug)]
pub struct Crumb<'a> {
    pub label: &'a str,
    pub href: String,
}

#[derive(Debug, Default)]
pub struct Header<'a> {
    pub crumbs: &'a [Crumb<'a>],
    pub title: &'a str,
    /// A badge or a number.
    pub beside: Markup,
    pub actions: Markup,
    /// Facts, each in a `span`.
    pub about: Markup,
}

impl Render for Header<'_> {
    fn render(&self) -> Markup {
        html! {
            header.page {
                @if !self.crumbs.is_empty() {
                    nav.crumbs aria-label="You are here" {
                        ol {
                            @for crumb in self.crumbs { li { a href=(crumb.href) { (crumb.label) } } }
                        }
                    }
                }
                div.title {
                    h1 { (self.title) }
                    (self.beside)
                    @if !self.actions.0.is_empty() { div.actions { (self.actions) } }
                }
                @if !self.about.0.is_empty() { div.about { (self.about) } }
            }
        }
    }
}

/// How many there are, beside a title.
pub fn count(number: u64) -> Markup {
    html! { span.count { (grouped(number)) } }
}

/// With separators between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes: `4,096 bytes`, `12.3 kB`, `1.2 MB`, `7.0 GB`.
pub fn bytes(number: u64) -> String {
    let tenths = |unit: u64| number.saturating_mul(10).saturating_add(unit / 2) / unit;
    let shown =
        |tenths: u64, name: &str| format!("{}.{} {name}", grouped(tenths / 10), tenths % 10);
    match number {
        0..10_000 => format!("{} bytes", grouped(number)),
        10_000..1_000_000 => shown(tenths(1_000), "kB"),
        1_000_000..1_000_000_000 => shown(tenths(1_000_000), "MB"),
        _ => shown(tenths(1_000_000_000), "GB"),
    }
}
