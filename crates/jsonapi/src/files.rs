//! Documents with files in them: attributes in base64, which are taken out while the document arrives, so that nobody
//! ever holds one whole.

use axum::{
    body::{BodyDataStream, HttpBody},
    extract::Request,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes};
use futures::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;

use crate::{
    Body, Error, Errors, Limits, Typed,
    body::{incomplete, parse, too_large},
    spelling::same,
};

/// A document that is still arriving: its files come one by one, the rest when there are no more.
///
/// [`Limits::bytes`] of its attributes holds for everything, [`Limits::USUAL`] for what is no file.
pub struct Upload {
    body: BodyDataStream,
    names: &'static [&'static str],
    /// Bytes that may come, and that have.
    limit: usize,
    arrived: usize,
    /// What has come and was not looked at.
    ahead: Bytes,
    /// What is no file; in place of each file stands an empty text.
    rest: Vec<u8>,
    place: Place,
    file: Option<Decoder>,
    failure: Option<Errors>,
}

/// A file in a document. What is not read of it is passed over.
pub struct File<'a> {
    pub name: &'static str,
    upload: &'a mut Upload,
}

/// Why a file broke off; [`Upload::failure`] has the words.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the document with the file in it cannot be read")]
pub struct Broken;

impl Upload {
    /// The files are the attributes of these names.
    ///
    /// # Errors
    /// 413 for a body that is announced as too large.
    pub fn of<A: Typed>(request: Request, names: &'static [&'static str]) -> Result<Self, Errors> {
        let (body, limit) = (request.into_body(), A::LIMITS.bytes);
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large(limit));
        }
        Ok(Self {
            body: body.into_data_stream(),
            names,
            limit,
            arrived: 0,
            ahead: Bytes::new(),
            rest: Vec::new(),
            place: Place::default(),
            file: None,
            failure: None,
        })
    }

    /// The next file, in the order of the document.
    ///
    /// # Errors
    /// 422 for a file that is no text or comes twice, 413 for too much, 400 for what breaks off.
    pub async fn next_file(&mut self) -> Result<Option<File<'_>>, Errors> {
        while self.piece().await?.is_some() {}
        loop {
            if self.ahead.is_empty() && !self.arrive().await? {
                return Ok(None);
            }
            let byte = self.ahead.get_u8();
            if self.rest.len() >= Limits::USUAL.bytes {
                return Err(too_large(Limits::USUAL.bytes));
            }
            self.rest.push(byte);
            if let Some(name) = self.place.go_on(byte, &self.rest, self.names)? {
                self.file = Some(Decoder::new(name));
                return Ok(Some(File { name, upload: self }));
            }
        }
    }

    /// What went wrong while a file was read.
    pub fn failure(&mut self) -> Option<Errors> {
        self.failure.take()
    }

    /// All that is no file, when there are no more files.
    pub fn document<A, R>(self) -> Result<Body<A, R>, Errors>
    where
        A: Typed + DeserializeOwned,
        R: DeserializeOwned,
    {
        Body::of(parse(&self.rest, Limits::USUAL)?)
    }

    /// Some content of the file that is being read.
    async fn piece(&mut self) -> Result<Option<Bytes>, Errors> {
        while self.file.is_some() {
            if self.ahead.is_empty() && !self.arrive().await? {
                // The rest is not whole either, and nobody will take it for a document.
                self.file = None;
                return Err(incomplete());
            }
            let Some(file) = &mut self.file else { break };
            let decoded = file.decode(&mut self.ahead)?;
            if file.is_done {
                self.rest.push(b'"');
                self.file = None;
            }
            if !decoded.is_empty() {
                return Ok(Some(decoded.into()));
            }
        }
        Ok(None)
    }

    /// Waits for more; false at the end.
    async fn arrive(&mut self) -> Result<bool, Errors> {
        while self.ahead.is_empty() {
            let Some(piece) = self.body.next().await else { return Ok(false) };
            self.ahead = piece.map_err(|_| incomplete())?;
        }
        self.arrived += self.ahead.len();
        if self.arrived > self.limit { Err(too_large(self.limit)) } else { Ok(true) }
    }
}

impl<'a> File<'a> {
    /// The content; [`Broken`] where the document cannot be read any further.
    pub fn content(self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + use<'a> {
        stream::try_unfold(self.upload, |upload| async move {
            match upload.piece().await {
                Ok(piece) => Ok(piece.map(|piece| (piece, upload))),
                Err(errors) => {
                    upload.failure = Some(errors);
                    Err(Broken)
                }
            }
        })
    }
}

