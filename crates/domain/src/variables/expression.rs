//! Values that are written in HCL, as they are saved; the agent looks at them in the same way once more.

use crate::{Error, Result};

/// # Errors
/// Invalid for a value that would define more than its own variable, and so overrule what others have decided, or
/// take in what stands behind it.
pub(crate) fn check(attribute: &str, value: &str) -> Result<()> {
    let why = |why| format!("must be one HCL expression and nothing else: {why}");
    engine_env::check_expression(value).map_err(|not| Error::invalid(attribute, why(not)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_defines_its_own_variable_alone() {
        for good in ["", "1", "{ a = 1 }", "<<EOT\na = 1\nEOT", "\"x\" # y"] {
            assert!(check("value", good).is_ok(), "{good}");
        }
        for bad in ["1\nregion = \"EVIL\"", "@\nb = 3", "{ a = "] {
            let said = check("value", bad).unwrap_err().to_string();
            assert!(said.contains("one HCL expression"), "{said}");
        }
    }
}
