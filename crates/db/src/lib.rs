//! The database: entities, transactions, and whatever differs between SQLite and PostgreSQL. No rules here.

mod column;
mod connect;
mod connection;
pub mod dump;
pub mod entity;
mod error;
mod events;
mod health;
mod hints;
pub mod id;
mod load;
mod page;
mod pool;
mod postgres;
mod presence;
mod read;
pub mod rights;
mod schema;
mod settings;
mod transaction;
mod wait;
mod write;

pub use column::{Json, JsonText, StatusTimestamps, Timestamp};
pub use connect::{Db, Migration};
pub use dump::Snapshot;
pub use error::{Error, Result};
pub use hints::Hints;
pub use load::Loading;
pub use page::{Order, Page, Paging, contains, page};
pub use pool::PoolFigures;
pub use read::{Reads, RightsReads};
pub use schema::Schema;
pub use sea_orm;
pub use settings::{Limits, Settings};
pub use transaction::Transaction;
pub use write::{Locked, Write, insert_many};