/// Where in a document a byte is: as much of JSON as it takes to find the files. Whether it is JSON at all is asked of
/// the rest, later.
#[derive(Default)]
struct Place {
    /// The containers that are open; of an object, the name of the member that comes or is there.
    open: Vec<Option<String>>,
    /// Where in the rest the text began that we are in, and whether the next byte of it stands for itself.
    text: Option<(usize, bool)>,
    /// Whether a text would be the name of a member.
    at_name: bool,
    /// Whether a value is what comes next.
    at_value: bool,
    found: Vec<&'static str>,
}

impl Place {
    /// Goes on by a byte, which is the last of the rest; tells the file whose first quote that is.
    fn go_on(
        &mut self,
        byte: u8,
        rest: &[u8],
        names: &[&'static str],
    ) -> Result<Option<&'static str>, Errors> {
        if let Some((start, escaped)) = self.text {
            self.text = match byte {
                _ if escaped => Some((start, false)),
                b'\\' => Some((start, true)),
                b'"' => {
                    if self.at_name
                        && let Some(Some(name)) = self.open.last_mut()
                    {
                        *name = serde_json::from_slice(&rest[start..]).unwrap_or_default();
                    }
                    None
                }
                _ => Some((start, false)),
            };
            return Ok(None);
        }
        if byte.is_ascii_whitespace() {
            return Ok(None);
        }
        if std::mem::take(&mut self.at_value)
            && let Some(name) = self.is_at(names)
        {
            match byte {
                b'n' => {}
                b'"' if self.found.contains(&name) => return Err(refused(name, "comes twice")),
                b'"' => {
                    self.found.push(name);
                    return Ok(Some(name));
                }
                _ => return Err(refused(name, "must be a text in base64")),
            }
        }
        match byte {
            b'"' => self.text = Some((rest.len() - 1, false)),
            b'{' => self.open.push(Some(String::new())),
            // What is in a list is no member of anything.
            b'[' => self.open.push(None),
            b'}' | b']' => drop(self.open.pop()),
            _ => {}
        }
        self.at_name = match byte {
            b'{' | b',' => matches!(self.open.last(), Some(Some(_))),
            b'"' => self.at_name,
            _ => false,
        };
        self.at_value = byte == b':';
        Ok(None)
    }

