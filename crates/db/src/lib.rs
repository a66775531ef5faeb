//! The database: entities, transactions, and whatever differs between SQLite and PostgreSQL. No rules here.

mod column;
mod connect;
pub mod entity;
mod error;
pub mod id;
mod page;
mod postgres;
mod transaction;

pub use column::{Json, JsonText, StatusTimestamps, Timestamp};
pub use connect::{Db, Migration, Settings};
pub use error::{Error, Result};
pub use page::{Order, Page, Paging, contains, order_by_text, page};
pub use sea_orm;
pub use transaction::{Locked, Write, insert_many};
