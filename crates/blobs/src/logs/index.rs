//! Where the bytes of one log lie.

/// The chain of what counts: the joined blob, if any, and then the segments, each of which begins
/// where the one before it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    whole: u64,
    ends: Vec<u64>,
}

/// Bytes that lie together: `take` of them, after the first `skip` of `part`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) part: Part,
    pub(super) skip: u64,
    pub(super) take: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// The segment that begins at this offset.
    Segment(u64),
}

impl Index {
    /// From the bytes of the joined blob and the start and bytes of each segment.
    pub(super) fn new(whole: u64, mut segments: Vec<(u64, u64)>) -> Self {
        segments.sort_unstable();
        let mut index = Self { whole, ends: Vec::with_capacity(segments.len()) };
        for (start, len) in segments {
            if start == index.len() {
                index.push(len);
            }
        }
        index
    }

    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    pub(super) fn segments(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(self.whole)
    }

    /// Adds the segment that begins at the end.
    pub(super) fn push(&mut self, len: u64) {
        self.ends.push(self.len() + len);
    }

    /// What holds the bytes from `offset` on, at most `limit` of them.
    pub(super) fn pieces(&self, mut offset: u64, limit: usize) -> Vec<Piece> {
        let mut left = limit;
        let mut pieces = Vec::new();
        while left > 0 && offset < self.len() {
            let (part, start, end) = self.part_at(offset);
            let take = usize::try_from(end - offset).map_or(left, |len| len.min(left));
            pieces.push(Piece { part, skip: offset - start, take });
            left -= take;
            offset += take as u64;
        }
        pieces
    }

    /// The part that holds byte `offset`, which must exist, with its start and end.
    fn part_at(&self, offset: u64) -> (Part, u64, u64) {
        if offset < self.whole {
            return (Part::Whole, 0, self.whole);
        }
        let at = self.ends.partition_point(|end| *end <= offset);
        let start = if at == 0 { self.whole } else { self.ends[at - 1] };
        (Part::Segment(start), start, self.ends[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(part: Part, skip: u64, take: usize) -> Piece {
        Piece { part, skip, take }
    }

    #[test]
    fn pieces_follow_the_chain() {
        let index = Index::new(0, vec![(10, 5), (0, 10), (15, 1)]);
        assert_eq!(index.len(), 16);
        assert_eq!(
            index.pieces(4, 100),
            [
                piece(Part::Segment(0), 4, 6),
                piece(Part::Segment(10), 0, 5),
                piece(Part::Segment(15), 0, 1)
            ]
        );
        assert_eq!(index.pieces(10, 3), [piece(Part::Segment(10), 0, 3)]);
        assert_eq!(index.pieces(16, 3), []);
        assert_eq!(index.pieces(0, 0), []);
    }

    #[test]
    fn segments_before_the_end_of_the_joined_blob_do_not_count() {
        let index = Index::new(15, vec![(0, 10), (10, 5), (12, 40), (15, 4)]);
        assert_eq!(index, Index { whole: 15, ends: vec![19] });
        assert_eq!(
            index.pieces(14, 100),
            [piece(Part::Whole, 14, 1), piece(Part::Segment(15), 0, 4)]
        );
    }

    #[test]
    fn what_lies_behind_a_hole_does_not_count() {
        assert_eq!(Index::new(0, vec![(0, 3), (4, 3)]).len(), 3);
        assert_eq!(Index::new(0, vec![(1, 3)]).len(), 0);
    }
}
