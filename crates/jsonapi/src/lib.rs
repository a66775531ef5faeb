//! JSON:API as the HCP Terraform API speaks it: documents, includes, queries, bodies, errors.
//!
//! Answers are built from a [`Resource`] into a [`Document`]; requests arrive as [`Query`],
//! [`Body`], [`Plain`] and [`Identifiers`]. Nothing here knows what a workspace is.

mod body;
mod document;
mod error;
mod field;
mod files;
mod identifier;
mod include;
mod items;
mod lenient;
mod limits;
mod message;
mod parameters;
mod plain;
mod query;
mod resource;
mod spelling;
mod texts;
mod unsupported;

pub use body::{Body, NoRelationships, Typed};
pub use document::{Accepted, Document, Empty};
pub use error::{Error, Errors};
pub use field::{Field, Slot, id};
pub use files::{Broken, File, Upload};
pub use identifier::{Identifier, Identifiers, Target, ToMany, ToOne};
pub use include::{Includes, Loading};
pub use items::Items;
pub use limits::Limits;
pub use message::Message;
pub use plain::Plain;
pub use query::{BaseUrl, Page, Query, SortKey};
pub use resource::{Linkage, Links, Object, Relationships, Resource};
pub use texts::{prose, verbatim};
pub use unsupported::Unsupported;

/// The media type of every document, in both directions.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";
