//! From one page of a list to the next.

use maud::{Markup, Render, html};

use super::header::grouped;

#[derive(Clone, Copy, Debug)]
pub struct Pager<'a> {
    /// From 1.
    pub number: u64,
    pub size: u64,
    pub total: u64,
    /// Of the list, with whatever it was asked for, but for the page.
    pub path: &'a str,
}

impl Render for Pager<'_> {
    fn render(&self) -> Markup {
        let last = self.total.div_ceil(self.size).max(1);
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let link = |number: u64| format!("{}{mark}page={number}", self.path);
        let first = self.size.saturating_mul(self.number - 1).saturating_add(1);
        let end = self.size.saturating_mul(self.number).min(self.total);
        html! {
            @if last > 1 {
                nav.pager aria-label="Pages" {
                    @if self.number > 1 { a rel="prev" href=(link(self.number.min(last + 1) - 1)) { "Previous" } }
                    @if first <= end {
                        span { (grouped(first)) "–" (grouped(end)) " of " (grouped(self.total)) }
                    }
                    @if self.number < last { a rel="next" href=(link(self.number + 1)) { "Next" } }
                }
            }
        }
    }
}
