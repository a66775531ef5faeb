//! `import "time"`.

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, TimeDelta, Timelike};

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::{Object, Value, integral};

const SECOND: i64 = 1_000_000_000;

pub(super) const SPACE: Space = Space {
    name: "time",
    natives: &[Native::new("time.load", 1, 1, load)],
    values: &[
        ("now", |interp| {
            let now = interp.world.now.with_timezone(&interp.world.zone).fixed_offset();
            Ok(interp.heap.object(Object::Time(now)))
        }),
        ("nanosecond", |_| Ok(Value::Int(1))),
        ("microsecond", |_| Ok(Value::Int(1_000))),
        ("millisecond", |_| Ok(Value::Int(1_000_000))),
        ("second", |_| Ok(Value::Int(SECOND))),
        ("minute", |_| Ok(Value::Int(60 * SECOND))),
        ("hour", |_| Ok(Value::Int(3_600 * SECOND))),
    ],
};

pub(crate) const METHODS: &[Native] = &[
    Native::new("time.add", 1, 1, add),
    Native::new("time.after", 1, 1, |_, args| ordered(args, |at, other| at > other)),
    Native::new("time.before", 1, 1, |_, args| ordered(args, |at, other| at < other)),
    Native::new("time.equal", 1, 1, |_, args| ordered(args, |at, other| at == other)),
    Native::new("time.sub", 1, 1, sub),
];

pub(crate) fn text(at: DateTime<FixedOffset>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(crate) fn member<'a>(
    interp: &Interp<'a>,
    at: DateTime<FixedOffset>,
    name: &str,
) -> Option<Value<'a>> {
    let int = |value: u32| Value::Int(value.into());
    Some(match name {
        "hour" => int(at.hour()),
        "minute" => int(at.minute()),
        "second" => int(at.second()),
        "day" => int(at.day()),
        "month" => int(at.month()),
        "month_name" => interp.heap.str(&at.format("%B").to_string()),
        "year" => Value::Int(at.year().into()),
        "weekday" => int(at.weekday().num_days_from_sunday()),
        "weekday_name" => interp.heap.str(&at.format("%A").to_string()),
        "unix" => Value::Int(at.timestamp()),
        "unix_nano" => at.timestamp_nanos_opt().map_or(Value::UNDEFINED, Value::Int),
        "zone" => Value::Int(at.offset().local_minus_utc().into()),
        "zone_string" => interp.heap.str(&at.format("%:z").to_string()),
        _ => return None,
    })
}

/// A point in time: seconds since 1970, RFC 3339 text, or a time.
fn timeish(args: &Args<'_, '_>) -> Eval<DateTime<FixedOffset>> {
    let found = match args.value(0) {
        Value::Object(Object::Time(at)) => Some(*at),
        Value::Int(seconds) => DateTime::from_timestamp(seconds, 0).map(|at| at.fixed_offset()),
        Value::Float(seconds) => {
            nanoseconds(seconds).map(|nanos| DateTime::from_timestamp_nanos(nanos).fixed_offset())
        }
        Value::Text(_) => written(args.str(0)?),
        _ => return Err(args.unfit(0, "ints, floats, strings and times")),
    };
    found.ok_or_else(|| {
        let name = args.native.name;
        let Value::Text(text) = args.value(0) else {
            return Fault::new(format!("{name}: the number is no time"));
        };
        Fault::new(format!("{name}: {} is no time", Interp::quote(text)))
    })
}

/// As Go reads RFC 3339: with capitals, and no leap seconds.
fn written(text: &str) -> Option<DateTime<FixedOffset>> {
    let is_plain = text.as_bytes().get(10) == Some(&b'T') && !text.ends_with('z');
    let at = DateTime::parse_from_rfc3339(text).ok().filter(|_| is_plain)?;
    (i64::from(at.timestamp_subsec_nanos()) < SECOND).then_some(at)
}

#[expect(clippy::cast_precision_loss, reason = "a float of seconds has no more precision")]
fn nanoseconds(seconds: f64) -> Option<i64> {
    integral((seconds * SECOND as f64).trunc())
}

fn receiver(args: &Args<'_, '_>) -> Eval<DateTime<FixedOffset>> {
    match args.object()? {
        Object::Time(at) => Ok(*at),
        _ => Err(Fault::new(format!("{} needs a time", args.native.name))),
    }
}

fn load<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(interp.heap.object(Object::Time(timeish(&args)?)))
}

fn add<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let nanoseconds = match args.value(0) {
        Value::Float(value) => integral(value.trunc()),
        _ => Some(args.int(0)?),
    };
    let later = nanoseconds
        .and_then(|nanos| receiver(&args).ok()?.checked_add_signed(TimeDelta::nanoseconds(nanos)));
    match later {
        Some(later) => Ok(interp.heap.object(Object::Time(later))),
        None => Err(Fault::new("time.add: the time is out of range")),
    }
}

fn sub<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let distance = receiver(&args)?.signed_duration_since(timeish(&args)?);
    match distance.num_nanoseconds() {
        Some(nanoseconds) => Ok(Value::Int(nanoseconds)),
        None => Err(Fault::new("time.sub: the times are too far apart")),
    }
}

fn ordered<'a>(
    args: Args<'_, 'a>,
    is: fn(DateTime<FixedOffset>, DateTime<FixedOffset>) -> bool,
) -> Eval<Value<'a>> {
    Ok(Value::Bool(is(receiver(&args)?, timeish(&args)?)))
}
