//! What belongs together on a page.

use maud::{Markup, Render, html};

#[derive(Debug, Default)]
pub struct Panel<'a> {
    /// Of its heading; its own on the page.
    pub id: &'a str,
    pub title: &'a str,
    /// Badges and numbers beside the title, links at the right (`.push`).
    pub beside: Markup,
    /// With room around it; a table has none.
    pub content: Markup,
    pub is_table: bool,
    /// For what can hurt.
    pub is_risk: bool,
}

impl Render for Panel<'_> {
    fn render(&self) -> Markup {
        html! {
            section.panel.risk[self.is_risk] aria-labelledby=(self.id) {
                header { h2 id=(self.id) { (self.title) } (self.beside) }
                @if self.is_table { (self.content) } @else { div.in.stack { (self.content) } }
            }
        }
    }
}

/// Names and what they are.
pub fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, what) in rows { dt { (name) } dd { (what) } } } }
}

/// The same in a column at the side.
pub fn stacked_facts(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.facts.stacked { @for (name, what) in rows { div { dt { (name) } dd { (what) } } } } }
}
