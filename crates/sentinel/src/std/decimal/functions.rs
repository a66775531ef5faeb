//! Powers, roots and logarithms of decimal numbers. What lies beyond any range is told without computing it.

use std::cmp::Ordering;

use dashu_float::round::mode::HalfAway;
use dashu_float::{Context, FBig, Repr};
use dashu_int::IBig;

use super::number::Decimal::{self, Finite, Infinite, NaN};
use super::number::{DIGITS, ten_to};

/// A function of dashu's on two numbers.
type Two = fn(&Context<HalfAway>, &Repr<10>, &Repr<10>) -> Option<Decimal>;

/// Smaller than one by more than all digits.
const NEXT_TO_NOTHING: i64 = -110;

/// Beyond this power of ten, functions are computed in pieces.
const FAR_OUT: u64 = 100_000;

impl Decimal {
    pub fn power(&self, other: &Self) -> Self {
        if *self == NaN || *other == NaN {
            return NaN;
        }
        if other.sign() == 0 {
            return if self.sign() == 0 { NaN } else { Self::from_int(1) };
        }
        let one = self.absolute().compare(&Self::from_int(1)).unwrap_or(Ordering::Equal);
        let whole = matches!(other.whole(|_| false).compare(other), Some(Ordering::Equal));
        if self.sign() < 0 && !whole {
            return NaN;
        }
        // What is out of any range is known without computing it.
        let beyond = matches!(self, Infinite { .. })
            || matches!(other, Infinite { .. })
            || self.sign() == 0
            || other.size() > 10
            || self.size().unsigned_abs() > FAR_OUT && other.size() >= 0;
        if beyond {
            return match (one, other.sign() > 0) {
                (Ordering::Equal, _) => Self::from_int(1),
                (Ordering::Greater, true) | (Ordering::Less, false) => {
                    Infinite { negative: self.sign() < 0 && other.is_odd() }
                }
                _ => Self::from_int(0),
            };
        }
        if whole {
            let power = other.whole(|_| false).plain();
            return self.two(&power, |context, base, power| {
                let zeros = usize::try_from(power.exponent()).ok()?;
                let power = power.significand() * ten_to(zeros);
                Some(from_dashu(context.powi(base, power).ok()?.value()))
            });
        }
        self.loge().multiply(other).exp()
    }

    pub(super) fn absolute(&self) -> Self {
        if self.sign() < 0 { self.negate() } else { self.clone() }
    }

    fn is_odd(&self) -> bool {
        self.int().is_some_and(|int| int % 2 != 0)
    }

    pub fn exp(&self) -> Self {
        match self {
            NaN => NaN,
            // Beyond ten digits the result has more than all digits of an exponent.
            _ if self.sign() < 0 && self.out_of_exp() => Self::from_int(0),
            _ if self.out_of_exp() => Infinite { negative: false },
            _ if self.size() < NEXT_TO_NOTHING => Self::from_int(1),
            _ => self.two(self, |context, value, _| {
                Some(from_dashu(context.exp(value, None).ok()?.value()))
            }),
        }
    }

    fn out_of_exp(&self) -> bool {
        matches!(self, Infinite { .. }) || self.size() >= 10
    }

    /// The natural logarithm.
    pub fn loge(&self) -> Self {
        self.logarithm(|context, value, _| Some(from_dashu(context.ln(value, None).ok()?.value())))
    }

    pub fn log10(&self) -> Self {
        // Of a power of ten the logarithm is exact.
        if let Finite { coefficient, exponent } = self.clone().trimmed(i64::MAX)
            && coefficient == IBig::ONE
        {
            return Self::from_int(exponent);
        }
        self.logarithm(|context, value, _| {
            Some(from_dashu(context.log10(value, None).ok()?.value()))
        })
    }

    /// A logarithm of what is between 1 and 10, and that of the power of ten that is left.
    fn logarithm(&self, function: Two) -> Self {
        match self {
            Infinite { negative: false } => self.clone(),
            Finite { .. } if self.sign() == 0 => Infinite { negative: true },
            Finite { coefficient, exponent } if self.sign() > 0 => {
                let size = self.size();
                if size.unsigned_abs() <= FAR_OUT {
                    return self.two(self, function);
                }
                let near = Finite {
                    coefficient: coefficient.clone(),
                    exponent: exponent.saturating_sub(size),
                };
                let ten = Self::from_int(10);
                let rest = ten.two(&ten, function).multiply(&Self::from_int(size));
                near.two(&near, function).add(&rest)
            }
            _ => NaN,
        }
    }

    pub fn square_root(&self) -> Self {
        match self {
            Infinite { negative: false } => self.clone(),
            Finite { .. } if self.sign() >= 0 => self
                .two(self, |context, value, _| Some(from_dashu(context.sqrt(value).ok()?.value()))),
            _ => NaN,
        }
    }

    fn two(&self, other: &Self, function: Two) -> Self {
        let (Some(left), Some(right)) = (self.dashu(), other.dashu()) else { return NaN };
        function(&Context::new(DIGITS), &left, &right).unwrap_or(NaN)
    }

    fn dashu(&self) -> Option<Repr<10>> {
        match self {
            Finite { coefficient, exponent } => {
                Some(Repr::new(coefficient.clone(), isize::try_from(*exponent).ok()?))
            }
            _ => None,
        }
    }
}

fn from_dashu(value: FBig<HalfAway, 10>) -> Decimal {
    let repr = value.into_repr();
    if repr.is_infinite() {
        return Infinite { negative: repr.exponent() < 0 };
    }
    let (coefficient, exponent) = repr.into_parts();
    Decimal::rounded(coefficient, i64::try_from(exponent).unwrap_or(i64::MAX)).plain()
}
