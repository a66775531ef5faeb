//! `import "decimal"`.

mod functions;
mod number;
mod text;

pub(crate) use number::Decimal;

use super::{Args, Native, Space};
use crate::eval::{Interp, float_text};
use crate::source::{Eval, Fault};
use crate::value::{Object, Value};

pub(super) const SPACE: Space = Space {
    name: "decimal",
    natives: &[
        Native::new("decimal.infinity", 1, 1, infinity).also(&["inf"]),
        Native::new("decimal.is_infinite", 1, 1, is_infinite).also(&[
            "is_inf",
            "isinf",
            "isinfinite",
        ]),
        Native::new("decimal.is_nan", 1, 1, is_nan).also(&["isnan"]),
        Native::new("decimal.new", 1, 1, |interp, args| {
            let value = number(&args, 0)?;
            Ok(interp.heap.object(Object::Decimal(value)))
        }),
    ],
    values: &[("nan", |interp| Ok(interp.heap.object(Object::Decimal(Decimal::NaN))))],
};

pub(crate) const METHODS: &[Native] = &[
    Native::new("decimal.absolute", 0, 0, |interp, args| {
        one(interp, args, |n| if n.sign() < 0 { n.negate() } else { n.clone() })
    })
    .also(&["abs"]),
    Native::new("decimal.add", 1, 1, |interp, args| two(interp, args, Decimal::add)),
    Native::new("decimal.ceiling", 0, 0, |i, args| one(i, args, Decimal::ceiling)).also(&["ceil"]),
    Native::new("decimal.divide", 1, 1, |i, args| two(i, args, Decimal::divide)).also(&["div"]),
    Native::new("decimal.exp", 0, 0, |interp, args| one(interp, args, Decimal::exp)),
    Native::new("decimal.floor", 0, 0, |interp, args| one(interp, args, Decimal::floor)),
    Native::new("decimal.greater_than", 1, 1, |_, args| order(args, std::cmp::Ordering::is_gt))
        .also(&["gt"]),
    Native::new("decimal.greater_than_or_equals", 1, 1, |_, args| {
        order(args, std::cmp::Ordering::is_ge)
    })
    .also(&["gte"]),
    Native::new("decimal.is", 1, 1, |_, args| order(args, std::cmp::Ordering::is_eq)),
    Native::new("decimal.is_not", 1, 1, |_, args| {
        let same = receiver(&args)?.compare(&number(&args, 0)?);
        Ok(Value::Bool(same.is_none_or(std::cmp::Ordering::is_ne)))
    }),
    Native::new("decimal.less_than", 1, 1, |_, args| order(args, std::cmp::Ordering::is_lt))
        .also(&["lt"]),
    Native::new("decimal.less_than_or_equals", 1, 1, |_, args| {
        order(args, std::cmp::Ordering::is_le)
    })
    .also(&["lte"]),
    Native::new("decimal.log10", 0, 0, |i, args| one(i, args, Decimal::log10)).also(&["log"]),
    Native::new("decimal.loge", 0, 0, |interp, args| one(interp, args, Decimal::loge))
        .also(&["ln"]),
    Native::new("decimal.modulo", 1, 1, |i, args| two(i, args, Decimal::modulo)).also(&[
        "mod",
        "remainder",
        "rem",
    ]),
    Native::new("decimal.multiply", 1, 1, |i, args| two(i, args, Decimal::multiply)).also(&["mul"]),
    Native::new("decimal.negate", 0, 0, |i, args| one(i, args, Decimal::negate)).also(&["neg"]),
    Native::new("decimal.power", 1, 1, |i, args| two(i, args, Decimal::power)).also(&["pow"]),
    Native::new("decimal.square_root", 0, 0, |i, args| one(i, args, Decimal::square_root))
        .also(&["sqrt"]),
    Native::new("decimal.subtract", 1, 1, |interp, args| {
        two(interp, args, |left, right| left.add(&right.negate()))
    })
    .also(&["sub"]),
];

/// What one operation on 100 digits costs, in steps.
const COST: usize = 50;

pub(crate) fn member<'a>(
    interp: &mut Interp<'a>,
    value: &Decimal,
    name: &str,
) -> Eval<Option<Value<'a>>> {
    Ok(Some(match name {
        "string" => interp.heap.str(&value.to_string()),
        "sign" => Value::Int(value.sign()),
        "coefficient" => match value.coefficient_and_exponent() {
            // What does not fit into an int is given as text.
            Some((coefficient, _)) => match i64::try_from(coefficient.clone()) {
                Ok(coefficient) => Value::Int(coefficient.wrapping_abs()),
                Err(_) => interp.heap.str(coefficient.to_string().trim_start_matches('-')),
            },
            None => Value::UNDEFINED,
        },
        "exponent" => value
            .coefficient_and_exponent()
            .map_or(Value::UNDEFINED, |(_, exponent)| Value::Int(exponent)),
        "float" => Value::Float(value.to_string().parse().unwrap_or(f64::NAN)),
        "int" => match value.int() {
            Some(int) => Value::Int(int),
            None => {
                return Err(Fault::new(format!("decimal.int: {value} does not fit into an int")));
            }
        },
        _ => return Ok(None),
    }))
}

/// The decimal that an argument is: an int, a float by its shortest text, a string, a decimal.
fn number(args: &Args<'_, '_>, index: usize) -> Eval<Decimal> {
    match args.value(index) {
        Value::Object(Object::Decimal(value)) => Ok(value.clone()),
        Value::Int(value) => Ok(Decimal::from_int(value)),
        Value::Float(value) => {
            Decimal::parse(&float_text(value)).ok_or_else(|| args.unfit(index, "numbers"))
        }
        Value::Text(text) => {
            let parsed = std::str::from_utf8(text).ok().and_then(Decimal::parse);
            parsed.ok_or_else(|| {
                let text = Interp::quote(text);
                Fault::new(format!("{}: {text} is no number", args.native.name))
            })
        }
        _ => Err(args.unfit(index, "numbers, strings and decimals")),
    }
}

fn receiver<'a>(args: &Args<'_, 'a>) -> Eval<&'a Decimal> {
    match args.object()? {
        Object::Decimal(value) => Ok(value),
        _ => Err(Fault::new(format!("{} needs a decimal", args.native.name))),
    }
}

fn one<'a>(
    interp: &mut Interp<'a>,
    args: Args<'_, 'a>,
    operation: fn(&Decimal) -> Decimal,
) -> Eval<Value<'a>> {
    interp.spend(COST)?;
    Ok(interp.heap.object(Object::Decimal(operation(receiver(&args)?))))
}

fn two<'a>(
    interp: &mut Interp<'a>,
    args: Args<'_, 'a>,
    operation: fn(&Decimal, &Decimal) -> Decimal,
) -> Eval<Value<'a>> {
    interp.spend(COST)?;
    let result = operation(receiver(&args)?, &number(&args, 0)?);
    Ok(interp.heap.object(Object::Decimal(result)))
}

fn order<'a>(args: Args<'_, 'a>, is: fn(std::cmp::Ordering) -> bool) -> Eval<Value<'a>> {
    Ok(Value::Bool(receiver(&args)?.compare(&number(&args, 0)?).is_some_and(is)))
}

fn infinity<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let negative = number(&args, 0)?.sign() < 0;
    Ok(interp.heap.object(Object::Decimal(Decimal::Infinite { negative })))
}

fn is_infinite<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(matches!(number(&args, 0)?, Decimal::Infinite { .. })))
}

fn is_nan<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(number(&args, 0)? == Decimal::NaN))
}
