//! SPDX licence expressions: whether what is allowed satisfies one.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

/// Whether `expression` can be met by the licences in `allowed`.
///
/// The slash of old manifests means OR; an exception (`WITH …`) only adds rights.
pub fn allowed(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { left: spaced.split_whitespace().collect(), allowed };
    words.left.reverse();
    let met = words.any()?;
    if let Some(word) = words.left.pop() {
        bail!("{word:?} is out of place");
    }
    Ok(met)
}

/// The words still to be read, last first.
struct Words<'a> {
    left: Vec<&'a str>,
    allowed: &'a BTreeSet<String>,
}

impl Words<'_> {
    fn take(&mut self, word: &str) -> bool {
        let next = self.left.last() == Some(&word);
        if next {
            self.left.pop();
        }
        next
    }

    fn any(&mut self) -> Result<bool> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Ok(met)
    }

    fn all(&mut self) -> Result<bool> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool> {
        if self.take("(") {
            let met = self.any()?;
            if !self.take(")") {
                bail!("a parenthesis is not closed");
            }
            return Ok(met);
        }
        match self.left.pop() {
            None | Some("OR" | "AND" | "WITH" | ")") => bail!("a licence is missing"),
            Some(licence) => {
                if self.take("WITH") && self.left.pop().is_none() {
                    bail!("an exception is missing");
                }
                Ok(self.allowed.contains(licence))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> bool {
        let ours = ["MIT", "Apache-2.0", "ISC"].map(str::to_owned).into();
        allowed(expression, &ours).unwrap()
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(met("GPL-3.0 OR MIT"));
        assert!(met("Unlicense/MIT"));
        assert!(!met("GPL-3.0 OR AGPL-3.0"));
    }

    #[test]
    fn every_part_of_a_conjunction_must_be_allowed() {
        assert!(met("ISC AND (Apache-2.0 OR OpenSSL)"));
        assert!(!met("MIT AND GPL-3.0"));
        assert!(!met("(MIT OR Apache-2.0) AND OpenSSL"));
    }

    #[test]
    fn and_binds_more_tightly_than_or() {
        assert!(met("MIT OR ISC AND GPL-3.0"));
        assert!(!met("GPL-3.0 AND MIT OR GPL-2.0"));
    }

    #[test]
    fn an_exception_only_adds_rights() {
        assert!(met("Apache-2.0 WITH LLVM-exception"));
        assert!(!met("GPL-3.0 WITH Classpath-exception-2.0"));
    }

    #[test]
    fn nonsense_is_not_taken_for_a_licence() {
        for nonsense in ["", "MIT OR", "(MIT", "MIT ISC", "MIT WITH"] {
            assert!(allowed(nonsense, &["MIT".to_owned()].into()).is_err(), "{nonsense:?}");
        }
    }
}
