//! Finding changes in a list: by part, by what happens, and by any text in them.

use db::{Page, Paging};

use super::{Action, Change, Changes, Group, PIECE, Part};
use crate::{
    Ctx, Result,
    differences::{Line, Shown, What},
};

/// What is looked for; empty fields say nothing.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In addresses, and in values as far as they are shown.
    pub text: String,
    pub actions: Vec<Action>,
    pub parts: Vec<Part>,
    /// The place of a group among those of the head.
    pub group: Option<usize>,
}

impl Changes {
    /// What fits, in the order of the list, with the number that each has in it, from 0 on. Whoever may not see values
    /// does not find by them either.
    ///
    /// # Errors
    /// Damaged if the list cannot be read.
    pub async fn list(
        &self,
        cx: &Ctx,
        wanted: &Wanted,
        with_values: bool,
        paging: Paging,
    ) -> Result<Page<(u64, Part, Change)>> {
        let text = wanted.text.trim().to_lowercase();
        let fits_all = text.is_empty() && wanted.actions.is_empty();
        let first = paging.skip();
        let last = first.saturating_add(paging.size);
        let (mut items, mut total, mut number) = (Vec::new(), 0, 0);
        for (at, group) in self.head.groups.iter().enumerate() {
            let start = number;
            number += group.total;
            if !wanted.reaches(at, group) {
                continue;
            }
            for piece in 0..group.total.div_ceil(PIECE) {
                let before = piece * PIECE;
                let size = PIECE.min(group.total - before);
                if fits_all && (total + size <= first || total >= last) {
                    total += size;
                    continue;
                }
                for (place, change) in (start + before..).zip(self.piece(cx, group, piece).await?) {
                    let change = if with_values { change } else { change.without_values() };
                    if fits_all || wanted.fits(&change, &text) {
                        if (first..last).contains(&total) {
                            items.push((place, group.part, change));
                        }
                        total += 1;
                    }
                }
            }
        }
        Ok(Page { items, total })
    }
}

impl Wanted {
    fn reaches(&self, at: usize, group: &Group) -> bool {
        let has_action = |action: &Action| group.counts.contains_key(action);
        self.group.is_none_or(|wanted| wanted == at)
            && (self.parts.is_empty() || self.parts.contains(&group.part))
            && (self.actions.is_empty() || self.actions.iter().any(has_action))
    }

    /// `text` in small letters.
    fn fits(&self, change: &Change, text: &str) -> bool {
        let is_wanted = |action: Action| self.actions.contains(&action);
        (self.actions.is_empty() || is_wanted(change.action) || change.then.is_some_and(is_wanted))
            && has_text(change, text)
    }
}

fn has_text(change: &Change, text: &str) -> bool {
    let has = |place: &str| place.to_lowercase().contains(text);
    let side = |side: &Shown| matches!(side, Shown::Value(value) if has(value));
    let line = |line: &Line| match line {
        Line::Same(line) | Line::Added(line) | Line::Removed(line) => has(line),
        Line::Skipped(_) | Line::Cut(_) => false,
    };
    has(&change.address)
        || change.moved_from.as_deref().is_some_and(has)
        || change.said.iter().any(|said| has(said))
        || change.difference.rows.iter().any(|row| {
            has(&row.name)
                || match &row.what {
                    What::Values { before, after } => side(before) || side(after),
                    What::Lines { lines, .. } => lines.iter().any(line),
                    What::Heading | What::Layout => false,
                }
        })
}
