//! Versions of the engines that workspaces may use, and of the tools that evaluate policies.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use crate::{Json, Timestamp, column::words, id::ToolVersionId};

words! {
    /// What carries out runs. Terraform comes first where a number alone is named.
    Engine { Terraform = "terraform", Tofu = "tofu" }
}

impl Engine {
    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::Tofu => "OpenTofu",
        }
    }
}

impl From<Engine> for Kind {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Terraform => Self::Terraform,
            Engine::Tofu => Self::Tofu,
        }
    }
}

impl Kind {
    /// The engine that it is, if it is one.
    pub fn engine(self) -> Option<Engine> {
        match self {
            Self::Terraform => Some(Engine::Terraform),
            Self::Tofu => Some(Engine::Tofu),
            Self::Opa | Self::Sentinel => None,
        }
    }
}

words! {
    Kind { Terraform = "terraform", Tofu = "tofu", Opa = "opa", Sentinel = "sentinel" }
}

/// Where the archive for one platform is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    pub url: String,
    pub sha: String,
    /// In the words of the engines' own releases: `linux`, `amd64`.
    pub os: String,
    pub arch: String,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ToolVersionId,
    pub kind: Kind,
    pub version: String,
    /// Absent where agents have the binary themselves, and where the tool is part of the server.
    pub url: Option<String>,
    /// Hex SHA-256 of the archive behind the address.
    pub sha: Option<String>,
    pub official: bool,
    pub enabled: bool,
    pub beta: bool,
    pub deprecated: bool,
    pub deprecated_reason: Option<String>,
    pub created_at: Timestamp,
    pub archs: Json<Vec<Archive>>,
    /// Known from the built-in list of official releases alone, and not yet enabled: it can be used by nobody.
    pub dormant: bool,
}

super::standalone!();
