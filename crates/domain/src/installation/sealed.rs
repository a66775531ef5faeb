//! Every column that holds sealed text, for whoever has to look at all of them.

use db::{
    Db,
    sea_orm::{ConnectionTrait, Statement},
};

use crate::Result;

/// A column whose values are sealed under the row's id.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// `table.column`, which is what a value is sealed for.
    pub purpose: &'static str,
    /// The column with the ids.
    id: &'static str,
    /// Which rows have a sealed value, besides that it is not null.
    rows: &'static str,
}

const fn all_of(purpose: &'static str) -> Column {
    Column { purpose, id: "id", rows: "" }
}

/// All of them; `every_sealed_value_is_in_a_known_column` holds the list to it.
pub const COLUMNS: [Column; 26] = [
    Column { purpose: "variables.value", id: "id", rows: "AND is_sealed" },
    Column { purpose: "site_settings.value", id: "name", rows: "AND value LIKE 'v1.%'" },
    all_of("state_version_outputs.value"),
    all_of("runs.variables"),
    Column { purpose: "run_circumstances.content", id: "run_id", rows: "" },
    all_of("ssh_keys.value"),
    all_of("notification_configurations.url"),
    all_of("notification_configurations.token"),
    all_of("notification_deliveries.url"),
    all_of("policy_set_parameters.value"),
    all_of("policy_set_outcomes.outcomes"),
    all_of("policy_checks.said"),
    all_of("repositories.webhook_secret"),
    all_of("oauth_clients.secret"),
    all_of("oauth_tokens.access_token"),
    all_of("oauth_tokens.refresh_token"),
    all_of("oauth_tokens.ssh_key"),
    all_of("run_tasks.hmac_key"),
    all_of("task_results.hmac_key"),
    all_of("task_results.token"),
    Column { purpose: "task_result_bodies.content", id: "outcome_id", rows: "" },
    all_of("policy_replays.draft"),
    all_of("policy_replay_results.said"),
    all_of("assessment_results.findings"),
    Column { purpose: "identity_keys.private_key", id: "kid", rows: "" },
    Column { purpose: "second_factors.secret", id: "user_id", rows: "" },
];

/// One sealed value.
#[derive(Debug)]
pub struct Value {
    pub id: String,
    pub sealed: String,
}

impl Column {
    fn parts(self) -> (&'static str, &'static str) {
        self.purpose.split_once('.').expect("a purpose is table.column")
    }

    /// Values by the ids of their rows, from behind `after` on. None of a column that is not there yet: data are looked at
    /// before they are migrated.
    pub async fn values(self, db: &Db, after: &str, limit: u64) -> Result<Vec<Value>> {
        let (table, column) = self.parts();
        if !db.has_column(table, column).await? {
            return Ok(Vec::new());
        }
        let Self { id, rows, .. } = self;
        let sql = format!(
            "SELECT {id} AS id, {column} AS sealed FROM {table} \
             WHERE {id} > $1 AND {column} IS NOT NULL {rows} ORDER BY {id} LIMIT {limit}"
        );
        let connection = db.read();
        let backend = connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [after.into()]);
        let rows = connection.query_all_raw(statement).await?;
        let value = |row: &db::sea_orm::QueryResult| {
            Ok(Value { id: row.try_get("", "id")?, sealed: row.try_get("", "sealed")? })
        };
        rows.iter().map(value).collect()
    }
}
