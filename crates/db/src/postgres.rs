//! What PostgreSQL needs beside the migrations, so that the same statements mean and cost the same as on SQLite.

use sqlx::PgPool;

use crate::Result;

/// Texts are compared and ordered byte by byte, whatever the database was made for: then a plain index gives the
/// order of a list. Held to after each migration, since a new column comes with the database's own collation.
/// A change costs its indexes, not the rows.
const BYTE_ORDER: &str = r#"
DO $$
DECLARE alteration text;
BEGIN
  FOR alteration IN
    SELECT format('ALTER TABLE %I %s', c.relname,
             string_agg(format('ALTER COLUMN %I TYPE text COLLATE "C"', a.attname), ', '))
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid = 'text'::regtype AND a.attcollation <> '"C"'::regcollation
      AND c.relname <> '_sqlx_migrations'
    GROUP BY c.relname
  LOOP
    EXECUTE alteration;
  END LOOP;
END $$"#;

/// Parts of names are found by their trigrams, where the extension is there or can be made; a search looks at each
/// name otherwise. What was written lately stands in the index itself and not in a list before it, because of which
/// searches would rather look at each name.
const PARTS_OF_NAMES: &str = "
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX IF NOT EXISTS workspaces_name_parts ON workspaces
    USING gin (lower(name) gin_trgm_ops) WITH (fastupdate = off);
  IF NOT EXISTS (
    SELECT FROM pg_class WHERE oid = 'workspaces_name_parts'::regclass AND 'fastupdate=off' = ANY (reloptions)
  ) THEN
    ALTER INDEX workspaces_name_parts SET (fastupdate = off);
    PERFORM gin_clean_pending_list('workspaces_name_parts'::regclass);
  END IF;
EXCEPTION
  WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN NULL;
END $$";

/// Whatever has no current run comes last in both orders, which takes two indexes: SQLite reads one for both.
const NEWEST_RUNS: &str = "
CREATE INDEX IF NOT EXISTS workspaces_newest_run
ON workspaces (organization_name, current_run_created_at DESC NULLS LAST, id DESC)";

/// Numbers of events. They are given in another order than transactions end, so that nobody waits for anybody. For those
/// who read them in order, a transaction holds, from before its first number until its end, a lock that is named for
/// the last number before (`events.rs`): shared, so that it is never waited for, and below zero, where nobody else's
/// are.
const EVENT_NUMBERS: &str = "
CREATE SEQUENCE IF NOT EXISTS event_numbers;
CREATE OR REPLACE FUNCTION next_event_number() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  used bigint;
BEGIN
  IF current_setting('statehouse.writes_events', true) IS DISTINCT FROM 'yes' THEN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO used FROM event_numbers;
    PERFORM pg_advisory_xact_lock_shared(-1 - used);
    -- Until the transaction ends.
    PERFORM set_config('statehouse.writes_events', 'yes', true);
  END IF;
  RETURN nextval('event_numbers');
END $$;
-- Events that came by another way, as out of a backup, have used theirs.
SELECT setval('event_numbers', used)
FROM (SELECT MAX(number) AS used FROM events) AS known, event_numbers
WHERE used > CASE WHEN is_called THEN last_value ELSE 0 END";

/// Only one of several servers that start at once alters tables; the others wait and find it done.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8315164617331)";

/// Brings the schema that the migrations have made to where statements expect it. Harmless when repeated.
pub(crate) async fn settle(pool: &PgPool) -> Result<()> {
    let mut transaction = pool.begin().await?;
    for statement in [LOCK, BYTE_ORDER, PARTS_OF_NAMES, NEWEST_RUNS, EVENT_NUMBERS] {
        sqlx::raw_sql(statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
