//! Rows of things of one kind.

use maud::{Markup, Render, html};

/// Each row has a cell for each head; the first one names the row.
#[derive(Debug)]
pub struct Table<'a> {
    /// What it lists, for those who do not see it.
    pub caption: &'a str,
    pub heads: &'a [&'a str],
    pub rows: Vec<Vec<Markup>>,
}

impl Render for Table<'_> {
    fn render(&self) -> Markup {
        html! {
            div.scroll {
                table {
                    caption.unseen { (self.caption) }
                    thead { tr { @for head in self.heads { th scope="col" { (head) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (column, cell) in row.iter().enumerate() {
                                    @if column == 0 { th scope="row" { (cell) } }
                                    @else { td { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What stands where there is nothing to list.
pub fn empty(text: &str) -> Markup {
    html! { p.empty { (text) } }
}
