//! `import "units"`: sizes in bytes.

use super::Space;
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "units",
    natives: &[],
    values: &[
        ("byte", |_| Ok(Value::Int(1))),
        ("kilobyte", |_| Ok(Value::Int(1 << 10))),
        ("megabyte", |_| Ok(Value::Int(1 << 20))),
        ("gigabyte", |_| Ok(Value::Int(1 << 30))),
        ("terabyte", |_| Ok(Value::Int(1 << 40))),
        ("petabyte", |_| Ok(Value::Int(1 << 50))),
    ],
};
