//! Long lists of values in a statement, given as one value: both databases limit how many values a statement may have
//! (SQLite 32,766, PostgreSQL 65,535), and nobody who asks for many rows by their ids should have to think of it.

use std::{fmt::Write as _, ops::Range};

use sea_orm::{Statement, Value, Values};
use serde_json::json;

use crate::connection::Inner;

/// Shorter lists stay as they are.
const LONG: usize = 500;

/// Values as PostgreSQL and SQLite take them out of a JSON text again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Texts,
    Numbers,
}

/// The same question with each long `IN (?, ?, …)` as one value; `None` where there is none.
pub(crate) fn shortened(statement: &Statement, asked: &Inner) -> Option<Statement> {
    let values = &statement.values.as_ref()?.0;
    if values.len() < LONG {
        return None;
    }
    let is_postgres = match asked {
        Inner::Postgres(_) => true,
        Inner::Sqlite(_) => false,
        Inner::Lost => return None,
    };
    let (sql, values) = shorten(&statement.sql, values, is_postgres)?;
    Some(Statement { sql, values: Some(Values(values)), db_backend: statement.db_backend })
}

fn shorten(sql: &str, values: &[Value], is_postgres: bool) -> Option<(String, Vec<Value>)> {
    let places = places(sql, is_postgres);
    // Whatever this is, it was not written by SeaORM.
    if places.len() != values.len() {
        return None;
    }
    let (mut short, mut kept) = (String::new(), Vec::new());
    let (mut copied, mut at, mut any) = (0, 0, false);
    while at < places.len() {
        let list = list_from(sql, &places[at..]);
        let given = (list >= LONG).then(|| as_json(&values[at..at + list])).flatten();
        short.push_str(&sql[copied..places[at].start]);
        let number = kept.len() + 1;
        let count = if let Some((kind, json)) = given {
            kept.push(Value::from(json));
            _ = match (is_postgres, kind) {
                (false, _) => write!(short, "SELECT value FROM json_each(?)"),
                (true, Kind::Texts) => {
                    write!(short, "SELECT jsonb_array_elements_text(${number}::jsonb)")
                }
                (true, Kind::Numbers) => {
                    write!(short, "SELECT jsonb_array_elements_text(${number}::jsonb)::bigint")
                }
            };
            any = true;
            list
        } else {
            kept.push(values[at].clone());
            _ = if is_postgres { write!(short, "${number}") } else { write!(short, "?") };
            1
        };
        at += count;
        copied = places[at - 1].end;
    }
    short.push_str(&sql[copied..]);
    any.then_some((short, kept))
}

/// Where the placeholders stand, outside of what is quoted.
fn places(sql: &str, is_postgres: bool) -> Vec<Range<usize>> {
    let (bytes, mark) = (sql.as_bytes(), if is_postgres { b'$' } else { b'?' });
    let mut places = Vec::new();
    let (mut at, mut quote) = (0, None);
    while at < bytes.len() {
        let byte = bytes[at];
        let start = at;
        at += 1;
        match quote {
            Some(open) if byte == open => quote = None,
            None if byte == b'\'' || byte == b'"' => quote = Some(byte),
            None if byte == mark => {
                while is_postgres && bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
                places.push(start..at);
            }
            Some(_) | None => {}
        }
    }
    places
}

/// How many of these placeholders are all that stands in the parentheses behind an `IN`; 0 if the first is no such.
fn list_from(sql: &str, places: &[Range<usize>]) -> usize {
    let Some(first) = places.first().filter(|first| sql[..first.start].ends_with(" IN (")) else {
        return 0;
    };
    let mut end = first.end;
    let mut count = 1;
    for next in &places[1..] {
        if &sql[end..next.start] != ", " {
            break;
        }
        (end, count) = (next.end, count + 1);
    }
    if sql[end..].starts_with(')') { count } else { 0 }
}

fn as_json(values: &[Value]) -> Option<(Kind, String)> {
    let text = |value: &Value| match value {
        Value::String(Some(text)) => Some(json!(text)),
        _ => None,
    };
    let number = |value: &Value| match value {
        Value::BigInt(Some(number)) => Some(json!(number)),
        Value::Int(Some(number)) => Some(json!(number)),
        _ => None,
    };
    let all = |of: &dyn Fn(&Value) -> Option<serde_json::Value>| {
        values.iter().map(of).collect::<Option<Vec<_>>>().map(|all| json!(all).to_string())
    };
    all(&text)
        .map(|json| (Kind::Texts, json))
        .or_else(|| all(&number).map(|json| (Kind::Numbers, json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(mark: impl Fn(usize) -> String, from: usize) -> String {
        (from..from + LONG).map(mark).collect::<Vec<_>>().join(", ")
    }

    fn values() -> Vec<Value> {
        let texts = (0..LONG).map(|number| Value::from(format!("id-{number}")));
        [Value::from("a")].into_iter().chain(texts).chain([Value::from(7_i64)]).collect()
    }

    #[test]
    fn a_long_list_is_one_value_and_all_others_stay_where_they_are() {
        let list = many(|_| "?".into(), 0);
        let sql =
            format!(r#"SELECT '?' FROM "t" WHERE "a" = ? AND "id" NOT IN ({list}) AND "n" = ?"#);
        let (short, kept) = shorten(&sql, &values(), false).unwrap();
        assert_eq!(
            short,
            r#"SELECT '?' FROM "t" WHERE "a" = ? AND "id" NOT IN (SELECT value FROM json_each(?)) AND "n" = ?"#
        );
        assert_eq!((&kept[0], &kept[2]), (&Value::from("a"), &Value::from(7_i64)));
        let Value::String(Some(json)) = &kept[1] else { panic!("{kept:?}") };
        let ids: Vec<String> = serde_json::from_str(json).unwrap();
        assert_eq!((ids.len(), ids[LONG - 1].as_str()), (LONG, "id-499"));
    }

    #[test]
    fn postgres_counts_its_values_anew() {
        let list = many(|number| format!("${number}"), 2);
        let sql = format!(r#"WHERE "a" = $1 AND "id" IN ({list}) AND "n" = ${}"#, LONG + 2);
        let (short, kept) = shorten(&sql, &values(), true).unwrap();
        assert_eq!(
            short,
            r#"WHERE "a" = $1 AND "id" IN (SELECT jsonb_array_elements_text($2::jsonb)) AND "n" = $3"#
        );
        assert_eq!(kept.len(), 3);
    }

    #[test]
    fn what_is_no_long_list_stays() {
        let list = many(|_| "?".into(), 0);
        let texts = vec![Value::from("a"); LONG];
        assert!(shorten(&format!("INSERT INTO t (a) VALUES ({list})"), &texts, false).is_none());
        assert!(shorten(&format!("a IN (1, {list})"), &texts, false).is_none());
        assert!(shorten(&format!("a IN ({list}, 1)"), &texts, false).is_none());
        let mixed: Vec<_> =
            values().into_iter().take(LONG).rev().chain([Value::from(1_i64)]).collect();
        let list = format!("a IN ({list}, ?)");
        assert!(shorten(&list, &mixed, false).is_none());
    }
}
