//! `import "types"`.

use super::{Native, Space};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "types",
    natives: &[Native::new("types.type_of", 1, 1, |_, args| {
        Ok(Value::Text(args.value(0).type_name().as_bytes()))
    })
    .takes_undefined()],
    values: &[],
};
