//! Decimal numbers as text, by the rules of the General Decimal Arithmetic.

use std::fmt;
use std::str::FromStr as _;

use dashu_int::IBig;

use super::number::Decimal::{self, Finite, Infinite, NaN};

impl Decimal {
    /// From text such as `-1.10E+4`, `NaN` or `Infinity`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, bare) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if bare.eq_ignore_ascii_case("nan") {
            return Some(NaN);
        }
        if bare.eq_ignore_ascii_case("inf") || bare.eq_ignore_ascii_case("infinity") {
            return Some(Infinite { negative });
        }
        // What is longer than a number of 100 digits can be is no number that anybody wrote.
        if bare.len() > 1_000 {
            return None;
        }
        let (number, exponent) = match bare.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (bare, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let coefficient = IBig::from_str(&digits).ok()?;
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Some(Self::rounded(if negative { -coefficient } else { coefficient }, exponent))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finite { coefficient, exponent } = self else {
            return f.write_str(match self {
                NaN => "NaN",
                Infinite { negative: true } => "-Infinity",
                _ => "Infinity",
            });
        };
        let text = coefficient.to_string();
        let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
        let size = self.size();
        if *exponent > 0 || size < -6 {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            return write!(f, "{sign}{first}{point}{rest}E{size:+}");
        }
        if *exponent == 0 {
            return f.write_str(&text);
        }
        let decimals = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
        let digits = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        write!(f, "{sign}{whole}.{fraction}")
    }
}
