//! Texts by chance: pieces of ones that mean something, cut, doubled, joined and spoilt.

/// A source of chance that says the same for the same seed.
pub struct Mutations(u64);

impl Mutations {
    pub fn new(seed: u64) -> Self {
        // Seeds are neighbours; what comes of them is not.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Xorshift.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn range(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let from = self.below(text.len() + 1);
        from..from + self.below((text.len() - from).min(64) + 1)
    }

    /// One text, made of these.
    pub fn text(&mut self, words: &[&str]) -> Vec<u8> {
        let mut text = words[self.below(words.len())].as_bytes().to_vec();
        for _ in 0..self.below(8) {
            self.spoil(&mut text, words);
        }
        text
    }

    fn spoil(&mut self, text: &mut Vec<u8>, words: &[&str]) {
        const SIGNS: &[u8] = b"\n \"'\\`{}[]()<>=+-*/%!.,:;#0123456789\0\xff\xc3\xa9";
        let range = self.range(text);
        match self.below(6) {
            0 => drop(text.drain(range)),
            1 => {
                let piece = text[range.clone()].to_vec();
                text.splice(range.end..range.end, piece);
            }
            2 => {
                let other = words[self.below(words.len())].as_bytes();
                let piece = other[self.range(other)].to_vec();
                text.splice(range, piece);
            }
            3 => {
                let sign = SIGNS[self.below(SIGNS.len())];
                text.insert(range.start, sign);
            }
            4 if !text.is_empty() => {
                let at = self.below(text.len());
                text[at] ^= 1 << self.below(8);
            }
            _ => {
                // The same many times within each other.
                let piece = text[range.clone()].to_vec();
                let often = 1 << self.below(11);
                if piece.len() * often < 1 << 14 {
                    text.splice(range, piece.repeat(often));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_text_and_others_make_others() {
        let words = ["main = true", "for [1, 2] as x { y = x }"];
        let text = |seed| Mutations::new(seed).text(&words);
        assert_eq!(text(5), text(5));
        let mut all: Vec<_> = (0..200).map(text).collect();
        all.sort();
        all.dedup();
        assert!(all.len() > 100, "{}", all.len());
    }
}
