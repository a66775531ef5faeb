//! JSON text that is only passed on: never held as a tree, which would take ten times the memory.

use std::{
    borrow::Cow,
    io::{self, Read as _},
};

use base64::{
    engine::{GeneralPurpose, general_purpose::STANDARD_NO_PAD},
    prelude::Engine as _,
    write::EncoderStringWriter,
};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde::Serialize;

/// Bytes from which on a text is kept packed. A row is copied several times on its way into the database and out of it.
const PACKED_FROM: usize = 1 << 20;
/// What stands before a packed text, with which no JSON begins.
const PACKED: &str = "zlib:";

/// As it is kept: JSON, or base64 of packed JSON.
#[derive(Clone, Debug, PartialEq, Eq, sea_orm::DeriveValueType)]
pub struct JsonText(String);

impl JsonText {
    /// `text` must be JSON.
    pub fn new(text: &str) -> Self {
        let mut writer = Writer::default();
        writer.push_str(text);
        writer.done()
    }

    /// # Errors
    /// Where what is kept was damaged.
    pub fn text(&self) -> io::Result<Cow<'_, str>> {
        let Some(packed) = self.0.strip_prefix(PACKED) else { return Ok((&self.0).into()) };
        let packed = STANDARD_NO_PAD.decode(packed).map_err(io::Error::other)?;
        let mut text = String::new();
        ZlibDecoder::new(&*packed).read_to_string(&mut text)?;
        Ok(text.into())
    }
}

impl Serialize for JsonText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = self.text().map_err(serde::ser::Error::custom)?;
        let raw: &serde_json::value::RawValue =
            serde_json::from_str(&text).map_err(serde::ser::Error::custom)?;
        raw.serialize(to)
    }
}

/// A text in the making, which is packed as it grows.
pub struct Writer(Form);

type Packer = ZlibEncoder<EncoderStringWriter<'static, GeneralPurpose, String>>;

enum Form {
    Plain(String),
    Packed(Box<Packer>),
}

impl Default for Writer {
    fn default() -> Self {
        Self(Form::Plain(String::new()))
    }
}

impl Writer {
    /// In the end all of it must be JSON.
    pub fn push_str(&mut self, more: &str) {
        match &mut self.0 {
            Form::Plain(text) if text.len() + more.len() < PACKED_FROM => text.push_str(more),
            Form::Plain(text) => {
                let to = EncoderStringWriter::from_consumer(PACKED.to_owned(), &STANDARD_NO_PAD);
                let mut packed = ZlibEncoder::new(to, Compression::fast());
                put(&mut packed, text);
                put(&mut packed, more);
                self.0 = Form::Packed(Box::new(packed));
            }
            Form::Packed(packed) => put(packed, more),
        }
    }

    pub fn done(self) -> JsonText {
        JsonText(match self.0 {
            Form::Plain(text) => text,
            Form::Packed(packed) => packed.finish().expect("a text takes all").into_inner(),
        })
    }
}

fn put(packed: &mut impl io::Write, more: &str) {
    packed.write_all(more.as_bytes()).expect("a text takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_texts_are_kept_small_and_told_as_they_were() {
        let small = r#"[{"name":"a"}]"#;
        assert_eq!(JsonText::new(small).0, small);
        let mut writer = Writer::default();
        let one = |number| format!(r#"{{"name":"müller-{number}","count":1}},"#);
        let whole = format!("[{}null]", (0..100_000).map(one).collect::<Vec<_>>().concat());
        for piece in whole.split_inclusive(',') {
            writer.push_str(piece);
        }
        let kept = writer.done();
        assert!(kept.0.len() < whole.len() / 4, "{}", kept.0.len());
        assert_eq!(kept.text().unwrap(), whole);
        assert_eq!(serde_json::to_string(&kept).unwrap(), whole);
        assert_eq!(JsonText::new(&whole).text().unwrap(), whole);
        let damaged = JsonText(kept.0.replacen("zlib:", "zlib:AAAA", 1));
        assert!(damaged.text().is_err());
        assert!(serde_json::to_string(&damaged).is_err());
    }
}
