//! An amount of money, exactly: decimal numbers are added and taken from each other, and nothing is rounded.

use std::{fmt, iter::Sum, ops::Sub};

/// Digits behind the point, and before it.
const FRACTION: usize = 10;
const WHOLE: usize = 15;

/// In parts of ten thousand millions. A million of the greatest amounts that can be read have room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Amount(i128);

impl Amount {
    /// `None` for anything but a decimal number of at most 15 digits before the point and 10 behind it.
    pub fn read(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str, limit: usize| {
            (1..=limit).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, WHOLE) || !is_number(fraction, FRACTION) {
            return None;
        }
        format!("{whole}{fraction:0<FRACTION$}").parse().ok().map(Self)
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.map(|amount| amount.0).sum())
    }
}

/// With one digit behind the point at least, as HCP Terraform writes it.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(u32::try_from(FRACTION).unwrap_or_default());
        let (whole, fraction) = (self.0.unsigned_abs() / one, self.0.unsigned_abs() % one);
        let fraction = format!("{fraction:0>FRACTION$}");
        let fraction = match fraction.trim_end_matches('0') {
            "" => "0",
            digits => digits,
        };
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_and_written_without_a_loss() {
        for (text, written) in [
            ("0", "0.0"),
            ("12", "12.0"),
            ("007.50", "7.5"),
            ("0.0000000001", "0.0000000001"),
            ("999999999999999.9999999999", "999999999999999.9999999999"),
        ] {
            assert_eq!(Amount::read(text).unwrap().to_string(), written);
        }
        for wrong in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "٣", "1.00000000001", "NaN"]
        {
            assert_eq!(Amount::read(wrong), None, "{wrong}");
        }
        assert_eq!(Amount::read(&"9".repeat(16)), None);
    }

    #[test]
    fn what_gets_cheaper_is_below_nothing() {
        let of = |text| Amount::read(text).unwrap();
        assert_eq!((of("0.1") - of("0.3")).to_string(), "-0.2");
        assert_eq!([of("0.1"), of("0.2")].into_iter().sum::<Amount>().to_string(), "0.3");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(whole in 0_u64..1_000_000_000_000_000, part in 0_u64..10_000_000_000) {
            let amount = Amount::read(&format!("{whole}.{part:010}")).unwrap();
            prop_assert_eq!(Amount::read(&amount.to_string()), Some(amount));
        }
    }
}
