//! `import "version"`: versions and constraints by the rules that Terraform uses, which are not SemVer's.

use std::cmp::Ordering;

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::{Object, Value};

pub(super) const SPACE: Space =
    Space { name: "version", natives: &[Native::new("version.new", 1, 1, new)], values: &[] };

pub(crate) const METHODS: &[Native] = &[
    Native::new("version.compare", 1, 1, compare).also(&["cmp"]),
    Native::new("version.equals", 1, 1, |_, args| ordered(args, Ordering::is_eq)).also(&["eq"]),
    Native::new("version.greater_than", 1, 1, |_, args| ordered(args, Ordering::is_gt))
        .also(&["gt"]),
    Native::new("version.greater_than_or_equals", 1, 1, |_, args| ordered(args, Ordering::is_ge))
        .also(&["gte"]),
    Native::new("version.less_than", 1, 1, |_, args| ordered(args, Ordering::is_lt)).also(&["lt"]),
    Native::new("version.less_than_or_equals", 1, 1, |_, args| ordered(args, Ordering::is_le))
        .also(&["lte"]),
    Native::new("version.satisfies", 1, 1, satisfies).also(&["sat"]),
];

pub(crate) struct Version {
    /// As it was given.
    pub text: String,
    /// At least three.
    segments: Vec<u64>,
    /// How many of them were given.
    given: usize,
    prerelease: String,
    metadata: String,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        // What is longer nobody has released.
        if text.len() > 1_000 {
            return None;
        }
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (bare, metadata) = bare.split_once('+').unwrap_or((bare, ""));
        let (numbers, prerelease) = bare.split_once('-').unwrap_or((bare, ""));
        let part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-~".contains(&b))
        };
        let parts = |text: &str| text.is_empty() || text.split('.').all(part);
        let dangling = text.ends_with(['-', '+']);
        if dangling || !parts(prerelease) || !parts(metadata) {
            return None;
        }
        let number = |number: &str| {
            number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())?
        };
        let mut segments: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
        let given = segments.len();
        segments.resize(given.max(3), 0);
        let (prerelease, metadata) = (prerelease.to_owned(), metadata.to_owned());
        Some(Self { text: text.to_owned(), segments, given, prerelease, metadata })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers(other).then_with(|| prereleases(&self.prerelease, &other.prerelease))
    }

    fn numbers(&self, other: &Self) -> Ordering {
        let length = self.segments.len().max(other.segments.len());
        let at = |version: &Self, n: usize| version.segments.get(n).copied().unwrap_or(0);
        (0..length)
            .map(|n| at(self, n).cmp(&at(other, n)))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Whether a constraint such as `~> 1.2` or `>= 1, != 1.3` is met; `None` if it is none.
    fn satisfies(&self, constraints: &str) -> Option<bool> {
        let mut all = true;
        for constraint in constraints.split(',') {
            all &= self.meets(constraint.trim())?;
        }
        Some(all)
    }

    fn meets(&self, constraint: &str) -> Option<bool> {
        const OPERATORS: [&str; 7] = ["~>", ">=", "<=", "!=", ">", "<", "="];
        let found = OPERATORS.iter().find(|op| constraint.starts_with(**op));
        let operator = found.copied().unwrap_or("=");
        let wanted = constraint.strip_prefix(operator).unwrap_or(constraint).trim();
        let wanted = Self::parse(wanted)?;
        let order = self.compare(&wanted);
        if matches!(operator, "=" | "!=") {
            return Some(order.is_eq() == (operator == "="));
        }
        // A pre-release is meant only where one of the same version is asked for.
        let comparable = match (self.prerelease.is_empty(), wanted.prerelease.is_empty()) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => self.numbers(&wanted).is_eq(),
        };
        Some(
            comparable
                && match operator {
                    ">" => order.is_gt(),
                    ">=" => order.is_ge(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    // A pre-release asks for pre-releases.
                    _ if self.prerelease.is_empty() && !wanted.prerelease.is_empty() => false,
                    // All segments but the last that was given stay as they are.
                    _ => {
                        let fixed = wanted.given.saturating_sub(1).max(1);
                        let same = self.segments.get(..fixed) == wanted.segments.get(..fixed);
                        order.is_ge() && (same || wanted.given == 1)
                    }
                },
        )
    }
}

fn prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (left.parse::<u64>(), right.parse::<u64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => left.cmp(right),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

pub(crate) fn member<'a>(interp: &Interp<'a>, version: &Version, name: &str) -> Option<Value<'a>> {
    let segment = |n: usize| Value::Int(i64::try_from(version.segments[n]).unwrap_or(i64::MAX));
    Some(match name {
        "major" => segment(0),
        "minor" => segment(1),
        "patch" => segment(2),
        "prerelease" => interp.heap.str(&version.prerelease),
        "metadata" => interp.heap.str(&version.metadata),
        "version" => interp.heap.str(&version.text),
        _ => return None,
    })
}

fn new<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let text = args.str(0)?;
    interp.spend(text.len())?;
    let version = Version::parse(text).ok_or_else(|| none(&args, "version"))?;
    Ok(interp.heap.object(Object::Version(version)))
}

/// What an argument should be, and is not.
fn none(args: &Args<'_, '_>, what: &str) -> Fault {
    let text = args.text(0).map(Interp::quote).unwrap_or_default();
    Fault::new(format!("{}: {text} is no {what}", args.native.name))
}

fn receiver<'a>(args: &Args<'_, 'a>) -> Eval<&'a Version> {
    match args.object()? {
        Object::Version(version) => Ok(version),
        _ => Err(Fault::new(format!("{} needs a version", args.native.name))),
    }
}

fn against(args: &Args<'_, '_>) -> Eval<Ordering> {
    let version = receiver(args)?;
    if let Value::Object(Object::Version(other)) = args.value(0) {
        return Ok(version.compare(other));
    }
    let other = Version::parse(args.str(0)?).ok_or_else(|| none(args, "version"))?;
    Ok(version.compare(&other))
}

fn compare<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Int(against(&args)? as i64))
}

fn ordered<'a>(args: Args<'_, 'a>, is: fn(Ordering) -> bool) -> Eval<Value<'a>> {
    Ok(Value::Bool(is(against(&args)?)))
}

fn satisfies<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let met = receiver(&args)?.satisfies(args.str(0)?).ok_or_else(|| none(&args, "constraint"))?;
    Ok(Value::Bool(met))
}
