//! Whether the database keeps what it is given.

use sea_orm::{ConnectionTrait, Statement};

use crate::{Db, Error, Result};

const COUNT: &str = "INSERT INTO health_checks (id, writes) VALUES ('all', 1) \
                     ON CONFLICT (id) DO UPDATE SET writes = health_checks.writes + 1";
const COUNTED: &str = "SELECT writes FROM health_checks WHERE id = 'all'";

impl Db {
    /// Writes, commits, and reads it back on a connection that had no part in the writing.
    pub async fn check(&self) -> Result<()> {
        let tx = self.write().await?;
        tx.execute_unprepared(COUNT).await?;
        let written = counted(&*tx).await?;
        tx.commit().await?;
        // Others check as well, so that there may be more.
        let kept = counted(self.read()).await?;
        if kept < written {
            return Err(Error::Lost);
        }
        Ok(())
    }
}

async fn counted(connection: &impl ConnectionTrait) -> Result<i64> {
    let statement = Statement::from_string(connection.get_database_backend(), COUNTED);
    let row = connection.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "writes")).transpose()?.unwrap_or_default())
}