    fn is_at(&self, names: &[&'static str]) -> Option<&'static str> {
        match self.open.as_slice() {
            [Some(data), Some(attributes), Some(name)]
                if data == "data" && attributes == "attributes" =>
            {
                names.iter().copied().find(|one| same(one, name))
            }
            _ => None,
        }
    }
}

/// Base64 as it arrives, in a JSON text.
struct Decoder {
    name: &'static str,
    /// Less than a group of four, and what belongs to an escape that is not whole.
    group: Vec<u8>,
    escape: Vec<u8>,
    /// Padding has come: nothing may follow.
    is_padded: bool,
    is_done: bool,
}

impl Decoder {
    fn new(name: &'static str) -> Self {
        Self { name, group: Vec::new(), escape: Vec::new(), is_padded: false, is_done: false }
    }

    /// Takes what it can, up to the end of the text.
    fn decode(&mut self, ahead: &mut Bytes) -> Result<Vec<u8>, Errors> {
        let mut signs = std::mem::take(&mut self.group);
        while !ahead.is_empty() {
            if !self.escape.is_empty() {
                self.escape.push(ahead.get_u8());
                signs.extend(self.unescaped()?);
                continue;
            }
            let plain = ahead.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            signs.extend_from_slice(&ahead.split_to(plain.unwrap_or(ahead.len())));
            match ahead.first() {
                Some(b'"') => {
                    ahead.advance(1);
                    self.is_done = true;
                    break;
                }
                Some(_) => self.escape.push(ahead.get_u8()),
                None => {}
            }
        }
        if self.is_padded && !signs.is_empty() {
            return Err(self.not_base64());
        }
        let whole = if self.is_done { signs.len() } else { signs.len() - signs.len() % 4 };
        self.group = signs.split_off(whole);
        self.is_padded |= signs.ends_with(b"=");
        STANDARD.decode(signs).map_err(|_| self.not_base64())
    }

    /// What an escape stands for, once it is whole. Some clients escape the slash.
    fn unescaped(&mut self) -> Result<Option<u8>, Errors> {
        let whole = if self.escape.get(1) == Some(&b'u') { 6 } else { 2 };
        if self.escape.len() < whole {
            return Ok(None);
        }
        let text = [b"\"", self.escape.as_slice(), b"\""].concat();
        self.escape.clear();
        let sign: char = serde_json::from_slice(&text).map_err(|_| self.not_base64())?;
        u8::try_from(sign).map(Some).map_err(|_| self.not_base64())
    }

    fn not_base64(&self) -> Errors {
        refused(self.name, "is not base64")
    }
}

fn refused(name: &str, why: &str) -> Errors {
    Error::invalid(name, format!("{name} {why}")).into()
}

#[cfg(test)]
mod tests {
    use axum::body::Body as HttpBody;
    use http::Request;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::NoRelationships;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Input {
        serial: Option<i64>,
        note: Option<Value>,
    }

    impl Typed for Input {
        const TYPE: &'static str = "things";
        const LIMITS: Limits = Limits::with_file(4 << 20);
    }

    type Read = (Vec<(&'static str, Vec<u8>)>, Body<Input>);

    async fn read(pieces: Vec<Vec<u8>>) -> Result<Read, Errors> {
        let pieces = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        let body = HttpBody::from_stream(stream::iter(pieces));
        let request = Request::builder().body(body).unwrap();
        let mut upload = Upload::of::<Input>(request, &["state", "json-state"])?;
        let mut files = Vec::new();
        while let Some(file) = upload.next_file().await? {
            let name = file.name;
            let content: Result<Vec<Bytes>, Broken> =
                file.content().collect::<Vec<_>>().await.into_iter().collect();
            match content {
                Ok(content) => files.push((name, content.concat())),
                Err(Broken) => return Err(upload.failure().unwrap()),
            }
        }
        Ok((files, upload.document::<Input, NoRelationships>()?))
    }

    async fn whole(text: &str) -> Result<Read, Errors> {
        read(vec![text.as_bytes().to_vec()]).await
    }

    fn words(read: Result<Read, Errors>) -> String {
        format!("{:?}", read.map(drop).unwrap_err())
    }

    proptest! {
        #[test]
        fn files_arrive_whole_in_whatever_pieces(
            content in proptest::collection::vec(any::<u8>(), 0..200),
            cuts in proptest::collection::vec(1_usize..40, 1..60),
        ) {
            let state = STANDARD.encode(&content).replace('/', "\\/").replace('+', "\\u002b");
            let text = format!(
                r#"{{"data":{{"type":"things","note":{{"state":"!"}},"attributes":
                {{"note":[{{"state":"!\"\\"}},"state"],"json_state":"","state" : "{state}","serial":7}}}}}}"#,
            );
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece.to_vec());
                rest = more;
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (files, body) = runtime.block_on(read(pieces)).unwrap();
            prop_assert_eq!(files, vec![("json-state", Vec::new()), ("state", content)]);
            prop_assert_eq!(body.attributes.serial, Some(7));
            prop_assert_eq!(body.attributes.note, Some(json!([{ "state": "!\"\\" }, "state"])));
        }
    }

    #[tokio::test]
    async fn what_is_no_file_is_refused_where_it_stands() {
        for (text, why) in [
            (r#"{"data":{"attributes":{"state":"abc"}}}"#, "is not base64"),
            (r#"{"data":{"attributes":{"state":"YWI=YWI="}}}"#, "is not base64"),
            (r#"{"data":{"attributes":{"state":"a\n=="}}}"#, "is not base64"),
            (r#"{"data":{"attributes":{"state":5}}}"#, "must be a text in base64"),
            (r#"{"data":{"attributes":{"state":{"state":""}}}}"#, "must be a text in base64"),
            (r#"{"data":{"attributes":{"state":"YQ==","State":"YQ=="}}}"#, "comes twice"),
        ] {
            let said = words(whole(text).await);
            assert!(said.contains(why) && said.contains("/data/attributes/state"), "{said}");
        }
        for text in [r#"{"data":{"attributes":{"state":"YQ"#, r#"{"data":{"attributes":"#] {
            assert!(words(whole(text).await).contains("400"), "{text}");
        }
        let (files, _) = whole(r#"{"data":{"attributes":{"state":null}}}"#).await.unwrap();
        assert!(files.is_empty());
    }

    #[tokio::test]
    async fn what_is_no_file_may_be_no_larger_than_any_document() {
        let long = "x".repeat(Limits::USUAL.bytes);
        let text = format!(r#"{{"data":{{"attributes":{{"note":"{long}","state":"YQ=="}}}}}}"#);
        assert!(words(whole(&text).await).contains("413"));
        let text =
            format!(r#"{{"data":{{"attributes":{{"state":"{}"}}}}}}"#, "YWFh".repeat(1 << 20));
        assert!(words(whole(&text).await).contains("413"));
        let text =
            format!(r#"{{"data":{{"attributes":{{"state":"{}"}}}}}}"#, "YWFh".repeat(500_000));
        assert_eq!(whole(&text).await.unwrap().0[0].1.len(), 1_500_000);
    }
}
