//! Decimal numbers of 100 digits: a coefficient and a power of ten, infinities, and what is no number.

use std::cmp::Ordering;

use dashu_int::IBig;
use dashu_int::ops::{Abs as _, BitTest as _, DivRem as _};

/// Significant digits of every result.
pub(super) const DIGITS: usize = 100;

/// Powers of ten beyond this are infinite or zero.
const MAX_EXPONENT: i64 = 2_147_483_647;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decimal {
    Finite {
        coefficient: IBig,
        exponent: i64,
    },
    /// The sign says whether it is the negative one.
    Infinite {
        negative: bool,
    },
    NaN,
}

use Decimal::{Finite, Infinite, NaN};

impl Decimal {
    pub fn from_int(value: i64) -> Self {
        Finite { coefficient: value.into(), exponent: 0 }
    }

    /// A result, to 100 digits.
    pub(super) fn rounded(coefficient: IBig, exponent: i64) -> Self {
        let digits = digits(&coefficient);
        let (coefficient, exponent) = if digits > DIGITS {
            let cut = digits - DIGITS;
            let (quotient, rest) = coefficient.clone().div_rem(ten_to(cut));
            let half = rest.abs() * 2 >= ten_to(cut);
            let away = if coefficient < IBig::ZERO { -IBig::ONE } else { IBig::ONE };
            let quotient = if half { quotient + away } else { quotient };
            (quotient, exponent.saturating_add_unsigned(cut as u64))
        } else {
            (coefficient, exponent)
        };
        if coefficient == IBig::ZERO {
            return Finite { coefficient, exponent: exponent.clamp(-MAX_EXPONENT, MAX_EXPONENT) };
        }
        let number = Finite { coefficient, exponent };
        let size = number.size();
        if size > MAX_EXPONENT {
            return Infinite { negative: number.sign() < 0 };
        }
        if size < -MAX_EXPONENT {
            return Self::from_int(0);
        }
        number
    }

