//! A list that is searched: what its address asks for, and the field above it.

use domain::Paging;
use maud::{Markup, Render as _, html};
use serde::Deserialize;

use super::{Icon, Pager, icon};
use crate::query;

const PAGE_SIZE: u64 = 50;

/// `?q=text&page=3`.
#[derive(Debug, Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

impl Default for Search {
    fn default() -> Self {
        Self { q: String::new(), page: query::first() }
    }
}

impl Search {
    /// What is looked for, unless it is everything.
    pub fn text(&self) -> Option<&str> {
        Some(self.q.trim()).filter(|text| !text.is_empty())
    }

    pub fn paging(&self) -> Paging {
        Paging { number: self.page, size: PAGE_SIZE }
    }

    /// The field of the list at an address: what it finds, and by what.
    pub fn field(&self, here: &str, finds: &str, by: &str) -> Markup {
        html! {
            form.filters method="get" action=(here) {
                span.search {
                    (icon(Icon::Search))
                    input type="search" name="q" value=(self.q) data-find aria-label=(finds) placeholder=(by);
                }
                button type="submit" class="plain small" { "Find" }
            }
        }
    }

    /// The way to the other pages of what was found.
    pub fn pager(&self, here: &str, total: u64) -> Markup {
        let path = query::address(here, &[("q", self.text().unwrap_or_default())]);
        Pager { number: self.page, size: PAGE_SIZE, total, path: &path }.render()
    }
}
