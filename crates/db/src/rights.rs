//! When the rights of callers may have changed: a number that goes up in the transaction of whoever writes a table
//! that rights are read from.
//!
//! It goes by what the statements of a transaction say, so that no verb can forget it: all writing passes here.

use sea_orm::{
    ActiveValue, EntityName, EntityTrait as _,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};

use crate::{
    Result, Transaction,
    entity::{
        agent_pool, cidr_range, cidr_range_list, cidr_range_list_agent_pool, epoch, organization,
        organization_membership, site_setting, team, team_membership, team_project, team_workspace,
        token, token_ttl_policy, user,
    },
};

/// The name of the number.
pub(crate) const EPOCH: &str = "rights";

/// Rows that somebody's rights are found by, and those whose end ends others of them. Of a workspace or project that
/// is gone nobody asks for rights.
const TABLES: [&dyn Table; 14] = [
    &agent_pool::Entity,
    &cidr_range::Entity,
    &cidr_range_list::Entity,
    &cidr_range_list_agent_pool::Entity,
    &organization::Entity,
    &organization_membership::Entity,
    &site_setting::Entity,
    &team::Entity,
    &team_membership::Entity,
    &team_project::Entity,
    &team_workspace::Entity,
    &token::Entity,
    &token_ttl_policy::Entity,
    &user::Entity,
];

/// Columns that say nothing about rights, of rows that are written often.
const HARMLESS: [(&str, &str); 1] = [("tokens", "last_used_at")];

trait Table: Sync {
    fn name(&self) -> &str;
}

impl<E: EntityName + Sync> Table for E {
    fn name(&self) -> &str {
        self.table_name()
    }
}

/// The tables whose rows rights are found by.
pub fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name())
}

/// Whether a statement may change somebody's rights: every one does that is not known to do no such thing.
pub(crate) fn may_change(sql: &str) -> bool {
    let sql = sql.trim_start();
    if sql.starts_with("SELECT ") {
        return false;
    }
    let writes = ["INSERT INTO ", "UPDATE ", "DELETE FROM "];
    let Some(rest) = writes.iter().find_map(|verb| sql.strip_prefix(verb)) else { return true };
    let Some(table) = rest.split([' ', '(']).next().map(|name| name.trim_matches('"')) else {
        return true;
    };
    // A second statement behind it may be anything.
    if sql.trim_end().trim_end_matches(';').contains(';') {
        return true;
    }
    tables().any(|name| name == table) && !HARMLESS.iter().any(|harmless| sets_only(rest, harmless))
}

fn sets_only(update: &str, (table, column): &(&str, &str)) -> bool {
    let start = format!("\"{table}\" SET \"{column}\" = ");
    update.strip_prefix(&start).is_some_and(|rest| {
        let (value, _) = rest.split_once(" WHERE ").unwrap_or((rest, ""));
        !value.contains([',', '='])
    })
}

/// A table that a statement reads and whose changes do not count.
pub(crate) fn unwatched_table(sql: &str) -> Option<&str> {
    let read = sql.match_indices(" FROM ").chain(sql.match_indices(" JOIN "));
    let mut names = read.filter_map(|(at, word)| {
        let name = sql[at + word.len()..].trim_start().split([' ', ')', ',']).next()?;
        Some(name.trim_matches('"')).filter(|name| !name.starts_with('('))
    });
    names.find(|name| !tables().any(|table| table == *name))
}

/// Raises the number, which others see when the transaction is committed.
pub(crate) async fn raise(transaction: &Transaction) -> Result<()> {
    let next = Expr::col((epoch::Entity, epoch::Column::Number)).add(1);
    let row = epoch::ActiveModel {
        name: ActiveValue::Set(EPOCH.to_owned()),
        number: ActiveValue::Set(1),
    };
    let once_more =
        OnConflict::column(epoch::Column::Name).value(epoch::Column::Number, next).to_owned();
    epoch::Entity::insert(row).on_conflict(once_more).exec_without_returning(transaction).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_table_of_rights_counts() {
        for table in tables() {
            for sql in [
                format!("INSERT INTO \"{table}\" (\"id\") VALUES (?)"),
                format!("INSERT INTO {table}(id) VALUES (1)"),
                format!("UPDATE \"{table}\" SET \"x\" = ? WHERE \"id\" = ?"),
                format!("UPDATE {table} SET x = 1"),
                format!("  DELETE FROM \"{table}\" WHERE \"id\" = ?"),
                format!("DELETE FROM {table}"),
            ] {
                assert!(may_change(&sql), "{sql}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_counts() {
        for sql in [
            "WITH gone AS (DELETE FROM tokens RETURNING id) SELECT id FROM gone",
            "MERGE INTO tokens USING x ON true WHEN MATCHED THEN DELETE",
            "DELETE FROM \"runs\" WHERE id = 1; DELETE FROM tokens",
            "TRUNCATE tokens",
            "replace into tokens values (1)",
            "update tokens set kind = 'user'",
            "",
        ] {
            assert!(may_change(sql), "{sql}");
        }
    }

    #[test]
    fn what_is_kept_is_read_from_tables_whose_changes_count() {
        let joined = "SELECT * FROM \"teams\" LEFT JOIN \"workspaces\" ON 1 = 1";
        assert_eq!(unwatched_table(joined), Some("workspaces"));
        let inner = "SELECT * FROM \"teams\" WHERE \"id\" IN (SELECT \"x\" FROM \"runs\")";
        assert_eq!(unwatched_table(inner), Some("runs"));
        assert_eq!(unwatched_table("SELECT * FROM (SELECT 1 FROM \"users\") AS x"), None);
    }

    #[test]
    fn what_has_nothing_to_do_with_rights_does_not_count() {
        for sql in [
            "SELECT * FROM \"tokens\"",
            "INSERT INTO \"runs\" (\"id\") VALUES (?)",
            "UPDATE \"workspaces\" SET \"locked\" = ? WHERE \"id\" = ?",
            "UPDATE \"tokens\" SET \"last_used_at\" = $1 WHERE \"tokens\".\"id\" = $2",
            "DELETE FROM \"jobs\" WHERE \"id\" = ?;",
        ] {
            assert!(!may_change(sql), "{sql}");
        }
        for sql in [
            "UPDATE \"tokens\" SET \"last_used_at\" = $1, \"kind\" = $2 WHERE \"id\" = $3",
            "UPDATE \"tokens\" SET \"kind\" = $1 WHERE \"last_used_at\" = $2",
        ] {
            assert!(may_change(sql), "{sql}");
        }
    }
}
