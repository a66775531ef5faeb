//! What lies in the database, past all rules.

use db::{
    Json,
    entity::{
        event::{self, Happened},
        run, task, workspace,
    },
    id::{ApplyId, EventId, PlanId, RunId, WorkspaceId},
    sea_orm::{
        ActiveValue::{NotSet, Set},
        ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement,
    },
};
use object_store::ObjectStoreExt;

use crate::Server;

impl Server {
    /// Changes rows in a way that no verb of the domain does.
    pub async fn execute(&self, sql: &str) {
        let tx = self.db.write().await.expect("the database can be written");
        let statement = Statement::from_string(tx.get_database_backend(), sql);
        tx.execute_raw(statement).await.expect("a test knows the tables");
        tx.commit().await.expect("the database can be written");
    }

    /// A transaction that has told of a run and is not over yet.
    pub async fn telling(
        &self,
        action: Happened,
        workspace: &workspace::Model,
        run: &str,
    ) -> db::Write {
        let tx = self.db.write().await.expect("the database can be written");
        self.tell(&tx, action, workspace, run).await;
        tx
    }

    /// Writes down that something happened to a run.
    pub async fn tell(
        &self,
        tx: &db::Write,
        action: Happened,
        workspace: &workspace::Model,
        run: &str,
    ) {
        let event = event::ActiveModel {
            id: Set(EventId::fresh()),
            number: NotSet,
            at: Set(self.app.now()),
            action: Set(action),
            actor_kind: Set("system".into()),
            actor_id: Set(Some("test".into())),
            impersonator_id: Set(None),
            token_id: Set(None),
            address: Set(None),
            request_id: Set(None),
            organization_name: Set(Some(workspace.organization_name.clone())),
            workspace_id: Set(Some(workspace.id.clone())),
            run_id: Set(Some(run.parse().expect("the id of a run"))),
            resource_type: Set("runs".into()),
            resource_id: Set(run.to_owned()),
            detail: Set(Json(serde_json::json!({}))),
        };
        tx.tell(event).await.expect("the database can be written");
    }

    /// The words that a query finds.
    pub async fn words(&self, sql: &str) -> Vec<String> {
        let connection = self.db.read();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.expect("a test knows the tables");
        rows.iter().map(|row| row.try_get_by_index(0).expect("text")).collect()
    }

    /// What is left for later, of one kind.
    pub async fn tasks(&self, kind: &str) -> Vec<serde_json::Value> {
        let found = task::Entity::find().filter(task::Column::Kind.eq(kind));
        let found = found.all(self.db.read()).await.expect("readable");
        found.into_iter().map(|task| task.payload.0).collect()
    }

    /// Copies of a run, each in a copy of its workspace, as if that many people had made them a millisecond after each
    /// other.
    pub async fn multiply(&self, run: &str, times: usize) -> Vec<String> {
        let run: RunId = run.parse().expect("the id of a run");
        let read = self.db.read();
        let run = run::Entity::find_by_id(run).one(read).await.expect("readable").expect("there");
        let place = workspace::Entity::find_by_id(run.workspace_id.clone()).one(read).await;
        let place = place.expect("readable").expect("there");
        let (mut places, mut runs) = (Vec::new(), Vec::new());
        for number in 1..=times {
            let id = WorkspaceId::fresh();
            let created_at = db::Timestamp(run.created_at.0 + i64::try_from(number).expect("few"));
            runs.push(run::Model {
                id: RunId::fresh(),
                workspace_id: id.clone(),
                plan_id: PlanId::fresh(),
                apply_id: ApplyId::fresh(),
                created_at,
                ..run.clone()
            });
            places.push(workspace::Model {
                id,
                name: format!("{}-{number}", place.name),
                ..place.clone()
            });
        }
        let ids = runs.iter().map(|run| run.id.to_string()).collect();
        let tx = self.db.write().await.expect("the database can be written");
        db::insert_many::<_, workspace::ActiveModel>(&tx, places).await.expect("workspaces fit");
        db::insert_many::<_, run::ActiveModel>(&tx, runs).await.expect("runs fit");
        tx.commit().await.expect("the database can be written");
        ids
    }

