//! `import "base64"`.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "base64",
    natives: &[
        Native::new("base64.decode", 1, 1, |interp, args| decode(interp, args, &STANDARD)),
        Native::new("base64.encode", 1, 1, |interp, args| encode(interp, args, &STANDARD)),
        Native::new("base64.urldecode", 1, 1, |interp, args| decode(interp, args, &URL_SAFE)),
        Native::new("base64.urlencode", 1, 1, |interp, args| encode(interp, args, &URL_SAFE)),
    ],
    values: &[],
};

fn encode<'a>(
    interp: &mut Interp<'a>,
    args: Args<'_, 'a>,
    engine: &GeneralPurpose,
) -> Eval<Value<'a>> {
    let text = args.text(0)?;
    interp.room(text.len() * 2)?;
    interp.spend(text.len() / 16)?;
    interp.text(engine.encode(text).into_bytes())
}

fn decode<'a>(
    interp: &mut Interp<'a>,
    args: Args<'_, 'a>,
    engine: &GeneralPurpose,
) -> Eval<Value<'a>> {
    let text = args.text(0)?;
    interp.room(text.len())?;
    interp.spend(text.len() / 16)?;
    // Line breaks count for nothing, as in Go.
    let text: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    let bytes =
        engine.decode(text).map_err(|e| Fault::new(format!("{}: {e}", args.native.name)))?;
    interp.text(bytes)
}
