//! How much a JSON document may have of what makes it expensive to hold. Found out before it is read: two bytes, such
//! as `0,`, become thirty-two in memory.

use crate::{Error, Errors};
use http::StatusCode;

/// What a document may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub bytes: usize,
    /// Of one string or name, as it is written.
    pub string: usize,
    /// Objects and arrays inside each other.
    pub depth: usize,
    /// Members of all objects and items of all arrays.
    pub values: usize,
}

impl Limits {
    pub const USUAL: Self = Self { bytes: 1 << 20, string: 512 << 10, depth: 64, values: 100_000 };

    /// For documents that carry a file of up to so many bytes in a string.
    pub const fn with_file(bytes: usize) -> Self {
        Self { bytes, string: bytes, ..Self::USUAL }
    }

    /// Says nothing about whether it is JSON.
    pub(crate) fn check(self, text: &[u8]) -> Result<(), Errors> {
        let (mut depth, mut values) = (0_usize, 0_usize);
        // Where the string began that we are in.
        let mut string = None;
        let mut place = 0;
        while let Some(byte) = text.get(place) {
            match (string, byte) {
                (Some(_), b'\\') => place += 1,
                (Some(start), b'"') => {
                    self.is_short(place - start - 1)?;
                    string = None;
                }
                (None, b'"') => string = Some(place),
                (None, b'[' | b'{') => {
                    depth += 1;
                    values += 1;
                    if depth > self.depth {
                        let most = self.depth;
                        return Err(Error::bad_request(
                            "invalid JSON",
                            format!("the document may be at most {most} levels deep"),
                        )
                        .into());
                    }
                }
                (None, b']' | b'}') => depth = depth.saturating_sub(1),
                (None, b',') => values += 1,
                _ => {}
            }
            if values > self.values {
                let most = self.values;
                return Err(too_large(format!("the document may have at most {most} values")));
            }
            place += 1;
        }
        Ok(())
    }

    fn is_short(self, length: usize) -> Result<(), Errors> {
        if length <= self.string {
            return Ok(());
        }
        let most = self.string;
        Err(too_large(format!("a string in the document may have at most {most} bytes")))
    }
}

fn too_large(detail: String) -> Errors {
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large").detail(detail).into()
}
