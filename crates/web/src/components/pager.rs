//! From one page of a list to the next.

use maud::{Markup, Render, html};

#[derive(Clone, Copy, Debug)]
pub struct Pager<'a> {
    /// From 1.
    pub number: u64,
    pub size: u64,
    pub total: u64,
    /// Of the list, without a query.
    pub path: &'a str,
}

impl Render for Pager<'_> {
    fn render(&self) -> Markup {
        let last = self.total.div_ceil(self.size).max(1);
        let link = |number: u64| format!("{}?page={number}", self.path);
        html! {
            @if last > 1 {
                nav.pager aria-label="Pages" {
                    @if self.number > 1 { a rel="prev" href=(link(self.number.min(last + 1) - 1)) { "Previous" } }
                    span { "Page " (self.number) " of " (last) }
                    @if self.number < last { a rel="next" href=(link(self.number + 1)) { "Next" } }
                }
            }
        }
    }
}
