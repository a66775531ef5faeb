//! Rows of things of one kind, which become cards where there is little room.

use maud::{Markup, Render, html};

use super::{Icon, icon, icon_small};

/// What stands above a column.
#[derive(Clone, Debug, Default)]
pub struct Head<'a> {
    pub label: &'a str,
    /// Numbers and times stand at the right.
    pub is_number: bool,
    /// For buttons: no label is shown.
    pub is_unseen: bool,
    /// Where a click leads that sorts by it, and how it is sorted now: `ascending`, `descending`.
    pub sort: Option<(String, Option<&'static str>)>,
}

impl<'a> Head<'a> {
    pub fn new(label: &'a str) -> Self {
        Self { label, ..Self::default() }
    }

    pub fn number(label: &'a str) -> Self {
        Self { label, is_number: true, ..Self::default() }
    }

    pub fn unseen(label: &'a str) -> Self {
        Self { label, is_unseen: true, ..Self::default() }
    }

    fn class(&self) -> Option<&'static str> {
        match (self.is_number, self.is_unseen) {
            (_, true) => Some("num whole"),
            (true, false) => Some("num"),
            (false, false) => None,
        }
    }
}

/// Each row has a cell for each head; the first one names the row.
#[derive(Debug)]
pub struct Table<'a> {
    /// What it lists, for those who do not see it.
    pub caption: &'a str,
    pub heads: &'a [Head<'a>],
    pub rows: Vec<Vec<Markup>>,
}

impl Render for Table<'_> {
    fn render(&self) -> Markup {
        html! {
            table.cards.airy {
                caption.unseen { (self.caption) }
                thead { tr { @for head in self.heads { (drawn(head)) } } }
                tbody {
                    @for row in &self.rows {
                        tr {
                            @for (column, (cell, head)) in row.iter().zip(self.heads).enumerate() {
                                @if column == 0 {
                                    th scope="row" { (cell) }
                                } @else if head.is_unseen {
                                    td class=[head.class()] { (cell) }
                                } @else {
                                    td class=[head.class()] data-head=(head.label) { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn drawn(head: &Head<'_>) -> Markup {
    let (href, order) = head.sort.as_ref().map(|(href, order)| (href, *order)).unzip();
    let order = order.flatten();
    let sign = match order {
        Some("ascending") => Icon::Up,
        Some(_) => Icon::Down,
        None => Icon::Sort,
    };
    html! {
        th scope="col" class=[head.class()] aria-sort=[order] {
            @if head.is_unseen { span.unseen { (head.label) } }
            @else if let Some(href) = href { a href=(href) { (head.label) (icon_small(sign)) } }
            @else { (head.label) }
        }
    }
}

/// What stands where there is nothing to list: what is not there, why, and the one thing to do.
pub fn empty(sign: Icon, title: &str, text: &str, action: &Markup) -> Markup {
    html! {
        div.empty {
            (icon(sign))
            h2 { (title) }
            p { (text) }
            (action)
        }
    }
}
