//! Texts without what stands between their letters only because of how they are shown: blanks, line breaks, the frames
//! that engines draw around errors, signs that a line is new or gone, whose output a line is, colours. A value is found in them however it was
//! wrapped and indented.

/// Bytes of the longest colour that is known as one.
const COLOUR: usize = 24;

/// What engines draw: `│`, `╷` and `╵`.
const FRAMES: [&[u8]; 3] = ["│".as_bytes(), "╷".as_bytes(), "╵".as_bytes()];

/// What stands in front of each line of a provisioner's output, behind the address of its resource.
const OUTPUTS: [&[u8]; 2] = [b" (local-exec):", b" (remote-exec):"];
/// Bytes of the longest address that is known as one.
const ADDRESS: usize = 512;

pub(crate) struct Squeezed {
    pub bytes: Vec<u8>,
    /// Where each of them stands in the text.
    pub at: Vec<usize>,
    /// The end of what was read: behind it, something has begun whose end decides what it is.
    pub known: usize,
}

impl Squeezed {
    /// Whether letters of a line stand before this place, those before the text included or not.
    pub fn is_line_begun(&self, text: &[u8], place: usize, before: bool) -> bool {
        let Some(line) = memchr::memrchr(b'\n', &text[..place]) else {
            return before || self.at.first().is_some_and(|at| *at < place);
        };
        let next = self.at.partition_point(|at| *at < line);
        self.at.get(next).is_some_and(|at| *at < place)
    }
}

enum Found {
    Letter,
    /// So many bytes that are not looked at.
    Nothing(usize),
    /// Its end is not there yet.
    Open,
}

/// `is_all`: nothing comes behind this text.
pub(crate) fn squeeze(text: &[u8], mut is_line_begun: bool, is_all: bool) -> Squeezed {
    let mut squeezed = Squeezed { bytes: Vec::with_capacity(text.len()), at: vec![], known: 0 };
    squeezed.at.reserve(text.len());
    while let Some(letter) = text.get(squeezed.known) {
        let length = match find(&text[squeezed.known..], is_line_begun) {
            Found::Nothing(length) => length,
            Found::Open if !is_all => break,
            Found::Letter | Found::Open => {
                squeezed.bytes.push(*letter);
                squeezed.at.push(squeezed.known);
                is_line_begun = true;
                1
            }
        };
        is_line_begun &= *letter != b'\n';
        squeezed.known += length;
    }
    squeezed
}

fn find(text: &[u8], is_line_begun: bool) -> Found {
    match text[0] {
        b' ' | b'\t' | b'\n' | b'\r' => Found::Nothing(1),
        0x1b => colour(text),
        first if first == FRAMES[0][0] => frame(text),
        b'+' | b'-' | b'~' if !is_line_begun => sign(text),
        _ if !is_line_begun => output(text),
        _ => Found::Letter,
    }
}

fn output(text: &[u8]) -> Found {
    let line = &text[..text.len().min(ADDRESS)];
    let end = memchr::memchr(b'\n', line);
    let line = &line[..end.unwrap_or(line.len())];
    let found = |output: &&[u8]| memchr::memmem::find(line, output).map(|at| at + output.len());
    match OUTPUTS.iter().find_map(found) {
        Some(length) => Found::Nothing(length),
        None if end.is_none() && text.len() < ADDRESS => Found::Open,
        None => Found::Letter,
    }
}

/// In front of a line of a text that changes.
fn sign(text: &[u8]) -> Found {
    match text.get(1) {
        Some(b' ' | 0x1b) => Found::Nothing(1),
        Some(_) => Found::Letter,
        None => Found::Open,
    }
}

fn colour(text: &[u8]) -> Found {
    for (at, byte) in text.iter().enumerate().take(COLOUR).skip(1) {
        match (at, byte) {
            (1, b'[') | (2.., b'0'..=b'9' | b';') => {}
            (2.., b'm') => return Found::Nothing(at + 1),
            _ => return Found::Letter,
        }
    }
    if text.len() < COLOUR { Found::Open } else { Found::Letter }
}

fn frame(text: &[u8]) -> Found {
    match FRAMES.iter().find(|frame| text.starts_with(frame) || frame.starts_with(text)) {
        Some(frame) if text.len() < frame.len() => Found::Open,
        Some(frame) => Found::Nothing(frame.len()),
        None => Found::Letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_are_left_and_each_knows_its_place() {
        let text = "a \u{1b}[31m│\u{1b}[0m b\r\n╷é\t\u{1b}]x\n  \u{1b}[32m+\u{1b}[0m c - d\n-e";
        let squeezed = squeeze(text.as_bytes(), false, true);
        assert_eq!(squeezed.bytes, "abé\u{1b}]xc-d-e".as_bytes());
        for (byte, at) in squeezed.bytes.iter().zip(&squeezed.at) {
            assert_eq!(*byte, text.as_bytes()[*at]);
        }
    }

    #[test]
    fn output_of_a_provisioner_is_one_text() {
        let text = "a[\"b c\"] (local-exec): - de f\n\u{1b}[1mx.y (remote-exec): gh\nx (exec): i";
        assert_eq!(squeeze(text.as_bytes(), false, true).bytes, b"defghx(exec):i");
    }

    #[test]
    fn what_is_not_complete_is_waited_for() {
        for open in ["\u{1b}", "\u{1b}[", "\u{1b}[1;3", "\n+"] {
            let text = format!("ab{open}");
            assert_eq!(squeeze(text.as_bytes(), true, false).bytes, b"ab", "{open:?}");
            let all = squeeze(text.as_bytes(), true, true).bytes;
            assert_eq!(all, text.replace('\n', "").as_bytes());
        }
        assert_eq!(squeeze(b"a.b (local", false, false).known, 0);
        assert_eq!(squeeze(b"a\n ", false, false).bytes, b"a");
        let endless = format!("\u{1b}[{}", "1".repeat(100));
        assert_eq!(squeeze(endless.as_bytes(), true, false).bytes.len(), 102);
    }

    #[test]
    fn a_place_knows_whether_its_line_has_begun() {
        let text = b"ab\n  c d";
        let squeezed = squeeze(text, false, true);
        let begun = |place| squeezed.is_line_begun(text, place, false);
        assert!(!begun(0) && begun(1) && begun(2) && !begun(3) && !begun(5) && begun(6));
        assert!(squeezed.is_line_begun(text, 0, true) && !squeezed.is_line_begun(text, 4, true));
    }
}
