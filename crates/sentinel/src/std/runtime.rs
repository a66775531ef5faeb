//! `import "runtime"`.

use super::Space;
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "runtime",
    natives: &[],
    values: &[("version", |_| Ok(Value::Text(crate::LANGUAGE_VERSION.as_bytes())))],
};
