//! How something differs, attribute by attribute. Everything in it comes from outside, and is text.

use domain::differences::{Difference, Line, Row, Shown, What};
use maud::{Markup, html};
use text::visible;

use super::{Icon, grouped, icon};

/// Letters of a value that stand there at once.
const AT_ONCE: usize = 400;
/// As far as rows are moved to the right.
const DEEPEST: u8 = 4;

/// Which columns there are: of what is made there is nothing before, of what is destroyed nothing after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    pub before: bool,
    pub after: bool,
}

impl Columns {
    pub const BOTH: Self = Self { before: true, after: true };

    fn count(self) -> u8 {
        u8::from(self.before) + u8::from(self.after)
    }
}

/// At most `most` rows; `rest` leads to all of them.
pub fn difference(
    caption: &str,
    difference: &Difference,
    columns: Columns,
    most: usize,
    rest: Option<&str>,
) -> Markup {
    let hidden = difference.rows.len().saturating_sub(most);
    let all = columns.count() + 1;
    html! {
        @if !difference.rows.is_empty() {
            table.diff {
                caption.unseen { (visible(caption)) }
                thead {
                    tr {
                        th scope="col" { "Attribute" }
                        @if columns.before { th scope="col" { "Before" } }
                        @if columns.after { th scope="col" { "After" } }
                    }
                }
                tbody { @for row in difference.rows.iter().take(most) { (drawn(row, columns)) } }
                @if hidden > 0 || difference.unchanged > 0 || difference.left_out > 0 {
                    tfoot { tr { td colspan=(all) { (foot(difference, hidden, rest)) } } }
                }
            }
        } @else if difference.unchanged > 0 {
            div.said { "No attribute changes." }
        }
    }
}

fn foot(difference: &Difference, hidden: usize, rest: Option<&str>) -> Markup {
    let hidden = hidden as u64;
    html! {
        @match difference.unchanged {
            0 => "",
            1 => "1 unchanged or unset attribute is hidden. ",
            many => { (grouped(many)) " unchanged or unset attributes are hidden. " }
        }
        @if hidden > 0 {
            @match rest {
                Some(href) => a href=(href) { "Show " (grouped(hidden)) " more" },
                None => { (grouped(hidden)) " more are not shown. " }
            }
        }
        @if difference.left_out > 0 {
            (grouped(difference.left_out)) " more are only in the log."
        }
    }
}

fn drawn(row: &Row, columns: Columns) -> Markup {
    let class = (row.depth > 0).then(|| format!("d{}", row.depth.min(DEEPEST)));
    html! {
        tr class=[class] {
            th scope="row" {
                (visible(&row.name))
                @if row.forces { " " span.forces { "forces replacement" } }
            }
            @match &row.what {
                What::Heading => {
                    @if columns.before { td.blank {} }
                    @if columns.after { td.blank {} }
                }
                What::Values { before, after } => (values(before, after, columns)),
                What::Layout => td colspan=(columns.count()) { span.nul { "only the layout differs" } },
                What::Lines { lines, as_json } => td colspan=(columns.count()) { (lined(lines, *as_json)) },
            }
        }
    }
}

fn values(before: &Shown, after: &Shown, columns: Columns) -> Markup {
    let (old, new) = match (before, after) {
        (Shown::Value(old), Shown::Value(new)) => marked(old, new),
        (old, new) => (side(old), side(new)),
    };
    let cell = |shown: &Shown, content: &Markup, class: &str| {
        let class = if *shown == Shown::Missing { "blank" } else { class };
        html! { td class=(class) { (content) } }
    };
    html! {
        @if columns.before { (cell(before, &old, "was")) }
        @if columns.after { (cell(after, &new, "is")) }
    }
}

fn side(shown: &Shown) -> Markup {
    html! {
        @match shown {
            Shown::Missing => "",
            Shown::Null => span.nul { "not set" },
            Shown::Sensitive => span.sens { (icon(Icon::Lock)) "sensitive" },
            Shown::Unknown => span.unk { "known after apply" },
            Shown::Value(text) => (value(text)),
            Shown::Long { bytes, sha256 } => {
                span.nul { (grouped(*bytes)) " bytes, SHA-256 " (sha256.get(..12).unwrap_or_default()) "…" }
            }
        }
    }
}

pub fn value(text: &str) -> Markup {
    match text.char_indices().nth(AT_ONCE) {
        None => html! { span { (visible(text)) } },
        Some((end, _)) => html! {
            details { summary { (visible(&text[..end])) "… " span.nul { "Show all" } } (visible(text)) }
        },
    }
}

/// Two texts with the part between their common ends marked.
pub fn marked(old: &str, new: &str) -> (Markup, Markup) {
    let whole = || (value(old), value(new));
    let is_text = |text: &str| text.starts_with(['"', '[']);
    if !is_text(old) || !is_text(new) || old.len().max(new.len()) > AT_ONCE {
        return whole();
    }
    let head = common(old.chars(), new.chars());
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = common(old_rest.chars().rev(), new_rest.chars().rev());
    // The quotes alone are nothing in common.
    if head + tail <= 2 {
        return whole();
    }
    let part = |text: &str, rest: &str| {
        let middle = &rest[..rest.len() - tail];
        html! {
            span {
                (visible(&text[..head]))
                @if !middle.is_empty() { mark { (visible(middle)) } }
                (visible(&rest[rest.len() - tail..]))
            }
        }
    };
    (part(old, old_rest), part(new, new_rest))
}

/// Bytes that both begin with.
fn common(old: impl Iterator<Item = char>, new: impl Iterator<Item = char>) -> usize {
    old.zip(new).take_while(|(old, new)| old == new).map(|(c, _)| c.len_utf8()).sum()
}

fn lined(lines: &[Line], as_json: bool) -> Markup {
    html! {
        @if as_json { span.nul { "compared as JSON: order of keys and space do not count" } }
        span.lines {
            @for line in lines {
                @match line {
                    Line::Same(text) => span.same { "  " (visible(text)) },
                    Line::Added(text) => span.add { "+ " (visible(text)) },
                    Line::Removed(text) => span.del { "- " (visible(text)) },
                    Line::Skipped(count) => span.same { "  … " (grouped(*count)) " equal lines" },
                    Line::Cut(count) => span.same { "  … " (grouped(*count)) " more lines, which the log has" },
                }
            }
        }
    }
}
