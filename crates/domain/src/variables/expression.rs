//! Values that are written in HCL: one expression each, since they stand in a file together with others.

use crate::{Error, Result};

/// # Errors
/// Invalid for a value that would define more than its own variable, and so overrule what others have decided.
pub(crate) fn check(attribute: &str, value: &str) -> Result<()> {
    // What is no HCL at all stops the engine, which says where.
    let Ok(body) = hcl::parse(&format!("value = {}\n", value.trim())) else { return Ok(()) };
    if value.trim().is_empty() || (body.attributes().count() == 1 && body.blocks().count() == 0) {
        return Ok(());
    }
    Err(Error::invalid(attribute, "must be one HCL expression and nothing else"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_defines_its_own_variable_alone() {
        for good in [
            "",
            "1",
            "[\n  1,\n  2,\n]",
            "{ a = 1, b = { c = \"d\" } }",
            "<<EOT\na = 1\nEOT",
            "\"x\" # y",
        ] {
            assert!(check("value", good).is_ok(), "{good}");
        }
        for bad in ["1\nregion = \"EVIL\"", "\"a\"\nb = 3", "1\nblock {}", "{}\n\nx = 1"] {
            assert!(check("value", bad).is_err(), "{bad}");
        }
    }
}