    /// How the database means to read something.
    pub async fn explain(&self, statement: &Statement) -> String {
        let connection = self.db.read();
        let how = if self.db.is_postgres() { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
        let explained = Statement { sql: format!("{how} {}", statement.sql), ..statement.clone() };
        let rows = connection.query_all_raw(explained).await.expect("it can be explained");
        let column = if self.db.is_postgres() { "QUERY PLAN" } else { "detail" };
        let lines = rows.iter().map(|row| row.try_get::<String>("", column).expect("a line"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// An installation that nobody has an account in.
    pub async fn forget_people(&self) {
        self.execute("DELETE FROM users").await;
    }

    /// Every text in every table, to see that a secret is not among them.
    pub async fn everything(&self) -> String {
        let connection = self.db.read();
        let backend = connection.get_database_backend();
        let mut all = String::new();
        let tables = self.row_counts().await.into_keys();
        // The migrator keeps checksums there, which are no text.
        for table in tables.filter(|name| !name.starts_with("_sqlx")) {
            // Its name in a row's place is the whole row as text, on PostgreSQL.
            let sql = if self.db.is_postgres() {
                format!("SELECT '{table}' AS name, t::text AS content FROM {table} t")
            } else {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = connection
                    .query_all_raw(Statement::from_string(backend, columns))
                    .await
                    .expect("the catalogue is readable");
                let columns: Vec<String> = columns
                    .iter()
                    .map(|row| row.try_get::<String>("", "name").expect("a name"))
                    .map(|name| format!("coalesce(CAST(\"{name}\" AS TEXT), '')"))
                    .collect();
                format!("SELECT {} AS content FROM {table}", columns.join(" || ' ' || "))
            };
            let rows = connection
                .query_all_raw(Statement::from_string(backend, sql))
                .await
                .expect("a table is readable");
            for row in rows {
                all.push_str(&row.try_get::<String>("", "content").expect("text"));
                all.push('\n');
            }
        }
        all
    }

    /// Whether the data of a version is in the blob store.
    pub async fn has_blob(&self, kind: blobs::Kind, id: &str) -> bool {
        let name = blobs::Name::new(kind, id).expect("an id makes a name");
        self.app.blobs().get_stream(&name).await.is_ok()
    }

    /// How many blobs of a kind there are, whoever names them.
    pub async fn count_blobs(&self, kind: blobs::Kind) -> usize {
        let all = self.app.blobs().older_than(kind, std::time::Duration::ZERO).await;
        all.expect("the blobs are listed").len()
    }

    /// Something in the blob store that no row names.
    pub async fn put_blob(&self, kind: blobs::Kind, id: &str) {
        let name = blobs::Name::new(kind, id).expect("an id makes a name");
        self.app.blobs().put(&name, "content".into()).await.expect("a blob is stored");
    }

    /// Changes the last stored byte of a blob.
    pub async fn damage_blob(&self, kind: blobs::Kind, id: &str) {
        let name = blobs::Name::new(kind, id).expect("an id makes a name");
        let path = object_store::path::Path::from(name.as_str());
        let stored = self.store.get(&path).await.expect("the blob is there");
        let mut stored = stored.bytes().await.expect("the blob is there").to_vec();
        *stored.last_mut().expect("a blob is never empty") ^= 1;
        self.store.put(&path, stored.into()).await.expect("the store can be written");
    }

    /// Takes a blob away beneath its row.
    pub async fn lose_blob(&self, kind: blobs::Kind, id: &str) {
        let name = blobs::Name::new(kind, id).expect("an id makes a name");
        let path = object_store::path::Path::from(name.as_str());
        self.store.delete(&path).await.expect("the store can be written");
    }

    /// Takes a log away beneath its phase.
    pub async fn lose_log(&self, phase: &str) {
        let log = blobs::LogId::new(phase).expect("an id makes a name");
        for part in self.app.blobs().parts_of(&log).await.expect("the store can be read") {
            let path = object_store::path::Path::from(part.as_str());
            self.store.delete(&path).await.expect("the store can be written");
        }
    }
}
