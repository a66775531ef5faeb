//! How large the database has become.

use sea_orm::{ConnectionTrait, Statement};

use crate::{Db, Result};

const SQLITE: &str =
    "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
const POSTGRES: &str = "SELECT pg_database_size(current_database()) AS bytes";

impl Db {
    /// Bytes, indexes included; without SQLite's log of what was written last.
    pub async fn size(&self) -> Result<u64> {
        let query = if self.is_postgres() { POSTGRES } else { SQLITE };
        let connection = self.read();
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let row = connection.query_one_raw(statement).await?;
        let bytes: Option<i64> = row.map(|row| row.try_get("", "bytes")).transpose()?;
        Ok(bytes.unwrap_or_default().unsigned_abs())
    }
}