    /// The exponent of the first digit.
    pub(super) fn size(&self) -> i64 {
        match self {
            Finite { coefficient, exponent } => {
                exponent.saturating_add_unsigned(digits(coefficient) as u64).saturating_sub(1)
            }
            _ => 0,
        }
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i64 {
        match self {
            Finite { coefficient, .. } => coefficient.cmp(&IBig::ZERO) as i64,
            Infinite { negative } => {
                if *negative {
                    -1
                } else {
                    1
                }
            }
            NaN => 0,
        }
    }

    pub fn negate(&self) -> Self {
        match self.clone() {
            Finite { coefficient, exponent } => Finite { coefficient: -coefficient, exponent },
            Infinite { negative } => Infinite { negative: !negative },
            NaN => NaN,
        }
    }

    /// `None` where one is no number.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (NaN, _) | (_, NaN) => None,
            (Infinite { .. }, Infinite { .. }) => Some(self.sign().cmp(&other.sign())),
            (Infinite { negative }, _) => {
                Some(if *negative { Ordering::Less } else { Ordering::Greater })
            }
            (_, Infinite { .. }) => other.compare(self).map(Ordering::reverse),
            (Finite { .. }, Finite { .. }) => {
                let signs = self.sign().cmp(&other.sign());
                if signs.is_ne() || self.sign() == 0 {
                    return Some(signs);
                }
                let sizes = self.size().cmp(&other.size());
                let sizes = if self.sign() < 0 { sizes.reverse() } else { sizes };
                if sizes.is_ne() {
                    return Some(sizes);
                }
                // Of equal size they are at most 100 digits apart.
                let (left, right, _) = aligned(self, other)?;
                Some(left.cmp(&right))
            }
        }
    }

    pub fn add(&self, other: &Self) -> Self {
        match (self, other) {
            (NaN, _) | (_, NaN) => NaN,
            (Infinite { negative: left }, Infinite { negative: right }) if left != right => NaN,
            (Infinite { .. }, _) => self.clone(),
            (_, Infinite { .. }) => other.clone(),
            _ if other.sign() == 0 && self.sign() != 0 && far(self, other) => self.clone(),
            _ if self.sign() == 0 && other.sign() != 0 && far(self, other) => other.clone(),
            _ if far(self, other) => {
                if self.size() > other.size() {
                    self.clone()
                } else {
                    other.clone()
                }
            }
            _ => match aligned(self, other) {
                Some((left, right, exponent)) => Self::rounded(left + right, exponent),
                None => NaN,
            },
        }
    }

    pub fn multiply(&self, other: &Self) -> Self {
        match (self, other) {
            (NaN, _) | (_, NaN) => NaN,
            (Infinite { .. }, _) | (_, Infinite { .. }) => match self.sign() * other.sign() {
                0 => NaN,
                sign => Infinite { negative: sign < 0 },
            },
            (
                Finite { coefficient: left, exponent: up },
                Finite { coefficient: right, exponent: more },
            ) => Self::rounded(left * right, up.saturating_add(*more)),
        }
    }

    pub fn divide(&self, other: &Self) -> Self {
        match (self, other) {
            (NaN, _) | (_, NaN) | (Infinite { .. }, Infinite { .. }) => NaN,
            (Infinite { negative }, _) => Infinite { negative: *negative != (other.sign() < 0) },
            (_, Infinite { .. }) => Self::from_int(0),
            _ if other.sign() == 0 && self.sign() == 0 => NaN,
            _ if other.sign() == 0 => Infinite { negative: self.sign() < 0 },
            (Finite { coefficient, exponent }, Finite { coefficient: by, exponent: less }) => {
                // Exact quotients keep no more digits than they need.
                let more = DIGITS + 2 + digits(by);
                let (quotient, rest) = (coefficient * ten_to(more)).div_rem(by);
                let sticky = if rest == IBig::ZERO {
                    quotient
                } else {
                    quotient * 10 + self.sign() * other.sign()
                };
                let extra = more + usize::from(rest != IBig::ZERO);
                let exact = exponent.saturating_sub(*less);
                let raw = exact.saturating_sub_unsigned(extra as u64);
                Self::rounded(sticky, raw).trimmed(exact)
            }
        }
    }

    /// Without zeros at the end, up to the exponent given.
    pub(super) fn trimmed(self, up_to: i64) -> Self {
        let Finite { mut coefficient, mut exponent } = self else { return self };
        if coefficient == IBig::ZERO {
            return Finite { coefficient, exponent: exponent.max(up_to.min(0)) };
        }
        let ten = IBig::from(10);
        while exponent < up_to {
            let (quotient, rest) = coefficient.clone().div_rem(&ten);
            if rest != IBig::ZERO {
                break;
            }
            coefficient = quotient;
            exponent += 1;
        }
        Finite { coefficient, exponent }
    }

    /// What is left of a division that gives a whole number; the sign is that of the dividend.
    pub fn modulo(&self, other: &Self) -> Self {
        match (self, other) {
            (Finite { .. }, Infinite { .. }) => self.clone(),
            (Finite { .. }, Finite { .. }) if other.sign() != 0 && !far(self, other) => {
                match aligned(self, other) {
                    Some((left, right, exponent)) => Self::rounded(left % right, exponent),
                    None => NaN,
                }
            }
            _ if self.compare(other).is_some() && self.size() < other.size() => self.clone(),
            _ => NaN,
        }
    }

    /// Rounded to a whole number: toward zero, then by one away where `away` says so.
    pub(super) fn whole(&self, away: impl Fn(bool) -> bool) -> Self {
        let Finite { coefficient, exponent } = self else { return self.clone() };
        if *exponent >= 0 {
            return self.clone();
        }
        let negative = *coefficient < IBig::ZERO;
        let step = if negative { -IBig::ONE } else { IBig::ONE };
        let down = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        let (quotient, exact) = if down > digits(coefficient) + 1 {
            (IBig::ZERO, *coefficient == IBig::ZERO)
        } else {
            let (quotient, rest) = coefficient.clone().div_rem(ten_to(down));
            (quotient, rest == IBig::ZERO)
        };
        let coefficient = if !exact && away(negative) { quotient + step } else { quotient };
        Finite { coefficient, exponent: 0 }
    }

    pub fn ceiling(&self) -> Self {
        self.whole(|negative| !negative)
    }

    pub fn floor(&self) -> Self {
        self.whole(|negative| negative)
    }

    /// The integral part, if it fits.
    pub fn int(&self) -> Option<i64> {
        match self.whole(|_| false) {
            Finite { coefficient, exponent } if (0..=18).contains(&exponent) => {
                let zeros = usize::try_from(exponent).ok()?;
                i64::try_from(coefficient * ten_to(zeros)).ok()
            }
            Finite { coefficient, .. } if coefficient == IBig::ZERO => Some(0),
            _ => None,
        }
    }

    pub fn coefficient_and_exponent(&self) -> Option<(&IBig, i64)> {
        match self {
            Finite { coefficient, exponent } => Some((coefficient, *exponent)),
            _ => None,
        }
    }
}

impl Decimal {
    /// Whole numbers of few digits are written without an exponent.
    pub(super) fn plain(self) -> Self {
        match self {
            Finite { coefficient, exponent } if exponent > 0 => {
                let zeros = usize::try_from(exponent).unwrap_or(usize::MAX);
                if digits(&coefficient).saturating_add(zeros) > DIGITS {
                    return Finite { coefficient, exponent };
                }
                Finite { coefficient: coefficient * ten_to(zeros), exponent: 0 }
            }
            other => other,
        }
    }
}

fn digits(value: &IBig) -> usize {
    if value.bit_len() < 64 {
        let small = u64::try_from(value.clone().abs()).unwrap_or(0);
        return small.checked_ilog10().map_or(1, |log| log as usize + 1);
    }
    value.to_string().trim_start_matches('-').len()
}

pub(super) fn ten_to(power: usize) -> IBig {
    IBig::from(10).pow(power)
}

/// Whether two numbers are so far apart that aligning them would only cost memory.
fn far(left: &Decimal, right: &Decimal) -> bool {
    let (Finite { exponent: left, .. }, Finite { exponent: right, .. }) = (left, right) else {
        return false;
    };
    left.abs_diff(*right) > 4 * DIGITS as u64
}

/// Both coefficients at the smaller of the exponents.
fn aligned(left: &Decimal, right: &Decimal) -> Option<(IBig, IBig, i64)> {
    let Finite { coefficient: left, exponent: up } = left else { return None };
    let Finite { coefficient: right, exponent: more } = right else { return None };
    let low = *up.min(more);
    let lift = |value: &IBig, exponent: i64| {
        usize::try_from(exponent - low).ok().map(|zeros| value * ten_to(zeros))
    };
    Some((lift(left, *up)?, lift(right, *more)?, low))
}
